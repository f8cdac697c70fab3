//! Providers in the world: they are called, their buyers pay, and what happens is told.

use tessera_payments::{Answer, Fact, Input, Operation, Payment, ProviderKey, RefundStanding, Status};

use super::{DAY_US, HOUR_US, MINUTE_US, PayStep, SECOND_US};
use crate::oracle::{Violation, broken};
use crate::paying::{Happening, Money, sales, till_of};
use crate::world::{Step, World};

/// So often a buyer looks for the page.
const VISITS_MAX: u32 = 10;

impl World {
    pub(super) fn call_provider(
        &mut self,
        money: &mut Money,
        payment: &Payment,
        operation: Operation,
        key: &ProviderKey,
    ) -> Result<Answer, Violation> {
        let Some(till) = till_of(payment.provider) else {
            return Ok(Answer::NotOurs { detail: "nobody is there".into() });
        };
        if self.fails(money, |plan| plan.lost) {
            self.note("call to a provider lost");
            return Ok(Answer::Unknown);
        }
        if self.fails(money, |plan| plan.later) {
            self.note("call put off by a provider");
            return Ok(Answer::Later { not_before: None });
        }
        if operation == Operation::Capture {
            let sale = sales(self.oracle.events()).remove(&payment.id.order).unwrap_or_default();
            if sale.attempt != Some(payment.id.attempt) {
                return Err(broken("only what is sold is captured", format!("{}: {sale:?}", payment.id)));
            }
        }
        let (now, slowly) = (self.wall(), money.prng.chance(money.plan.slow_refunds));
        let before = money.providers[till].payments.len();
        let answer = money.providers[till].call(now, (payment, operation), key, slowly);
        if let (Answer::Facts(_), Some(name)) = (&answer, done(operation)) {
            self.note(name);
        }
        if money.providers[till].payments.len() > before
            && let Some(Fact::Created { reference, .. }) = created(&answer)
        {
            self.shown(money, (till, reference.clone()));
        }
        self.tell_news(money, till);
        if self.fails(money, |plan| plan.lost) {
            self.note("answer of a provider lost");
            return Ok(Answer::Unknown);
        }
        Ok(answer)
    }

    /// A payment was created: its buyer comes, and in the end it lapses.
    fn shown(&mut self, money: &mut Money, (till, reference): (usize, Box<str>)) {
        let is_late = money.prng.chance(money.plan.late_payers);
        let (least, most) = if is_late { (MINUTE_US, 30 * MINUTE_US) } else { (SECOND_US, 20 * SECOND_US) };
        let wait_us = money.prng.between(least, most);
        let visit = PayStep::Visit { till, reference: reference.clone(), tries: 0 };
        self.pay_after(money, wait_us, visit);
        // Where nothing can be called off, that is how it ends.
        let lapses_us = if money.plan.tills[till].voids { 20 * DAY_US } else { 26 * HOUR_US };
        self.after(lapses_us, Step::Pay(PayStep::Lapses { till, reference }));
    }

    /// The buyer pays, is declined, goes away, or looks for the page once more.
    pub(super) fn visit(
        &mut self,
        money: &mut Money,
        (till, reference): (usize, Box<str>),
        tries: u32,
    ) -> Result<(), Violation> {
        let Some(paid) = money.providers[till].payments.get(&reference) else { return Ok(()) };
        let price_minor = paid.price_minor;
        let is_shown = money.load(paid.id)?.is_some_and(|row| row.facts.page.is_some());
        if !is_shown {
            if tries < VISITS_MAX {
                let wait_us = money.prng.between(SECOND_US, 30 * SECOND_US);
                self.pay_after(money, wait_us, PayStep::Visit { till, reference, tries: tries + 1 });
            }
            return Ok(());
        }
        if money.prng.chance(money.plan.gone) {
            return Ok(());
        }
        let happening = if money.prng.chance(money.plan.declined) {
            Happening::Declined
        } else if money.prng.chance(money.plan.other_amount) {
            let off_minor = money.prng.between(1, 5).cast_signed();
            Happening::Begins(if money.prng.chance(500) {
                price_minor + off_minor
            } else {
                price_minor - off_minor
            })
        } else {
            Happening::Begins(price_minor)
        };
        if money.providers[till].happens(&reference, happening) {
            self.note(if happening == Happening::Declined { "buyer declined" } else { "buyer paid" });
            let most_us = if money.prng.chance(200) { 90 * SECOND_US } else { 3 * SECOND_US };
            let wait_us = money.prng.between(10_000, most_us);
            let works = PayStep::Happens { till, reference, happening: Happening::Works };
            self.pay_after(money, wait_us, works);
        }
        self.tell_news(money, till);
        Ok(())
    }

