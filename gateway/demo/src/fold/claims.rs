//! Finding the claim of a hold.

use super::units::To;
use super::{Claim, ClaimState, Fold, SeatState};
use crate::feed::Line;

impl Fold<'_> {
    /// The number of a hold, for those who have its identifier.
    #[must_use]
    pub fn number(&self, hold: &str) -> Option<u64> {
        self.holds.get(hold).copied()
    }

    /// How far the claim of a hold has come; none if it was never placed.
    #[must_use]
    pub fn claim_state(&self, hold: &str) -> Option<ClaimState> {
        self.claim(hold).map(|claim| claim.state)
    }

    /// The claim of a hold; none if it was never placed.
    #[must_use]
    pub fn claim(&self, hold: &str) -> Option<&Claim> {
        self.number(hold).and_then(|number| self.claims.get(&number))
    }

    /// What an ended hold had is sold anew, under its number.
    pub(super) fn sell_late(&mut self, hold: &str, lines: &[Line], channel: Option<usize>) {
        let Some(number) = self.claim_in(hold, &[ClaimState::Ended]) else { return };
        let venue = self.venue;
        let known = |line: &Line| {
            let ticket_type = venue.ticket_type(&line.ticket_type)?;
            Some((ticket_type, line.quantity, line.seats.clone()))
        };
        let lines: Vec<_> = lines.iter().filter_map(known).collect();
        for (ticket_type, quantity, seats) in &lines {
            self.keep(channel, *ticket_type, |kept| kept.checked_sub(u32::from(*quantity)));
            self.shift(number, *ticket_type, *quantity, seats, SeatState::Free, To::Sold);
            self.sold_by_type[*ticket_type] += u32::from(*quantity);
        }
        let Some(mut claim) = self.claims.remove(&number) else { return };
        (claim.state, claim.channel, claim.lines) = (ClaimState::Paid, channel, lines);
        self.use_units(number, &claim);
        self.claims.insert(number, claim);
        self.orders += 1;
    }

    /// The claim of a hold, if it is in one of these states.
    pub(super) fn claim_in(&mut self, hold: &str, states: &[ClaimState]) -> Option<u64> {
        let found = self.claim_state(hold);
        if found.is_some_and(|state| states.contains(&state)) {
            return self.number(hold);
        }
        let state = found.map_or("unknown", ClaimState::in_words);
        self.report("I2", self.sequence, format!("hold {hold} is {state}, which admits no such item"));
        None
    }
}
