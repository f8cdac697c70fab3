//! The follower of notifications where people are told anything: webhooks and what is to be said to people move with its cursor, in one
//! transaction.

use std::borrow::Cow;
use std::sync::Arc;

use tessera_correspondence::{Broadcast, Kind, Said, say_in};
use tessera_inventory::{EventId, Sequence, Timestamp};
use tessera_money::following::{Logged, holds};
use tessera_projections::catalogue::{Catalogue, card_in};
use tessera_projections::follower_cursors::{Advance, FollowerCursors, STORE_EVERY_EVENTS, advance_in};
use tessera_projections::webhooks::{Batch, Endpoint, disabled_in, tell_in};
use tessera_store::keys::FollowerCursor;
use tessera_store::{LogRecord, StoreError, Transaction, transact};

use super::wants::{Known, order_of, says_something, timed};
use super::{MessageCourierMessage, People};
use crate::followers::{FollowerKind, Step};
use crate::inventory::decode;
use crate::shared::Shared;
use crate::slot::Slot;
use crate::webhooks::{Outbox, told as tell_courier};

/// Bytes of log that one step reads.
const STEP_LOG_BYTES: usize = 64_000;
/// A step ends with the event that is the so-many-th to say something: each reads an inbox and writes three rows.
const SAYING_MAX: usize = 100;
/// The name of the cursor.
const FOLLOWER: &str = FollowerKind::Notification.name();

/// What the follower works with.
#[derive(Clone)]
pub(crate) struct NotificationFollower {
    cursors: FollowerCursors,
    catalogue: Catalogue,
    outbox: Option<Outbox>,
    told: Arc<People>,
}

/// How far it is with an event.
#[derive(Debug)]
pub(crate) struct NotificationPlace {
    cursor: FollowerCursor,
    /// It was taken over: nobody else moves the cursor since.
    is_ours: bool,
    /// Up to here nothing follows from the log but what is written.
    seen: Sequence,
}

/// What one step writes.
struct Written {
    through: Sequence,
    batches: Vec<Batch>,
    said: Said,
    now: Timestamp,
}

impl NotificationPlace {
    fn at(cursor: FollowerCursor) -> NotificationPlace {
        NotificationPlace { cursor, is_ours: false, seen: cursor.sequence }
    }
}

impl NotificationFollower {
    pub(crate) fn new(shared: &Shared, told: Arc<People>) -> NotificationFollower {
        let table = &shared.table;
        NotificationFollower {
            cursors: FollowerCursors::new(Arc::clone(table)),
            catalogue: Catalogue::new(Arc::clone(table)),
            outbox: shared.postman.clone().map(|postman| Outbox::new(table, postman)),
            told,
        }
    }

    /// One step along the log of the slot's event, which has ended if `is_last`. `place` is what the step before left.
    pub(crate) async fn step(
        &self,
        shared: &Shared,
        slot: &Slot,
        is_last: bool,
        place: &mut Option<NotificationPlace>,
    ) -> Result<Step, StoreError> {
        let (event, durable) = (slot.event, slot.durable());
        let mut at = match place.take() {
            Some(at) => at,
            None => NotificationPlace::at(self.cursors.read(event, FOLLOWER).await?),
        };
        if at.seen >= durable && (at.cursor.sequence >= at.seen || !is_last) {
            return Ok(stay(at, place));
        }
        // Looked at before the endpoints: one that listens from now on is told of what follows.
        let end = shared.log.head(event).await?.sequence;
        let listeners = match &self.outbox {
            Some(outbox) => outbox.listeners(event).await?,
            None => None,
        };
        if !at.is_ours {
            let cursor = self.cursors.take_over(event, FOLLOWER).await?;
            at = NotificationPlace { is_ours: true, ..NotificationPlace::at(cursor) };
        }
        // An endpoint that is disabled must not hear of this when it is enabled again, so the place is kept at once.
        let is_heard = listeners.is_some();
        let written = self.gather(shared, slot, at.seen, (listeners, end)).await?;
        at.seen = written.through;
        let is_silent = written.said.is_empty() && written.batches.is_empty();
        let is_kept = is_last || is_heard || at.seen.0 - at.cursor.sequence.0 >= STORE_EVERY_EVENTS;
        if is_silent && !is_kept {
            return Ok(stay(at, place));
        }
        let advance = self.write(shared, slot, at.cursor, &written).await?;
        Ok(moved(advance, place))
    }

