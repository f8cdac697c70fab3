//! Log and Table: the store's two traits, its keys, its memory implementation and its conformance suite.

mod error;
mod log;
mod mutant;
mod optimistic;
mod table;
mod transact;

pub mod conformance;
pub mod keys;
pub mod memory;
pub mod snapshot;

pub use error::StoreError;
pub use log::{AppendOutcome, Batch, LOG_RECORD_BYTES_MAX, Log, LogRecord};
#[cfg(feature = "mutants")]
#[doc(hidden)]
pub use mutant::Mutant;
pub use optimistic::{ConflictWindow, KeyRange, ReadSet, WriteSet};
pub use table::{CommitOutcome, Row, Table, Transaction};
pub use transact::{TRANSACTION_ATTEMPTS_MAX, transact};

/// Room that every key leaves to the prefix of an installation that shares its FoundationDB with others, in bytes.
pub const KEY_PREFIX_BYTES_MAX: usize = 64;
/// Largest key, in bytes (FoundationDB's limit, less that prefix; aim below 32).
pub const KEY_BYTES_MAX: usize = 10_000 - KEY_PREFIX_BYTES_MAX;
/// Largest value, in bytes (FoundationDB's limit).
pub const VALUE_BYTES_MAX: usize = 100_000;
/// Longer values are cut into chunks of this size, in bytes.
pub const CHUNK_BYTES: usize = 90_000;
/// Largest transaction, in bytes (FoundationDB's limit; aim below 1 MB).
pub const TRANSACTION_BYTES_MAX: usize = 10_000_000;

const _: () = assert!(CHUNK_BYTES + keys::LOG_RECORD_HEADER_BYTES <= VALUE_BYTES_MAX);
