//! The log in memory, synchronous and deterministic.

use std::collections::{BTreeMap, VecDeque};

use tessera_inventory::{Epoch, EventId, Sequence};
use tessera_writer::{BatchId, Head};

use crate::{AppendOutcome, Batch, LogRecord};

/// What goes wrong with one append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AppendFault {
    /// Nothing.
    #[default]
    None,
    /// The answer is `Unknown`; the append was carried out (committed or fenced) all the same.
    UnknownApplied,
    /// The answer is `Unknown`; the append never reaches the store.
    UnknownNotApplied,
    /// The answer is `Unknown`; the append is carried out when [`MemoryCore::land_next`] says so, against the head it
    /// finds then.
    UnknownAppliedLater,
    /// Another writer activates the event just before: the append is fenced.
    TakenOver,
    /// What is stored about the event is damaged.
    Damaged,
    /// The store fails for good.
    Fatal,
}

struct InFlight {
    event: EventId,
    expected: Head,
    batch: Batch,
}

#[derive(Clone, Default)]
struct EventLog {
    head: Option<Head>,
    records: Vec<LogRecord>,
    trimmed: Sequence,
}

/// The log of every event as a plain value. Same calls, same answers.
#[derive(Default)]
pub struct MemoryCore {
    events: BTreeMap<EventId, EventLog>,
    in_flight: VecDeque<InFlight>,
    takeovers: u128,
}

impl MemoryCore {
    /// An empty log.
    #[must_use]
    pub fn new() -> MemoryCore {
        MemoryCore::default()
    }

    /// The same logs, with nothing in flight.
    pub(super) fn copied(&self) -> MemoryCore {
        MemoryCore { events: self.events.clone(), ..MemoryCore::default() }
    }

    /// Append without faults; see [`crate::Log::append`].
    pub fn append_now(&mut self, event: EventId, expected: Head, batch: Batch) -> AppendOutcome {
        let log = self.events.entry(event).or_default();
        let found = log.head.unwrap_or(Head::GENESIS);
        if found == batch.next {
            return AppendOutcome::Committed;
        }
        if found != expected {
            return AppendOutcome::Fenced { found };
        }
        if let Some(refused) = AppendOutcome::too_large(&batch) {
            return refused;
        }
        log.head = Some(batch.next);
        if !batch.record.is_empty() {
            log.records.push(LogRecord {
                first_sequence: expected.sequence.plus(1),
                last_sequence: batch.next.sequence,
                epoch: batch.next.epoch,
                chain: batch.next.chain,
                bytes: batch.record,
            });
        }
        AppendOutcome::Committed
    }

    /// Append with one fault.
    pub fn append_with(
        &mut self,
        event: EventId,
        expected: Head,
        batch: Batch,
        fault: AppendFault,
    ) -> AppendOutcome {
        let unknown = || AppendOutcome::Unknown { reason: "injected".to_owned() };
        match fault {
            AppendFault::None => self.append_now(event, expected, batch),
            AppendFault::UnknownApplied => {
                self.append_now(event, expected, batch);
                unknown()
            }
            AppendFault::UnknownNotApplied => unknown(),
            AppendFault::UnknownAppliedLater => {
                self.in_flight.push_back(InFlight { event, expected, batch });
                unknown()
            }
            AppendFault::TakenOver => {
                self.take_over(event);
                self.append_now(event, expected, batch)
            }
            AppendFault::Damaged => AppendOutcome::Damaged { reason: "injected".to_owned() },
            AppendFault::Fatal => AppendOutcome::Fatal { reason: "injected".to_owned() },
        }
    }

    /// Carry out the oldest append that was left in flight; `None` when there is none.
    pub fn land_next(&mut self) -> Option<AppendOutcome> {
        let InFlight { event, expected, batch } = self.in_flight.pop_front()?;
        Some(self.append_now(event, expected, batch))
    }

    /// How many appends are in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Another writer activates `event`: epoch + 1 under a batch id of its own.
    pub fn take_over(&mut self, event: EventId) -> Head {
        self.takeovers += 1;
        let found = self.head_now(event);
        let next =
            Head { epoch: Epoch(found.epoch.0 + 1), batch_id: BatchId(u128::MAX - self.takeovers), ..found };
        self.events.entry(event).or_default().head = Some(next);
        next
    }

    /// The head of `event` now.
    #[must_use]
    pub fn head_now(&self, event: EventId) -> Head {
        self.events.get(&event).and_then(|log| log.head).unwrap_or(Head::GENESIS)
    }

    /// See [`crate::Log::read`].
    #[must_use]
    pub fn read_now(&self, event: EventId, after: Sequence, limit_bytes: usize) -> Vec<LogRecord> {
        let Some(log) = self.events.get(&event) else { return Vec::new() };
        let from = log.records.partition_point(|record| record.last_sequence <= after);
        let mut bytes = 0;
        let within = |record: &&LogRecord| {
            let wanted = bytes == 0 || bytes < limit_bytes;
            bytes += record.bytes.len();
            wanted
        };
        log.records[from..].iter().take_while(within).cloned().collect()
    }

    /// See [`crate::Log::trim`]; memory has no archive, so this only remembers.
    pub fn trim_now(&mut self, event: EventId, through: Sequence) -> Sequence {
        let head = self.head_now(event);
        let log = self.events.entry(event).or_default();
        log.trimmed = log.trimmed.max(through.min(head.sequence));
        log.trimmed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: EventId = EventId(1);

    fn batch(expected: Head, id: u128) -> Batch {
        let record = id.to_be_bytes();
        let next = Head {
            sequence: expected.sequence.plus(1),
            batch_id: BatchId(id),
            chain: expected.chain.extend(&record),
            ..expected
        };
        Batch { next, record: record.as_slice().into() }
    }

    #[test]
    fn an_unknown_append_that_lands_late_is_fenced_by_its_own_resubmission() {
        let mut core = MemoryCore::new();
        let first = batch(Head::GENESIS, 1);
        let outcome = core.append_with(EVENT, Head::GENESIS, first.clone(), AppendFault::UnknownAppliedLater);
        assert!(matches!(outcome, AppendOutcome::Unknown { .. }));
        assert_eq!(core.append_now(EVENT, Head::GENESIS, first.clone()), AppendOutcome::Committed);
        let second = batch(first.next, 2);
        assert_eq!(core.append_now(EVENT, first.next, second.clone()), AppendOutcome::Committed);
        assert_eq!(core.land_next(), Some(AppendOutcome::Fenced { found: second.next }));
        assert_eq!(core.read_now(EVENT, Sequence::ZERO, usize::MAX).len(), 2);
    }

    #[test]
    fn a_takeover_fences_the_append_that_meets_it() {
        let mut core = MemoryCore::new();
        let outcome = core.append_with(EVENT, Head::GENESIS, batch(Head::GENESIS, 1), AppendFault::TakenOver);
        let found = core.head_now(EVENT);
        assert_eq!(outcome, AppendOutcome::Fenced { found });
        assert_eq!(found.epoch, Epoch(1));
    }
}
