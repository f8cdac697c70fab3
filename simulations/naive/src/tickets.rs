//! Commands on single tickets.

use tessera_inventory::{Authority, EventBody, Rejection, Subject, TicketKind, TicketRef, Timestamp};

use super::{Decided, Model, Passed, Ticket};

impl Model {
    pub(crate) fn ticket(&self, named: TicketRef) -> Decided<(&Ticket, Subject)> {
        let order = self.claims.get(&named.order.0);
        let found =
            order.and_then(|order| Some((order.tickets.get(usize::from(named.index))?, order.subject)));
        found.ok_or_else(|| vec![Rejection::TicketNotFound])
    }

    /// Money that is disputed holds its tickets where they are.
    fn in_dispute(&self, named: TicketRef) -> Option<Rejection> {
        self.claims[&named.order.0].in_dispute.then_some(Rejection::InDispute)
    }

    pub(crate) fn transfer(&self, by: Authority, named: TicketRef, to: Subject) -> Decided<EventBody> {
        let generation = self.next_code(by, named)?;
        let from = Some(self.ticket(named)?.0.holder);
        Ok(EventBody::TicketTransferred { ticket: named, to, generation, from })
    }

    pub(crate) fn reissue(&self, by: Authority, named: TicketRef) -> Decided<EventBody> {
        let generation = self.next_code(by, named)?;
        Ok(EventBody::TicketReissued { ticket: named, generation })
    }

    fn next_code(&self, by: Authority, named: TicketRef) -> Decided<u8> {
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
        reasons.extend(self.in_dispute(named));
        let Some(generation) = ticket.generation.checked_add(1) else {
            return Err(vec![Rejection::TransfersExhausted]);
        };
        if reasons.is_empty() { Ok(generation) } else { Err(reasons) }
    }

    pub(crate) fn check_in(
        &self,
        now: Timestamp,
        named: TicketRef,
        generation: u8,
        gate: u16,
    ) -> Decided<EventBody> {
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
        reasons.extend(self.in_dispute(named));
        if !reasons.is_empty() {
            return Err(reasons);
        }
        let list = self.admit(now, line.ticket_type, ticket, gate)?;
        Ok(EventBody::CheckedIn { ticket: named, gate, list })
    }

    pub(crate) fn check_out(
        &self,
        now: Timestamp,
        named: TicketRef,
        generation: u8,
        gate: u16,
    ) -> Decided<EventBody> {
        let (ticket, _) = self.ticket(named)?;
        if ticket.is_in().is_none() {
            let refunded = ticket.refunded.then_some(Rejection::TicketRefunded);
            return Err(refunded.into_iter().chain([Rejection::NotCheckedIn]).collect());
        }
        if ticket.generation != generation {
            return Err(vec![Rejection::CodeRevoked { generation: ticket.generation }]);
        }
        let line = &self.claims[&named.order.0].lines[usize::from(ticket.line)];
        let list = self.list_of(now, line.ticket_type, gate);
        Ok(EventBody::CheckedOut { ticket: named, gate, list, stamped: true })
    }
}

pub(crate) fn already_in(ticket: &Ticket) -> Option<Rejection> {
    let Passed { at, gate, device, .. } = ticket.is_in()?;
    Some(Rejection::AlreadyCheckedIn { at, gate, device })
}
