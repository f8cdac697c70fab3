//! The embedded store: a segment journal of our own under the log, fjall under the tables.
//!
//! [`EmbeddedStore`] is [`tessera_store::Log`] and [`tessera_store::Table`] in one directory of one machine. What
//! stands there, and what to do about each error, is in `docs/operations/embedded-store.md`; why the journal is our
//! own, in `docs/adr/0003-segment-journal.md`.
//!
//! Threads: one *committer* merges the appends of all events into synced batches; one *housekeeper* prepares segments
//! ahead, moves the index of full ones to the tables and archives trimmed ones; one *anchor* thread each syncs the
//! anchors of journal and tables; one *table committer*; a few *readers*. No thread of an executor ever waits for the disk.

mod anchor;
mod committer;
mod frame;
mod fronts;
mod housekeeper;
mod inbox;
mod index;
mod locate;
mod mutant;
mod options;
mod readers;
mod reading;
mod recovery;
mod scan;
mod sealed;
mod shared;
mod store;
mod table;
mod table_journals;

pub mod disk;
pub mod salvage;

#[cfg(feature = "mutants")]
#[doc(hidden)]
pub use mutant::Mutant;
#[doc(hidden)]
pub use mutant::Mutation;
pub use options::Options;
pub use reading::Verified;
pub use store::EmbeddedStore;
