//! One step of the projection along the log of an event.

use std::collections::BTreeMap;

use tessera_inventory::{ClaimNumber, Event, EventBody, EventId, HoldPlaced, SCANS_MAX, Sequence};
use tessera_records::for_each;
use tessera_store::{
    Log, LogRecord, StoreError, TRANSACTION_BYTES_MAX, Table, Transaction, clear_bytes,
    keys::{ProjectionCursor, ProjectionCursorKey},
    read_bytes, set_bytes, transact,
};
use tessera_writer::Chain;

use super::fold::{Fold, Holds};
use crate::damage::{damaged, unreadable_record};
use crate::mutant::{Mutant, Mutation};

/// Name of the projection in its cursor's key.
const PROJECTION: &str = "orders";
/// Log bytes read for one step, or one record if that is larger.
pub const STEP_BYTES: usize = 100_000;
/// Most orders that one transaction changes, where no single event changes more. A record may hold more events: the cursor then stands within it.
pub const STEP_EVENTS_MAX: usize = 250;
/// Most bytes of an order's row: [`tessera_inventory::HOLD_UNITS_MAX`] tickets, each transferred and with a passage offline, and a quote of
/// [`tessera_pricing::QUOTE_LINES_MAX`] lines.
const ORDER_ROW_BYTES_MAX: usize = 8_500;
/// Most bytes of the key of an order's row, and of each of the two that an event lists or unlists it under.
const ORDER_KEY_BYTES_MAX: usize = 100;
/// What an event counts in a transaction that changes an order of which nothing else does.
const EVENT_BYTES_MAX: usize = read_bytes(ORDER_KEY_BYTES_MAX)
    + set_bytes(ORDER_KEY_BYTES_MAX, ORDER_ROW_BYTES_MAX)
    + 2 * clear_bytes(ORDER_KEY_BYTES_MAX);

// What one step reads and writes fits a transaction, the cursor included.
const _: () = assert!((STEP_EVENTS_MAX + SCANS_MAX) * EVENT_BYTES_MAX < TRANSACTION_BYTES_MAX);

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Rows are up to this sequence now.
    Advanced {
        /// The new position.
        through: Sequence,
    },
    /// The log holds nothing more.
    UpToDate {
        /// The position.
        through: Sequence,
    },
    /// Another follower moved the cursor meanwhile; nothing was written.
    Overtaken,
}

/// The cursor of `event`; a projection that never ran stands before the log.
pub(crate) async fn cursor(
    transaction: &mut dyn Transaction,
    event: EventId,
) -> Result<ProjectionCursor, StoreError> {
    cursor_of(transaction, event, PROJECTION).await
}

/// The cursor of a projection that follows the log of `event`.
pub(crate) async fn cursor_of(
    transaction: &mut dyn Transaction,
    event: EventId,
    projection: &str,
) -> Result<ProjectionCursor, StoreError> {
    let key = ProjectionCursorKey { event, projection: projection.to_owned() }.pack();
    match transaction.get(&key).await? {
        Some(value) => ProjectionCursor::decode(&value),
        None => Ok(ProjectionCursor { sequence: Sequence::ZERO, chain: Chain::default() }),
    }
}

/// Fold the records after the cursor: rows and cursor in one transaction.
pub(crate) async fn step(
    table: &dyn Table,
    log: &dyn Log,
    event: EventId,
    mutation: Mutation,
) -> Result<Step, StoreError> {
    let from = cursor(table.begin().await?.as_mut(), event).await?;
    let records = log.read(event, from.sequence, STEP_BYTES).await?;
    if records.is_empty() || records.len() == 1 && mutation.is(Mutant::TailUnread) {
        return Ok(Step::UpToDate { through: from.sequence });
    }
    let (events, to) = events_after(event, from, &records, weight, STEP_EVENTS_MAX)?;
    let holds = holds(log, event, from.sequence, &events).await?;
    let (events, holds) = (&events, &holds);
    transact(table, |mut transaction| async move {
        let stands = cursor(transaction.as_mut(), event).await?;
        if stands == to {
            // An earlier attempt of unknown outcome had landed.
            return Ok((transaction, Step::Advanced { through: to.sequence }));
        }
        if stands != from && !mutation.is(Mutant::OvertakingUnnoticed) {
            return Ok((transaction, Step::Overtaken));
        }
        let mut fold = Fold::begin(transaction, (event, events), holds).await?;
        for (position, each) in (1..).zip(events) {
            fold.apply(from.sequence.plus(position), each).await?;
        }
        let mut transaction = fold.finish();
        let key = ProjectionCursorKey { event, projection: PROJECTION.to_owned() }.pack();
        transaction.set(&key, &to.encode());
        Ok((transaction, Step::Advanced { through: to.sequence }))
    })
    .await
}

