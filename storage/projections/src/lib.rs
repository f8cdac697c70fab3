//! Projections of the log, and the repositories that read them.

mod damage;
mod key_ring;
mod mutant;
mod page;

pub mod api_keys;
pub mod catalogue;
pub mod entry;
pub mod entry_devices;
pub mod follower_cursors;
pub mod installation;
pub mod nodes;
pub mod orders;
pub mod quarantine;
pub mod receipts;
pub mod reconciliation;
pub mod ticket_designs;
pub mod ticket_keys;
pub mod waitlist;
pub mod webhooks;

pub use damage::unreadable_record;
pub use key_ring::{KEYS_MAX, ROTATION_MS_MIN};

#[cfg(feature = "mutants")]
#[doc(hidden)]
pub use mutant::Mutant;
