//! `Log`: the durable, fenced, hash-chained log of each event.

use std::sync::Arc;

use futures::future::BoxFuture;
use tessera_inventory::{Epoch, EventId, Sequence};
use tessera_writer::{Chain, Head};

use crate::{CHUNK_BYTES, StoreError, TRANSACTION_BYTES_MAX, set_bytes};

/// Largest record, in bytes: what one transaction of FoundationDB takes, with room for its keys. Writers aim for a tenth of it.
pub const LOG_RECORD_BYTES_MAX: usize = 9_000_000;

/// Rows of an append besides the chunks of its record: the head, the list of events, the feed across them, and the last chunk.
const OTHER_ROWS: usize = 4;
/// More than the key of any of them has, or its value besides the record, in bytes.
const ROW_BYTES_MAX: usize = 100;

const _: () = {
    let rows = LOG_RECORD_BYTES_MAX / CHUNK_BYTES + OTHER_ROWS;
    assert!(LOG_RECORD_BYTES_MAX + rows * set_bytes(ROW_BYTES_MAX, ROW_BYTES_MAX) < TRANSACTION_BYTES_MAX);
};

/// What one append writes, decided once: a resubmission carries the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The head after the append.
    pub next: Head,
    /// The packed log record with the events after `expected.sequence` up to `next.sequence`.
    /// Empty when the append moves only the head (activation, hand-over).
    pub record: Arc<[u8]>,
}

/// What became of an append. There is no other outcome: a store that is merely slow does not answer yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// Durable (synced) and visible to every later read.
    Committed,
    /// `head` was not the expected value; nothing was written. `found` is what stood there.
    Fenced {
        /// The head that the store holds.
        found: Head,
    },
    /// It may or may not be there, or may still land. Resubmit the same bytes against the same `expected`.
    Unknown {
        /// For the operator.
        reason: String,
    },
    /// What is stored about this event is not what was written, or needs a newer reader; or the record is larger than
    /// [`LOG_RECORD_BYTES_MAX`], which no writer makes. Nothing was written, and nothing can be: stop serving this event; the others go on.
    Damaged {
        /// For the operator.
        reason: String,
    },
    /// The store will never answer again (failed sync, poisoned journal). Acknowledge nothing more; end the process.
    Fatal {
        /// For the operator.
        reason: String,
    },
}

impl AppendOutcome {
    /// The refusal of a record that no store takes; `None` for any other.
    #[must_use]
    pub fn too_large(batch: &Batch) -> Option<AppendOutcome> {
        let bytes = batch.record.len();
        let reason = || format!("a record of {bytes} bytes; the limit is {LOG_RECORD_BYTES_MAX}");
        (bytes > LOG_RECORD_BYTES_MAX).then(|| AppendOutcome::Damaged { reason: reason() })
    }
}

/// One record as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Sequence of the first event in it.
    pub first_sequence: Sequence,
    /// Sequence of the last event in it.
    pub last_sequence: Sequence,
    /// Epoch of the writer that appended it.
    pub epoch: Epoch,
    /// The chain after this record; a reader checks it with [`Chain::extend`].
    pub chain: Chain,
    /// The bytes that the writer gave.
    pub bytes: Arc<[u8]>,
}

/// The log of every event of an installation.
///
/// Invariants, checked by the conformance suite: an append is atomic; of two appends with the same `expected`
/// at most one is committed, even when one synced batch carries both; a committed append survives power loss; records of an event are read in order, gap-free, each once.
pub trait Log: Send + Sync + 'static {
    /// Compare `head` with `expected` and, if equal, write `batch.next` and `batch.record` in one durable step.
    /// An append whose `batch.next` is already the head is answered `Committed` (a resubmission that had landed).
    /// Dropping the future must not cancel the append.
    fn append(&self, event: EventId, expected: Head, batch: Batch) -> BoxFuture<'static, AppendOutcome>;

    /// The durable head now, at a fresh read version; [`Head::GENESIS`] where nothing was ever written.
    fn head(&self, event: EventId) -> BoxFuture<'static, Result<Head, StoreError>>;

    /// Records whose last sequence is greater than `after`, in order, whole, until about `limit_bytes` are
    /// reached (at least one where there is one). Archived records are read like any other.
    fn read(
        &self,
        event: EventId,
        after: Sequence,
        limit_bytes: usize,
    ) -> BoxFuture<'static, Result<Vec<LogRecord>, StoreError>>;

    /// Resolves with the reason once the store has failed for good, also while nobody asks anything of it; with `None` where it is closed
    /// before, or says so only in its answers. The future does not keep the store open.
    fn failed(&self) -> BoxFuture<'static, Option<String>> {
        Box::pin(std::future::ready(None))
    }

    /// A hint: resolves some time after the head of `event` has moved beyond `beyond`, or without a reason. It may never resolve: whoever
    /// waits for it polls, too, and polling is the truth.
    fn moved(&self, _event: EventId, _beyond: Sequence) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    /// Allow records up to `through` (covered by a snapshot) to move to the archive. Nothing is deleted, and reads go on
    /// to see them. Returns how far the log is trimmed.
    fn trim(&self, event: EventId, through: Sequence) -> BoxFuture<'static, Result<Sequence, StoreError>>;
}
