//! Commands on a live hold.

use super::authority::owns;
use crate::claims::Claim;
use crate::mutant::Mutant;
use crate::orders::Order;
use crate::{
    Authority, Charge, ClaimNumber, ClaimState, EXTRA_SUBJECTS_MAX, EventBody, Inventory, Origin,
    PAYMENT_ATTEMPTS_MAX, Phase, ProviderId, Rejection, RequestError, Subject, Timestamp,
};

impl Inventory {
    /// The caller's live claim; `missing` is said of what is not there, or not the caller's.
    pub(super) fn live_claim(
        &self,
        authority: Authority,
        number: ClaimNumber,
        missing: Rejection,
    ) -> Result<&Claim, Rejection> {
        if let Some(claim) = self.claims.get(number) {
            let subject = self.subjects.subject(claim.subject);
            return if owns(authority, subject) { Ok(claim) } else { Err(missing) };
        }
        if let Some(at) = self.orders.find(number) {
            let order = self.orders.get(at);
            let subject = self.subjects.subject(order.subject);
            let state = self.order_state(order);
            return Err(if owns(authority, subject) { Rejection::WrongState { state } } else { missing });
        }
        let of = match authority {
            Authority::Subject(caller) => Some(caller),
            _ => None,
        };
        Err(if self.expired.has(number, of) { Rejection::HoldExpired { hold: number } } else { missing })
    }

    /// Where a settled order stands. That a cancelled event's orders are to be refunded follows from its phase.
    pub(crate) fn order_state(&self, order: &Order) -> ClaimState {
        if order.refunded == order.tickets {
            ClaimState::Refunded
        } else if self.phase == Phase::Cancelled {
            ClaimState::RefundDue
        } else {
            ClaimState::Paid
        }
    }

    /// The caller's hold without a payment in flight.
    fn held(&self, authority: Authority, hold: ClaimNumber) -> Result<&Claim, Rejection> {
        let claim = self.live_claim(authority, hold, Rejection::HoldNotFound)?;
        let is_open = claim.origin == Origin::Offer && self.mutation.is(Mutant::OfferAcceptedTwice);
        match claim.state() {
            ClaimState::Held => Ok(claim),
            _ if is_open => Ok(claim),
            state => Err(Rejection::WrongState { state }),
        }
    }

    pub(super) fn decide_renew(
        &self,
        now: Timestamp,
        authority: Authority,
        hold: ClaimNumber,
    ) -> Result<EventBody, Rejection> {
        let claim = self.held(authority, hold)?;
        let renewed_at = now.plus_ms(self.config.hold.duration_ms);
        let is_uncapped = self.mutation.is(Mutant::RenewedPastLife);
        let deadline_at = if is_uncapped { renewed_at } else { renewed_at.min(claim.life_ends_at) };
        if claim.renewals >= self.config.hold.renewals_max || deadline_at <= claim.deadline_at {
            return Err(Rejection::RenewalsExhausted);
        }
        Ok(EventBody::HoldRenewed { hold, deadline_at })
    }

    pub(super) fn decide_release(
        &self,
        authority: Authority,
        hold: ClaimNumber,
    ) -> Result<EventBody, Rejection> {
        self.held(authority, hold)?;
        Ok(EventBody::HoldReleased { hold })
    }

    pub(super) fn decide_begin_payment(
        &self,
        now: Timestamp,
        authority: Authority,
        hold: ClaimNumber,
        provider: Option<ProviderId>,
        extra_subjects: &[Subject],
    ) -> Result<EventBody, Rejection> {
        let claim = self.held(authority, hold)?;
        if claim.attempts >= PAYMENT_ATTEMPTS_MAX {
            return Err(Rejection::PaymentAttemptsExhausted);
        }
        let extra_subjects = self.new_subjects(claim, extra_subjects)?;
        self.check_limits_of(claim, &extra_subjects)?;
        self.check_promotion_of(hold, &extra_subjects)?;
        // A payment never shortens its hold: until the deadline that a failure returns to, it may go on.
        let least = if self.mutation.is(Mutant::GraceShortensHold) { now } else { claim.deadline_at };
        let before = if self.mutation.is(Mutant::AttemptsUncounted) { 0 } else { claim.attempts };
        Ok(EventBody::PaymentBegun {
            order: hold,
            grace_until: now.plus_ms(self.config.hold.grace_ms).max(least),
            attempt: before + 1,
            extra_subjects,
            charge: provider.and_then(|provider| self.charge(hold, claim, provider)),
        })
    }

    /// What a provider is to take for a claim, if there is anything to take.
    fn charge(&self, hold: ClaimNumber, claim: &Claim, provider: ProviderId) -> Option<Charge> {
        let amount_minor = self.total_minor(hold, claim);
        (amount_minor != 0).then_some(Charge { provider, amount_minor })
    }

    /// Those subjects, each once, that the claim does not count against yet.
    fn new_subjects(&self, claim: &Claim, extra: &[Subject]) -> Result<Vec<Subject>, Rejection> {
        let too_many = Rejection::InvalidRequest(RequestError::TooManySubjects);
        if extra.len() > EXTRA_SUBJECTS_MAX {
            return Err(too_many);
        }
        let mut new = Vec::new();
        for &subject in extra {
            let known = claim.subjects().any(|slot| self.subjects.subject(slot) == subject);
            if !known && !new.contains(&subject) {
                new.push(subject);
            }
        }
        if claim.extra.iter().count() + new.len() > EXTRA_SUBJECTS_MAX {
            return Err(too_many);
        }
        Ok(new)
    }

    /// The limits, for subjects that a claim is to count against as well. A limit that was lowered meanwhile is not
    /// retroactive: who has nothing else may keep what the claim holds.
    fn check_limits_of(&self, claim: &Claim, subjects: &[Subject]) -> Result<(), Rejection> {
        let lines = claim.lines.as_slice();
        for &subject in subjects {
            let Some(slot) = self.subjects.find(subject) else { continue };
            let used = self.subjects.units(slot);
            let units: u32 = lines.iter().map(|line| u32::from(line.quantity)).sum();
            if let Some(limit) = self.config.units_per_subject_max
                && used > 0
                && used.saturating_add(units) > limit
            {
                return Err(Rejection::LimitExceeded { ticket_type: None, limit, used });
            }
            for line in lines {
                let ticket_type = self.terms.get(line.terms).ticket_type;
                let Some(limit) =
                    self.config.ticket_type(ticket_type).and_then(|known| known.per_subject_max)
                else {
                    continue;
                };
                if self.subjects.units_of_type(slot, ticket_type) == 0 {
                    continue;
                }
                let of_type =
                    lines.iter().filter(|line| self.terms.get(line.terms).ticket_type == ticket_type);
                let units = of_type.map(|line| u32::from(line.quantity)).sum();
                self.check_type_limit_of(subject, ticket_type, units, limit)?;
            }
        }
        Ok(())
    }
}
