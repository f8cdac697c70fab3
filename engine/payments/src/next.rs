//! What to do next: one pure function of what the log wants, what the provider has said, and the time.

use tessera_inventory::Timestamp;

use crate::limits::DAY_MS;
use crate::mutant::Mutant;
use crate::payment::Course;
use crate::{
    Abilities, Ask, Calls, DisputeFact, DisputeStanding, Operation, Payment, Refund, RefundStanding, Replied,
    Standing, Status,
};

/// What to do next about a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Call its provider.
    Call(Operation),
    /// Ask the log.
    Ask(Ask),
    /// Nothing before this time, unless there is news.
    Wait(Timestamp),
    /// Nothing, unless there is news.
    Settled,
}

/// What to do next about a payment.
#[must_use]
pub fn next(payment: &Payment, abilities: &Abilities, now: Timestamp) -> Next {
    let step = Step { payment, abilities, now };
    let refunds = payment.refunds.iter().map(|(number, refund)| step.refund(*number, refund));
    refunds.fold(step.main(), Next::or).or(step.disputes())
}

/// When there is something to do about a payment, unless there is news; `None`: never. So its row is found again.
#[must_use]
pub fn due_at(payment: &Payment, abilities: &Abilities, now: Timestamp) -> Option<Timestamp> {
    match next(payment, abilities, now) {
        Next::Wait(at) => Some(at),
        Next::Call(_) | Next::Ask(_) => Some(now),
        Next::Settled => None,
    }
}

impl Next {
    /// What is due first; of two that are due, the former.
    fn or(self, other: Next) -> Next {
        match (self, other) {
            (Next::Wait(at), Next::Wait(other)) => Next::Wait(at.min(other)),
            (Next::Settled, next) | (next @ (Next::Call(_) | Next::Ask(_)), _) | (next, Next::Settled) => {
                next
            }
            (Next::Wait(_), next) => next,
        }
    }
}

struct Step<'a> {
    payment: &'a Payment,
    abilities: &'a Abilities,
    now: Timestamp,
}

