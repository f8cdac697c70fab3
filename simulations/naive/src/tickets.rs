//! Commands on single tickets.

use tessera_inventory::{Authority, EventBody, Rejection, Subject, TicketKind, TicketRef};

use super::{Decided, Model, Ticket};

impl Model {
    fn ticket(&self, named: TicketRef) -> Decided<(&Ticket, Subject)> {
        let order = self.claims.get(&named.order.0);
        let found =
            order.and_then(|order| Some((order.tickets.get(usize::from(named.index))?, order.subject)));
        found.ok_or_else(|| vec![Rejection::TicketNotFound])
    }

    pub(crate) fn transfer(&self, by: Authority, named: TicketRef, to: Subject) -> Decided<EventBody> {
        let (ticket, buyer) = self.ticket(named)?;
        let is_callers = match by {
            Authority::Subject(caller) => ticket.holder == caller,
            // Who has the order's secret is its buyer: it is no good for what others hold.
            Authority::Secret(_) => ticket.holder == buyer,
            Authority::Organizer => true,
            Authority::Scanner | Authority::System => false,
        };
        if !is_callers {
            return Err(vec![Rejection::TicketNotFound]);
        }
        let mut reasons = Vec::new();
        if ticket.refunded {
            reasons.push(Rejection::TicketRefunded);
        }
        reasons.extend(already_in(ticket));
        let Some(generation) = ticket.generation.checked_add(1) else {
            return Err(vec![Rejection::TransfersExhausted]);
        };
        if !reasons.is_empty() {
            return Err(reasons);
        }
        Ok(EventBody::TicketTransferred { ticket: named, to, generation })
    }

    pub(crate) fn check_in(&self, named: TicketRef, generation: u8, gate: u16) -> Decided<EventBody> {
        let (ticket, _) = self.ticket(named)?;
        let mut reasons = Vec::new();
        let line = &self.claims[&named.order.0].lines[usize::from(ticket.line)];
        if self.ticket_type(line.ticket_type).is_some_and(|known| known.kind != TicketKind::Admission) {
            reasons.push(Rejection::WrongKind);
        }
        if ticket.refunded {
            reasons.push(Rejection::TicketRefunded);
        }
        if ticket.generation != generation {
            reasons.push(Rejection::CodeRevoked { generation: ticket.generation });
        }
        reasons.extend(already_in(ticket));
        if !reasons.is_empty() {
            return Err(reasons);
        }
        Ok(EventBody::CheckedIn { ticket: named, gate })
    }

    pub(crate) fn check_out(&self, named: TicketRef, generation: u8, gate: u16) -> Decided<EventBody> {
        let (ticket, _) = self.ticket(named)?;
        if ticket.checked_in.is_none() {
            let refunded = ticket.refunded.then_some(Rejection::TicketRefunded);
            return Err(refunded.into_iter().chain([Rejection::NotCheckedIn]).collect());
        }
        if ticket.generation != generation {
            return Err(vec![Rejection::CodeRevoked { generation: ticket.generation }]);
        }
        Ok(EventBody::CheckedOut { ticket: named, gate })
    }
}

pub(crate) fn already_in(ticket: &Ticket) -> Option<Rejection> {
    ticket.checked_in.map(|(at, gate)| Rejection::AlreadyCheckedIn { at, gate })
}
