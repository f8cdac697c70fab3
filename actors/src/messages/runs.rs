//! Broadcasts: steps along the orders of an event, each one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use tessera_correspondence::{
    Broadcast, BroadcastState, Broadcasts, Kind, Medium, Messages, Recipient, Step, Want, order_mark,
    organizer_subject, recipient_mark,
};
use tessera_inventory::{ClaimNumber, EventId, Sequence, Subject, Timestamp};
use tessera_projections::catalogue::Catalogue;
use tessera_projections::orders::{Order, OrderState, OrdersBySubject};
use tessera_store::StoreError;
use tessera_store::keys::{MessageLane, MessagePlace};

use super::{BROADCAST_STEP, MessageCourierMessage, People};
use crate::shared::Shared;

/// Pause between two steps of one broadcast, in milliseconds: at most twenty a second, so that a sale is not slowed.
const STEP_EVERY_MS: u64 = 50;
/// Pause while every lane has enough to send, in milliseconds.
const FULL_WAIT_MS: u64 = 1_000;

/// When a broadcast is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// After so many milliseconds.
    After(u64),
    /// Not before.
    At(Timestamp),
    /// When somebody says so.
    Never,
}

/// One step of a broadcast.
pub(super) async fn step(shared: &Shared, told: &People, id: (EventId, u64)) -> Result<NextStep, StoreError> {
    let broadcasts = Broadcasts::new(Arc::clone(&shared.table));
    let Some(broadcast) = broadcasts.get(id.0, id.1).await? else { return Ok(NextStep::Never) };
    let now = shared.environment.clock.wall();
    if broadcast.state != BroadcastState::Running {
        return Ok(NextStep::Never);
    }
    if broadcast.not_before > now {
        return Ok(NextStep::At(broadcast.not_before));
    }
    let (lanes, messages) = (told.lanes(), Messages::new(Arc::clone(&shared.table)));
    if broadcast.kind != Kind::Emergency && !has_room(&messages, &lanes, broadcast.kind).await? {
        return Ok(NextStep::After(FULL_WAIT_MS));
    }
    let is_late = broadcast.expires_at.is_some_and(|expires_at| now >= expires_at);
    let orders = if is_late {
        Vec::new()
    } else {
        let orders = OrdersBySubject::new(Arc::clone(&shared.table));
        if broadcast.cursor.is_none() {
            catch_up(shared, &orders, &broadcast).await?;
        }
        orders.page(broadcast.event, broadcast.cursor, BROADCAST_STEP).await?
    };
    let is_first = broadcast.cursor.is_none() && broadcast.orders == 0 && !is_late;
    let post =
        if is_first && lanes.iter().any(is_public) { post(shared, &broadcast, now).await? } else { None };
    let step = Step { post, ..next_step(&broadcast, &orders, now) };
    let stands = broadcasts.step(&broadcast, &step, &lanes).await?;
    if !step.wants.is_empty() || step.post.is_some() {
        shared.message_courier.cast(MessageCourierMessage::Work);
    }
    let goes_on = stands.is_some_and(|stands| stands.state == BroadcastState::Running);
    Ok(if goes_on { NextStep::After(STEP_EVERY_MS) } else { NextStep::Never })
}

/// Whoever had a ticket when a broadcast was ordered is in the log by now, and may not be in the rows yet. Where the log cannot be read, and
/// will not be by waiting, those are told who are there.
async fn catch_up(
    shared: &Shared,
    orders: &OrdersBySubject,
    broadcast: &Broadcast,
) -> Result<(), StoreError> {
    let caught_up = async {
        let head = shared.log.head(broadcast.event).await?;
        orders.project_through(&*shared.log, broadcast.event, head.sequence).await
    };
    match caught_up.await {
        Err(error @ (StoreError::Damaged { .. } | StoreError::FormatTooNew { .. })) => {
            let (event, run) = (broadcast.event, broadcast.run);
            tracing::warn!(?event, run, %error, "a broadcast goes to those alone whose orders were seen before");
            Ok(())
        }
        caught_up => caught_up,
    }
}

