//! One step of the projection along the log of an event.

use tessera_inventory::{Event, EventBody, EventId, HOLD_UNITS_MAX, SCANS_MAX, Sequence};
use tessera_store::keys::{ProjectionCursor, ProjectionCursorKey};
use tessera_store::{
    Log, StoreError, TRANSACTION_BYTES_MAX, Table, Transaction, clear_bytes, read_bytes, set_bytes, transact,
};

use super::fold::{Fold, SCAN_PAGES_MAX};
use crate::orders::{STEP_BYTES, cursor_of, events_after};

/// Name of the projection in its cursor's key.
const PROJECTION: &str = "entry";
/// Tickets that one step changes, about: the events of one may go beyond by one event.
const STEP_TICKETS_MAX: usize = 250;
/// Most tickets that one event changes.
pub(super) const EVENT_TICKETS_MAX: usize =
    if SCANS_MAX > HOLD_UNITS_MAX as usize { SCANS_MAX } else { HOLD_UNITS_MAX as usize };
/// Most bytes of a key of these rows, and of a value.
const KEY_BYTES_MAX: usize = 100;
const VALUE_BYTES_MAX: usize = 70;
/// What a scan costs in a transaction: its row, its ticket, change and counts; the scans of its ticket before it; and of conflicts four with
/// the log, one of which reads the order, and those with its neighbours, one of which goes.
const SCAN_BYTES_MAX: usize = (5 + SCAN_PAGES_MAX) * read_bytes(KEY_BYTES_MAX)
    + clear_bytes(KEY_BYTES_MAX)
    + 11 * set_bytes(KEY_BYTES_MAX, VALUE_BYTES_MAX);

const _: () = assert!((STEP_TICKETS_MAX + EVENT_TICKETS_MAX) * SCAN_BYTES_MAX < TRANSACTION_BYTES_MAX);

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Rows are up to this place now.
    Advanced(ProjectionCursor),
    /// Nothing up to here concerned gates; nothing was written.
    Seen(ProjectionCursor),
    /// The log holds nothing more.
    UpToDate,
    /// Another follower moved the cursor meanwhile; nothing was written.
    Overtaken,
}

/// The cursor of `event`; a projection that never ran stands before the log.
pub(super) async fn cursor(
    transaction: &mut dyn Transaction,
    event: EventId,
) -> Result<ProjectionCursor, StoreError> {
    cursor_of(transaction, event, PROJECTION).await
}

/// See [`super::EntryRows::project`].
pub(super) async fn step(
    table: &dyn Table,
    log: &dyn Log,
    event: EventId,
    (stored, seen): (ProjectionCursor, ProjectionCursor),
    is_kept: impl Fn(Sequence) -> bool + Send,
) -> Result<Step, StoreError> {
    let records = log.read(event, seen.sequence, STEP_BYTES).await?;
    if records.is_empty() {
        return Ok(Step::UpToDate);
    }
    let (events, to) = events_after(event, seen, &records, weight, STEP_TICKETS_MAX)?;
    let concerned = events.iter().any(|each| weight(each) > 0);
    if !concerned && !is_kept(to.sequence) {
        return Ok(Step::Seen(to));
    }
    let events = &events;
    transact(table, |transaction| async move {
        let mut transaction = transaction;
        let stands = cursor(transaction.as_mut(), event).await?;
        if stands == to {
            // An earlier attempt of unknown outcome had landed.
            return Ok((transaction, Step::Advanced(to)));
        }
        if stands != stored {
            return Ok((transaction, Step::Overtaken));
        }
        let mut fold = Fold::new(transaction, event);
        for (position, each) in (1..).zip(events) {
            fold.apply(seen.sequence.plus(position), each).await?;
        }
        let mut transaction = fold.finish().await?;
        let key = ProjectionCursorKey { event, projection: PROJECTION.to_owned() }.pack();
        transaction.set(&key, &to.encode());
        Ok((transaction, Step::Advanced(to)))
    })
    .await
}

/// How many tickets an event changes.
fn weight(event: &Event) -> usize {
    match &event.body {
        EventBody::TicketsRefunded { tickets, .. } => tickets.len(),
        // The order itself, too.
        EventBody::OrderDisputed { revoked, .. } => revoked.len() + 1,
        EventBody::ScansRecorded(record) => record.scans.len(),
        EventBody::TicketTransferred { .. }
        | EventBody::TicketReissued { .. }
        | EventBody::CheckedIn { .. }
        | EventBody::CheckedOut { .. } => 1,
        _ => 0,
    }
}
