//! Money that goes back, disputes about it, and money that comes late.

use std::collections::BTreeMap;

use tessera_inventory::{
    Authority, ClaimNumber, ClaimState, Dispute, EventBody, HoldPlaced, Phase, PoolId, RefundAmount,
    RefundReason, RefundedUnits, Rejection, RequestError, SeatIndex, SeatState, SellLate, SoldLate,
    TicketTypeId,
};
use tessera_pricing::BasketLine;

use super::tickets::already_in;
use super::{Claim, Decided, Model, Window, number};

impl Claim {
    /// What a refund of a ticket gives back. How a quote is split is asked of where it is tested by itself.
    fn share_minor(&self, ticket: u16) -> i64 {
        let line = |line: &super::Line| BasketLine {
            ticket_type: line.ticket_type.0,
            add_on: false,
            quantity: line.quantity,
            price_minor: line.price_minor,
        };
        let lines: Vec<BasketLine> = self.lines.iter().map(line).collect();
        tessera_pricing::refund(self.quote.as_ref(), &lines, ticket).total_minor
    }

    fn shares_minor(&self, tickets: &[u16]) -> i64 {
        tickets.iter().map(|&ticket| self.share_minor(ticket)).sum()
    }

    fn tickets_where(&self, is: impl Fn(&super::Ticket) -> bool) -> Vec<u16> {
        (0_u16..).zip(&self.tickets).filter(|(_, ticket)| is(ticket)).map(|(index, _)| index).collect()
    }

    /// What was given back, or is to be.
    pub(crate) fn refunded_minor(&self) -> i64 {
        self.shares_minor(&self.tickets_where(|ticket| ticket.refunded)) + self.beyond_minor
    }

    fn left_minor(&self) -> i64 {
        self.total_minor() - self.refunded_minor()
    }
}

impl Model {
    /// The sold claim. Without a sale, its state or its absence is the answer.
    fn sold(&self, order: u64) -> Decided<&Claim> {
        if let Some(claim) = self.claims.get(&order).filter(|claim| claim.payment.is_some()) {
            return Ok(claim);
        }
        self.claim_in(Authority::System, order, ClaimState::Paid, Rejection::OrderNotFound)
    }

    pub(crate) fn refund(
        &self,
        order: u64,
        tickets: &[u16],
        amount: RefundAmount,
        reason: RefundReason,
        units: RefundedUnits,
    ) -> Decided<EventBody> {
        let claim = self.sold(order)?;
        if reason == RefundReason::Unpaid {
            return self.unpaid(order, claim, units);
        }
        let mut reasons = Vec::new();
        let mut sorted = tickets.to_vec();
        sorted.sort();
        sorted.dedup();
        let least = if sorted.is_empty() { 1 } else { 0 };
        if matches!(amount, RefundAmount::Minor(minor) if minor < least)
            || (sorted.is_empty() && amount == RefundAmount::Full)
        {
            reasons.push(Rejection::InvalidRequest(RequestError::ZeroQuantity));
        }
        if sorted.len() < tickets.len() {
            reasons.push(Rejection::InvalidRequest(RequestError::Duplicate));
        }
        for &ticket in &sorted {
            match claim.tickets.get(usize::from(ticket)) {
                None => reasons.push(Rejection::TicketNotFound),
                Some(ticket) if ticket.refunded => reasons.push(Rejection::TicketRefunded),
                // Nobody sits in a cancelled event.
                Some(_) if self.phase == Phase::Cancelled => {}
                Some(ticket) => reasons.extend(already_in(ticket)),
            }
        }
        if claim.in_dispute {
            reasons.push(Rejection::InDispute);
        }
        let refundable_minor = claim.left_minor();
        if matches!(amount, RefundAmount::Minor(minor) if minor > refundable_minor) {
            reasons.push(Rejection::AmountExceeded { refundable_minor });
        }
        if !reasons.is_empty() {
            return Err(reasons);
        }
        let all = claim.shares_minor(&claim.tickets_where(|_| true));
        let share_minor = claim.shares_minor(&sorted);
        let given_minor = match amount {
            RefundAmount::Minor(minor) => minor,
            RefundAmount::Full => share_minor.min((all - claim.refunded_minor()).max(0)),
        };
        let amount_minor = if given_minor == share_minor { None } else { Some(given_minor) };
        Ok(EventBody::TicketsRefunded { order: number(order), tickets: sorted, units, amount_minor, reason })
    }

    fn unpaid(&self, order: u64, claim: &Claim, units: RefundedUnits) -> Decided<EventBody> {
        let everybody_leaves = self.phase == Phase::Cancelled;
        let goes =
            |ticket: &super::Ticket| !ticket.refunded && (everybody_leaves || already_in(ticket).is_none());
        let tickets = claim.tickets_where(goes);
        if tickets.is_empty() && claim.left_minor() == 0 {
            return Err(vec![Rejection::WrongState { state: self.state_of(claim) }]);
        }
        let (amount_minor, reason) = (Some(0), RefundReason::Unpaid);
        Ok(EventBody::TicketsRefunded { order: number(order), tickets, units, amount_minor, reason })
    }

    pub(crate) fn set_dispute(&self, order: u64, dispute: Dispute) -> Decided<EventBody> {
        let claim = self.sold(order)?;
        let revoked = if dispute == Dispute::Lost {
            claim.tickets_where(|ticket| !ticket.refunded && already_in(ticket).is_none())
        } else {
            Vec::new()
        };
        Ok(EventBody::OrderDisputed { order: number(order), dispute, revoked })
    }

