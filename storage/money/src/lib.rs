//! Money as it is stored: payments and their refunds, what providers told by webhooks, how buyers are reached, the ledger, what is agreed with
//! organizers and paid out to them. One repository per aggregate; what is decided about them is decided by `tessera-payments` and `tessera-ledger`.
//!
//! Beside the rows stands what turns a log into them and asks it about them ([`following`], [`asking`], [`refunding`]), without threads, clocks and
//! messages: the actors drive it, and so does the deterministic world.

mod hash;
mod lane;
mod mutant;
mod read;

pub mod asking;
pub mod contacts;
pub mod following;
pub mod ledger;
pub mod payments;
pub mod payouts;
pub mod provider_events;
pub mod refund_runs;
pub mod refunding;
pub mod terms;

pub use lane::{LANES, Lane};
#[cfg(feature = "mutants")]
#[doc(hidden)]
pub use mutant::Mutant;
