//! Replays the log of an event from its first record, each record verified before it is applied.

use tessera_inventory::{Event, EventId, Sequence};
use tessera_records::{Replay, for_each};
use tessera_store::{Log, LogRecord, StoreError};
use tessera_writer::{Head, ReplayRecord};

use crate::failure::Failure;

/// Bytes of log read at once.
const READ_BYTES: usize = 4_000_000;

/// Everything in the log of an event; `each` hears of every event before it is applied.
pub(crate) async fn replay(
    log: &dyn Log,
    event: EventId,
    mut each: impl FnMut(Sequence, &Event),
) -> Result<Replay, Failure> {
    let mut replay = Replay::from_genesis(event);
    loop {
        let records = log.read(event, replay.sequence(), READ_BYTES).await?;
        if records.is_empty() {
            return Ok(replay);
        }
        for record in &records {
            apply(&mut replay, record, &mut each)?;
        }
    }
}

fn apply(
    replay: &mut Replay,
    record: &LogRecord,
    each: &mut impl FnMut(Sequence, &Event),
) -> Result<(), Failure> {
    let damaged = |error: &dyn std::error::Error| {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        Failure::Store(StoreError::Damaged { reason: format!("{error}{cause}") })
    };
    for_each(&record.bytes, |sequence, event| each(sequence, &event)).map_err(|error| damaged(&error))?;
    replay
        .apply(&ReplayRecord {
            first_sequence: record.first_sequence,
            last_sequence: record.last_sequence,
            epoch: record.epoch,
            chain: record.chain,
            bytes: &record.bytes,
        })
        .map_err(|error| damaged(&error))
}

/// What a verified log amounts to.
#[derive(Clone, Debug)]
pub(crate) struct Sound {
    pub(crate) head: Head,
    pub(crate) events: u64,
    pub(crate) digest: u128,
}

/// Verifies an event: the chain and the order of its records, the head, and every invariant of the state.
pub(crate) async fn verify(log: &dyn Log, event: EventId) -> Result<Sound, Failure> {
    let head = log.head(event).await?;
    let replay = replay(log, event, |_, _| {}).await?;
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
    replay.inventory().check().map_err(|violation| {
        Failure::NotSound(format!("invariant {} does not hold: {}", violation.invariant, violation.detail))
    })?;
    Ok(Sound { head, events: replay.sequence().0, digest: replay.inventory().digest().0 })
}