    pub(crate) fn give_back(
        &mut self,
        order: ClaimNumber,
        tickets: &[u16],
        units: RefundedUnits,
        (amount_minor, reason): (Option<i64>, RefundReason),
    ) {
        let before = self.claims[&order.0].refunded_minor();
        let claim = &self.claims[&order.0];
        let given_minor = match (reason, amount_minor) {
            (RefundReason::Unpaid, _) => claim.left_minor(),
            (_, Some(amount_minor)) => amount_minor,
            (_, None) => claim.shares_minor(tickets),
        };
        self.void(order, tickets, units, before + given_minor);
        self.return_promotion(order, reason == RefundReason::Unpaid);
    }

    pub(crate) fn dispute(&mut self, order: ClaimNumber, dispute: Dispute, revoked: &[u16]) {
        let claim = self.claims.get_mut(&order.0).unwrap();
        claim.in_dispute = dispute == Dispute::Open;
        if dispute == Dispute::Lost {
            let total_minor = claim.total_minor();
            self.void(order, revoked, RefundedUnits::Restock, total_minor);
            self.return_promotion(order, false);
        }
    }

    /// Tickets are void, and so much of the order is given back in the end.
    fn void(&mut self, order: ClaimNumber, tickets: &[u16], units: RefundedUnits, refunded_minor: i64) {
        tickets.iter().for_each(|&ticket| self.refund_ticket(order, ticket, units));
        let claim = self.claims.get_mut(&order.0).unwrap();
        claim.beyond_minor += refunded_minor - claim.refunded_minor();
    }

    pub(crate) fn sell_late(&self, sale: &SellLate) -> Decided<EventBody> {
        let SellLate { order, hold, payment, attempt } = sale;
        if let Some(claim) = self.claims.get(&order.0) {
            return Err(vec![Rejection::WrongState { state: self.state_of(claim) }]);
        }
        let Some((_, lines)) = self.placed.get(&order.0) else {
            return Err(vec![Rejection::OrderNotFound]);
        };
        let is_left = |channel: &tessera_inventory::ChannelId| {
            let known = self.config.as_ref().unwrap().channels.len();
            channel.index() < known && !self.released.contains(&channel.0)
        };
        let channel = hold.channel.filter(is_left);
        let again = HoldPlaced { channel, ..hold.clone() };
        let mut reasons = self.late_types_refused(lines, hold);
        reasons.extend(self.late_seats_refused(lines, &again));
        reasons.extend(self.late_stock_refused(lines, &again));
        reasons.extend(self.late_promotion_refused(hold));
        if !reasons.is_empty() {
            return Err(reasons);
        }
        let sold = SoldLate { order: *order, hold: again, payment: *payment, attempt: *attempt };
        Ok(EventBody::SoldLate(Box::new(sold)))
    }

    fn late_types_refused(&self, lines: &[super::Line], hold: &HoldPlaced) -> Vec<Rejection> {
        let subjects = [&[hold.subjects.primary], hold.subjects.extra.as_slice()].concat();
        let (mut reasons, mut units) = (Vec::new(), BTreeMap::<TicketTypeId, u32>::new());
        for line in lines {
            *units.entry(line.ticket_type).or_default() += u32::from(line.quantity);
            let opens_at = match self.windows[line.ticket_type.index()] {
                Window::Open => continue,
                Window::Before => self.ticket_type(line.ticket_type).and_then(|known| known.window.opens_at),
                Window::After => None,
            };
            reasons.push(Rejection::NotOnSale { ticket_type: line.ticket_type, opens_at });
        }
        for (&id, &units) in &units {
            reasons.extend(self.beyond_type_limit(&subjects, id, units));
        }
        reasons.extend(self.beyond_event_limit(&subjects, units.values().sum()));
        reasons
    }

    fn late_seats_refused(&self, lines: &[super::Line], hold: &HoldPlaced) -> Option<Rejection> {
        let hall = self.hall()?;
        let is_had = |seat: &&SeatIndex| {
            let audience = hall.places[seat.index()].audience;
            self.seat_state(**seat) == SeatState::Free && (audience.is_none() || audience == hold.channel)
        };
        let all = || lines.iter().flat_map(|line| &line.seats);
        let seats: Vec<SeatIndex> = all().filter(|seat| !is_had(seat)).copied().collect();
        (!seats.is_empty()).then_some(Rejection::SeatsTaken { seats })
    }

    fn late_stock_refused(&self, lines: &[super::Line], hold: &HoldPlaced) -> Vec<Rejection> {
        let (mut taken, mut reasons) = (BTreeMap::<PoolId, u32>::new(), Vec::new());
        for (at, line) in (0_u16..).zip(lines) {
            let id = line.ticket_type;
            if !self.is_own_of_channel(hold.channel, id, &line.seats) && self.is_ahead(id) {
                reasons.push(Rejection::WaitlistAhead { ticket_type: id });
            }
            for &pool in &line.draws_on {
                let drawn = taken.get(&pool).copied().unwrap_or(0);
                let remaining = self.free_for(pool, hold.channel).saturating_sub(drawn);
                if remaining < u32::from(line.quantity) {
                    let may_return = self.held_of(pool) > self.pools[pool.index()].to_kill;
                    reasons.push(Rejection::SoldOut { line: at, pool: Some(pool), remaining, may_return });
                }
            }
            for &pool in &line.draws_on {
                *taken.entry(pool).or_default() += u32::from(line.quantity);
            }
        }
        reasons
    }
}
