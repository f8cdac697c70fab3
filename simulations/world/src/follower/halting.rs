//! A log at every read of which its reader halts once: others may go on meanwhile.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_inventory::{EventId, Sequence};
use tessera_store::{AppendOutcome, Batch, Log, LogRecord, StoreError};
use tessera_writer::Head;

/// Not ready once.
pub(crate) async fn halt() {
    let mut halted = false;
    poll_fn(|_| if std::mem::replace(&mut halted, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// The log, for a follower.
pub(crate) struct Halting(Arc<dyn Log>);

impl Halting {
    pub(crate) fn over(log: Arc<dyn Log>) -> Halting {
        Halting(log)
    }
}

impl Log for Halting {
    fn append(&self, event: EventId, expected: Head, batch: Batch) -> BoxFuture<'static, AppendOutcome> {
        self.0.append(event, expected, batch)
    }

    fn head(&self, event: EventId) -> BoxFuture<'static, Result<Head, StoreError>> {
        self.0.head(event)
    }

    fn read(
        &self,
        event: EventId,
        after: Sequence,
        limit_bytes: usize,
    ) -> BoxFuture<'static, Result<Vec<LogRecord>, StoreError>> {
        // Read to its end first: where a store has threads of its own, nothing must depend on when they answer.
        let read = futures::executor::block_on(self.0.read(event, after, limit_bytes));
        halt().map(|()| read).boxed()
    }

    fn trim(&self, event: EventId, through: Sequence) -> BoxFuture<'static, Result<Sequence, StoreError>> {
        self.0.trim(event, through)
    }
}
