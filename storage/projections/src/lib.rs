//! Projections of the log, and the repositories that read them.

mod damage;
mod mutant;
mod page;

pub mod api_keys;
pub mod catalogue;
pub mod follower_cursors;
pub mod installation;
pub mod nodes;
pub mod orders;
pub mod quarantine;
pub mod receipts;
pub mod reconciliation;
pub mod webhooks;

#[cfg(feature = "mutants")]
#[doc(hidden)]
pub use mutant::Mutant;
