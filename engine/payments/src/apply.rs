//! Merging news into the row of a payment.

use tessera_inventory::{Sequence, Timestamp};

use crate::backoff::again_at;
use crate::limits::{DAY_MS, OFFERS_MAX};
use crate::mutant::Mutant;
use crate::payment::Course;
use crate::{
    Abilities, Ask, AskAnswer, Calls, Change, Decided, Fact, News, Operation, Outcome, Payment, PaymentId,
    Refund, RefundStanding, Refusal, Replied, Standing, Status, Want, Why,
};

impl Payment {
    /// Merge what was learnt. Whoever records it does so on the row as it stands in the transaction.
    pub fn apply(&mut self, change: &Change, abilities: &Abilities) {
        for news in &change.news {
            self.learn(news, change.at, abilities);
        }
        self.settle_unasked(change.at, abilities);
    }

    fn learn(&mut self, news: &News, at: Timestamp, abilities: &Abilities) {
        match news {
            News::Wanted { want, by } => self.wanted(*want, *by, at),
            News::RefundWanted { number, amount_minor, reason } => {
                self.refunds.entry(*number).or_insert_with(|| Refund::new(*amount_minor, *reason, at));
            }
            News::RefundedByHand { number } => {
                let due = self.refunds.get_mut(number).filter(|refund| refund.standing == Standing::Due);
                if let Some(refund) = due {
                    refund.standing = Standing::ByHand;
                }
            }
            News::Fact(fact) => self.heard(fact, at, abilities),
            News::Called { operation, n, called_at, outcome } => {
                self.called((*operation, *n), (*called_at, at), outcome, abilities);
            }
            News::Decided(decided) => self.decided(*decided, at, abilities),
        }
    }

    fn wanted(&mut self, want: Want, by: Sequence, at: Timestamp) {
        if by <= self.wanted_by {
            return;
        }
        let is_other = std::mem::discriminant(&want) != std::mem::discriminant(&self.want);
        (self.want, self.wanted_by) = (want, by);
        if is_other {
            self.wanted_at = at;
            // Other calls follow, under keys of their own.
            self.calls = Calls::new(at);
            self.restart(at);
            if want == Want::Capture {
                // What it was confirmed by may have been lost in a crash.
                self.looks.next_at = at;
            }
        }
    }

    fn heard(&mut self, fact: &Fact, at: Timestamp, abilities: &Abilities) {
        let before = (self.facts.status, self.facts.reference.is_some());
        self.facts.merge_with(fact, abilities.mutation);
        if (self.facts.status, self.facts.reference.is_some()) != before {
            self.restart(at);
            if self.facts.status == Status::Processing {
                // Somebody has just paid: the provider may know more already.
                self.looks.next_at = at;
            }
        }
    }

    /// Which call is to be made, if one is, besides looks and refunds.
    pub(crate) fn operation(&self) -> Operation {
        match self.want {
            _ if self.facts.reference.is_none() => Operation::Create,
            Want::Capture => Operation::Capture,
            Want::Authorise { .. } | Want::Release { .. } => Operation::Void,
        }
    }

    /// Under which key an operation is called.
    pub(crate) fn n(&self, operation: Operation) -> u16 {
        match operation {
            Operation::Create | Operation::Capture | Operation::Void => self.calls.n,
            Operation::Refund { number } => self.refunds.get(&number).map_or(0, |refund| refund.calls.n),
            Operation::LookUp | Operation::LookUpRefunds => 0,
        }
    }

    fn called(
        &mut self,
        (operation, n): (Operation, u16),
        (called_at, at): (Timestamp, Timestamp),
        outcome: &Outcome,
        abilities: &Abilities,
    ) {
        let id = self.id;
        match operation {
            Operation::LookUp => self.looked(called_at, at, outcome, abilities),
            Operation::LookUpRefunds => self.looked_at_refunds(called_at, at, outcome, abilities),
            Operation::Refund { number } => {
                let refund = self.refunds.get_mut(&number).filter(|refund| refund.calls.n == n);
                if let Some(refund) = refund {
                    refund.calls.ended(id, at, outcome, abilities);
                    if *outcome == Outcome::Done {
                        // Whether it arrives is seen in days.
                        refund.calls.next_at = at.plus_ms(DAY_MS);
                    }
                }
            }
            Operation::Create | Operation::Capture | Operation::Void => {
                if operation == Operation::Void {
                    match outcome {
                        Outcome::Done | Outcome::Again { .. } => self.called_off = true,
                        Outcome::Declined { .. } => self.called_off = false,
                        // What was not executed changes nothing: an earlier one may have been.
                        Outcome::Later { .. } => {}
                    }
                }
                if operation != self.operation() || n != self.calls.n {
                    return;
                }
                self.calls.ended(id, at, outcome, abilities);
                if let (Operation::Create, Outcome::Declined { code }) = (operation, outcome) {
                    self.heard(&Fact::Failed { code: code.clone() }, at, abilities);
                }
            }
        }
    }

