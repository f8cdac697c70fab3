//! Errors of the store: the type tells whether to retry, stop or report.

/// Why the store did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot answer now (away, stalled, full); the same call may succeed later.
    #[error("the store is unavailable: {reason}; try again")]
    Unavailable {
        /// For the operator.
        reason: String,
    },
    /// A transaction took longer than the store keeps what it reads (FoundationDB: five seconds). Nothing was written: run it again from
    /// its beginning, as [`crate::transact`] does.
    #[error("a transaction took too long: {reason}; try again")]
    Outdated {
        /// For the operator.
        reason: String,
    },
    /// A write did not get through, but an attempt at it may have landed or may still land. Repeat the very same write; never
    /// say that it was not executed.
    #[error("a write may or may not have been carried out: {reason}")]
    OutcomeUnknown {
        /// For the operator.
        reason: String,
    },
    /// What is stored is not what was written. Nothing is served from it; see `tessera inspect` and `tessera repair`.
    #[error("stored data is damaged: {reason}")]
    Damaged {
        /// Where, and what was expected.
        reason: String,
    },
    /// Written by a newer release. Nothing was applied.
    #[error("stored data needs a reader of format {needed} or newer; this binary reads up to {supported}")]
    FormatTooNew {
        /// Minimum reader version in the data.
        needed: u16,
        /// What this binary reads.
        supported: u16,
    },
    /// Another process has the directory open. Two must never write it: end the other one, or choose another directory.
    #[error("the store at {directory} is open in another process")]
    Locked {
        /// The directory of the store.
        directory: String,
    },
    /// A key, value or transaction is over a named limit; a defect of the caller.
    #[error("{what} is {actual} bytes; the limit is {limit}")]
    TooLarge {
        /// What was measured.
        what: &'static str,
        /// Its size in bytes.
        actual: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The store failed for good. Acknowledge nothing more; end the process.
    #[error("the store has failed and the process must end: {reason}")]
    Fatal {
        /// For the operator.
        reason: String,
    },
}
