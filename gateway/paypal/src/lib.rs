//! PayPal as a payment provider: an order with the intent to authorise, which the buyer approves at PayPal's page; then we authorise, and capture
//! what is authorised (Orders v2, Payments v2). Answers are read for the few fields that matter.
//!
//! A webhook is signed with a certificate of PayPal's; whether it is genuine PayPal is asked. The reasons are in `docs/adr/0016-payments.md`.

mod calls;
mod events;
mod facts;
mod genuine;
mod http;
mod money;
mod objects;
mod provider;

pub use provider::{PayPal, PayPalOptions, URL};
