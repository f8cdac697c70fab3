//! Reading a stretch of the log, and what earlier parts of it say of its orders.

use std::collections::BTreeMap;

use tessera_inventory::{ClaimNumber, Event, EventBody, EventId, HoldPlaced, Sequence};
use tessera_projections::orders::placed_holds;
use tessera_projections::unreadable_record;
use tessera_records::for_each;
use tessera_store::{Log, LogRecord, StoreError};

use super::sale::Refunded;

/// Bytes of log that one step reads.
const STEP_LOG_BYTES: usize = 64_000;

/// An event and its place.
pub type Logged = (Sequence, Event);

/// The next part of the log after a place and up to another, and how far it goes.
pub(super) async fn read(
    log: &dyn Log,
    event: EventId,
    (after, through): (Sequence, Sequence),
) -> Result<(Sequence, Vec<Logged>), StoreError> {
    let records = log.read(event, after, STEP_LOG_BYTES).await?;
    let (mut reached, mut events) = (after, Vec::new());
    for record in &records {
        for (number, logged) in decode(event, record)? {
            if number > after && number <= through {
                reached = number;
                events.push((number, logged));
            }
        }
    }
    Ok((reached, events))
}

/// The refund of an order at a place in the log.
pub(super) async fn refund_at(
    log: &dyn Log,
    event: EventId,
    order: ClaimNumber,
    place: Sequence,
) -> Result<Option<Refunded>, StoreError> {
    let records = log.read(event, Sequence(place.0.saturating_sub(1)), 1).await?;
    for record in &records {
        let found = decode(event, record)?.into_iter().find(|(number, _)| *number == place);
        if let Some(EventBody::TicketsRefunded { order: of, tickets, amount_minor, .. }) =
            found.map(|(_, logged)| logged.body)
            && of == order
        {
            return Ok(Some(Refunded { tickets, amount_minor }));
        }
    }
    Ok(None)
}

/// The holds of these orders: of the stretch itself, or from the log before it.
///
/// # Errors
/// As the log says; an order that comes from no hold is damage.
pub async fn holds(
    log: &dyn Log,
    event: EventId,
    events: &[Logged],
    orders: Vec<ClaimNumber>,
) -> Result<BTreeMap<ClaimNumber, HoldPlaced>, StoreError> {
    let mut holds = BTreeMap::new();
    let mut earlier = Vec::new();
    let first = events.first().map_or(0, |(first, _)| first.0);
    for order in orders {
        let position = order.0.checked_sub(first).and_then(|position| usize::try_from(position).ok());
        match position.and_then(|position| events.get(position)) {
            Some((_, Event { body: EventBody::HoldPlaced(hold), .. })) => {
                holds.insert(order, hold.clone());
            }
            _ => earlier.push(order),
        }
    }
    holds.extend(placed_holds(log, event, earlier).await?);
    Ok(holds)
}

/// The events of a record with their places.
fn decode(event: EventId, record: &LogRecord) -> Result<Vec<Logged>, StoreError> {
    let mut events = Vec::new();
    for_each(&record.bytes, |sequence, logged| events.push((sequence, logged)))
        .map_err(|error| unreadable_record(event, record.last_sequence, &error))?;
    Ok(events)
}
