//! The follower of payments: what the log of an event wants of them is written in the transaction that moves its cursor, before anybody calls
//! a provider. Then the desk of its lane is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::try_join_all;
use tessera_inventory::{ClaimNumber, Event, EventBody, EventId, HoldPlaced, Sequence};
use tessera_money::payments::{Followed, Payments, Step};
use tessera_payments::Payment;
use tessera_projections::catalogue::Catalogue;
use tessera_projections::follower_cursors::{Advance, FollowerCursors};
use tessera_projections::orders::placed_holds;
use tessera_store::StoreError;
use tessera_store::keys::FollowerCursor;

use super::clerk::ClerkMessage;
use super::in_flight::InFlight;
use super::wants::{Attempt, Attempts, Known, Needed, Refunded, Refunds, Wants};
use crate::followers::{FollowerKind, STORE_EVERY_EVENTS, Step as Stepped};
use crate::inventory::decode;
use crate::shared::Shared;
use crate::slot::Slot;

/// Bytes of log that one step reads.
const STEP_LOG_BYTES: usize = 64_000;
/// Payments, or entries of the ledger, that are written in one transaction: each reads and writes some kilobytes.
const PART_MAX: usize = 500;
/// Payments in flight of one event that are read when it is taken over: more than it has claims.
const IN_FLIGHT_READ_MAX: usize = 1_000_000;
/// The name of the cursor.
const FOLLOWER: &str = FollowerKind::Payment.name();

/// What the follower works with.
#[derive(Clone)]
pub(crate) struct PaymentFollower {
    cursors: FollowerCursors,
    catalogue: Catalogue,
    payments: Payments,
}

/// How far it is with an event.
#[derive(Debug)]
pub(crate) struct Place {
    cursor: FollowerCursor,
    /// It was taken over: nobody else moves the cursor since.
    is_ours: bool,
    /// Up to here nothing follows from the log but what is written.
    seen: Sequence,
    in_flight: InFlight,
}

/// A stretch of the log.
type Stretch = Vec<Logged>;
pub(crate) type Logged = (Sequence, Event);

impl PaymentFollower {
    pub(crate) fn new(shared: &Shared) -> PaymentFollower {
        PaymentFollower {
            cursors: FollowerCursors::new(Arc::clone(&shared.table)),
            catalogue: Catalogue::new(Arc::clone(&shared.table)),
            payments: shared.money.payments.clone(),
        }
    }

    /// One step along the log of the slot's event, which has ended if `is_last`. `place` is what the step before left.
    pub(crate) async fn step(
        &self,
        shared: &Shared,
        slot: &Slot,
        is_last: bool,
        place: &mut Option<Place>,
    ) -> Result<Stepped, StoreError> {
        let (event, durable) = (slot.event, slot.durable());
        let mut at = match place.take() {
            Some(at) => at,
            None => Place::at(self.cursors.read(event, FOLLOWER).await?),
        };
        if at.seen >= durable && (at.cursor.sequence >= at.seen || !is_last) {
            return Ok(stay(at, place));
        }
        if !at.is_ours {
            at = self.take_over(event).await?;
        }
        let (reached, events) = stretch(shared, slot, at.seen).await?;
        let step = self.wanted(shared, slot, &events, &mut at.in_flight).await?;
        let Some(step) = step else {
            at.seen = reached;
            let is_kept = is_last || at.seen.0 - at.cursor.sequence.0 >= STORE_EVERY_EVENTS;
            if !is_kept {
                return Ok(stay(at, place));
            }
            let advance = self.cursors.advance(event, FOLLOWER, at.cursor, reached).await?;
            return Ok(moved(at, advance, place));
        };
        let advance = self.write(shared, event, (at.cursor, reached), step).await?;
        Ok(moved(at, advance, place))
    }

    async fn take_over(&self, event: EventId) -> Result<Place, StoreError> {
        let cursor = self.cursors.take_over(event, FOLLOWER).await?;
        let mut at = Place { is_ours: true, ..Place::at(cursor) };
        // Read behind the fence: nobody else writes them any more.
        for (key, id) in self.payments.in_flight(event, None, IN_FLIGHT_READ_MAX).await? {
            at.in_flight.begin(id.order, id.attempt, key.grace_until);
        }
        Ok(at)
    }

    /// What a stretch of the log wants; `None`: nothing.
    async fn wanted(
        &self,
        shared: &Shared,
        slot: &Slot,
        events: &[Logged],
        in_flight: &mut InFlight,
    ) -> Result<Option<Step>, StoreError> {
        let (event, mut needed) = (slot.event, Needed::default());
        for (_, logged) in events {
            needed.add(&logged.body);
        }
        let config = slot.published().config.clone();
        let (true, Some((_, config))) = (needed.any, config) else { return Ok(None) };
        let card = self.catalogue.get(event).await?.ok_or_else(|| StoreError::Damaged {
            reason: format!("{event:?} sells, and is not in the catalogue"),
        })?;
        let attempts = self.attempts(event, needed.attempts).await?;
        let first = events.first().map_or(Sequence::ZERO, |(first, _)| *first);
        let known = Known {
            refunds: self.refunds((event, shared), &needed.refunds, first).await?,
            event,
            organizer: card.organizer,
            currency: config.currency,
            now: shared.environment.clock.wall(),
            holds: holds(shared, event, events, needed.holds).await?,
            attempts,
        };
        let mut wants = Wants::new(known, in_flight);
        for (sequence, logged) in events {
            wants.follow(*sequence, logged)?;
        }
        Ok(Some(wants.finish()).filter(|step| !is_empty(step)))
    }

