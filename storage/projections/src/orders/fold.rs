//! What each event does to the rows of the projection, inside one transaction.

use std::collections::BTreeMap;

use tessera_inventory::{
    ClaimNumber, Event, EventBody, EventId, HoldPlaced, PaymentKind, Phase, Scan, ScansRecorded, Sequence,
    Subject, TicketRef, Timestamp,
};
use tessera_store::{
    StoreError, Transaction,
    keys::{OrderBySubjectKey, OrderKey},
};

use super::{
    event_orders::EventOrders,
    order::{Order, OrderState, OrderTicket, TicketPassage},
};
use crate::damage::damaged;

/// The holds that orders of a step come from, by number.
pub(crate) type Holds = BTreeMap<ClaimNumber, HoldPlaced>;

/// Folds events into rows. Rows that changed are kept until [`Fold::finish`].
pub(crate) struct Fold<'a> {
    transaction: Box<dyn Transaction>,
    event: EventId,
    holds: &'a Holds,
    orders: BTreeMap<ClaimNumber, Order>,
    of_event: EventOrders,
    /// As it is stored.
    stored: EventOrders,
}

impl<'a> Fold<'a> {
    pub(crate) async fn begin(
        mut transaction: Box<dyn Transaction>,
        (event, events): (EventId, &[Event]),
        holds: &'a Holds,
    ) -> Result<Fold<'a>, StoreError> {
        let rows = events.iter().flat_map(|each| orders_of(&each.body));
        let keys = rows.map(|order| OrderKey { event, order }.pack());
        transaction.read_ahead(keys.collect()).await?;
        let of_event = EventOrders::read(transaction.as_mut(), event).await?;
        Ok(Fold { transaction, event, holds, orders: BTreeMap::new(), of_event, stored: of_event })
    }

    /// Write the rows that changed.
    pub(crate) fn finish(mut self) -> Box<dyn Transaction> {
        for order in self.orders.values() {
            let key = OrderKey { event: self.event, order: order.number }.pack();
            self.transaction.set(&key, &order.encode());
        }
        if self.of_event != self.stored {
            self.of_event.write(self.transaction.as_mut(), self.event);
        }
        self.transaction
    }

    pub(crate) async fn apply(&mut self, sequence: Sequence, event: &Event) -> Result<(), StoreError> {
        match &event.body {
            EventBody::PaymentBegun { order, grace_until, attempt, .. } => {
                self.payment_begun(sequence, *order, *grace_until, *attempt).await
            }
            EventBody::PaymentFailed { order, .. } => self.payment_failed(sequence, *order).await,
            EventBody::Confirmed { order, payment, .. } => {
                self.confirmed(sequence, *order, payment.kind()).await
            }
            EventBody::Expired { through, .. } => {
                self.of_event.end_through(*through);
                Ok(())
            }
            EventBody::TicketsRefunded { order, tickets, .. } => {
                self.refunded(sequence, *order, tickets).await
            }
            EventBody::SoldLate(sold) => {
                if !self.has_row(sold.order).await? {
                    let order = Order::of_hold(sold.order, &sold.hold);
                    self.list(order.subject, sold.order);
                    self.orders.insert(sold.order, order);
                }
                self.confirmed(sequence, sold.order, sold.payment.kind()).await
            }
            EventBody::OrderDisputed { order, revoked, .. } => self.refunded(sequence, *order, revoked).await,
            EventBody::TicketTransferred { ticket, to, generation, .. } => {
                self.transferred(sequence, *ticket, *to, *generation).await
            }
            EventBody::TicketReissued { ticket, generation } => {
                self.ticket(sequence, *ticket).await?.ticket.generation = *generation;
                Ok(())
            }
            EventBody::CheckedIn { ticket, gate, .. } => {
                self.ticket(sequence, *ticket).await?.pass(online(event.at, *gate, true));
                Ok(())
            }
            EventBody::CheckedOut { ticket, gate, stamped, .. } => {
                let each = self.ticket(sequence, *ticket).await?;
                if *stamped {
                    each.pass(online(event.at, *gate, false))
                } else {
                    each.forget_passage()
                }
                Ok(())
            }
            EventBody::ScansRecorded(record) => self.scanned(sequence, record).await,
            EventBody::PhaseChanged { to: Phase::Cancelled } => {
                self.of_event.cancelled = true;
                Ok(())
            }
            EventBody::PhaseChanged { .. }
            | EventBody::Configured { .. }
            | EventBody::HoldPlaced(_)
            | EventBody::HoldRenewed { .. }
            | EventBody::HoldReleased { .. }
            | EventBody::UnitsKilled(_)
            | EventBody::UnitsRestored(_)
            | EventBody::ChannelReleased { .. }
            | EventBody::SaleWindowChanged { .. }
            | EventBody::WaitlistJoined(_)
            | EventBody::WaitlistLeft { .. }
            | EventBody::WaitlistPatienceEnded { .. } => Ok(()),
        }
    }

    async fn payment_begun(
        &mut self,
        sequence: Sequence,
        number: ClaimNumber,
        grace_until: Timestamp,
        attempt: u8,
    ) -> Result<(), StoreError> {
        if let Some(hold) = self.holds.get(&number) {
            let order = Order::of_hold(number, hold);
            self.list(order.subject, number);
            self.orders.insert(number, order);
        }
        let order = self.order(sequence, number).await?;
        order.state = OrderState::Pending;
        order.attempt = attempt;
        order.grace_until = grace_until;
        Ok(())
    }

    async fn payment_failed(&mut self, sequence: Sequence, number: ClaimNumber) -> Result<(), StoreError> {
        self.order(sequence, number).await?.state = OrderState::PaymentFailed;
        Ok(())
    }

    async fn confirmed(
        &mut self,
        sequence: Sequence,
        number: ClaimNumber,
        payment: PaymentKind,
    ) -> Result<(), StoreError> {
        let order = self.order(sequence, number).await?;
        order.state = OrderState::Paid;
        order.payment = Some(payment);
        order.issue_tickets();
        Ok(())
    }

    async fn refunded(
        &mut self,
        sequence: Sequence,
        number: ClaimNumber,
        tickets: &[u16],
    ) -> Result<(), StoreError> {
        // An amount without tickets, or a dispute, is about the order, too.
        self.order(sequence, number).await?;
        for &index in tickets {
            self.ticket(sequence, TicketRef { order: number, index }).await?.ticket.refunded = true;
        }
        Ok(())
    }

    async fn transferred(
        &mut self,
        sequence: Sequence,
        ticket: TicketRef,
        to: Subject,
        generation: u8,
    ) -> Result<(), StoreError> {
        let each = self.ticket(sequence, ticket).await?;
        let from = std::mem::replace(&mut each.ticket.holder, to);
        each.ticket.generation = generation;
        self.list(to, ticket.order);
        let order = self.order(sequence, ticket.order).await?;
        if from != order.subject && !order.is_held_by(from) {
            let placed_at = Sequence(ticket.order.0);
            let key = OrderBySubjectKey { event: self.event, subject: from, placed_at }.pack();
            self.transaction.clear(&key);
        }
        Ok(())
    }

    /// What is no ticket changes nothing here.
    async fn scanned(&mut self, sequence: Sequence, record: &ScansRecorded) -> Result<(), StoreError> {
        for scan in record.scans.iter().filter(|scan| scan.admitted) {
            if self.has_ticket(scan.ticket).await? {
                let Scan { at, number, gate, inward, .. } = *scan;
                let passage = TicketPassage { at, device: record.device, number, gate, inward };
                self.ticket(sequence, scan.ticket).await?.pass_offline(passage);
            }
        }
        Ok(())
    }

    async fn has_ticket(&mut self, ticket: TicketRef) -> Result<bool, StoreError> {
        self.has_row(ticket.order).await?;
        let order = self.orders.get(&ticket.order);
        Ok(order.is_some_and(|order| usize::from(ticket.index) < order.tickets.len()))
    }

    /// Whether there is a row of this number, which is read then.
    async fn has_row(&mut self, number: ClaimNumber) -> Result<bool, StoreError> {
        if !self.orders.contains_key(&number) {
            let key = OrderKey { event: self.event, order: number }.pack();
            let Some(row) = self.transaction.get(&key).await? else { return Ok(false) };
            self.orders.insert(number, Order::decode(number, &row)?);
        }
        Ok(true)
    }

    fn list(&mut self, subject: Subject, number: ClaimNumber) {
        let placed_at = Sequence(number.0);
        let key = OrderBySubjectKey { event: self.event, subject, placed_at }.pack();
        self.transaction.set(&key, &[]);
    }

    async fn ticket(
        &mut self,
        sequence: Sequence,
        ticket: TicketRef,
    ) -> Result<&mut OrderTicket, StoreError> {
        let event = self.event;
        let order = self.order(sequence, ticket.order).await?;
        order.tickets.get_mut(usize::from(ticket.index)).ok_or_else(|| {
            let TicketRef { order, index } = ticket;
            damaged(format!("{event:?}, sequence {sequence}: order {} has no ticket {index}", order.0))
        })
    }

    /// The order, which the event of this sequence changes.
    async fn order(&mut self, sequence: Sequence, number: ClaimNumber) -> Result<&mut Order, StoreError> {
        let event = self.event;
        if !self.orders.contains_key(&number) {
            let key = OrderKey { event, order: number }.pack();
            let row = self.transaction.get(&key).await?.ok_or_else(|| {
                damaged(format!("{event:?}, sequence {sequence}: order {} has no row", number.0))
            })?;
            self.orders.insert(number, Order::decode(number, &row)?);
        }
        let order = self
            .orders
            .get_mut(&number)
            .ok_or_else(|| damaged(format!("order {} of {event:?} was not kept", number.0)))?;
        order.sequence = sequence;
        Ok(order)
    }
}

/// The orders whose rows an event changes.
fn orders_of(body: &EventBody) -> Vec<ClaimNumber> {
    match body {
        EventBody::PaymentBegun { order, .. }
        | EventBody::PaymentFailed { order, .. }
        | EventBody::Confirmed { order, .. }
        | EventBody::TicketsRefunded { order, .. }
        | EventBody::OrderDisputed { order, .. } => vec![*order],
        EventBody::SoldLate(sold) => vec![sold.order],
        EventBody::TicketTransferred { ticket, .. }
        | EventBody::TicketReissued { ticket, .. }
        | EventBody::CheckedIn { ticket, .. }
        | EventBody::CheckedOut { ticket, .. } => vec![ticket.order],
        EventBody::ScansRecorded(record) => record.scans.iter().map(|scan| scan.ticket.order).collect(),
        _ => Vec::new(),
    }
}

fn online(at: Timestamp, gate: u16, inward: bool) -> TicketPassage {
    TicketPassage { at, device: 0, number: 0, gate, inward }
}
