//! Orders and tickets: payment, sale, transfer.

use crate::claims::{Claim, ClaimLine};
use crate::mutant::Mutant;
use crate::orders::{Order, Ticket, TicketSlot};
use crate::subjects::Slot;
use crate::{ClaimNumber, Inventory, Payment, SeatState, SoldLate, Subject, TicketRef, Timestamp};

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
        self.sell(number, &claim, payment);
    }

    /// What an ended hold had is sold without being held once more.
    pub(super) fn apply_sold_late(&mut self, sold: &SoldLate) {
        let claim = self.take(sold.order, &sold.hold);
        self.sell(sold.order, &claim, sold.payment);
    }

    /// Held units become sold units and tickets.
    fn sell(&mut self, number: ClaimNumber, claim: &Claim, payment: Payment) {
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

    pub(super) fn apply_transferred(&mut self, ticket: TicketRef, to: Subject, generation: u8) {
        let (at, slot) = self.ticket_at(ticket);
        let to = self.subjects.name(to);
        if let Some(before) = self.orders.transfer(at, slot, to, generation, &self.subjects) {
            self.subjects.forget(before);
        }
    }

    /// Where an order, and a ticket of it, stand, if there is such a ticket.
    pub(super) fn find_ticket(&self, ticket: TicketRef) -> Option<(u32, TicketSlot)> {
        let at = self.orders.find(ticket.order)?;
        Some((at, self.orders.get(at).ticket(ticket.index)?))
    }

    /// Where an order, and a ticket of it, stand.
    pub(super) fn ticket_at(&self, ticket: TicketRef) -> (u32, TicketSlot) {
        let Some(found) = self.find_ticket(ticket) else {
            panic!("order {} has no ticket {}", ticket.order.0, ticket.index);
        };
        found
    }
}

/// The tickets that a line becomes.
fn tickets_of(line: &ClaimLine) -> impl Iterator<Item = Ticket> {
    (0..line.quantity).map(|at| Ticket::new(line.terms, line.seats.get(usize::from(at)).copied(), at == 0))
}