/// Whether there is room in one of the lanes of a kind, or there are none: a slow one holds up nobody but itself.
async fn has_room(messages: &Messages, lanes: &[MessageLane], kind: Kind) -> Result<bool, StoreError> {
    let carries =
        |lane: &&MessageLane| Medium::numbered(lane.channel).is_some_and(|medium| medium.carries(kind));
    let mut has_room = true;
    for lane in lanes.iter().filter(carries) {
        has_room = !messages.is_full_of_bulk(lane).await?;
        if has_room {
            break;
        }
    }
    Ok(has_room)
}

fn is_public(lane: &MessageLane) -> bool {
    Medium::numbered(lane.channel).is_some_and(Medium::is_public)
}

/// What a broadcast says for all to see: its organizer is the one who is reached.
async fn post(shared: &Shared, broadcast: &Broadcast, now: Timestamp) -> Result<Option<Want>, StoreError> {
    // That is about one's own tickets.
    if broadcast.kind == Kind::Reminder {
        return Ok(None);
    }
    let Some(card) = Catalogue::new(Arc::clone(&shared.table)).get(broadcast.event).await? else {
        return Ok(None);
    };
    let recipient = Recipient { subject: organizer_subject(card.organizer), order: None };
    Ok(Some(Want { order: None, ..want(broadcast, ClaimNumber(0), recipient, now) }))
}

/// What the next orders make of a broadcast: whole orders, until enough people are written to.
fn next_step(broadcast: &Broadcast, orders: &[Order], now: Timestamp) -> Step {
    let mut wants: BTreeMap<u64, Want> = BTreeMap::new();
    let (mut cursor, mut looked_at) = (None, 0);
    for order in orders {
        if wants.len() >= BROADCAST_STEP {
            break;
        }
        for recipient in recipients(broadcast, order) {
            let want = want(broadcast, order.number, recipient, now);
            wants.entry(want.place.recipient).or_insert(want);
        }
        (cursor, looked_at) = (Some(order.number), looked_at + 1);
    }
    let is_last = looked_at == orders.len() as u64 && orders.len() < BROADCAST_STEP;
    Step { cursor, orders: looked_at, is_last, wants: wants.into_values().collect(), post: None }
}

/// Who holds a ticket of an order that is not refunded: its buyer, who is reached as it said there, and those to whom tickets were handed on.
/// Of a cancellation those hear, too, whose tickets were refunded since: the refunds may be faster than the broadcast.
fn recipients(broadcast: &Broadcast, order: &Order) -> Vec<Recipient> {
    let cancelled_at = broadcast.follows_from().filter(|_| broadcast.kind == Kind::Change);
    let is_refunded_since = cancelled_at.is_some_and(|cancelled_at| order.sequence > cancelled_at);
    let had_tickets = match order.state {
        OrderState::Paid | OrderState::RefundDue => true,
        OrderState::Refunded => is_refunded_since,
        OrderState::Pending | OrderState::PaymentFailed | OrderState::Ended => false,
    };
    if !had_tickets {
        return Vec::new();
    }
    let is_told = |refunded: bool| !refunded || is_refunded_since;
    let held = order.tickets.iter().filter(|one| is_told(one.ticket.refunded)).map(|one| one.ticket.holder);
    let of = |subject: Subject| {
        let number = (subject == order.subject).then_some(order.number);
        Recipient { subject, order: number }
    };
    held.map(of).collect()
}

fn want(broadcast: &Broadcast, order: ClaimNumber, recipient: Recipient, now: Timestamp) -> Want {
    let kind = broadcast.kind;
    // Who hears of another date has its tickets anew, those of each order: they say until when they are good. Of a cancellation nobody has any.
    let is_moved = kind == Kind::Change && broadcast.follows_from().is_none();
    let subject = recipient.subject;
    let place = MessagePlace {
        at: now,
        event: broadcast.event,
        sequence: Sequence(broadcast.run),
        recipient: if is_moved { order_mark(subject, order) } else { recipient_mark(subject) },
        kind: kind.number(),
    };
    let shown = (kind == Kind::Reminder || is_moved).then_some(order);
    Want {
        place,
        kind,
        recipient,
        order: shown,
        tickets: Vec::new(),
        dispute: None,
        is_giver: false,
        expires_at: broadcast.expires_at,
        due_at: now,
        attempts: 0,
        last_error: None,
    }
}

