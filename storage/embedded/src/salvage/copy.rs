//! Filling a new log with records that there were before, the same bytes.

use futures::future::{BoxFuture, join_all};
use tessera_inventory::EventId;
use tessera_store::{AppendOutcome, Batch, Log, StoreError};
use tessera_writer::Head;

/// Appends under way at once.
const COPIES_WAITING_MAX: usize = 1_000;
/// Bytes under way at once.
const COPY_BYTES_MAX: usize = 4 << 20;

/// Appends on their way into a log that has none of these events. Nothing is known to be there before [`LogCopy::finish`].
pub struct LogCopy<'a, L> {
    log: &'a L,
    waiting: Vec<BoxFuture<'static, AppendOutcome>>,
    bytes: usize,
}

impl<'a, L: Log> LogCopy<'a, L> {
    /// Into `log`.
    #[must_use]
    pub fn new(log: &'a L) -> LogCopy<'a, L> {
        LogCopy { log, waiting: Vec::new(), bytes: 0 }
    }

    /// Appends one record after `expected`, or only moves the head; waits for those before it when there are many.
    ///
    /// # Errors
    /// As the log says; [`StoreError::Damaged`] where it holds something else already.
    pub async fn append(&mut self, event: EventId, expected: Head, batch: Batch) -> Result<(), StoreError> {
        self.bytes += batch.record.len();
        self.waiting.push(self.log.append(event, expected, batch));
        if self.waiting.len() >= COPIES_WAITING_MAX || self.bytes >= COPY_BYTES_MAX {
            self.settle().await?;
        }
        Ok(())
    }

    /// Everything is there.
    ///
    /// # Errors
    /// As [`LogCopy::append`].
    pub async fn finish(mut self) -> Result<(), StoreError> {
        self.settle().await
    }

    async fn settle(&mut self) -> Result<(), StoreError> {
        self.bytes = 0;
        all_committed(join_all(self.waiting.drain(..)).await)
    }
}

fn all_committed(outcomes: Vec<AppendOutcome>) -> Result<(), StoreError> {
    for outcome in outcomes {
        match outcome {
            AppendOutcome::Committed => {}
            AppendOutcome::Unknown { reason } => return Err(StoreError::Unavailable { reason }),
            AppendOutcome::Fatal { reason } => return Err(StoreError::Fatal { reason }),
            AppendOutcome::Damaged { reason } => return Err(StoreError::Damaged { reason }),
            AppendOutcome::Fenced { found } => {
                let reason = format!("the new store holds an event already, at sequence {}", found.sequence);
                return Err(StoreError::Damaged { reason });
            }
        }
    }
    Ok(())
}
