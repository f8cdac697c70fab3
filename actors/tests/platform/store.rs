//! The memory store with panics and pauses where a test wants them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use tessera_inventory::{Event, EventBody, EventId, Sequence, Timestamp};
use tessera_records::RecordEncoder;
use tessera_store::memory::MemoryStore;
use tessera_store::{AppendOutcome, Batch, Log, LogRecord, StoreError, Table, Transaction};
use tessera_writer::{BatchId, Encode, Head};
use tokio::sync::oneshot;

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
    /// Reads of the log of this event panic in the caller's face.
    pub(crate) poisoned_log: Mutex<Option<EventId>>,
    /// Reads of the logs of these events are not answered.
    pub(crate) unreadable: Mutex<BTreeSet<EventId>>,
    /// Who is told when the store fails while nobody asks anything of it.
    pub(crate) failure: Mutex<Option<oneshot::Sender<String>>>,
    /// What the log has is damaged, say all reads.
    pub(crate) is_damaged: AtomicBool,
    /// The next transaction waits for [`TestStore::release_begin`].
    pub(crate) holds_next_begin: AtomicBool,
    /// Every transaction does.
    pub(crate) holds_every_begin: AtomicBool,
    held_begins: Mutex<Vec<oneshot::Sender<()>>>,
    /// Every claim of an event that was begun, in order.
    pub(crate) claims: Mutex<Vec<EventId>>,
    /// Appends of this event panic always (0: none).
    poisoned: Mutex<Option<EventId>>,
}

impl TestStore {
    /// A store without injected trouble, with what is durable in this memory.
    pub(crate) fn over(memory: MemoryStore) -> TestStore {
        TestStore { memory, ..TestStore::default() }
    }

    pub(crate) fn poison(&self, event: Option<EventId>) {
        *self.poisoned.lock().unwrap() = event;
    }

    pub(crate) fn has_held_begin(&self) -> bool {
        self.held_begins() > 0
    }

    pub(crate) fn held_begins(&self) -> usize {
        self.held_begins.lock().unwrap().len()
    }

    pub(crate) fn release_begin(&self) {
        self.held_begins.lock().unwrap().clear();
    }

    /// Append to the log of an event as no writer would.
    pub(crate) async fn log(&self, event: EventId, at: Timestamp, bodies: Vec<EventBody>) {
        let head = self.memory.head(event).await.unwrap();
        let events: Vec<_> = bodies.into_iter().map(|body| Arc::new(Event { at, key: None, body })).collect();
        let mut record = Vec::new();
        RecordEncoder::default().encode(head.sequence.plus(1), &events, &mut record);
        let sequence = head.sequence.plus(events.len() as u64);
        let next = Head { sequence, batch_id: BatchId(1), chain: head.chain.extend(&record), ..head };
        let outcome = self.memory.append(event, head, Batch { next, record: record.into() }).await;
        assert_eq!(outcome, AppendOutcome::Committed);
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
        let poisoned = *self.poisoned_log.lock().unwrap() == Some(event);
        assert!(!poisoned, "injected panic");
        if self.is_unreadable.load(Ordering::Acquire) || self.unreadable.lock().unwrap().contains(&event) {
            let reason = "injected".to_owned();
            return Box::pin(std::future::ready(Err(StoreError::Unavailable { reason })));
        }
        if self.is_damaged.load(Ordering::Acquire) {
            return Box::pin(std::future::ready(Err(StoreError::Damaged { reason: "injected".to_owned() })));
        }
        self.memory.read(event, after, limit_bytes)
    }

    fn failed(&self) -> BoxFuture<'static, Option<String>> {
        let (failure, told) = oneshot::channel();
        *self.failure.lock().unwrap() = Some(failure);
        Box::pin(async move { told.await.ok() })
    }

    fn trim(&self, event: EventId, through: Sequence) -> BoxFuture<'static, Result<Sequence, StoreError>> {
        self.memory.trim(event, through)
    }
}

impl Table for TestStore {
    fn begin(&self) -> BoxFuture<'static, Result<Box<dyn Transaction>, StoreError>> {
        assert!(!take_one(&self.table_panics), "injected panic");
        let begun = self.memory.begin();
        let holds_every = self.holds_every_begin.load(Ordering::Acquire);
        if self.holds_next_begin.swap(false, Ordering::AcqRel) || holds_every {
            let (release, released) = oneshot::channel();
            self.held_begins.lock().unwrap().push(release);
            return Box::pin(async move {
                let _ = released.await;
                begun.await
            });
        }
        begun
    }
}

fn take_one(count: &AtomicU32) -> bool {
    count.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| count.checked_sub(1)).is_ok()
}
