//! A log at every read of which its reader halts once, and a table with which it halts before every transaction: others may go on
//! meanwhile.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::task::noop_waker_ref;
use tessera_inventory::{EventId, Sequence};
use tessera_store::{AppendOutcome, Batch, Log, LogRecord, StoreError, Table, Transaction};
use tessera_writer::Head;

use super::{Followed, failed};
use crate::oracle::Violation;

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
        let trimmed = futures::executor::block_on(self.0.trim(event, through));
        halt().map(|()| trimmed).boxed()
    }
}

/// The table, for a follower.
pub(crate) struct HaltingTable(Arc<dyn Table>);

impl HaltingTable {
    pub(crate) fn over(table: Arc<dyn Table>) -> HaltingTable {
        HaltingTable(table)
    }
}

impl Table for HaltingTable {
    fn begin(&self) -> BoxFuture<'static, Result<Box<dyn Transaction>, StoreError>> {
        let table = Arc::clone(&self.0);
        async move {
            halt().await;
            table.begin().await
        }
        .boxed()
    }
}

/// What a follower is at.
pub(crate) type Task = BoxFuture<'static, Result<Followed, StoreError>>;

/// It goes on, as far as it gets without halting.
pub(crate) fn go_on(task: &mut Option<Task>) -> Result<Followed, Violation> {
    let Some(step) = task else { return Ok(Followed::Went) };
    match step.poll_unpin(&mut Context::from_waker(noop_waker_ref())) {
        Poll::Pending => Ok(Followed::Halted),
        Poll::Ready(followed) => {
            *task = None;
            followed.or_else(|error| failed(&error))
        }
    }
}
