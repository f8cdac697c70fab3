//! Holds: placed, renewed, ended.

use tessera_pricing::{BasketLine, Quote};

use crate::claims::{Claim, ClaimLine, ExtraSubjects};
use crate::mutant::Mutant;
use crate::quoted::Money;
use crate::returned::{Returned, Source};
use crate::{ClaimNumber, HoldPlaced, Inventory, Line, RefundedUnits, SeatState, Subject, Timestamp};

impl Inventory {
    pub(super) fn apply_hold_placed(&mut self, hold: &HoldPlaced) {
        let number = ClaimNumber(self.sequence.0);
        let claim = self.take(number, hold);
        self.deadlines.insert(hold.deadline_at, number);
        self.claims.insert(number, claim, &self.subjects);
        if let Some(entry) = hold.entry.filter(|_| !self.mutation.is(Mutant::OfferKeptInLine)) {
            self.leave_waitlist(entry);
        }
    }

    /// Takes what a hold has: units, seats, what limits and promotions allow. The claim is not entered.
    pub(super) fn take(&mut self, number: ClaimNumber, hold: &HoldPlaced) -> Claim {
        let subject = self.subjects.name(hold.subjects.primary);
        let mut extra = ExtraSubjects::NONE;
        for &subject in &hold.subjects.extra {
            extra.push(self.subjects.name(subject));
        }
        for line in &hold.lines {
            for &pool in &self.terms.get(line.terms).draws_on {
                self.pools.take(pool, hold.channel, u32::from(line.quantity));
            }
            for &seat in &line.seats {
                assert_eq!(self.seating.state(seat), SeatState::Free, "a held seat was not free");
                self.set_seat(seat, SeatState::Held);
            }
        }
        let claim_line = |line: &Line| ClaimLine {
            terms: line.terms,
            quantity: line.quantity,
            seats: line.seats.clone().into_boxed_slice(),
        };
        let claim = Claim::new(
            subject,
            extra,
            hold.channel,
            hold.origin,
            hold.deadline_at,
            hold.life_ends_at,
            hold.lines.iter().map(claim_line).collect(),
        );
        let counted = if self.mutation.is(Mutant::ExtraSubjectsUncounted) { 1 } else { usize::MAX };
        for slot in claim.subjects().take(counted) {
            for line in &hold.lines {
                self.subjects.charge(slot, line.ticket_type, u32::from(line.quantity));
            }
        }
        if let Some(quote) = &hold.quote {
            self.quoted.insert(number, Money::of(quote), shares_of(hold, quote), claim.subjects());
        }
        claim
    }

    pub(super) fn apply_hold_renewed(&mut self, hold: ClaimNumber, deadline_at: Timestamp) {
        self.move_claim(hold, |claim| {
            claim.deadline_at = deadline_at;
            claim.renewals += 1;
        });
    }

    /// Changes a claim in a way that may change when it is due.
    pub(super) fn move_claim(&mut self, number: ClaimNumber, change: impl FnOnce(&mut Claim)) {
        let mut due = (Timestamp(0), Timestamp(0));
        self.claims.edit(number, &self.subjects, |claim| {
            due.0 = claim.due_at();
            change(claim);
            due.1 = claim.due_at();
        });
        if due.0 != due.1 {
            self.deadlines.remove(due.0, number);
            self.deadlines.insert(due.1, number);
        }
    }

    /// Ends a claim without a sale.
    pub(super) fn end_claim(&mut self, number: ClaimNumber) {
        let claim = self.claims.remove(number, &self.subjects);
        self.deadlines.remove(claim.due_at(), number);
        self.dissolve(number, &claim);
    }

    /// Gives back what a claim held that is no longer among the live ones: units, and the use of a promotion. Returns its
    /// primary subject.
    fn dissolve(&mut self, number: ClaimNumber, claim: &Claim) -> Subject {
        self.quoted.remove(number, claim.subjects());
        for line in claim.lines.as_slice() {
            self.return_units(Returned {
                terms: line.terms,
                quantity: u32::from(line.quantity),
                seats: &line.seats,
                channel: claim.channel,
                source: Source::Held,
                fate: RefundedUnits::Restock,
            });
        }
        let subject = self.subjects.subject(claim.subject);
        for slot in claim.subjects() {
            for line in claim.lines.as_slice() {
                let ticket_type = self.terms.get(line.terms).ticket_type;
                self.subjects.discharge(slot, ticket_type, u32::from(line.quantity));
            }
            self.subjects.forget(slot);
        }
        subject
    }

    pub(super) fn apply_expired(&mut self, through: (Timestamp, ClaimNumber), count: u32) {
        let mut ended = 0;
        while let Some(number) = self.deadlines.pop_through(through) {
            let claim = self.claims.remove(number, &self.subjects);
            let is_dropped = self.mutation.is(Mutant::ExpiryDropsTail) && count > 1 && ended + 1 == count;
            let subject =
                if is_dropped { self.subjects.subject(claim.subject) } else { self.dissolve(number, &claim) };
            self.expired.remember(number, subject);
            ended += 1;
        }
        assert_eq!(ended, count, "an expiry covers other claims than were decided");
    }

    pub(super) fn end_all_claims(&mut self) {
        while let Some(number) = self.claims.first() {
            self.end_claim(number);
        }
    }
}

/// What a refund of each ticket of a quoted hold gives back.
fn shares_of(hold: &HoldPlaced, quote: &Quote) -> Box<[i64]> {
    let line = |line: &Line| BasketLine {
        ticket_type: line.ticket_type.0,
        // A quote that was made is split by its own lines.
        add_on: false,
        quantity: line.quantity,
        price_minor: line.price_minor,
    };
    let lines: Vec<BasketLine> = hold.lines.iter().map(line).collect();
    tessera_pricing::refunds(Some(quote), &lines).into_boxed_slice()
}
