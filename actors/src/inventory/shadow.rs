//! The shadow state: follows the durable log of an active event on other threads, writes its snapshots and checks its invariants.
//! The writer never waits for it; it reads the log, so nothing queues up in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tessera_inventory::Sequence;
use tessera_records::{Replay, encode_snapshot};
use tessera_store::keys::SnapshotId;
use tessera_store::snapshot::{Snapshot, SnapshotOutcome};
use tessera_store::{LogRecord, StoreError};
use tessera_writer::{Format, Monotonic};
use tokio::sync::Mutex;

use super::ShellMessage;
use super::activation::Failure;
use super::recovery::{newest_replay, replay_record};
use crate::LOG_READ_BYTES_MAX;
use crate::blocking::{blocking, caught};
use crate::ingress::WakeFlag;
use crate::meters::seconds;
use crate::shared::Shared;
use crate::slot::Slot;

/// The shadow follows in this many steps from one snapshot to the next.
const STEPS_PER_SNAPSHOT: u64 = 8;
/// Pause after a failed step, in milliseconds.
const RETRY_MS: u64 = 1_000;

/// The shadow of one ownership. It comes to be once the log has grown by a step, and goes with the slot.
#[derive(Debug)]
pub(crate) struct Shadow {
    state: Mutex<Option<Replay>>,
    wake: WakeFlag,
    followed: AtomicU64,
    snapshot_at: AtomicU64,
    checked_at: AtomicU64,
}

impl Shadow {
    pub(crate) fn new(snapshot_at: Sequence) -> Shadow {
        Shadow {
            state: Mutex::new(None),
            wake: WakeFlag::new(),
            followed: AtomicU64::new(snapshot_at.0),
            snapshot_at: AtomicU64::new(snapshot_at.0),
            checked_at: AtomicU64::new(0),
        }
    }

    fn is_behind(&self, durable: Sequence, step: u64) -> bool {
        durable.0.saturating_sub(self.followed.load(Ordering::Relaxed)) >= step
    }
}

/// The log has grown: let the shadow follow, once it is a step behind.
pub(crate) fn nudge(shared: &Arc<Shared>, slot: &Arc<Slot>) {
    let step = (shared.limits.snapshot_every_events / STEPS_PER_SNAPSHOT).max(1);
    if !slot.shadow.is_behind(slot.durable(), step) || !slot.shadow.wake.raise() {
        return;
    }
    let (shared, slot) = (Arc::clone(shared), Arc::clone(slot));
    let environment = shared.environment.clone();
    environment.spawn.spawn(Box::pin(async move {
        loop {
            let followed = caught(follow(&shared, &slot)).await;
            if let Err(failure) = followed.unwrap_or_else(|panicked| Err(panicked.into())) {
                if let Failure::Violated { reason } = failure {
                    // Nothing more is decided on this state, and no snapshot is made of it.
                    let _ =
                        slot.shell().is_some_and(|shell| shell.cast(ShellMessage::Violated(reason)).is_ok());
                    return;
                }
                tracing::warn!(event = ?slot.event, ?failure, "the shadow state could not follow");
                *slot.shadow.state.lock().await = None;
                shared.environment.sleep_ms(RETRY_MS).await;
            }
            // Lowered before the last look: a publication that finds the shadow behind starts it again.
            slot.shadow.wake.lower();
            if slot.has_ended() || !slot.shadow.is_behind(slot.durable(), step) || !slot.shadow.wake.raise() {
                return;
            }
        }
    }));
}

/// Follow the log to its end; write a snapshot when one is due.
async fn follow(shared: &Arc<Shared>, slot: &Slot) -> Result<(), Failure> {
    let mut state = slot.shadow.state.lock().await;
    let mut replay = match state.take() {
        Some(replay) => replay,
        None => newest_replay(shared, slot.event).await?,
    };
    loop {
        let records = shared.log.read(slot.event, replay.sequence(), LOG_READ_BYTES_MAX).await?;
        if records.is_empty() {
            break;
        }
        replay = blocking(&*shared.environment.spawn, move || apply(replay, &records)).await??;
        slot.shadow.followed.store(replay.sequence().0, Ordering::Relaxed);
    }
    replay = check(shared, slot, replay).await?;
    let since = replay.sequence().0.saturating_sub(slot.shadow.snapshot_at.load(Ordering::Relaxed));
    if since >= snapshot_step(shared, &replay) {
        replay = write_snapshot(shared, slot, replay).await?;
    }
    *state = Some(replay);
    Ok(())
}

