//! From what is stored to state and events.

use tessera_inventory::{Event, EventId, Inventory};
use tessera_records::{RecordError, Replay, SnapshotImage, decode_snapshot, for_each};
use tessera_store::{LogRecord, StoreError};
use tessera_writer::{Chain, ReplayRecord};

use super::activation::Failure;
use crate::LOG_READ_BYTES_MAX;
use crate::blocking::blocking;
use crate::shared::Shared;

/// The state of the newest snapshot, with the log's chain there; `None` where there is none.
///
/// A damaged snapshot is reported and passed over: the log, which is verified record by record, still has everything.
pub(crate) async fn newest_state(
    shared: &Shared,
    event: EventId,
) -> Result<Option<(Inventory, Chain)>, Failure> {
    let Some(image) = newest_image(shared, event).await? else { return Ok(None) };
    let chain = image.chain;
    let imported = blocking(&*shared.environment.spawn, move || Inventory::import(image.image)).await?;
    match imported {
        Ok(state) => Ok(Some((state, chain))),
        Err(error) => {
            tracing::error!(?event, %error, "the newest snapshot is damaged; the whole log is replayed");
            Ok(None)
        }
    }
}

/// A follower of the log that starts at the newest snapshot, or at the beginning.
pub(crate) async fn newest_replay(shared: &Shared, event: EventId) -> Result<Replay, Failure> {
    let Some(image) = newest_image(shared, event).await? else { return Ok(Replay::from_genesis(event)) };
    let replay = blocking(&*shared.environment.spawn, move || Replay::from_snapshot(image)).await?;
    Ok(replay.unwrap_or_else(|_| Replay::from_genesis(event)))
}

async fn newest_image(shared: &Shared, event: EventId) -> Result<Option<SnapshotImage>, Failure> {
    let snapshot = match shared.snapshots.newest(event).await {
        Ok(Some(snapshot)) => snapshot,
        Ok(None) => return Ok(None),
        Err(StoreError::Damaged { reason }) => {
            tracing::error!(?event, reason, "the newest snapshot is damaged; the whole log is replayed");
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    match blocking(&*shared.environment.spawn, move || decode_snapshot(snapshot.bytes)).await? {
        Ok(image) => Ok(Some(image)),
        Err(error @ RecordError::TooNew { .. }) => Err(unreadable(&error).into()),
        Err(error) => {
            tracing::error!(?event, %error, "the newest snapshot is damaged; the whole log is replayed");
            Ok(None)
        }
    }
}

/// Replay the log to its end, off the threads that serve; or as far as the store answers, and why no further. An error: nothing is made
/// of what it answers.
pub(crate) async fn replay_on(
    shared: &Shared,
    event: EventId,
    mut replay: Replay,
) -> Result<(Replay, Result<(), StoreError>), StoreError> {
    loop {
        let records = match shared.log.read(event, replay.sequence(), LOG_READ_BYTES_MAX).await {
            Ok(records) => records,
            Err(error @ StoreError::Unavailable { .. }) => return Ok((replay, Err(error))),
            Err(error) => return Err(error),
        };
        if records.is_empty() {
            return Ok((replay, Ok(())));
        }
        let work = move || {
            for record in &records {
                let applied = replay.apply(&replay_record(record));
                applied.map_err(|error| StoreError::Damaged { reason: error.to_string() })?;
            }
            Ok(replay)
        };
        let applied = blocking(&*shared.environment.spawn, work).await;
        replay = applied.map_err(|panicked| StoreError::Unavailable { reason: panicked.reason })??;
    }
}

/// The events of a record.
pub(crate) fn decode(record: &LogRecord) -> Result<Vec<Event>, StoreError> {
    let mut events = Vec::new();
    for_each(&record.bytes, |_, event| events.push(event)).map_err(|error| unreadable(&error))?;
    Ok(events)
}

/// A stored record as replay takes it.
pub(crate) fn replay_record(record: &LogRecord) -> ReplayRecord<'_> {
    ReplayRecord {
        first_sequence: record.first_sequence,
        last_sequence: record.last_sequence,
        epoch: record.epoch,
        chain: record.chain,
        bytes: &record.bytes,
    }
}

fn unreadable(error: &RecordError) -> StoreError {
    match error {
        RecordError::TooNew { needed, supported } => StoreError::FormatTooNew {
            needed: u16::try_from(*needed).unwrap_or(u16::MAX),
            supported: *supported,
        },
        RecordError::Protobuf(_) | RecordError::Malformed { .. } => {
            StoreError::Damaged { reason: error.to_string() }
        }
    }
}