    /// What the next part of the log, up to `end` and to what is published, makes follow.
    async fn gather(
        &self,
        shared: &Shared,
        slot: &Slot,
        after: Sequence,
        (listeners, end): (Option<Vec<Endpoint>>, Sequence),
    ) -> Result<Written, StoreError> {
        let now = shared.environment.clock.wall();
        let records = shared.log.read(slot.event, after, STEP_LOG_BYTES).await?;
        let through = slot.published().availability.sequence.min(end);
        let stretch = stretch(&records, after, through)?;
        let mut reached = stretch.last().map_or(after, |(sequence, _)| *sequence);
        let mut batches = Vec::new();
        if let (Some(outbox), Some(listeners)) = (&self.outbox, listeners.filter(|all| !all.is_empty())) {
            let part = (after, records, reached);
            (reached, batches) = outbox.gather(shared, slot, part, listeners, now).await?;
        }
        let said = self.said(shared, slot, (&stretch, reached), now).await?;
        Ok(Written { through: reached, batches, said, now })
    }

    /// What a stretch of the log, as far as `reached`, has to say to people.
    async fn said(
        &self,
        shared: &Shared,
        slot: &Slot,
        (stretch, reached): (&[Logged], Sequence),
        now: Timestamp,
    ) -> Result<Said, StoreError> {
        let mut said = Said::default();
        let in_reach = || stretch.iter().filter(|(sequence, _)| *sequence <= reached);
        if !in_reach().any(|(_, logged)| says_something(&logged.body)) {
            return Ok(said);
        }
        // What is not in the catalogue has nobody to tell.
        let Some(card) = self.catalogue.get(slot.event).await? else { return Ok(said) };
        let orders = in_reach().filter_map(|(_, logged)| order_of(&logged.body)).collect();
        let known = Known {
            event: slot.event,
            organizer: card.organizer,
            now,
            since: self.told.since,
            starts_at: card.starts_at,
            reminder_before_ms: self.told.messaging.reminder_before_ms,
            holds: holds(&*shared.log, slot.event, stretch, orders).await?,
        };
        for (sequence, logged) in in_reach() {
            let Said { wants, aside, broadcasts } = known.said(*sequence, logged);
            said.wants.extend(wants);
            said.aside.extend(aside);
            said.broadcasts.extend(broadcasts);
        }
        Ok(said)
    }

    async fn write(
        &self,
        shared: &Shared,
        slot: &Slot,
        cursor: FollowerCursor,
        written: &Written,
    ) -> Result<Advance, StoreError> {
        let Written { through, batches, said, now } = written;
        let (event, lanes) = (slot.event, &self.told.lanes());
        let before_ms = self.told.messaging.reminder_before_ms;
        let (advance, disabled) = transact(shared.table.as_ref(), |mut transaction| async move {
            let moved = advance_in(transaction.as_mut(), (event, FOLLOWER), cursor, *through).await?;
            if moved.is_none() {
                tell_in(transaction.as_mut(), batches, *now).await?;
                let said = by_start(transaction.as_mut(), event, said, before_ms).await?;
                say_in(transaction.as_mut(), &said, lanes).await?;
            }
            let next = FollowerCursor { sequence: *through, ..cursor };
            let advance = moved.unwrap_or(Advance::Advanced(next));
            let disabled = match advance {
                Advance::Advanced(_) => disabled_in(transaction.as_mut(), batches, *now).await?,
                Advance::Fenced { .. } => Vec::new(),
            };
            Ok((transaction, (advance, disabled)))
        })
        .await?;
        if let Advance::Advanced(_) = advance {
            tell_courier(shared, batches, &disabled);
            if !said.wants.is_empty() || !said.aside.is_empty() {
                shared.message_courier.cast(MessageCourierMessage::Work);
            }
            for broadcast in &said.broadcasts {
                shared.message_courier.cast(MessageCourierMessage::Run(broadcast.event, broadcast.run));
            }
        }
        Ok(advance)
    }
}