/// From so many claims on, a snapshot is large enough to be rarer.
const LARGE_STATE_CLAIMS: u64 = 250_000;

/// Events between two snapshots: the limit, and of a large state at least as many as it has claims, so that writing snapshots costs a fixed share
/// of writing the log however large the state is.
fn snapshot_step(shared: &Shared, replay: &Replay) -> u64 {
    let availability = replay.inventory().availability();
    let claims = u64::from(availability.live_holds) + u64::from(availability.orders);
    let every = shared.limits.snapshot_every_events;
    if claims < LARGE_STATE_CLAIMS { every } else { every.max(claims) }
}

fn apply(mut replay: Replay, records: &[LogRecord]) -> Result<Replay, StoreError> {
    for record in records {
        let applied = replay.apply(&replay_record(record));
        applied.map_err(|error| StoreError::Damaged { reason: error.to_string() })?;
    }
    Ok(replay)
}

/// Check every invariant now and then, and that this state is the one that readers see. What does not hold ends the ownership.
async fn check(shared: &Arc<Shared>, slot: &Slot, replay: Replay) -> Result<Replay, Failure> {
    let published = slot.published();
    if published.availability.sequence == replay.sequence() && published.digest != replay.inventory().digest()
    {
        let detail = "replay of the log gives another state than the writer has".to_owned();
        return Err(violated(shared, slot, &replay, "I4", &detail));
    }
    let now = shared.environment.clock.monotonic();
    let checked_at = Monotonic(slot.shadow.checked_at.load(Ordering::Relaxed));
    if checked_at != Monotonic(0) && now.since_ms(checked_at) < shared.limits.check_every_ms {
        return Ok(replay);
    }
    slot.shadow.checked_at.store(now.0, Ordering::Relaxed);
    let work = move || {
        let outcome = replay.inventory().check();
        (replay, outcome)
    };
    let (replay, outcome) = blocking(&*shared.environment.spawn, work).await?;
    shared.meters.invariant_checks.increment(1);
    match outcome {
        Ok(()) => Ok(replay),
        Err(violation) => Err(violated(shared, slot, &replay, violation.invariant, &violation.detail)),
    }
}

fn violated(shared: &Shared, slot: &Slot, replay: &Replay, invariant: &str, detail: &str) -> Failure {
    shared.meters.invariant_violations.increment(1);
    let (event, sequence) = (slot.event, replay.sequence());
    tracing::error!(?event, %sequence, invariant, detail, "an invariant does not hold");
    Failure::Violated {
        reason: format!("invariant {invariant} does not hold at sequence {sequence}: {detail}"),
    }
}

/// Write the state as the newest snapshot and let the log before it be archived.
async fn write_snapshot(shared: &Arc<Shared>, slot: &Slot, replay: Replay) -> Result<Replay, Failure> {
    let began_at = shared.environment.clock.monotonic();
    let work = move || {
        let bytes = encode_snapshot(&replay.inventory().export(), replay.chain());
        (replay, bytes)
    };
    let (replay, bytes) = blocking(&*shared.environment.spawn, work).await?;
    let (sequence, chain) = (replay.sequence(), replay.chain());
    let snapshot = Snapshot { format: Format::OLDEST, sequence, chain, bytes: bytes.into() };
    let id = SnapshotId(shared.environment.random.bits());
    if shared.snapshots.write(slot.event, id, &snapshot).await? == SnapshotOutcome::Superseded {
        // Another owner has written a newer one.
        slot.shadow.snapshot_at.store(sequence.0, Ordering::Relaxed);
        return Ok(replay);
    }
    shared.log.trim(slot.event, sequence).await?;
    slot.shadow.snapshot_at.store(sequence.0, Ordering::Relaxed);
    let elapsed = shared.environment.clock.monotonic().0.saturating_sub(began_at.0);
    shared.meters.snapshots.increment(1);
    shared.meters.snapshot_seconds.record(seconds(elapsed));
    tracing::info!(event = ?slot.event, %sequence, "a snapshot was written");
    Ok(replay)
}
