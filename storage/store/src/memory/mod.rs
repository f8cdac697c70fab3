//! The store in memory: for tests and for the simulated world. Nothing of it survives the process.
//!
//! [`MemoryCore`] is the log as a plain value without threads or futures, for a simulator that decides itself when
//! anything happens. [`MemoryStore`] is [`Log`] and [`Table`] over it, with faults that a test injects.

mod core;
mod table;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{self, BoxFuture};
use tessera_inventory::{EventId, Sequence};
use tessera_writer::Head;

pub use self::core::{AppendFault, MemoryCore};
pub use self::table::CommitFault;
use self::table::MemoryTable;
use crate::{AppendOutcome, Batch, Log, LogRecord, StoreError, Table, Transaction};

/// An append that waits until [`MemoryStore::release_append`].
struct Held {
    event: EventId,
    expected: Head,
    batch: Batch,
    fault: AppendFault,
    answer: oneshot::Sender<AppendOutcome>,
}

/// Somebody who waits for a head to move.
struct Watch {
    event: EventId,
    beyond: Sequence,
    moved: oneshot::Sender<()>,
}

#[derive(Default)]
struct State {
    core: MemoryCore,
    watches: Vec<Watch>,
    script: VecDeque<AppendFault>,
    holding: bool,
    held: VecDeque<Held>,
    away: bool,
}

impl State {
    fn append(&mut self, event: EventId, expected: Head, batch: Batch, fault: AppendFault) -> AppendOutcome {
        let outcome = self.core.append_with(event, expected, batch, fault);
        self.tell();
        outcome
    }

    /// Tell those whose head has moved, and forget those who wait no more.
    fn tell(&mut self) {
        for Watch { event, beyond, moved } in std::mem::take(&mut self.watches) {
            if self.core.head_now(event).sequence > beyond {
                // Nobody may be waiting any more.
                let _ = moved.send(());
            } else if !moved.is_canceled() {
                self.watches.push(Watch { event, beyond, moved });
            }
        }
    }
}

/// [`Log`] and [`Table`] in memory. Clones share what they hold.
#[derive(Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    table: MemoryTable,
}

impl MemoryStore {
    /// An empty store without faults.
    #[must_use]
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A backup: a store of its own with what is durable here now.
    #[must_use]
    pub fn copied(&self) -> MemoryStore {
        let state = State { core: self.state().core.copied(), ..State::default() };
        MemoryStore { state: Arc::new(Mutex::new(state)), table: self.table.copied() }
    }

    /// Every log becomes what it is in `backup`, while whoever uses them goes on. The tables stay as they are.
    pub fn restore_logs(&self, backup: &MemoryStore) {
        let core = backup.state().core.copied();
        self.state().core = core;
    }

    /// The next append that has no fault yet meets this one.
    pub fn inject_append(&self, fault: AppendFault) {
        self.state().script.push_back(fault);
    }

    /// The next table commit that has no fault yet meets this one.
    pub fn inject_commit(&self, fault: CommitFault) {
        self.table.inject(fault);
    }

    /// From now on appends wait, unanswered and not applied, until they are released.
    pub fn hold_appends(&self) {
        self.state().holding = true;
    }

    /// Apply and answer the append that has waited longest; `false` when none waits.
    pub fn release_append(&self) -> bool {
        let mut state = self.state();
        let Some(held) = state.held.pop_front() else { return false };
        let outcome = state.append(held.event, held.expected, held.batch, held.fault);
        // The caller may have dropped its future; the append is applied all the same.
        let _ = held.answer.send(outcome);
        true
    }

    /// Apply and answer every append that waits, and let later ones pass.
    pub fn release_appends(&self) {
        self.state().holding = false;
        while self.release_append() {}
    }

    /// How many appends wait.
    #[must_use]
    pub fn held_appends(&self) -> usize {
        self.state().held.len()
    }

    /// Let the oldest append that was answered [`AppendFault::UnknownAppliedLater`] take effect now.
    pub fn land_append(&self) -> Option<AppendOutcome> {
        let mut state = self.state();
        let landed = state.core.land_next();
        state.tell();
        landed
    }

    /// While away, appends are answered `Unknown` and everything else [`StoreError::Unavailable`].
    pub fn set_away(&self, away: bool) {
        self.state().away = away;
    }

    fn reachable(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.state();
        if state.away { Err(away()) } else { Ok(state) }
    }
}

fn away() -> StoreError {
    StoreError::Unavailable { reason: "the store is away (injected)".to_owned() }
}

impl Log for MemoryStore {
    fn append(&self, event: EventId, expected: Head, batch: Batch) -> BoxFuture<'static, AppendOutcome> {
        let mut state = self.state();
        let fault = match state.script.pop_front() {
            Some(fault) => fault,
            None if state.away => AppendFault::UnknownNotApplied,
            None => AppendFault::None,
        };
        if !state.holding {
            return future::ready(state.append(event, expected, batch, fault)).boxed();
        }
        let (answer, outcome) = oneshot::channel();
        state.held.push_back(Held { event, expected, batch, fault, answer });
        let lost = |_| AppendOutcome::Unknown { reason: "the store was dropped".to_owned() };
        outcome.map(move |outcome| outcome.unwrap_or_else(lost)).boxed()
    }

    fn head(&self, event: EventId) -> BoxFuture<'static, Result<Head, StoreError>> {
        future::ready(self.reachable().map(|state| state.core.head_now(event))).boxed()
    }

    fn read(
        &self,
        event: EventId,
        after: Sequence,
        limit_bytes: usize,
    ) -> BoxFuture<'static, Result<Vec<LogRecord>, StoreError>> {
        future::ready(self.reachable().map(|state| state.core.read_now(event, after, limit_bytes))).boxed()
    }

    fn moved(&self, event: EventId, beyond: Sequence) -> BoxFuture<'static, ()> {
        let (moved, told) = oneshot::channel();
        let mut state = self.state();
        state.watches.push(Watch { event, beyond, moved });
        state.tell();
        told.map(drop).boxed()
    }

    fn trim(&self, event: EventId, through: Sequence) -> BoxFuture<'static, Result<Sequence, StoreError>> {
        future::ready(self.reachable().map(|mut state| state.core.trim_now(event, through))).boxed()
    }
}

impl Table for MemoryStore {
    fn begin(&self) -> BoxFuture<'static, Result<Box<dyn Transaction>, StoreError>> {
        let begun = self.reachable().map(|_| self.table.begin());
        future::ready(begun).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::log::batch;

    const EVENT: EventId = EventId(1);

    #[test]
    fn who_waits_for_a_head_is_told_when_it_has_moved_and_not_before() {
        let store = MemoryStore::new();
        let append = |expected, id| {
            let batch = batch(expected, id, 1, b"record");
            let next = batch.next;
            assert_eq!(store.append(EVENT, expected, batch).now_or_never(), Some(AppendOutcome::Committed));
            next
        };
        let mut first = store.moved(EVENT, Sequence::ZERO);
        let mut second = store.moved(EVENT, Sequence(1));
        drop(store.moved(EVENT, Sequence(9)));
        assert!((&mut first).now_or_never().is_none(), "nothing has moved");
        let head = append(Head::GENESIS, 1);
        assert!(first.now_or_never().is_some() && (&mut second).now_or_never().is_none());
        append(head, 2);
        assert!(second.now_or_never().is_some());
        assert!(store.moved(EVENT, Sequence(1)).now_or_never().is_some(), "it has moved before");
        assert!(store.state().watches.is_empty(), "who waits no more is forgotten");
    }
}