    fn looked(&mut self, called_at: Timestamp, at: Timestamp, outcome: &Outcome, abilities: &Abilities) {
        self.looks.tries = self.looks.tries.saturating_add(1);
        self.looks.next_at = self.look_at(at);
        if let Outcome::Later { not_before } | Outcome::Again { not_before } = outcome {
            let again = again_at(self.id, self.looks.tries, at);
            self.looks.next_at = again.max(not_before.unwrap_or_default());
            return;
        }
        self.looks.answered_at = Some(at);
        if self.calls.was_not_made(called_at, abilities) {
            let next_at = self.calls.next_at.max(at);
            self.calls.renew(at);
            self.calls.next_at = next_at;
        }
    }

    fn looked_at_refunds(
        &mut self,
        called_at: Timestamp,
        at: Timestamp,
        outcome: &Outcome,
        abilities: &Abilities,
    ) {
        let (id, facts) = (self.id, &self.facts);
        for (number, refund) in self.refunds.iter_mut().filter(|(_, refund)| refund.standing == Standing::Due)
        {
            let calls = &mut refund.calls;
            let standing = facts.refund(*number);
            if let Outcome::Later { not_before } | Outcome::Again { not_before } = outcome {
                if calls.next_at <= at {
                    calls.tries = calls.tries.saturating_add(1);
                    calls.next_at = again_at(id, calls.tries, at).max(not_before.unwrap_or_default());
                }
            } else if standing == Some(RefundStanding::Pending) || calls.replied == Replied::Done {
                calls.next_at = at.plus_ms(DAY_MS);
            } else if standing.is_none()
                && calls.replied == Replied::Nothing
                && calls.was_not_made(called_at, abilities)
            {
                calls.renew(at);
                (calls.tries, calls.next_at) = (0, at);
            }
        }
    }

    fn decided(&mut self, Decided { ask, answer }: Decided, at: Timestamp, abilities: &Abilities) {
        let answer = match answer {
            AskAnswer::Unknown if abilities.mutation.is(Mutant::UnknownIsRefused) => {
                AskAnswer::Refused(Refusal::Never)
            }
            answer => answer,
        };
        match (ask, answer) {
            (Ask::Confirm | Ask::SellLate, AskAnswer::Accepted(by)) => self.wanted(Want::Capture, by, at),
            (Ask::PaymentFailed, AskAnswer::Accepted(by)) => {
                self.wanted(Want::Release { why: Why::Failed }, by, at);
            }
            (Ask::RefundUnpaid, AskAnswer::Accepted(by)) => {
                self.wanted(Want::Release { why: Why::Unpaid }, by, at);
            }
            (
                Ask::Dispute { standing, .. },
                AskAnswer::Accepted(_)
                | AskAnswer::Refused(Refusal::Ended | Refusal::Never | Refusal::SoldByOther),
            ) => {
                self.told = Some(standing);
                (self.asked.tries, self.asked.next_at) = (0, at);
            }
            (Ask::Confirm, AskAnswer::Refused(Refusal::Ended)) => {
                self.asked.ended = true;
                (self.asked.tries, self.asked.next_at) = (0, at);
            }
            (Ask::Confirm | Ask::SellLate, AskAnswer::Refused(Refusal::SoldByOther | Refusal::Never)) => {
                self.asked.refused = true;
            }
            // The sale was taken back before, ticket by ticket: nothing of it is left.
            (Ask::RefundUnpaid, AskAnswer::Refused(Refusal::Never | Refusal::Ended)) => {
                self.want = Want::Release { why: Why::Unpaid };
            }
            (ask, answer) => {
                let is_offer = matches!(ask, Ask::Confirm | Ask::SellLate);
                self.asked.tries = self.asked.tries.saturating_add(1);
                self.asked.next_at = again_at(self.id, self.asked.tries, at);
                let not_now = matches!(answer, AskAnswer::Refused(_));
                self.asked.refused |= is_offer && not_now && self.asked.tries >= OFFERS_MAX;
            }
        }
    }

