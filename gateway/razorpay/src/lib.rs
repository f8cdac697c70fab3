//! Razorpay as a payment provider. A front-end of one's own pays an *order* with Razorpay's checkout, and we capture; or the buyer pays at the page
//! of a *payment link*, which Razorpay captures by itself, so that the capture is a fact that comes before the sale.
//!
//! Creation is repeatable by looking first: an order by its receipt, a link by its reference id. An authorisation cannot be let go: what is not
//! captured within [`CAPTURE_MINUTES`] goes back to the buyer by itself. The reasons are in `docs/adr/0016-payments.md`.

mod calls;
mod events;
mod facts;
mod http;
mod names;
mod objects;
mod provider;
mod signature;

pub use calls::CAPTURE_MINUTES;
pub use provider::{Razorpay, RazorpayOptions, URL};