impl Step<'_> {
    fn at(&self, at: Timestamp, next: Next) -> Next {
        if at <= self.now { next } else { Next::Wait(at) }
    }

    fn ask(&self, ask: Ask) -> Next {
        self.at(self.payment.asked.next_at, Next::Ask(ask))
    }

    fn look(&self) -> Next {
        if self.abilities.mutation.is(Mutant::NeverLooksUp) {
            return Next::Settled;
        }
        self.at(self.payment.looks.next_at, Next::Call(Operation::LookUp))
    }

    /// A call that must be made once: under its key while that is remembered, and then not before a look has shown that it was not made.
    fn once(&self, operation: Operation, calls: &Calls, look: Operation) -> Next {
        let from = self.abilities.looked_from(calls.since);
        let is_used = calls.next_at.max(self.now) < self.abilities.used_until(calls.since);
        if is_used || self.abilities.mutation.is(Mutant::KeyOutlived) {
            self.at(calls.next_at, Next::Call(operation))
        } else if look == Operation::LookUp {
            self.at(self.payment.looks.next_at.max(from), Next::Call(look))
        } else {
            self.at(calls.next_at.max(from), Next::Call(look))
        }
    }

    /// The provider is asked to create it: again, it tells what it has created. `None`: its key may be forgotten, so that it could create
    /// another one.
    fn create(&self) -> Option<Next> {
        let calls = &self.payment.calls;
        let until = self.abilities.used_until(self.payment.begun_at);
        let is_used = calls.next_at.max(self.now) < until;
        is_used.then(|| self.at(calls.next_at, Next::Call(Operation::Create)))
    }

    fn main(&self) -> Next {
        let Payment { facts, asked, .. } = self.payment;
        let mutation = self.abilities.mutation;
        match self.payment.course(self.abilities) {
            Course::Authorise if facts.is_over() && mutation.is(Mutant::FailureUntold) => Next::Settled,
            Course::Authorise if facts.is_over() => self.ask(Ask::PaymentFailed),
            // A payment that could not even be created in all that time has failed.
            Course::Authorise if facts.reference.is_none() => {
                self.create().unwrap_or_else(|| self.ask(Ask::PaymentFailed))
            }
            Course::Authorise => self.look(),
            Course::Offer
                if mutation.is(Mutant::CaptureBeforeConfirm) && facts.status == Status::Authorised =>
            {
                self.once(Operation::Capture, &self.payment.calls, Operation::LookUp)
            }
            Course::Offer if asked.ended && !mutation.is(Mutant::LateSaleUntried) => self.ask(Ask::SellLate),
            Course::Offer if asked.ended => Next::Settled,
            Course::Offer => self.ask(Ask::Confirm),
            Course::Capture => self.capture(),
            Course::Release => self.release(),
        }
    }

    fn capture(&self) -> Next {
        let Payment { facts, calls, looks, .. } = self.payment;
        match facts.status {
            Status::Captured => {
                let from = self.payment.wanted_at.plus_ms(DAY_MS);
                let is_known = facts.fee_minor.is_some() || looks.answered_at >= Some(from);
                if is_known {
                    Next::Settled
                } else {
                    self.at(looks.next_at.max(from), Next::Call(Operation::LookUp))
                }
            }
            Status::Failed | Status::Cancelled if self.abilities.mutation.is(Mutant::UnpaidStaysSold) => {
                Next::Settled
            }
            Status::Failed | Status::Cancelled => self.ask(Ask::RefundUnpaid),
            _ if facts.reference.is_none() => self.create().unwrap_or(Next::Settled),
            Status::Authorised if calls.replied == Replied::Nothing => {
                self.once(Operation::Capture, calls, Operation::LookUp)
            }
            Status::Authorised | Status::Open | Status::Processing => self.look(),
        }
    }

    fn release(&self) -> Next {
        let Payment { facts, calls, .. } = self.payment;
        let is_left = self.abilities.mutation.is(Mutant::VoidForgotten);
        match facts.status {
            Status::Captured | Status::Failed | Status::Cancelled => Next::Settled,
            _ if facts.reference.is_none() && self.abilities.mutation.is(Mutant::CreationForgotten) => {
                Next::Settled
            }
            // Written and released at once, as after an outage: nobody can have called for it.
            _ if facts.reference.is_none() && calls.since == self.payment.begun_at => Next::Settled,
            // Whoever wrote the row may have had it created: then it must be called off. Once its key may be forgotten it is left: nobody was
            // shown its page.
            _ if facts.reference.is_none() => self.create().unwrap_or(Next::Settled),
            Status::Authorised if is_left => Next::Settled,
            _ if self.abilities.voids && calls.replied == Replied::Nothing => {
                self.once(Operation::Void, calls, Operation::LookUp)
            }
            Status::Authorised | Status::Open | Status::Processing => self.look(),
        }
    }

    /// The log is told how disputes over what it has sold stand. They are decided in weeks: one that is open is looked at once a day.
    fn disputes(&self) -> Next {
        let Payment { facts, looks, wanted_at, told, .. } = self.payment;
        let is_sold = self.payment.course(self.abilities) == Course::Capture;
        let is_untold = is_sold && facts.disputed() != *told;
        if let Some(standing) = facts.disputed().filter(|_| is_untold)
            && !self.abilities.mutation.is(Mutant::DisputeUntold)
        {
            let known = u16::try_from(facts.disputes.len()).unwrap_or(u16::MAX);
            return self.ask(Ask::Dispute { standing, known });
        }
        let is_open = |dispute: &DisputeFact| dispute.standing == DisputeStanding::Open;
        if !facts.disputes.values().any(is_open) {
            return Next::Settled;
        }
        let from = looks.answered_at.unwrap_or(*wanted_at).plus_ms(DAY_MS);
        self.at(looks.next_at.max(from), Next::Call(Operation::LookUp))
    }

    fn refund(&self, number: u64, refund: &Refund) -> Next {
        let facts = &self.payment.facts;
        let calls = &refund.calls;
        let look = self.at(calls.next_at, Next::Call(Operation::LookUpRefunds));
        match (refund.standing, facts.refund(number)) {
            (Standing::Moot | Standing::ByHand, _) => Next::Settled,
            (Standing::Due, Some(RefundStanding::Done | RefundStanding::Failed)) => Next::Settled,
            (Standing::Due, Some(RefundStanding::Pending)) => look,
            (Standing::Due, None) => {
                let left_minor = facts.captured_minor.saturating_sub(facts.refunded_minor());
                let is_too_much = left_minor < refund.amount_minor
                    && !self.abilities.mutation.is(Mutant::RefundBeyondCapture);
                match calls.replied {
                    // It comes with the capture, or it never can.
                    _ if facts.captured_minor == 0 || is_too_much => Next::Settled,
                    // For an operator.
                    Replied::Declined => Next::Settled,
                    Replied::Done => look,
                    Replied::Nothing => {
                        self.once(Operation::Refund { number }, calls, Operation::LookUpRefunds)
                    }
                }
            }
        }
    }
}
