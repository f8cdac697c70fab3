//! Money as it is stored: payments and their refunds, what providers told by webhooks, how buyers are reached, the ledger, what is agreed with
//! organizers and paid out to them. One repository per aggregate; what is decided about them is decided by `tessera-payments` and `tessera-ledger`.

mod lane;
mod read;

pub mod contacts;
pub mod ledger;
pub mod payments;
pub mod payouts;
pub mod provider_events;
pub mod refund_runs;
pub mod terms;

pub use lane::{LANES, Lane};
