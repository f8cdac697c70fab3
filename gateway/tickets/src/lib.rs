//! What a buyer keeps of a ticket: its QR as a picture, the PDF of an order, the calendar file of an event. Pure functions of what they
//! are given: the same ticket gives the same bytes. `fonts/README.md` says which scripts are covered.

mod calendar;
mod logo;
mod page;
mod pdf;
mod qr;
mod text;
mod typesetter;

pub use calendar::{Appointment, calendar};
pub use logo::{LOGO_BYTES_MAX, LOGO_PIXELS_MAX, Logo, NotALogo};
pub use page::{PAGE_HEIGHT_PT, PAGE_WIDTH_PT};
pub use pdf::{Place, Sheet, Ticket, pdf};
pub use qr::Qr;

/// A picture or a document could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// The text of a QR is too long for any.
    #[error("the text fits no QR")]
    Qr,
    /// The page has no size, or a picture cannot be encoded.
    #[error("the picture cannot be encoded")]
    Picture,
    /// The document cannot be written.
    #[error("the PDF cannot be written: {0}")]
    Pdf(String),
}
