//! The orders as lists are to show them: of what is sold or held the naive model tells, of what ended unpaid the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use tessera_inventory::{
    ClaimNumber, ClaimState, Event, EventBody, HoldPlaced, Sequence, Subject, TicketView, Timestamp,
};
use tessera_naive::{Model, Passed};
use tessera_projections::orders::{Order, OrderState, OrderTicket, TicketPassage};

/// What the log tells of an order.
struct Told<'a> {
    hold: &'a HoldPlaced,
    attempt: u8,
    grace_until: Timestamp,
    has_failed: bool,
    is_sold: bool,
    sequence: Sequence,
}

impl<'a> Told<'a> {
    fn begun(hold: &'a HoldPlaced, attempt: u8, grace_until: Timestamp, sequence: Sequence) -> Told<'a> {
        Told { hold, attempt, grace_until, has_failed: false, is_sold: false, sequence }
    }

    /// Whether it has a ticket at this position by then.
    fn has_ticket(&self, index: u16) -> bool {
        self.is_sold && index < self.hold.lines.iter().map(|line| line.quantity).sum()
    }
}

/// Every order, whole, by its number.
pub(super) fn all(events: &[Arc<Event>], model: &Model) -> Vec<Order> {
    let mut told: BTreeMap<u64, Told<'_>> = BTreeMap::new();
    for (sequence, event) in (1..).map(Sequence).zip(events) {
        let number = match &event.body {
            EventBody::PaymentBegun { order, grace_until, attempt, .. } => {
                if let Some(hold) = hold(events, *order) {
                    told.insert(order.0, Told::begun(hold, *attempt, *grace_until, sequence));
                }
                continue;
            }
            EventBody::PaymentFailed { order, .. }
            | EventBody::Confirmed { order, .. }
            | EventBody::TicketsRefunded { order, .. }
            | EventBody::OrderDisputed { order, .. } => order.0,
            EventBody::SoldLate(sold) => {
                let (hold, grace_until) = (&sold.hold, sold.hold.deadline_at);
                told.entry(sold.order.0).or_insert(Told::begun(hold, 0, grace_until, sequence));
                sold.order.0
            }
            EventBody::TicketTransferred { ticket, .. }
            | EventBody::TicketReissued { ticket, .. }
            | EventBody::CheckedIn { ticket, .. }
            | EventBody::CheckedOut { ticket, .. } => ticket.order.0,
            EventBody::ScansRecorded(record) => {
                for scan in record.scans.iter().filter(|scan| scan.admitted) {
                    let order = told.get_mut(&scan.ticket.order.0);
                    if let Some(order) = order.filter(|order| order.has_ticket(scan.ticket.index)) {
                        order.sequence = sequence;
                    }
                }
                continue;
            }
            _ => continue,
        };
        if let Some(order) = told.get_mut(&number) {
            order.has_failed |= matches!(event.body, EventBody::PaymentFailed { .. });
            order.is_sold |= matches!(event.body, EventBody::Confirmed { .. } | EventBody::SoldLate(_));
            order.sequence = sequence;
        }
    }
    told.into_iter().map(|(number, told)| order(model, ClaimNumber(number), &told)).collect()
}

/// What a subject sees: the orders that it placed, and of others the tickets that it has.
pub(super) fn seen_by(orders: &[Order], subject: Subject) -> Vec<Order> {
    let is_its = |ticket: &OrderTicket| ticket.ticket.holder == subject;
    let seen = |order: &Order| {
        let tickets = order.tickets.iter().filter(|ticket| is_its(ticket)).copied().collect();
        Order { tickets, ..order.clone() }
    };
    orders
        .iter()
        .filter(|order| order.subject == subject || order.tickets.iter().any(is_its))
        .map(|order| if order.subject == subject { order.clone() } else { seen(order) })
        .collect()
}

fn hold(events: &[Arc<Event>], number: ClaimNumber) -> Option<&HoldPlaced> {
    let place = usize::try_from(number.0.checked_sub(1)?).ok()?;
    match &events.get(place)?.body {
        EventBody::HoldPlaced(hold) => Some(hold),
        _ => None,
    }
}

fn order(model: &Model, number: ClaimNumber, told: &Told<'_>) -> Order {
    let claim = model.claims.get(&number.0);
    let state = match claim.map(|claim| model.state_of(claim)) {
        Some(ClaimState::PaymentInFlight) => OrderState::Pending,
        Some(ClaimState::Held) => OrderState::PaymentFailed,
        Some(ClaimState::Paid) => OrderState::Paid,
        Some(ClaimState::Refunded) => OrderState::Refunded,
        Some(ClaimState::RefundDue) => OrderState::RefundDue,
        // The payment has failed, whatever became of the hold.
        None if told.has_failed => OrderState::PaymentFailed,
        Some(ClaimState::Ended) | None => OrderState::Ended,
    };
    let tickets: Vec<TicketView> = model.claim_view(number.0).map(|view| view.tickets).unwrap_or_default();
    let passage = |index: u16| {
        let Passed { at, device, number, gate, inward } = claim?.tickets.get(usize::from(index))?.last()?;
        // The log orders what happened online.
        let number = if device == 0 { 0 } else { number };
        Some(TicketPassage { at, device, number, gate, inward })
    };
    Order {
        number,
        subject: told.hold.subjects.primary,
        state,
        attempt: told.attempt,
        grace_until: told.grace_until,
        payment: claim.and_then(|claim| claim.payment),
        lines: told.hold.lines.clone(),
        quote: told.hold.quote.clone(),
        tickets: (0..)
            .zip(tickets)
            .map(|(index, ticket)| OrderTicket { index, ticket, passage: passage(index) })
            .collect(),
        sequence: told.sequence,
    }
}
