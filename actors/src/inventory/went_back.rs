//! A store that went back in time: what this node has seen acknowledged, against the head that the store has now.
//!
//! Whoever notices sets the event aside in the store, for every node, and moves its head, so that who serves it stops. An operator
//! reconciles: what the store has is accepted, under an epoch that is greater than any that was witnessed.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use tessera_heads::HeadMark;
use tessera_inventory::{Epoch, EventId, Sequence};
use tessera_projections::quarantine::{Place, Quarantined, QuarantinedEvents, WentBack};
use tessera_projections::reconciliation::Reconciliations;
use tessera_store::{AppendOutcome, Batch, Log, StoreError};
use tessera_writer::{BatchId, Head};

use crate::answer::{ReconcileError, Reconciled};
use crate::limits::WITNESSED_CHECKED_AT_ONCE_MAX;
use crate::shared::Shared;

/// How often an append that moves only the head is tried.
const RAISE_ATTEMPTS_MAX: u32 = 8;
/// Pause before the next attempt, in milliseconds.
const RAISE_AGAIN_MS: u64 = 100;

/// What the store lacks of `event`, whose head it says is `found`. `None`: it has all that this node has seen, or an operator has
/// accepted what it lacks.
pub(crate) async fn lacks(
    shared: &Shared,
    event: EventId,
    found: Head,
) -> Result<Option<WentBack>, StoreError> {
    let Some((heads, witnessed)) =
        shared.heads.as_ref().and_then(|heads| Some((heads, heads.witnessed(event)?)))
    else {
        return Ok(None);
    };
    if has(&*shared.log, event, found, witnessed).await? {
        return Ok(None);
    }
    let accepted = Reconciliations::new(Arc::clone(&shared.table)).accepted(event).await?;
    if accepted.is_some_and(|before| witnessed.epoch < before && found.epoch >= before) {
        heads.note(event, found);
        return Ok(None);
    }
    let witnessed = Place { epoch: witnessed.epoch, sequence: witnessed.sequence };
    Ok(Some(WentBack { found: place(found), witnessed }))
}

/// Whether a log whose head is `found` has what was witnessed in its past. Heads stand at the ends of records, so the chain there tells
/// a log that grew from one that went back and grew again.
async fn has(log: &dyn Log, event: EventId, found: Head, witnessed: HeadMark) -> Result<bool, StoreError> {
    if found.epoch < witnessed.epoch || found.sequence < witnessed.sequence {
        return Ok(false);
    }
    if found.sequence == witnessed.sequence {
        return Ok(found.chain == witnessed.chain);
    }
    let Some(before) = witnessed.sequence.0.checked_sub(1) else { return Ok(true) };
    // One byte: exactly the record that has it.
    let records = log.read(event, Sequence(before), 1).await?;
    let record = records.first();
    Ok(record
        .is_some_and(|record| record.last_sequence == witnessed.sequence && record.chain == witnessed.chain))
}

fn place(head: Head) -> Place {
    Place { epoch: head.epoch, sequence: head.sequence }
}

/// For the operator.
pub(crate) fn reason(WentBack { found, witnessed }: &WentBack) -> String {
    format!(
        "the store went back: it ends at sequence {} of epoch {}, and {} of epoch {} was acknowledged",
        found.sequence, found.epoch, witnessed.sequence, witnessed.epoch
    )
}

/// Before this node serves anything: whatever it has seen must be in the store. What is not is set aside for every node, also for
/// those that have never seen the event. One that is damaged keeps nobody from starting: whoever activates it finds out.
pub(crate) async fn check_all(shared: &Shared) -> Result<(), StoreError> {
    let witnessed = shared.heads.as_ref().map(|heads| heads.all()).unwrap_or_default();
    let checks = witnessed.into_iter().map(|(event, _)| async move {
        let looked = async { lacks(shared, event, shared.log.head(event).await?).await };
        match looked.await {
            Ok(Some(went_back)) => set_aside(shared, event, went_back).await,
            Ok(None) => Ok(()),
            Err(error @ (StoreError::Damaged { .. } | StoreError::FormatTooNew { .. })) => {
                tracing::error!(?event, %error, "whether the store lacks something of an event cannot be told");
                Ok(())
            }
            Err(error) => Err(error),
        }
    });
    stream::iter(checks).buffer_unordered(WITNESSED_CHECKED_AT_ONCE_MAX).try_collect().await
}

