//! Finding the claim of a hold.

use super::{Claim, ClaimState, Fold};

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
