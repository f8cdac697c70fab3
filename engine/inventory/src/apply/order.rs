//! Orders and tickets: payment, sale, refund, transfer, entrance.

use crate::claims::ClaimLine;
use crate::mutant::Mutant;
use crate::orders::{Entrance, Order, Ticket, TicketSlot};
use crate::returned::{Returned, Source};
use crate::subjects::Slot;
use crate::{ClaimNumber, Inventory, Payment, RefundedUnits, SeatState, Subject, TicketRef, Timestamp};

impl Inventory {
    pub(super) fn apply_payment_begun(
        &mut self,
        order: ClaimNumber,
        grace_until: Timestamp,
        attempt: u8,
        extra_subjects: &[Subject],
    ) {
        let new: Vec<Slot> = extra_subjects.iter().map(|&subject| self.subjects.name(subject)).collect();
        if let Some(claim) = self.claims.get(order) {
            for line in claim.lines.as_slice() {
                let ticket_type = self.terms.get(line.terms).ticket_type;
                for &slot in &new {
                    self.subjects.charge(slot, ticket_type, u32::from(line.quantity));
                }
            }
        }
        self.quoted.learn(order, &new);
        self.move_claim(order, |claim| {
            claim.set_grace(Some(grace_until));
            claim.attempts = attempt;
            new.iter().for_each(|&slot| claim.learn(slot));
        });
    }

    pub(super) fn apply_payment_failed(&mut self, order: ClaimNumber) {
        let mut learnt = Vec::new();
        self.move_claim(order, |claim| learnt = claim.fail_payment());
        if self.mutation.is(Mutant::LearntSubjectsStay) {
            return;
        }
        if let Some(claim) = self.claims.get(order) {
            for line in claim.lines.as_slice() {
                let ticket_type = self.terms.get(line.terms).ticket_type;
                for &slot in &learnt {
                    self.subjects.discharge(slot, ticket_type, u32::from(line.quantity));
                }
            }
        }
        self.quoted.unlearn(order, &learnt);
        learnt.into_iter().for_each(|slot| self.subjects.forget(slot));
    }

    pub(super) fn apply_confirmed(&mut self, number: ClaimNumber, payment: Payment) {
        let claim = self.claims.remove(number, &self.subjects);
        self.deadlines.remove(claim.due_at(), number);
        for line in claim.lines.as_slice() {
            for &pool in &self.terms.get(line.terms).draws_on {
                self.pools.sell(pool, claim.channel, u32::from(line.quantity));
            }
            for &seat in &line.seats {
                self.set_seat(seat, SeatState::Sold);
            }
        }
        // The subjects stay named and charged: by the order now.
        let order = Order::new(number, claim.subject, claim.channel, payment.kind());
        let tickets = claim.lines.as_slice().iter().flat_map(tickets_of);
        self.orders.insert(order, tickets, claim.extra.iter().collect(), &self.subjects);
    }

    pub(super) fn apply_refunded(&mut self, number: ClaimNumber, tickets: &[u16], units: RefundedUnits) {
        for &index in tickets {
            let (at, slot) = self.ticket_at(TicketRef { order: number, index });
            let order = *self.orders.get(at);
            let ticket = *self.orders.ticket(slot);
            self.orders.refund(at, slot, &self.subjects);
            self.return_units(Returned {
                terms: ticket.terms,
                quantity: 1,
                seats: ticket.seat().as_slice(),
                channel: order.channel(),
                source: Source::Sold,
                fate: units,
            });
            let ticket_type = self.terms.get(ticket.terms).ticket_type;
            for &subject in std::iter::once(&order.subject).chain(self.orders.extra(at)) {
                self.subjects.discharge(subject, ticket_type, 1);
            }
        }
        self.return_promotion(number);
    }

    /// Gives the use of a promotion back whose order has no ticket any more, if the tariff says so.
    fn return_promotion(&mut self, number: ClaimNumber) {
        let Some(used) = self.quoted.get(number).and_then(|money| money.used) else { return };
        let mut promotions = self.config.tariff.iter().flat_map(|tariff| &tariff.promotions);
        let returns = promotions.nth(used.promotion.into()).is_some_and(|one| one.returns_on_refund);
        let Some(at) = self.orders.find(number).filter(|_| returns) else { return };
        let order = *self.orders.get(at);
        if order.refunded == order.tickets {
            let subjects = std::iter::once(order.subject).chain(self.orders.extra(at).iter().copied());
            self.quoted.give_back(number, subjects);
        }
    }

    pub(super) fn apply_transferred(&mut self, ticket: TicketRef, to: Subject, generation: u8) {
        let (at, slot) = self.ticket_at(ticket);
        let to = self.subjects.name(to);
        if let Some(before) = self.orders.transfer(at, slot, to, generation, &self.subjects) {
            self.subjects.forget(before);
        }
    }

    pub(super) fn apply_entrance(&mut self, ticket: TicketRef, entrance: Option<(Timestamp, u16)>) {
        let (at, slot) = self.ticket_at(ticket);
        let entrance = entrance.map(|(at, gate)| Entrance { at, gate });
        self.orders.set_entrance(at, slot, entrance, &self.subjects);
    }

    /// Where an order, and a ticket of it, stand.
    fn ticket_at(&self, ticket: TicketRef) -> (u32, TicketSlot) {
        let at = self.orders.find(ticket.order);
        let Some((at, slot)) = at.and_then(|at| Some((at, self.orders.get(at).ticket(ticket.index)?))) else {
            panic!("order {} has no ticket {}", ticket.order.0, ticket.index);
        };
        (at, slot)
    }
}

/// The tickets that a line becomes.
fn tickets_of(line: &ClaimLine) -> impl Iterator<Item = Ticket> {
    (0..line.quantity).map(|at| Ticket::new(line.terms, line.seats.get(usize::from(at)).copied(), at == 0))
}
