//! Applying: what was decided happens. Nothing here refuses; an assertion that fails is a defect and stops the event.

mod claim;
mod entry;
mod order;
mod organizer;
mod refund;
mod waitlist;

use crate::{Event, EventBody, Inventory, SeatIndex, SeatState};

impl Inventory {
    /// Applies the next event.
    pub(crate) fn apply_event(&mut self, event: &Event) {
        assert!(event.at >= self.logged_at, "logged time goes back");
        self.sequence = self.sequence.plus(1);
        self.logged_at = event.at;
        self.apply_body(event);
        self.follow_patience(event.at);
        self.keys.forget_old(event.at);
        if let Some(key) = event.key {
            self.keys.insert(key, self.sequence, event.at, keeps_key(&event.body));
        }
    }

    fn apply_body(&mut self, event: &Event) {
        match &event.body {
            EventBody::Configured { version, config } => self.apply_configured(event.at, *version, config),
            EventBody::PhaseChanged { to } => self.apply_phase_changed(*to),
            EventBody::HoldPlaced(hold) => self.apply_hold_placed(hold),
            EventBody::HoldRenewed { hold, deadline_at } => self.apply_hold_renewed(*hold, *deadline_at),
            EventBody::HoldReleased { hold } => self.end_claim(*hold),
            EventBody::Expired { through, count } => self.apply_expired(*through, *count),
            EventBody::PaymentBegun { order, grace_until, attempt, extra_subjects, charge: _ } => {
                self.apply_payment_begun(*order, *grace_until, *attempt, extra_subjects);
            }
            EventBody::PaymentFailed { order, attempt: _ } => self.apply_payment_failed(*order),
            EventBody::Confirmed { order, payment, attempt: _ } => self.apply_confirmed(*order, *payment),
            EventBody::TicketsRefunded { order, tickets, units, amount_minor, reason } => {
                self.apply_refunded(*order, tickets, *units, (*amount_minor, *reason));
            }
            EventBody::SoldLate(sold) => self.apply_sold_late(sold),
            EventBody::OrderDisputed { order, dispute, revoked } => {
                self.apply_dispute(*order, *dispute, revoked);
            }
            EventBody::UnitsKilled(units) => self.apply_killed(units),
            EventBody::UnitsRestored(units) => self.apply_restored(units),
            EventBody::ChannelReleased { channel } => self.apply_channel_released(*channel),
            EventBody::SaleWindowChanged { ticket_type, open } => {
                self.windows.set(*ticket_type, *open);
                self.waitlist.wake_all();
                self.plan();
            }
            EventBody::TicketTransferred { ticket, to, generation, .. } => {
                self.apply_transferred(*ticket, *to, *generation);
            }
            EventBody::TicketReissued { ticket, generation } => self.apply_reissued(*ticket, *generation),
            EventBody::CheckedIn { ticket, gate, .. } => self.apply_passage(*ticket, event.at, *gate, true),
            EventBody::CheckedOut { ticket, gate, stamped: true, .. } => {
                self.apply_passage(*ticket, event.at, *gate, false);
            }
            EventBody::CheckedOut { ticket, stamped: false, .. } => self.apply_unstamped_way_out(*ticket),
            EventBody::ScansRecorded(record) => self.apply_scans(record),
            EventBody::WaitlistJoined(joined) => self.apply_waitlist_joined(joined),
            EventBody::WaitlistLeft { entry, .. } => self.leave_waitlist(*entry),
            EventBody::WaitlistPatienceEnded { ticket_type } => self.apply_patience_ended(*ticket_type),
        }
    }

    /// Moves a seat to a state; the digest follows.
    pub(crate) fn set_seat(&mut self, seat: SeatIndex, state: SeatState) {
        let before = self.seating.state(seat);
        self.seats_sum = self
            .seats_sum
            .wrapping_sub(crate::digest::seat_mix(seat, before))
            .wrapping_add(crate::digest::seat_mix(seat, state));
        self.seating.set(seat, state);
        self.wake_seat(seat);
    }

    /// Writes the calendar of what time does anew.
    pub(crate) fn plan(&mut self) {
        let patience = self.waitlist.patience_ends(&self.config);
        self.deadlines.plan(&self.config, self.phase, &self.windows, self.released, &patience);
    }
}

/// Whether an event's key is kept for ever: those of orders and payments are.
fn keeps_key(body: &EventBody) -> bool {
    matches!(
        body,
        EventBody::PaymentBegun { .. }
            | EventBody::Confirmed { .. }
            | EventBody::TicketsRefunded { .. }
            | EventBody::SoldLate(_)
            | EventBody::OrderDisputed { .. }
    )
}
