//! Log and Table: the store's two traits, its keys, its memory implementation and its conformance suite.

mod buffered;
mod error;
mod limits;
mod log;
mod mutant;
mod optimistic;
mod table;
mod transact;

pub mod conformance;
pub mod keys;
pub mod memory;
pub mod snapshot;

pub use buffered::{Begun, Buffered};
pub use error::StoreError;
pub use limits::{
    CHUNK_BYTES, KEY_BYTES_MAX, KEY_PREFIX_BYTES_MAX, TRANSACTION_BYTES_MAX, VALUE_BYTES_MAX, clear_bytes,
    clear_range_bytes, read_bytes, read_range_bytes, set_bytes,
};
pub use log::{AppendOutcome, Batch, LOG_RECORD_BYTES_MAX, Log, LogRecord};
#[cfg(feature = "mutants")]
#[doc(hidden)]
pub use mutant::Mutant;
pub use optimistic::{ConflictWindow, KeyRange, ReadSet, WriteSet};
pub use table::{CommitOutcome, Row, Table, Transaction};
pub use transact::{TRANSACTION_ATTEMPTS_MAX, transact};