    /// What happened at a provider goes on there, and is told: never, once, or twice, at once or late.
    pub(super) fn tell_news(&mut self, money: &mut Money, till: usize) {
        for reference in std::mem::take(&mut money.providers[till].news) {
            let facts = money.providers[till].facts(&reference);
            let Some(paid) = money.providers[till].payments.get(&reference).cloned() else { continue };
            let mut later = Vec::new();
            if paid.status == Status::Authorised && money.prng.chance(money.plan.lapses) {
                // Mostly before anybody can have captured it.
                let most_us = if money.prng.chance(700) { 3 * SECOND_US } else { 5 * MINUTE_US };
                later.push((money.prng.between(10_000, most_us), Happening::Lapses));
            }
            if paid.captured_minor > 0 && money.aged.insert(reference.clone()) {
                later.push((money.prng.between(MINUTE_US, 20 * HOUR_US), Happening::FeeKnown));
                if money.prng.chance(money.plan.disputes) {
                    self.note("payment disputed");
                    later.push((money.prng.between(HOUR_US, 3 * DAY_US), Happening::Disputed));
                    let won = money.prng.chance(500);
                    later.push((money.prng.between(4 * DAY_US, 9 * DAY_US), Happening::Decided { won }));
                }
            }
            if let Some(refund) =
                paid.given_back.last().filter(|refund| refund.standing == RefundStanding::Pending)
            {
                let (number, fails) = (refund.number, money.prng.chance(100));
                let wait_us = money.prng.between(MINUTE_US, 50 * HOUR_US);
                later.push((wait_us, Happening::Arrives { number, fails }));
            }
            for (wait_us, happening) in later {
                let reference = reference.clone();
                self.pay_after(money, wait_us, PayStep::Happens { till, reference, happening });
            }
            // Nobody looks for a dispute: it is told in the end.
            let is_looked_for = paid.dispute.is_none();
            let is_untold = is_looked_for && self.fails(money, |plan| plan.untold);
            let times = if is_untold { 0 } else { 1 + usize::from(self.fails(money, |plan| plan.twice)) };
            for _ in 0..times {
                let most = if self.fails(money, |plan| plan.late) { 2 * HOUR_US } else { 2 * SECOND_US };
                let wait_us = money.prng.between(10_000, most);
                let (reference, facts) = (reference.clone(), facts.clone());
                self.pay_after(money, wait_us, PayStep::Hook { till, reference, facts, is_first: true });
            }
        }
    }

    /// A webhook: it is kept until its row says what it said.
    pub(super) fn hook(
        &mut self,
        money: &mut Money,
        (till, reference): (usize, Box<str>),
        facts: Vec<Fact>,
        is_first: bool,
    ) -> Result<(), Violation> {
        let Some(id) = money.providers[till].payments.get(&reference).map(|paid| paid.id) else {
            return Ok(());
        };
        let Some(row) = money.load(id)? else { return Ok(()) };
        let mut known = row.facts.clone();
        facts.iter().for_each(|fact| known.merge(fact));
        let is_new = known != row.facts;
        if is_new {
            let (wait_us, facts) = (money.prng.between(MINUTE_US, 2 * MINUTE_US), facts.clone());
            self.pay_after(money, wait_us, PayStep::Hook { till, reference, facts, is_first: false });
        }
        if is_new || is_first {
            let process = money.prng.index(money.processes.len());
            let told = Input::Told { payment: Box::new(row), facts, handled: None };
            return self.give(money, process, &told);
        }
        Ok(())
    }
}

/// The name of what a provider has done.
fn done(operation: Operation) -> Option<&'static str> {
    match operation {
        Operation::Capture => Some("captured at a provider"),
        Operation::Void => Some("called off at a provider"),
        Operation::Refund { number: Payment::GIVEN_BACK } => Some("bought nothing, given back"),
        Operation::Refund { .. } => Some("refunded at a provider"),
        Operation::Create | Operation::LookUp | Operation::LookUpRefunds => None,
    }
}

fn created(answer: &Answer) -> Option<&Fact> {
    match answer {
        Answer::Facts(facts) => facts.first(),
        _ => None,
    }
}