    /// What was given back of these orders before this place of the log, as far as it was wanted of a provider.
    async fn refunds(
        &self,
        (event, shared): (EventId, &Shared),
        orders: &[ClaimNumber],
        before: Sequence,
    ) -> Result<Refunds, StoreError> {
        let mut refunds = Refunds::new();
        for &order in orders {
            let rows = self.payments.attempts(event, order).await?;
            let numbers = rows.iter().flat_map(|row| row.refunds.keys().copied());
            for number in numbers.filter(|number| *number > Payment::EXCESS && *number < before.0) {
                let place = Sequence(number);
                if let Some(refunded) = refund_at(shared, event, order, place).await? {
                    refunds.entry(order).or_default().insert(place, refunded);
                }
            }
        }
        Ok(refunds)
    }

    async fn attempts(
        &self,
        event: EventId,
        mut orders: Vec<ClaimNumber>,
    ) -> Result<BTreeMap<ClaimNumber, Attempts>, StoreError> {
        orders.sort_unstable();
        orders.dedup();
        let payments = &self.payments;
        let attempts = orders.into_iter().map(|order| async move {
            let rows = payments.attempts(event, order).await?;
            let attempts: Attempts = rows.iter().map(|row| (row.id.attempt, Attempt::of(row))).collect();
            Ok::<_, StoreError>((order, attempts))
        });
        Ok(try_join_all(attempts).await?.into_iter().collect())
    }

    /// Write a step, in as many transactions as it takes. Only the last moves the cursor: what a crash leaves is written again.
    async fn write(
        &self,
        shared: &Shared,
        event: EventId,
        (cursor, reached): (FollowerCursor, Sequence),
        step: Step,
    ) -> Result<Advance, StoreError> {
        let now = shared.environment.clock.wall();
        let begins_runs = !step.runs.is_empty();
        let mut parts = parts(step);
        let last = parts.pop().unwrap_or_default();
        for part in &parts {
            let followed = self.payments.follow_part((event, FOLLOWER), cursor, (part, now)).await?;
            if let Advance::Fenced { .. } = followed.advance {
                return Ok(followed.advance);
            }
            shared.money.written(followed.payments);
        }
        let Followed { advance, payments } =
            self.payments.follow((event, FOLLOWER), cursor, reached, (&last, now)).await?;
        shared.money.written(payments);
        if begins_runs {
            shared.money.clerk.cast(ClerkMessage::Look);
        }
        Ok(advance)
    }
}

impl Place {
    fn at(cursor: FollowerCursor) -> Place {
        Place { cursor, is_ours: false, seen: cursor.sequence, in_flight: InFlight::default() }
    }
}

fn stay(at: Place, place: &mut Option<Place>) -> Stepped {
    let (through, stored) = (at.seen, at.cursor.sequence);
    *place = Some(at);
    if through == stored { Stepped::UpToDate(stored) } else { Stepped::Seen { through, stored } }
}

fn moved(at: Place, advance: Advance, place: &mut Option<Place>) -> Stepped {
    match advance {
        Advance::Advanced(cursor) => {
            *place = Some(Place { cursor, seen: cursor.sequence, ..at });
            Stepped::Advanced(cursor.sequence)
        }
        Advance::Fenced { .. } => Stepped::Fenced,
    }
}

/// The next part of the log, up to what is published, and how far it goes.
async fn stretch(shared: &Shared, slot: &Slot, after: Sequence) -> Result<(Sequence, Stretch), StoreError> {
    let records = shared.log.read(slot.event, after, STEP_LOG_BYTES).await?;
    // Looked at after the log: its currency is that of all of them.
    let through = slot.published().availability.sequence;
    let (mut reached, mut events) = (after, Stretch::new());
    for record in &records {
        for (number, logged) in (record.first_sequence.0..).map(Sequence).zip(decode(record)?) {
            if number > after && number <= through {
                reached = number;
                events.push((number, logged));
            }
        }
    }
    Ok((reached, events))
}

/// The refund of an order at a place in the log.
async fn refund_at(
    shared: &Shared,
    event: EventId,
    order: ClaimNumber,
    place: Sequence,
) -> Result<Option<Refunded>, StoreError> {
    let records = shared.log.read(event, Sequence(place.0.saturating_sub(1)), 1).await?;
    for record in &records {
        let numbered = (record.first_sequence.0..).map(Sequence).zip(decode(record)?);
        let found = numbered.into_iter().find(|(number, _)| *number == place);
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
pub(crate) async fn holds(
    shared: &Shared,
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
    holds.extend(placed_holds(&*shared.log, event, earlier).await?);
    Ok(holds)
}

fn is_empty(step: &Step) -> bool {
    let Step { begun, changes, ended, entries, runs } = step;
    begun.is_empty() && changes.is_empty() && ended.is_empty() && entries.is_empty() && runs.is_empty()
}

/// The transactions of a step, in order. Rows come before what is wanted of them, and what is waited for is forgotten after that.
fn parts(step: Step) -> Vec<Step> {
    let Step { begun, changes, ended, entries, runs } = &step;
    if begun.len() + changes.len() + entries.len() <= PART_MAX && ended.len() <= PART_MAX {
        return vec![step];
    }
    let begun = begun.chunks(PART_MAX).map(|begun| Step { begun: begun.to_vec(), ..Step::default() });
    let changes =
        changes.chunks(PART_MAX).map(|changes| Step { changes: changes.to_vec(), ..Step::default() });
    let ended = ended.chunks(PART_MAX).map(|ended| Step { ended: ended.to_vec(), ..Step::default() });
    let entries =
        entries.chunks(PART_MAX).map(|entries| Step { entries: entries.to_vec(), ..Step::default() });
    let runs = runs.chunks(PART_MAX).map(|runs| Step { runs: runs.to_vec(), ..Step::default() });
    begun.chain(changes).chain(ended).chain(entries).chain(runs).collect()
}
