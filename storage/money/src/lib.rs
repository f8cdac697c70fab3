//! Money as it is stored: payments and their refunds, what providers told by webhooks, how buyers are reached, and the ledger. One repository
//! per aggregate; what is decided about them is decided by `tessera-payments` and `tessera-ledger`.

mod lane;
mod read;

pub mod contacts;
pub mod ledger;
pub mod payments;
pub mod provider_events;

pub use lane::{LANES, Lane};
