//! Log and Table: the store's two traits, its keys, its memory implementation and its conformance suite.

mod error;
mod log;
mod table;

pub use error::StoreError;
pub use log::{AppendOutcome, Batch, Log, LogRecord};
pub use table::{CommitOutcome, Row, Table, Transaction};

/// Largest key, in bytes (FoundationDB's limit; aim below 32).
pub const KEY_BYTES_MAX: usize = 10_000;
/// Largest value, in bytes (FoundationDB's limit).
pub const VALUE_BYTES_MAX: usize = 100_000;
/// Longer values are cut into chunks of this size, in bytes.
pub const CHUNK_BYTES: usize = 90_000;
/// Largest transaction, in bytes (FoundationDB's limit; aim below 1 MB).
pub const TRANSACTION_BYTES_MAX: usize = 10_000_000;