/// How many orders an event changes, at most.
fn weight(event: &Event) -> usize {
    match &event.body {
        EventBody::ScansRecorded(record) => record.scans.len().max(1),
        _ => 1,
    }
}

/// The events of `records` after the cursor, until what they weigh together is `weight_max`, and where the cursor stands then. Records must go on
/// where it stands; within a record its chain is the one before that record.
pub(crate) fn events_after(
    event: EventId,
    from: ProjectionCursor,
    records: &[LogRecord],
    weight: fn(&Event) -> usize,
    weight_max: usize,
) -> Result<(Vec<Event>, ProjectionCursor), StoreError> {
    let mut events = Vec::new();
    let mut to = from;
    let mut weighed = 0;
    for record in records {
        let last = record.last_sequence;
        let chain = to.chain.extend(&record.bytes);
        // Only the first record may have begun before the cursor.
        let goes_on = if events.is_empty() {
            record.first_sequence <= to.sequence.plus(1)
        } else {
            record.first_sequence == to.sequence.plus(1)
        };
        if !goes_on || chain != record.chain {
            return Err(damaged(format!(
                "the log of {event:?} does not go on from sequence {} with the record up to {last}",
                to.sequence
            )));
        }
        let (after, mut found) = (to.sequence, record.first_sequence.0 - 1);
        for_each(&record.bytes, |_, each| {
            found += 1;
            if found > after.0 && weighed < weight_max {
                weighed += weight(&each);
                events.push(each);
                to.sequence = Sequence(found);
            }
        })
        .map_err(|error| unreadable_record(event, last, &error))?;
        if found != last.0 {
            return Err(damaged(format!("the record of {event:?} up to sequence {last} has a gap")));
        }
        if to.sequence < last {
            break;
        }
        to.chain = chain;
    }
    Ok((events, to))
}

/// The holds of the orders that come into being in `events`; those placed earlier are read back from the log.
async fn holds(
    log: &dyn Log,
    event: EventId,
    after: Sequence,
    events: &[Event],
) -> Result<Holds, StoreError> {
    let mut holds = Holds::new();
    let mut earlier: Vec<ClaimNumber> = Vec::new();
    for each in events {
        let EventBody::PaymentBegun { order, attempt: 1, .. } = each.body else { continue };
        match order.0.checked_sub(after.0 + 1).map(usize::try_from) {
            Some(Ok(position)) => {
                let body = events.get(position).map(|placed| &placed.body);
                holds.insert(order, placed(event, order, body)?.clone());
            }
            _ => earlier.push(order),
        }
    }
    holds.extend(placed_holds(log, event, earlier).await?);
    Ok(holds)
}

/// The holds of these numbers, read from the log.
///
/// # Errors
/// As the log says; [`StoreError::Damaged`] where one of them is no hold.
pub async fn placed_holds(
    log: &dyn Log,
    event: EventId,
    mut numbers: Vec<ClaimNumber>,
) -> Result<BTreeMap<ClaimNumber, HoldPlaced>, StoreError> {
    let mut holds = Holds::new();
    numbers.sort_unstable();
    numbers.dedup();
    let mut earlier = numbers.into_iter().peekable();
    while let Some(first) = earlier.peek().copied() {
        let records = log.read(event, Sequence(first.0.saturating_sub(1)), 1).await?;
        let Some(record) = records.first() else { return Err(no_hold(event, first)) };
        let mut found = Ok(());
        for_each(&record.bytes, |sequence, each| {
            if found.is_ok() && earlier.next_if_eq(&ClaimNumber(sequence.0)).is_some() {
                let number = ClaimNumber(sequence.0);
                found = placed(event, number, Some(&each.body)).map(|hold| {
                    holds.insert(number, hold.clone());
                });
            }
        })
        .map_err(|error| unreadable_record(event, record.last_sequence, &error))?;
        found?;
        if earlier.peek() == Some(&first) {
            return Err(no_hold(event, first));
        }
    }
    Ok(holds)
}

fn placed(event: EventId, number: ClaimNumber, body: Option<&EventBody>) -> Result<&HoldPlaced, StoreError> {
    match body {
        Some(EventBody::HoldPlaced(hold)) => Ok(hold),
        _ => Err(no_hold(event, number)),
    }
}

fn no_hold(event: EventId, number: ClaimNumber) -> StoreError {
    damaged(format!("order {} of {event:?} comes from no hold", number.0))
}