async fn set_aside(shared: &Shared, event: EventId, went_back: WentBack) -> Result<(), StoreError> {
    let reason = reason(&went_back);
    tracing::error!(?event, reason, "the event is not served until it is reconciled");
    let since = shared.environment.clock.wall();
    let row = Quarantined { event, reason, since, failures: 0, went_back: Some(went_back) };
    QuarantinedEvents::new(Arc::clone(&shared.table)).set(&row).await?;
    fence(shared, event).await
}

/// Whoever serves the event is fenced, and finds it set aside when it looks. Nobody serves one that the store has never had.
pub(crate) async fn fence(shared: &Shared, event: EventId) -> Result<(), StoreError> {
    if shared.log.head(event).await? == Head::GENESIS {
        return Ok(());
    }
    raise(shared, event, Epoch(0)).await.map(drop)
}

/// Moves the head to an epoch beyond that of the store and `beyond`; no record goes with it.
async fn raise(shared: &Shared, event: EventId, beyond: Epoch) -> Result<Head, StoreError> {
    let mut expected = shared.log.head(event).await?;
    let mut next = raised(shared, expected, beyond);
    for _ in 0..RAISE_ATTEMPTS_MAX {
        let batch = Batch { next, record: Arc::from([]) };
        match shared.log.append(event, expected, batch).await {
            AppendOutcome::Committed => return Ok(next),
            AppendOutcome::Fenced { found } => {
                expected = found;
                next = raised(shared, expected, beyond);
            }
            AppendOutcome::Unknown { .. } => shared.environment.sleep_ms(RAISE_AGAIN_MS).await,
            AppendOutcome::Damaged { reason } => return Err(StoreError::Damaged { reason }),
            AppendOutcome::Fatal { reason } => return Err(StoreError::Fatal { reason }),
        }
    }
    Err(StoreError::OutcomeUnknown { reason: format!("the head of {event:?} could not be moved") })
}

fn raised(shared: &Shared, found: Head, beyond: Epoch) -> Head {
    let epoch = Epoch(found.epoch.max(beyond).0 + 1);
    Head { epoch, batch_id: BatchId(shared.environment.random.bits()), ..found }
}

/// An operator accepts what the store has. Repeatable at every step: first nodes are told up to where they must forget, then the head
/// leaves every epoch that was witnessed behind, and only then the event is let go.
pub(crate) async fn reconcile(shared: &Shared, event: EventId) -> Result<Reconciled, ReconcileError> {
    let _order = shared.quarantine_rows.lock().await;
    let rows = QuarantinedEvents::new(Arc::clone(&shared.table));
    let row = rows.get(event).await?.and_then(|row| row.went_back);
    let WentBack { witnessed, .. } = row.ok_or(ReconcileError::NotSetAside)?;
    let own = shared.heads.as_ref().and_then(|heads| heads.witnessed(event));
    let seen = witnessed.epoch.max(own.map_or(Epoch(0), |own| own.epoch));
    let found = shared.log.head(event).await?;
    let beyond = seen.max(found.epoch);
    Reconciliations::new(Arc::clone(&shared.table)).accept(event, Epoch(beyond.0 + 1)).await?;
    let accepted = raise(shared, event, beyond).await?;
    if let Some(heads) = &shared.heads {
        heads.note(event, accepted);
    }
    rows.remove(event).await?;
    shared.set_aside(event, None);
    let lost = accepted.sequence.plus(1)..=witnessed.sequence;
    let lost = (!lost.is_empty()).then_some(lost);
    tracing::warn!(?event, sequence = %accepted.sequence, ?lost, "an operator accepts what the store has");
    Ok(Reconciled { sequence: accepted.sequence, witnessed: witnessed.sequence, lost })
}
