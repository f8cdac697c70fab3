//! A late sale: money that came after its hold had ended buys what the hold had, if a hold could have it now.

use super::access::Access;
use super::stock::Scratch;
use crate::mutant::Mutant;
use crate::windows::Window;
use crate::{
    EventBody, HoldPlaced, Inventory, Line, Rejection, RequestError, SeatIndex, SeatState, SellLate, SoldLate,
};

impl Inventory {
    pub(super) fn decide_sell_late(
        &self,
        scratch: &mut Scratch,
        sale: &SellLate,
    ) -> Result<EventBody, Rejection> {
        let SellLate { order, hold, payment, attempt } = sale;
        if let Some(claim) = self.claims.get(*order) {
            return Err(Rejection::WrongState { state: claim.state() });
        }
        if let Some(at) = self.orders.find(*order) {
            return Err(Rejection::WrongState { state: self.order_state(self.orders.get(at)) });
        }
        if order.0 == 0 || order.0 > self.sequence.0 {
            return Err(Rejection::OrderNotFound);
        }
        scratch.clear();
        self.check_lines(scratch, hold)?;
        let access = self.access_again(hold.channel);
        self.check_seats_again(scratch, &access)?;
        if !self.mutation.is(Mutant::LateSaleUnlimited) {
            let units = hold.lines.iter().map(|line| u32::from(line.quantity)).sum();
            self.check_event_limit(&hold.subjects, units)?;
            for &(ticket_type, quantity) in &scratch.units {
                self.check_type_limit(&hold.subjects, ticket_type, quantity)?;
            }
        }
        for (at, line) in (0_u16..).zip(&hold.lines) {
            let units = u32::from(line.quantity);
            self.check_ahead(&access, line.ticket_type, &line.seats)?;
            self.check_pools(scratch, &access, at, line.terms, units)?;
            scratch.add_draws(&self.terms.get(line.terms).draws_on, units);
        }
        self.check_promotion_again(hold)?;
        let hold = HoldPlaced { channel: access.channel, ..hold.clone() };
        let sold = SoldLate { order: *order, hold, payment: *payment, attempt: *attempt };
        Ok(EventBody::SoldLate(Box::new(sold)))
    }

    /// The lines name what there is, and their types sell. Leaves their units and seats in the scratch memory.
    fn check_lines(&self, scratch: &mut Scratch, hold: &HoldPlaced) -> Result<(), Rejection> {
        for line in &hold.lines {
            let is_known = usize::from(line.terms.0) < self.terms.len()
                && self.terms.get(line.terms).ticket_type == line.ticket_type;
            if !is_known {
                return Err(Rejection::InvalidRequest(RequestError::UnknownTicketType));
            }
            self.check_window(line)?;
            scratch.add_units(line.ticket_type, u32::from(line.quantity));
            scratch.seats.extend_from_slice(&line.seats);
        }
        if scratch.seats.iter().any(|seat| seat.0 >= self.seating.seats()) {
            return Err(Rejection::InvalidRequest(RequestError::UnknownSeat));
        }
        Ok(())
    }

    fn check_window(&self, line: &Line) -> Result<(), Rejection> {
        let id = line.ticket_type;
        let opens_at = self.config.ticket_type(id).and_then(|known| known.window.opens_at);
        match self.windows.get(id) {
            Window::Open => Ok(()),
            Window::Before => Err(Rejection::NotOnSale { ticket_type: id, opens_at }),
            Window::After => Err(Rejection::NotOnSale { ticket_type: id, opens_at: None }),
        }
    }

    /// The exact seats are free again. Whether they leave one alone was judged when they were held.
    fn check_seats_again(&self, scratch: &Scratch, access: &Access) -> Result<(), Rejection> {
        let is_open = |seat: SeatIndex| {
            self.seating.is_open_to(seat, None, true)
                || access.channel.is_some_and(|channel| self.seating.is_open_to(seat, Some(channel), true))
        };
        let is_taken = |&seat: &SeatIndex| self.seating.state(seat) != SeatState::Free || !is_open(seat);
        let taken: Vec<SeatIndex> = scratch.seats.iter().copied().filter(is_taken).collect();
        if taken.is_empty() { Ok(()) } else { Err(Rejection::SeatsTaken { seats: taken }) }
    }
}