    /// Money that no sale wants is to be given back, and a refund of money that never came is not.
    fn settle_unasked(&mut self, at: Timestamp, abilities: &Abilities) {
        let course = self.course(abilities);
        let kept_minor = match course {
            Course::Authorise | Course::Offer => return,
            Course::Capture => self.amount_minor,
            Course::Release => 0,
        };
        let unasked = [Payment::GIVEN_BACK, Payment::EXCESS];
        let covered = unasked.iter().filter_map(|number| self.refunds.get(number));
        let covered_minor = covered.fold(0_i64, |sum, refund| sum.saturating_add(refund.amount_minor));
        let mut due_minor =
            self.facts.captured_minor.saturating_sub(kept_minor).saturating_sub(covered_minor);
        if course == Course::Release {
            due_minor = self.settle_asked(due_minor);
        }
        let is_defect = match course {
            Course::Capture => abilities.mutation.is(Mutant::ExcessKept),
            _ => abilities.mutation.is(Mutant::LateMoneyKept),
        };
        if due_minor <= 0 || is_defect {
            return;
        }
        let first = if course == Course::Release { 0 } else { 1 };
        let free = unasked[first..].iter().find(|number| !self.refunds.contains_key(number));
        if let Some(number) = free {
            self.refunds.insert(*number, Refund::new(due_minor, 0, at));
        }
    }

    /// Refunds that the log wanted of a sale that is taken back now are a part of what is given back, and not beside it: what of `left_minor` is
    /// left beside them. One that there is nothing for is moot; of several, what was heard of last.
    fn settle_asked(&mut self, mut left_minor: i64) -> i64 {
        let facts = &self.facts;
        let may_come = facts.captured_minor == 0 && !facts.is_over();
        let asked = self.refunds.iter_mut().filter(|(number, _)| **number > Payment::EXCESS);
        let mut asked: Vec<_> = asked.collect();
        asked.sort_by_key(|(number, refund)| (refund.calls.since, **number));
        for (number, refund) in asked {
            let is_nothing = facts.captured_minor == 0 || refund.amount_minor > left_minor;
            let is_open = refund.standing == Standing::Due && facts.refund(*number).is_none();
            if is_open && is_nothing && !may_come {
                refund.standing = Standing::Moot;
            }
            if refund.standing != Standing::Moot {
                left_minor = left_minor.saturating_sub(refund.amount_minor);
            }
        }
        left_minor
    }
}

impl Refund {
    /// One that is to be made.
    #[must_use]
    pub fn new(amount_minor: i64, reason: u8, at: Timestamp) -> Refund {
        Refund { amount_minor, reason, wanted_at: at, calls: Calls::new(at), standing: Standing::Due }
    }
}

impl Calls {
    /// A call under the present key has ended.
    fn ended(&mut self, id: PaymentId, at: Timestamp, outcome: &Outcome, abilities: &Abilities) {
        self.tries = self.tries.saturating_add(1);
        self.next_at = again_at(id, self.tries, at);
        match outcome {
            Outcome::Done => self.replied = Replied::Done,
            Outcome::Declined { code } => {
                (self.replied, self.since, self.error) = (Replied::Declined, at, Some(code.clone()));
            }
            Outcome::Later { not_before } | Outcome::Again { not_before } => {
                self.next_at = self.next_at.max(not_before.unwrap_or_default());
                if abilities.mutation.is(Mutant::KeyDrawnAnew) {
                    self.n = self.n.saturating_add(1);
                }
            }
        }
    }

    /// Whether a look that was made at `called_at`, and does not show it, says that it has certainly not been made and never will be under this
    /// key: it was refused before, or the key has not been used for long.
    fn was_not_made(&self, called_at: Timestamp, abilities: &Abilities) -> bool {
        match self.replied {
            Replied::Done => false,
            Replied::Declined => called_at >= self.since,
            Replied::Nothing => called_at >= abilities.looked_from(self.since),
        }
    }
}
