//! Commands on orders: pending ones (a payment is in flight), and paid ones.

use crate::claims::Claim;
use crate::mutant::Mutant;
use crate::{Authority, ClaimNumber, ClaimState, EventBody, Inventory, Payment, Rejection};

impl Inventory {
    /// The caller's order whose payment is in flight: this attempt, where one is named.
    fn pending(
        &self,
        authority: Authority,
        order: ClaimNumber,
        attempt: Option<u8>,
    ) -> Result<&Claim, Rejection> {
        let claim = self.live_claim(authority, order, Rejection::OrderNotFound)?;
        let is_meant = attempt.is_none_or(|attempt| attempt == claim.attempts)
            || self.mutation.is(Mutant::AnyAttemptFails);
        match claim.state() {
            ClaimState::PaymentInFlight if is_meant => Ok(claim),
            state => Err(Rejection::WrongState { state }),
        }
    }

    /// The order that the money of an attempt buys: whatever has become of that attempt, the first money wins.
    fn bought(&self, order: ClaimNumber, attempt: u8) -> Result<&Claim, Rejection> {
        let claim = self.live_claim(Authority::System, order, Rejection::OrderNotFound)?;
        if attempt == 0 || attempt > claim.attempts {
            return Err(Rejection::WrongState { state: claim.state() });
        }
        Ok(claim)
    }

    pub(super) fn decide_payment_failed(
        &self,
        order: ClaimNumber,
        attempt: Option<u8>,
    ) -> Result<EventBody, Rejection> {
        self.pending(Authority::System, order, attempt)?;
        Ok(EventBody::PaymentFailed { order, attempt })
    }

    pub(super) fn decide_confirm(
        &self,
        authority: Authority,
        order: ClaimNumber,
        payment: Payment,
        attempt: Option<u8>,
    ) -> Result<EventBody, Rejection> {
        let claim = match (authority, payment, attempt) {
            (Authority::System, Payment::Captured { .. }, Some(attempt)) => self.bought(order, attempt)?,
            _ => self.pending(authority, order, attempt)?,
        };
        let total_minor = self.total_minor(order, claim);
        if payment == Payment::Free && total_minor != 0 {
            return Err(Rejection::PaymentRequired { total_minor });
        }
        Ok(EventBody::Confirmed { order, payment, attempt })
    }

    /// What a claim costs: as it was quoted, or else at its frozen prices.
    pub(super) fn total_minor(&self, number: ClaimNumber, claim: &Claim) -> i64 {
        if let Some(money) = self.quoted.get(number) {
            return money.total_minor;
        }
        let price = |line: &crate::claims::ClaimLine| {
            self.terms.get(line.terms).price_minor * i64::from(line.quantity)
        };
        claim.lines.as_slice().iter().map(price).sum()
    }
}

// A total is summed without overflow.
const _: () =
    assert!(crate::PRICE_MINOR_MAX.checked_mul(crate::HOLD_UNITS_MAX as i64).is_some(), "a total overflows");
