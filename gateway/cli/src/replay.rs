//! Replays the log of an event from its first record, each record verified before it is applied.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tessera_inventory::{Digest, Event, EventId, Inventory, Sequence};
use tessera_records::Replay;
use tessera_store::{Log, LogRecord, StoreError};
use tessera_writer::{Head, ReplayRecord};

use crate::failure::Failure;
use crate::store::Store;

/// Bytes of log read at once.
const READ_BYTES: usize = 4_000_000;
/// How often a replay checks every invariant on its way, at most: a check looks at the whole state.
const CHECKS_MAX: u64 = 50;
/// Fewest events between two such checks.
const CHECK_EVERY_MIN: u64 = 500;

/// Who goes along with a replay.
pub(crate) trait Companion {
    /// This record comes next. Nothing of it has been verified.
    fn before(&mut self, _record: &LogRecord) -> Result<(), Failure> {
        Ok(())
    }

    /// This event of a verified record comes next, to this state.
    fn each(&mut self, _state: &Inventory, _event: &Event) {}

    /// The record was verified and applied.
    fn after(&mut self, _replay: &Replay) -> Result<(), Failure> {
        Ok(())
    }
}

/// A replay without company.
pub(crate) struct Alone;

impl Companion for Alone {}

/// Everything in the log of an event.
pub(crate) async fn replay(
    log: &dyn Log,
    event: EventId,
    companion: &mut impl Companion,
) -> Result<Replay, Failure> {
    let mut replay = Replay::from_genesis(event);
    loop {
        let records = log.read(event, replay.sequence(), READ_BYTES).await?;
        if records.is_empty() {
            return Ok(replay);
        }
        for record in &records {
            companion.before(record)?;
            apply(&mut replay, record, companion)?;
            companion.after(&replay)?;
        }
    }
}

/// What cannot be read of a record.
pub(crate) fn damaged(error: &dyn Error) -> Failure {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    Failure::Store(StoreError::Damaged { reason: format!("{error}{cause}") })
}

fn apply(replay: &mut Replay, record: &LogRecord, companion: &mut impl Companion) -> Result<(), Failure> {
    let next = ReplayRecord {
        first_sequence: record.first_sequence,
        last_sequence: record.last_sequence,
        epoch: record.epoch,
        chain: record.chain,
        bytes: &record.bytes,
    };
    // An event that contradicts the state fails an assertion of the engine. The half-applied state is not used again.
    let applied = catch_unwind(AssertUnwindSafe(|| {
        replay.apply_seen(&next, |state, event| companion.each(state, event))
    }));
    match applied {
        Ok(applied) => applied.map_err(|error| damaged(&error)),
        Err(panic) => Err(Failure::NotSound(format!(
            "the record of sequences {} to {} cannot be applied: {}",
            record.first_sequence,
            record.last_sequence,
            message(&*panic)
        ))),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked")
}

/// The state that a running server showed at a sequence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub(crate) sequence: Sequence,
    pub(crate) digest: Digest,
}

/// What a verified log amounts to.
#[derive(Clone, Debug)]
pub(crate) struct Sound {
    pub(crate) head: Head,
    pub(crate) events: u64,
    pub(crate) records: u64,
    pub(crate) digest: u128,
}

/// Verifies an event: every checksum, the chain and the order of its records, the head, every invariant on the way and in the end, and that
/// the replay comes by what was `shown`.
pub(crate) async fn verify(store: &Store, event: EventId, shown: Option<Shown>) -> Result<Sound, Failure> {
    let records = store.verify(event).await?;
    let head = store.head(event).await?;
    let mut checker = Checker::new(head, shown);
    let replay = replay(store, event, &mut checker).await?;
    // A live writer may have gone on since the head was read: the log then holds more, never less.
    if replay.sequence() < head.sequence {
        let (found, wanted) = (replay.sequence(), head.sequence);
        return Err(Failure::NotSound(format!(
            "the log ends at sequence {found}, but its head is at {wanted}"
        )));
    }
    if replay.sequence() == head.sequence && replay.chain() != head.chain {
        return Err(Failure::NotSound("the chain of the log is not that of its head".to_owned()));
    }
    check(replay.inventory())?;
    checker.finish()?;
    Ok(Sound { head, events: replay.sequence().0, records, digest: replay.inventory().digest().0 })
}

fn check(inventory: &Inventory) -> Result<(), Failure> {
    inventory.check().map_err(|violation| {
        Failure::NotSound(format!(
            "invariant {} does not hold at sequence {}: {}",
            violation.invariant,
            inventory.sequence(),
            violation.detail
        ))
    })
}

/// Checks the state of a replay again and again.
struct Checker {
    check_every: u64,
    next_check: u64,
    /// Until the replay comes by it.
    shown: Option<Shown>,
}

impl Checker {
    fn new(head: Head, shown: Option<Shown>) -> Checker {
        let check_every = (head.sequence.0 / CHECKS_MAX).max(CHECK_EVERY_MIN);
        Checker { check_every, next_check: check_every, shown }
    }

    /// The replay is over.
    fn finish(self) -> Result<(), Failure> {
        let Some(Shown { sequence, .. }) = self.shown else { return Ok(()) };
        Err(Failure::NotSound(format!("a state was shown at sequence {sequence}, where no record ends")))
    }
}

impl Companion for Checker {
    fn after(&mut self, replay: &Replay) -> Result<(), Failure> {
        let sequence = replay.sequence();
        if sequence.0 >= self.next_check {
            self.next_check = sequence.0 + self.check_every;
            check(replay.inventory())?;
        }
        if let Some(shown) = self.shown.take_if(|shown| shown.sequence == sequence)
            && replay.inventory().digest() != shown.digest
        {
            return Err(Failure::NotSound(format!(
                "I4: the replay of the log has another state at sequence {sequence} than the server showed"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests;
