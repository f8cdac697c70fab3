//! Commands on single tickets: transfer, check-in, check-out.

use crate::mutant::Mutant;
use crate::orders::{Order, Ticket, TicketFlags, TicketSlot};
use crate::{Authority, EventBody, Inventory, Rejection, Subject, TicketRef};

impl Inventory {
    /// A ticket of a settled order.
    fn settled_ticket(&self, ticket: TicketRef) -> Result<(&Order, TicketSlot, &Ticket), Rejection> {
        let order = self.orders.find(ticket.order).map(|at| self.orders.get(at));
        let Some((order, slot)) = order.and_then(|order| Some((order, order.ticket(ticket.index)?))) else {
            return Err(Rejection::TicketNotFound);
        };
        Ok((order, slot, self.orders.ticket(slot)))
    }

    pub(super) fn decide_transfer(
        &self,
        authority: Authority,
        ticket: TicketRef,
        to: Subject,
    ) -> Result<EventBody, Rejection> {
        let (order, slot, found) = self.settled_ticket(ticket)?;
        let holder = self.orders.holder(order, slot);
        let is_callers = match authority {
            Authority::Subject(caller) => self.subjects.subject(holder) == caller,
            // The order's secret is its buyer's: it is good for what the buyer still holds.
            Authority::Secret(_) => holder == order.subject,
            Authority::Organizer => true,
            Authority::Scanner | Authority::System => false,
        };
        if !is_callers {
            return Err(Rejection::TicketNotFound);
        }
        if found.is_refunded() {
            return Err(Rejection::TicketRefunded);
        }
        self.check_is_out(slot, found)?;
        let step = u8::from(!self.mutation.is(Mutant::CodeOutlivesTransfer));
        let Some(generation) = found.generation.checked_add(step) else {
            return Err(Rejection::TransfersExhausted);
        };
        Ok(EventBody::TicketTransferred { ticket, to, generation })
    }

    pub(super) fn decide_check_in(
        &self,
        ticket: TicketRef,
        generation: u8,
        gate: u16,
    ) -> Result<EventBody, Rejection> {
        let (_, slot, found) = self.settled_ticket(ticket)?;
        if self.config.is_add_on(self.terms.get(found.terms).ticket_type) {
            return Err(Rejection::WrongKind);
        }
        if found.is_refunded() {
            return Err(Rejection::TicketRefunded);
        }
        if generation != found.generation {
            return Err(Rejection::CodeRevoked { generation: found.generation });
        }
        self.check_is_out(slot, found)?;
        Ok(EventBody::CheckedIn { ticket, gate })
    }

    pub(super) fn decide_check_out(
        &self,
        ticket: TicketRef,
        generation: u8,
        gate: u16,
    ) -> Result<EventBody, Rejection> {
        let (_, _, found) = self.settled_ticket(ticket)?;
        if !found.flags.has(TicketFlags::CHECKED_IN) {
            return Err(if found.is_refunded() {
                Rejection::TicketRefunded
            } else {
                Rejection::NotCheckedIn
            });
        }
        if generation != found.generation {
            return Err(Rejection::CodeRevoked { generation: found.generation });
        }
        Ok(EventBody::CheckedOut { ticket, gate })
    }

    /// Refuses a ticket that is in.
    pub(super) fn check_is_out(&self, slot: TicketSlot, ticket: &Ticket) -> Result<(), Rejection> {
        if !ticket.flags.has(TicketFlags::CHECKED_IN) {
            return Ok(());
        }
        let entrance = self.orders.entrance(slot);
        Err(match entrance {
            Some(entrance) => Rejection::AlreadyCheckedIn { at: entrance.at, gate: entrance.gate },
            None => Rejection::NotCheckedIn,
        })
    }
}
