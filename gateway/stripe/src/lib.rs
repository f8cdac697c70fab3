//! Stripe as a payment provider. A buyer pays at the page of a Checkout Session, or in a front-end of one's own with a PaymentIntent; either way
//! the money is set aside and captured by us.
//!
//! Requests are made by the builders of `async-stripe`, sent by our own client, and answers are read for the few fields that matter: what is
//! missing is not known, and nothing else depends on it. The reasons are in `docs/adr/0016-payments.md`.

mod answer;
mod calls;
mod events;
mod facts;
mod money;
mod names;
mod objects;
mod provider;
mod requests;
mod signature;

pub use provider::{Stripe, StripeOptions, URL};
