//! Commands on holds and orders.

use tessera_inventory::{
    Authority, Charge, ClaimState, EXTRA_SUBJECTS_MAX, EventBody, PAYMENT_ATTEMPTS_MAX, Payment, Phase,
    PoolId, ProviderId, Rejection, RequestError, Subject, TicketTypeId, Timestamp,
};

use super::{Claim, Decided, Line, Model, Ticket, number, owns};

impl Model {
    /// Where a claim stands.
    pub fn state_of(&self, claim: &Claim) -> ClaimState {
        match claim.payment {
            None if claim.grace_until.is_some() => ClaimState::PaymentInFlight,
            None => ClaimState::Held,
            Some(_) if claim.tickets.iter().all(|ticket| ticket.refunded) => ClaimState::Refunded,
            Some(_) if self.phase == Phase::Cancelled => ClaimState::RefundDue,
            Some(_) => ClaimState::Paid,
        }
    }

    /// The caller's claim in a state that the command needs.
    pub(crate) fn claim_in(
        &self,
        by: Authority,
        claim: u64,
        state: ClaimState,
        missing: Rejection,
    ) -> Decided<&Claim> {
        let found = self.claims.get(&claim).filter(|found| owns(by, found.subject));
        let is_expired = self.expired.iter().any(|&(hold, of)| hold == claim && owns(by, of));
        match found {
            Some(found) if self.state_of(found) == state => Ok(found),
            Some(found) => Err(vec![Rejection::WrongState { state: self.state_of(found) }]),
            None if is_expired => Err(vec![Rejection::HoldExpired { hold: number(claim) }]),
            None => Err(vec![missing]),
        }
    }

    fn held(&self, by: Authority, hold: u64) -> Decided<&Claim> {
        self.claim_in(by, hold, ClaimState::Held, Rejection::HoldNotFound)
    }

    fn in_flight(&self, by: Authority, order: u64) -> Decided<&Claim> {
        self.claim_in(by, order, ClaimState::PaymentInFlight, Rejection::OrderNotFound)
    }

    pub(crate) fn renew(&self, now: Timestamp, by: Authority, hold: u64) -> Decided<EventBody> {
        let claim = self.held(by, hold)?;
        let policy = self.config.as_ref().unwrap().hold;
        let deadline_at = now.plus_ms(policy.duration_ms).min(claim.life_ends_at);
        if claim.renewals >= policy.renewals_max || deadline_at <= claim.deadline_at {
            return Err(vec![Rejection::RenewalsExhausted]);
        }
        Ok(EventBody::HoldRenewed { hold: number(hold), deadline_at })
    }

    pub(crate) fn release(&self, by: Authority, hold: u64) -> Decided<EventBody> {
        self.held(by, hold)?;
        Ok(EventBody::HoldReleased { hold: number(hold) })
    }

    pub(crate) fn begin_payment(
        &self,
        now: Timestamp,
        by: Authority,
        hold: u64,
        provider: Option<ProviderId>,
        learnt: &[Subject],
    ) -> Decided<EventBody> {
        let claim = self.held(by, hold)?;
        let mut extra_subjects: Vec<Subject> = Vec::new();
        for &subject in learnt {
            let is_known = subject == claim.subject || claim.extra.contains(&subject);
            if !is_known && !extra_subjects.contains(&subject) {
                extra_subjects.push(subject);
            }
        }
        let mut reasons = Vec::new();
        if claim.attempts >= PAYMENT_ATTEMPTS_MAX {
            reasons.push(Rejection::PaymentAttemptsExhausted);
        }
        let most = EXTRA_SUBJECTS_MAX;
        if learnt.len() > most || claim.extra.len() + extra_subjects.len() > most {
            reasons.push(Rejection::InvalidRequest(RequestError::TooManySubjects));
        }
        // Lowered limits are not retroactive: they refuse only those who have something besides this claim.
        let having = |of: Option<TicketTypeId>| -> Vec<Subject> {
            extra_subjects.iter().copied().filter(|&subject| self.used_by(subject, of) > 0).collect()
        };
        reasons.extend(self.beyond_event_limit(&having(None), claim.units(|_| true)));
        for line in &claim.lines {
            let units = claim.units(|other| other.ticket_type == line.ticket_type);
            let having = having(Some(line.ticket_type));
            reasons.extend(self.beyond_type_limit(&having, line.ticket_type, units));
        }
        reasons.extend(self.promotion_refused_to(claim, &extra_subjects));
        if !reasons.is_empty() {
            return Err(reasons);
        }
        let grace_until = now.plus_ms(self.config.as_ref().unwrap().hold.grace_ms).max(claim.deadline_at);
        let attempt = claim.attempts + 1;
        let amount_minor = claim.total_minor();
        let charge = match provider {
            Some(provider) if amount_minor > 0 => Some(Charge { provider, amount_minor }),
            _ => None,
        };
        Ok(EventBody::PaymentBegun { order: number(hold), grace_until, attempt, extra_subjects, charge })
    }

    pub(crate) fn payment_failed(&self, order: u64, attempt: Option<u8>) -> Decided<EventBody> {
        let claim = self.in_flight(Authority::System, order)?;
        self.is_current(claim, attempt)?;
        Ok(EventBody::PaymentFailed { order: number(order), attempt })
    }

    /// An attempt that is named is the last one.
    fn is_current(&self, claim: &Claim, attempt: Option<u8>) -> Decided<()> {
        if attempt.is_some_and(|attempt| attempt != claim.attempts) {
            return Err(vec![Rejection::WrongState { state: self.state_of(claim) }]);
        }
        Ok(())
    }

    pub(crate) fn confirm(
        &self,
        by: Authority,
        order: u64,
        payment: Payment,
        attempt: Option<u8>,
    ) -> Decided<EventBody> {
        let is_money = by == Authority::System && matches!(payment, Payment::Captured { .. });
        if let Some(named) = attempt
            && is_money
            && let Some(claim) = self.claims.get(&order).filter(|claim| claim.payment.is_none())
        {
            // Money of an attempt that was begun, whenever it was.
            if !(1..=claim.attempts).contains(&named) {
                return Err(vec![Rejection::WrongState { state: self.state_of(claim) }]);
            }
            return Ok(EventBody::Confirmed { order: number(order), payment, attempt });
        }
        let claim = self.in_flight(by, order)?;
        self.is_current(claim, attempt)?;
        let total_minor = claim.total_minor();
        if payment == Payment::Free && total_minor != 0 {
            return Err(vec![Rejection::PaymentRequired { total_minor }]);
        }
        Ok(EventBody::Confirmed { order: number(order), payment, attempt })
    }
}

impl Claim {
    /// Units of some of its lines, refunded ones left out.
    pub fn units(&self, of: impl Fn(&Line) -> bool) -> u32 {
        if self.payment.is_none() {
            return self.lines.iter().filter(|line| of(line)).map(|line| u32::from(line.quantity)).sum();
        }
        let counts = |ticket: &&Ticket| !ticket.refunded && of(&self.lines[usize::from(ticket.line)]);
        u32::try_from(self.tickets.iter().filter(counts).count()).unwrap()
    }

    /// Units it has of a pool, refunded ones left out.
    pub fn units_of(&self, pool: PoolId) -> u32 {
        self.units(|line| line.draws_on.contains(&pool))
    }

    /// What it costs, as quoted or at its frozen prices, in minor units.
    pub fn total_minor(&self) -> i64 {
        if let Some(quote) = &self.quote {
            return quote.total_minor;
        }
        self.lines.iter().map(|line| line.price_minor * i64::from(line.quantity)).sum()
    }
}
