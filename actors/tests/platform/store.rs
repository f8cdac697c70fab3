//! The memory store with panics and pauses where a test wants them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use futures::future::BoxFuture;
use tessera_inventory::{EventId, Sequence};
use tessera_store::memory::MemoryStore;
use tessera_store::{AppendOutcome, Batch, Log, LogRecord, StoreError, Table, Transaction};
use tessera_writer::Head;

/// The memory store; panics are injected where the shell calls it.
#[derive(Default)]
pub(crate) struct TestStore {
    pub(crate) memory: MemoryStore,
    /// This many of the next appends with a record panic in the caller's face.
    pub(crate) panics: AtomicU32,
    /// This many of the next table transactions panic in the caller's face.
    pub(crate) table_panics: AtomicU32,
    /// No read of the log is answered.
    pub(crate) is_unreadable: AtomicBool,
    /// Every claim of an event that was begun, in order.
    pub(crate) claims: Mutex<Vec<EventId>>,
    /// Appends of this event panic always (0: none).
    poisoned: Mutex<Option<EventId>>,
}

impl TestStore {
    pub(crate) fn poison(&self, event: Option<EventId>) {
        *self.poisoned.lock().unwrap() = event;
    }

    fn panic_if_asked(&self, event: EventId, batch: &Batch) {
        if batch.record.is_empty() {
            self.claims.lock().unwrap().push(event);
            return;
        }
        let one = take_one(&self.panics);
        let poisoned = *self.poisoned.lock().unwrap() == Some(event);
        assert!(!one && !poisoned, "injected panic");
    }
}

impl Log for TestStore {
    fn append(&self, event: EventId, expected: Head, batch: Batch) -> BoxFuture<'static, AppendOutcome> {
        self.panic_if_asked(event, &batch);
        self.memory.append(event, expected, batch)
    }

    fn head(&self, event: EventId) -> BoxFuture<'static, Result<Head, StoreError>> {
        self.memory.head(event)
    }

    fn read(
        &self,
        event: EventId,
        after: Sequence,
        limit_bytes: usize,
    ) -> BoxFuture<'static, Result<Vec<LogRecord>, StoreError>> {
        if self.is_unreadable.load(Ordering::Acquire) {
            let reason = "injected".to_owned();
            return Box::pin(std::future::ready(Err(StoreError::Unavailable { reason })));
        }
        self.memory.read(event, after, limit_bytes)
    }

    fn trim(&self, event: EventId, through: Sequence) -> BoxFuture<'static, Result<Sequence, StoreError>> {
        self.memory.trim(event, through)
    }
}

impl Table for TestStore {
    fn begin(&self) -> BoxFuture<'static, Result<Box<dyn Transaction>, StoreError>> {
        assert!(!take_one(&self.table_panics), "injected panic");
        self.memory.begin()
    }
}

fn take_one(count: &AtomicU32) -> bool {
    count.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| count.checked_sub(1)).is_ok()
}
