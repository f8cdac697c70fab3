//! The PDF of some tickets of an event, a page each.

use jiff::Timestamp;
use krilla::Document;
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::surface::Surface;

use crate::PaperError;
use crate::logo::Logo;
use crate::page::{self, PAGE_HEIGHT_PT, PAGE_WIDTH_PT};

/// What all tickets of a PDF say.
#[derive(Clone, Copy, Debug)]
pub struct Sheet<'a> {
    /// What the event is called.
    pub event: &'a str,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends, where that is known.
    pub ends_at: Option<Timestamp>,
    /// IANA time zone in which the times are shown.
    pub zone: &'a str,
    /// Where it is, where that is known.
    pub place: Option<&'a str>,
    /// The organizer's logo.
    pub logo: Option<&'a Logo>,
    /// What the organizer wants said besides; empty: nothing.
    pub note: &'a str,
}

/// A ticket.
#[derive(Clone, Copy)]
pub struct Ticket<'a> {
    /// The text of its QR.
    pub qr: &'a str,
    /// Its identifier.
    pub id: &'a str,
    /// What it is of.
    pub ticket_type: &'a str,
    /// Where one sits, where it has a seat.
    pub place: Option<Place<'a>>,
    /// What it cost, as text.
    pub price: &'a str,
    /// Which one of its order, from 1 on.
    pub number: usize,
    /// How many the order has.
    pub of: usize,
}

/// A seat, by its labels.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Of its section.
    pub section: &'a str,
    /// Of its row.
    pub row: &'a str,
    /// Its own, within the row.
    pub seat: &'a str,
}

/// The PDF of these tickets; the same bytes for the same tickets.
///
/// # Errors
/// [`PaperError`].
pub fn pdf(sheet: &Sheet<'_>, tickets: &[Ticket<'_>]) -> Result<Vec<u8>, PaperError> {
    let mut document = Document::new();
    for ticket in tickets {
        on_page(&mut document, |surface| page::draw(surface, sheet, ticket))?;
    }
    let metadata = Metadata::new().title(sheet.event.to_owned()).creator("Tessera".to_owned());
    document.set_metadata(metadata);
    document.finish().map_err(|error| PaperError::Pdf(format!("{error:?}")))
}

/// A PDF that shows nothing but a logo.
pub(crate) fn of_logo(logo: &Logo) -> Result<Vec<u8>, PaperError> {
    let mut document = Document::new();
    on_page(&mut document, |surface| page::draw_logo(surface, logo, 0.0, 0.0).map(|_| ()))?;
    document.finish().map_err(|error| PaperError::Pdf(format!("{error:?}")))
}

fn on_page(
    document: &mut Document,
    draw: impl FnOnce(&mut Surface<'_>) -> Result<(), PaperError>,
) -> Result<(), PaperError> {
    let settings = PageSettings::from_wh(PAGE_WIDTH_PT, PAGE_HEIGHT_PT).ok_or(PaperError::Picture)?;
    let mut page = document.start_page_with(settings);
    let mut surface = page.surface();
    let drawn = draw(&mut surface);
    surface.finish();
    page.finish();
    drawn
}