#[cfg(test)]
mod tests {
    use tessera_inventory::TicketView;
    use tessera_projections::orders::OrderTicket;

    use super::*;

    const BUYER: Subject = Subject(7);
    const FRIEND: Subject = Subject(8);

    fn broadcast(kind: Kind, run: u64) -> Broadcast {
        Broadcast {
            event: EventId(1),
            run,
            kind,
            variables: Vec::new(),
            request: 0,
            created_at: Timestamp(1),
            not_before: Timestamp(1),
            expires_at: None,
            state: BroadcastState::Running,
            cursor: None,
            orders: 0,
            recipients: 0,
        }
    }

    /// One ticket of the buyer, and one that it handed on.
    fn order(state: OrderState, refunded: [bool; 2], sequence: u64) -> Order {
        let ticket = |index: u16, holder, refunded| {
            let ticket =
                TicketView { line: 0, seat: None, holder, generation: 0, refunded, checked_in: None };
            OrderTicket { index, ticket, passage: None }
        };
        Order {
            number: ClaimNumber(3),
            subject: BUYER,
            state,
            attempt: 1,
            grace_until: Timestamp(0),
            payment: None,
            lines: Vec::new(),
            quote: None,
            tickets: vec![ticket(0, BUYER, refunded[0]), ticket(1, FRIEND, refunded[1])],
            sequence: Sequence(sequence),
        }
    }

    #[test]
    fn who_has_tickets_is_told_and_of_a_cancellation_who_had_them() {
        let check = |broadcast: &Broadcast, order: &Order, expected: &[Subject]| {
            let found: Vec<_> = recipients(broadcast, order).iter().map(|one| one.subject).collect();
            assert_eq!(found, expected, "{:?} {order:?}", broadcast.kind);
        };
        let said = broadcast(Kind::Announcement, 5);
        let cancelled = broadcast(Kind::Change, Broadcast::run_of(Sequence(20)));
        let paid = order(OrderState::Paid, [false, true], 10);
        check(&said, &paid, &[BUYER]);
        check(&cancelled, &order(OrderState::RefundDue, [false, true], 10), &[BUYER]);
        let since = order(OrderState::Refunded, [true, true], 21);
        check(&said, &since, &[]);
        check(&cancelled, &since, &[BUYER, FRIEND]);
        check(&cancelled, &order(OrderState::RefundDue, [false, true], 21), &[BUYER, FRIEND]);
        check(&cancelled, &order(OrderState::Refunded, [true, true], 19), &[]);
        check(&cancelled, &order(OrderState::Ended, [false, false], 21), &[]);
        let moved = broadcast(Kind::Change, 5);
        check(&moved, &paid, &[BUYER]);
        check(&moved, &since, &[]);
    }

    #[test]
    fn who_still_has_tickets_sees_them() {
        let check = |broadcast: &Broadcast, expected: &[Option<u64>]| {
            let first = order(OrderState::Paid, [false, true], 10);
            let second = Order { number: ClaimNumber(4), ..first.clone() };
            let step = next_step(broadcast, &[first, second], Timestamp(9));
            let mut shown: Vec<_> = step.wants.iter().map(|want| want.order.map(|order| order.0)).collect();
            shown.sort_unstable();
            assert_eq!(shown, expected, "{:?} {}", broadcast.kind, broadcast.run);
        };
        check(&broadcast(Kind::Reminder, Broadcast::run_of(Sequence::ZERO)), &[Some(3)]);
        check(&broadcast(Kind::Change, 5), &[Some(3), Some(4)]); // the tickets of each order say when it is
        check(&broadcast(Kind::Change, Broadcast::run_of(Sequence(20))), &[None]);
        check(&broadcast(Kind::Announcement, 5), &[None]);
    }
}
