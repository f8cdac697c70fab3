//! Money that goes back, and disputes about it.

use crate::mutant::Mutant;
use crate::orders::{Order, TicketFlags};
use crate::{
    Authority, ClaimNumber, Dispute, EventBody, Inventory, Phase, RefundAmount, RefundReason, RefundedUnits,
    Rejection, RequestError,
};

impl Inventory {
    /// Where a sold order stands. A claim without a sale, or none at all: its state, or its absence, is the answer.
    fn sold(&self, number: ClaimNumber) -> Result<u32, Rejection> {
        if let Some(at) = self.orders.find(number) {
            return Ok(at);
        }
        let claim = self.live_claim(Authority::System, number, Rejection::OrderNotFound)?;
        Err(Rejection::WrongState { state: claim.state() })
    }

    pub(super) fn decide_refund(
        &self,
        number: ClaimNumber,
        tickets: &[u16],
        amount: RefundAmount,
        reason: RefundReason,
        units: RefundedUnits,
    ) -> Result<EventBody, Rejection> {
        let at = self.sold(number)?;
        if reason == RefundReason::Unpaid {
            return self.decide_unpaid(at, units);
        }
        let is_nothing = match amount {
            RefundAmount::Full => tickets.is_empty(),
            RefundAmount::Minor(amount_minor) => {
                amount_minor < 0 || (amount_minor == 0 && tickets.is_empty())
            }
        };
        if is_nothing {
            return Err(Rejection::InvalidRequest(RequestError::ZeroQuantity));
        }
        let order = self.orders.get(at);
        let mut sorted = tickets.to_vec();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Rejection::InvalidRequest(RequestError::Duplicate));
        }
        for &index in &sorted {
            self.check_may_return(order, index)?;
        }
        if self.orders.is_disputed(at) {
            return Err(Rejection::InDispute);
        }
        let amount_minor = self.amount_back(at, &sorted, amount)?;
        Ok(EventBody::TicketsRefunded { order: number, tickets: sorted, units, amount_minor, reason })
    }

    /// Refuses a ticket that cannot be refunded.
    fn check_may_return(&self, order: &Order, index: u16) -> Result<(), Rejection> {
        let Some(slot) = order.ticket(index) else { return Err(Rejection::TicketNotFound) };
        let ticket = self.orders.ticket(slot);
        if ticket.is_refunded() && !self.mutation.is(Mutant::RefundedTwice) {
            return Err(Rejection::TicketRefunded);
        }
        // Who is in keeps the seat. When the event is called off, everybody leaves it.
        if self.phase == Phase::Cancelled { Ok(()) } else { self.check_is_out(slot, ticket) }
    }

    /// What a refund gives back, where that is not what its tickets come to.
    fn amount_back(&self, at: u32, tickets: &[u16], amount: RefundAmount) -> Result<Option<i64>, Rejection> {
        let order = self.orders.get(at);
        let money = self.money_of(at);
        let share_minor: i64 = tickets.iter().map(|&index| self.back_minor(order, index)).sum();
        let amount_minor = match amount {
            RefundAmount::Full => share_minor.min((money.back_minor - money.refunded_minor).max(0)),
            RefundAmount::Minor(amount_minor) => {
                let refundable_minor = money.left_minor();
                if amount_minor > refundable_minor && !self.mutation.is(Mutant::RefundBeyondTotal) {
                    return Err(Rejection::AmountExceeded { refundable_minor });
                }
                amount_minor
            }
        };
        Ok((amount_minor != share_minor).then_some(amount_minor))
    }

    /// A sale whose money never comes is taken back: every ticket that is not in, and all that is left of its total.
    fn decide_unpaid(&self, at: u32, units: RefundedUnits) -> Result<EventBody, Rejection> {
        let order = self.orders.get(at);
        let tickets: Vec<u16> = (0..u16::from(order.tickets))
            .filter(|&index| self.check_may_return(order, index).is_ok())
            .collect();
        if tickets.is_empty() && self.money_of(at).left_minor() == 0 {
            return Err(Rejection::WrongState { state: self.order_state(order) });
        }
        Ok(EventBody::TicketsRefunded {
            order: order.number(),
            tickets,
            units,
            amount_minor: Some(0),
            reason: RefundReason::Unpaid,
        })
    }

    pub(super) fn decide_dispute(
        &self,
        number: ClaimNumber,
        dispute: Dispute,
    ) -> Result<EventBody, Rejection> {
        let order = self.orders.get(self.sold(number)?);
        let is_out = |&index: &u16| {
            let slot = order.ticket(index).map(|slot| self.orders.ticket(slot));
            slot.is_some_and(|ticket| !ticket.is_refunded() && !ticket.flags.has(TicketFlags::CHECKED_IN))
        };
        let revoked = match dispute {
            Dispute::Open | Dispute::Won => Vec::new(),
            Dispute::Lost => (0..u16::from(order.tickets)).filter(is_out).collect(),
        };
        Ok(EventBody::OrderDisputed { order: number, dispute, revoked })
    }
}