/// What is said, its reminder so long before the event starts as the transaction sees it: whoever moves the event later finds the reminder, and
/// moves it along.
async fn by_start<'a>(
    transaction: &mut dyn Transaction,
    event: EventId,
    said: &'a Said,
    before_ms: u64,
) -> Result<Cow<'a, Said>, StoreError> {
    let is_reminder = |broadcast: &Broadcast| broadcast.kind == Kind::Reminder;
    if !said.broadcasts.iter().any(is_reminder) {
        return Ok(Cow::Borrowed(said));
    }
    let Some(card) = card_in(transaction, event).await? else { return Ok(Cow::Borrowed(said)) };
    let of_now =
        |one: Broadcast| if is_reminder(&one) { timed(one, card.starts_at, before_ms) } else { Some(one) };
    let broadcasts = said.broadcasts.iter().cloned().filter_map(of_now).collect();
    Ok(Cow::Owned(Said { broadcasts, ..said.clone() }))
}

/// The next part of the log up to `through`, as far as one step goes.
fn stretch(records: &[LogRecord], after: Sequence, through: Sequence) -> Result<Vec<Logged>, StoreError> {
    let (mut stretch, mut saying) = (Vec::new(), 0);
    for record in records {
        for (number, logged) in (record.first_sequence.0..).map(Sequence).zip(decode(record)?) {
            if number > after && number <= through && saying < SAYING_MAX {
                saying += usize::from(says_something(&logged.body));
                stretch.push((number, logged));
            }
        }
    }
    Ok(stretch)
}

fn stay(at: NotificationPlace, place: &mut Option<NotificationPlace>) -> Step {
    let (through, stored) = (at.seen, at.cursor.sequence);
    *place = Some(at);
    if through == stored { Step::UpToDate(stored) } else { Step::Seen { through, stored } }
}

fn moved(advance: Advance, place: &mut Option<NotificationPlace>) -> Step {
    match advance {
        Advance::Advanced(cursor) => {
            *place = Some(NotificationPlace { is_ours: true, ..NotificationPlace::at(cursor) });
            Step::Advanced(cursor.sequence)
        }
        Advance::Fenced { .. } => Step::Fenced,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures::executor::block_on;
    use tessera_correspondence::BroadcastState;
    use tessera_projections::catalogue::{CatalogueEvent, CatalogueRequest};
    use tessera_store::Table;
    use tessera_store::memory::MemoryStore;

    use super::*;

    const EVENT: EventId = EventId(1);
    const NOW: Timestamp = Timestamp(1_000);

    #[test]
    fn a_reminder_is_written_by_the_start_that_its_transaction_sees() {
        let check = |starts_at: u64, expected: &[(u64, u64)]| {
            let table: Arc<dyn Table> = Arc::new(MemoryStore::new());
            let card = CatalogueEvent {
                event: EVENT,
                organizer: 7,
                name: "Concert".to_owned(),
                starts_at: Timestamp(starts_at),
                ends_at: None,
                zone: "UTC".to_owned(),
                place: String::new(),
                created_at: NOW,
                changed_at: NOW,
                changes: 0,
            };
            let request = CatalogueRequest { digest: 1, fingerprint: 1 };
            block_on(Catalogue::new(Arc::clone(&table)).create(&card, request)).unwrap();
            // By the card that was read before.
            let reminder = Broadcast {
                event: EVENT,
                run: Broadcast::run_of(Sequence::ZERO),
                kind: Kind::Reminder,
                variables: Vec::new(),
                request: 0,
                created_at: NOW,
                not_before: Timestamp(4_900),
                expires_at: Some(Timestamp(5_000)),
                state: BroadcastState::Running,
                cursor: None,
                orders: 0,
                recipients: 0,
            };
            let said = Said { broadcasts: vec![reminder], ..Said::default() };
            let mut transaction = block_on(table.begin()).unwrap();
            let written = block_on(by_start(transaction.as_mut(), EVENT, &said, 100)).unwrap();
            let times = |one: &Broadcast| (one.not_before.0, one.expires_at.unwrap().0);
            assert_eq!(written.broadcasts.iter().map(times).collect::<Vec<_>>(), expected);
        };
        check(5_000, &[(4_900, 5_000)]);
        check(9_000, &[(8_900, 9_000)]);
        check(NOW.0, &[]); // it has begun by now
    }
}
