//! Commands on single tickets: transfer, re-issue, check-in, check-out.

use crate::entry::Admitted;
use crate::mutant::Mutant;
use crate::orders::{Order, Ticket, TicketFlags, TicketSlot};
use crate::{Authority, EventBody, Inventory, Rejection, Subject, TicketRef, Timestamp};

impl Inventory {
    /// A ticket of a settled order.
    pub(super) fn settled_ticket(
        &self,
        ticket: TicketRef,
    ) -> Result<(&Order, TicketSlot, &Ticket), Rejection> {
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
        let generation = self.next_code(authority, ticket)?;
        let (order, slot, _) = self.settled_ticket(ticket)?;
        let from = Some(self.subjects.subject(self.orders.holder(order, slot)));
        Ok(EventBody::TicketTransferred { ticket, to, generation, from })
    }

    pub(super) fn decide_reissue(
        &self,
        authority: Authority,
        ticket: TicketRef,
    ) -> Result<EventBody, Rejection> {
        let generation = self.next_code(authority, ticket)?;
        Ok(EventBody::TicketReissued { ticket, generation })
    }

    /// The generation that replaces the code of a ticket which is its caller's to hand on.
    fn next_code(&self, authority: Authority, ticket: TicketRef) -> Result<u8, Rejection> {
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
        self.check_undisputed(ticket)?;
        let step = u8::from(!self.mutation.is(Mutant::CodeOutlivesTransfer));
        found.generation.checked_add(step).ok_or(Rejection::TransfersExhausted)
    }

    pub(super) fn decide_check_in(
        &self,
        now: Timestamp,
        ticket: TicketRef,
        generation: u8,
        gate: u16,
    ) -> Result<EventBody, Rejection> {
        let (_, slot, found) = self.settled_ticket(ticket)?;
        let ticket_type = self.terms.get(found.terms).ticket_type;
        if self.config.is_add_on(ticket_type) {
            return Err(Rejection::WrongKind);
        }
        if found.is_refunded() && !self.mutation.is(Mutant::RefundedAdmitted) {
            return Err(Rejection::TicketRefunded);
        }
        if generation != found.generation {
            return Err(Rejection::CodeRevoked { generation: found.generation });
        }
        if !self.mutation.is(Mutant::SecondAdmission) {
            self.check_is_out(slot, found)?;
        }
        self.check_undisputed(ticket)?;
        match self.config.admitted(ticket_type, gate, now) {
            Admitted::Elsewhere { gates, opens_at } => {
                return Err(Rejection::NotAdmittedHere { gates, opens_at });
            }
            Admitted::Here { re_entry: false } => {
                if let Some(way_out) = self.orders.passage(slot) {
                    return Err(Rejection::NoReEntry { at: way_out.at, gate: way_out.gate });
                }
            }
            Admitted::Here { re_entry: true } => {}
        }
        let list = self.config.entry_list(ticket_type, gate, now);
        Ok(EventBody::CheckedIn { ticket, gate, list })
    }

    pub(super) fn decide_check_out(
        &self,
        now: Timestamp,
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
        let list = self.config.entry_list(self.terms.get(found.terms).ticket_type, gate, now);
        Ok(EventBody::CheckedOut { ticket, gate, list, stamped: true })
    }

    /// Refuses a ticket whose money its buyer disputes.
    pub(super) fn check_undisputed(&self, ticket: TicketRef) -> Result<(), Rejection> {
        let is_disputed = self.orders.find(ticket.order).is_some_and(|at| self.orders.is_disputed(at));
        if is_disputed && !self.mutation.is(Mutant::DisputeIgnored) {
            return Err(Rejection::InDispute);
        }
        Ok(())
    }

    /// Refuses a ticket that is in.
    pub(super) fn check_is_out(&self, slot: TicketSlot, ticket: &Ticket) -> Result<(), Rejection> {
        if !ticket.flags.has(TicketFlags::CHECKED_IN) {
            return Ok(());
        }
        let entrance = self.orders.entrance(slot);
        Err(match entrance {
            Some(entrance) => {
                Rejection::AlreadyCheckedIn { at: entrance.at, gate: entrance.gate, device: entrance.device }
            }
            None => Rejection::NotCheckedIn,
        })
    }
}
