//! A provider: its books, keys that it forgets after their life, and what it has to tell.

use std::collections::BTreeMap;

use tessera_inventory::Timestamp;
use tessera_payments::{
    Answer, DisputeStanding, Fact, Operation, Payment, PaymentId, ProviderKey, RefundStanding, Status,
};

use crate::plan::Till;

/// What it takes for a payment, in minor units.
pub(super) const FEE_MINOR: i64 = 2;
/// What it takes for a dispute, in minor units.
pub(super) const DISPUTE_FEE_MINOR: i64 = 3;

/// A refund in its books.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GivenBack {
    /// Our number.
    pub(crate) number: u64,
    pub(crate) amount_minor: i64,
    pub(crate) standing: RefundStanding,
}

/// A payment in its books.
#[derive(Clone, Debug)]
pub(crate) struct Paid {
    pub(crate) id: PaymentId,
    /// What was asked for.
    pub(crate) price_minor: i64,
    /// What the buyer paid.
    pub(crate) amount_minor: i64,
    pub(crate) status: Status,
    pub(crate) captured_minor: i64,
    pub(crate) given_back: Vec<GivenBack>,
    pub(crate) dispute: Option<(i64, DisputeStanding)>,
    /// The fee is known.
    pub(crate) is_fee_known: bool,
}

/// What happens to a payment at its provider, beside what it is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    /// The buyer pays so much; it takes time until the provider knows whether that works.
    Begins(i64),
    /// It works.
    Works,
    /// The buyer is declined for good.
    Declined,
    /// What was set aside lapses, or a page does.
    Lapses,
    /// The fee becomes known.
    FeeKnown,
    /// The buyer disputes it.
    Disputed,
    /// A dispute is decided.
    Decided { won: bool },
    /// What is pending of a refund ends: it arrives, or it fails.
    Arrives { number: u64, fails: bool },
}

/// One provider.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    till: Till,
    pub(crate) payments: BTreeMap<Box<str>, Paid>,
    /// When each was used first, and what was answered.
    keys: BTreeMap<ProviderKey, (Timestamp, Answer)>,
    /// Of what there is something to tell.
    pub(crate) news: Vec<Box<str>>,
    name: char,
}

impl Paid {
    /// What was given back, or is on its way.
    pub(crate) fn given_back_minor(&self) -> i64 {
        let alive = self.given_back.iter().filter(|refund| refund.standing != RefundStanding::Failed);
        alive.map(|refund| refund.amount_minor).sum()
    }

    /// What a dispute has taken away.
    pub(crate) fn away_minor(&self) -> i64 {
        let away = self.dispute.filter(|(_, standing)| *standing != DisputeStanding::Won);
        away.map_or(0, |(amount_minor, _)| amount_minor)
    }

    fn facts(&self, reference: &str) -> Vec<Fact> {
        let page = Some(format!("https://pay.example/{reference}").into());
        let mut facts = vec![Fact::Created { reference: reference.into(), page, secret: None }];
        match self.status {
            Status::Open => {}
            Status::Processing => facts.push(Fact::Processing),
            Status::Authorised => {
                facts.push(Fact::Authorised { amount_minor: self.amount_minor, until: None });
            }
            Status::Failed => facts.push(Fact::Failed { code: "card_declined".into() }),
            Status::Cancelled => facts.push(Fact::Cancelled),
            Status::Captured => facts.push(Fact::Captured { amount_minor: self.captured_minor }),
        }
        for (position, refund) in self.given_back.iter().enumerate() {
            let GivenBack { number, amount_minor, standing } = *refund;
            let id = format!("{reference}-r{position}").into();
            facts.push(Fact::Refund { id, ours: Some(number), amount_minor, standing });
        }
        if let Some((amount_minor, standing)) = self.dispute {
            let id = format!("{reference}-d").into();
            facts.push(Fact::Dispute { id, amount_minor, fee_minor: DISPUTE_FEE_MINOR, standing });
        }
        if self.is_fee_known {
            facts.push(Fact::Fee { amount_minor: FEE_MINOR });
        }
        facts
    }
}

impl Provider {
    pub(crate) fn new(till: Till, name: char) -> Provider {
        Provider { till, payments: BTreeMap::new(), keys: BTreeMap::new(), news: Vec::new(), name }
    }

    /// All that it says of a payment.
    pub(crate) fn facts(&self, reference: &str) -> Vec<Fact> {
        self.payments.get(reference).map(|paid| paid.facts(reference)).unwrap_or_default()
    }

    /// It is called. What moves money is done once under its key, for as long as that is remembered.
    pub(crate) fn call(
        &mut self,
        now: Timestamp,
        (payment, operation): (&Payment, Operation),
        key: &ProviderKey,
        refunds_slowly: bool,
    ) -> Answer {
        let known = self.keys.get(key).filter(|(at, _)| now.0.saturating_sub(at.0) < self.till.key_life_ms);
        if let Some((_, answer)) = known
            && operation.moves()
        {
            return answer.clone();
        }
        let answer = self.execute(payment, operation, refunds_slowly);
        self.keys.insert(key.clone(), (now, answer.clone()));
        answer
    }

    fn execute(&mut self, payment: &Payment, operation: Operation, refunds_slowly: bool) -> Answer {
        let Some(reference) = payment.facts.reference.clone() else {
            return self.create(payment, operation);
        };
        let voids = self.till.voids;
        let Some(paid) = self.payments.get_mut(&reference) else {
            return Answer::NotOurs { detail: "no such payment".into() };
        };
        let (is_done, is_moved) = match operation {
            Operation::Capture if paid.status == Status::Authorised => {
                (paid.status, paid.captured_minor) = (Status::Captured, paid.amount_minor);
                (true, true)
            }
            Operation::Void if paid.status < Status::Failed && voids => {
                paid.status = Status::Cancelled;
                (true, true)
            }
            Operation::Refund { number } => {
                let amount_minor = payment.refunds.get(&number).map_or(0, |refund| refund.amount_minor);
                let left_minor = paid.captured_minor - paid.given_back_minor() - paid.away_minor();
                let is_left = left_minor >= amount_minor;
                if is_left {
                    let standing =
                        if refunds_slowly { RefundStanding::Pending } else { RefundStanding::Done };
                    paid.given_back.push(GivenBack { number, amount_minor, standing });
                }
                (is_left, is_left)
            }
            Operation::LookUp | Operation::LookUpRefunds => (true, false),
            Operation::Create | Operation::Capture | Operation::Void => (false, false),
        };
        let facts = paid.facts(&reference);
        if is_moved {
            self.news.push(reference);
        }
        if is_done {
            Answer::Facts(facts)
        } else {
            Answer::Declined { code: "unexpected_state".into(), facts }
        }
    }

    fn create(&mut self, payment: &Payment, operation: Operation) -> Answer {
        if operation != Operation::Create {
            return Answer::NotOurs { detail: "it is not said of which payment".into() };
        }
        let reference: Box<str> = format!("{}{}", self.name, self.payments.len()).into();
        let paid = Paid {
            id: payment.id,
            price_minor: payment.amount_minor,
            amount_minor: payment.amount_minor,
            status: Status::Open,
            captured_minor: 0,
            given_back: Vec::new(),
            dispute: None,
            is_fee_known: false,
        };
        let facts = paid.facts(&reference);
        self.payments.insert(reference, paid);
        Answer::Facts(facts)
    }

    /// Something happens to a payment here; answers whether it did.
    pub(crate) fn happens(&mut self, reference: &str, happening: Happening) -> bool {
        let authorises = self.till.authorises;
        let Some(paid) = self.payments.get_mut(reference) else { return false };
        let is_open = paid.status == Status::Open;
        let happened = match happening {
            // Nothing is no money.
            Happening::Begins(amount_minor) if is_open && amount_minor > 0 => {
                (paid.amount_minor, paid.status) = (amount_minor, Status::Processing);
                true
            }
            Happening::Works if paid.status == Status::Processing => {
                paid.status = if authorises { Status::Authorised } else { Status::Captured };
                paid.captured_minor = if authorises { 0 } else { paid.amount_minor };
                true
            }
            Happening::Declined if is_open => {
                paid.status = Status::Failed;
                true
            }
            Happening::Lapses if is_open || paid.status == Status::Authorised => {
                paid.status = Status::Cancelled;
                true
            }
            Happening::FeeKnown => {
                let is_new = paid.captured_minor > 0 && !paid.is_fee_known;
                paid.is_fee_known |= is_new;
                is_new
            }
            Happening::Disputed => paid.disputed(),
            Happening::Decided { won } => match &mut paid.dispute {
                Some((_, standing @ DisputeStanding::Open)) => {
                    *standing = if won { DisputeStanding::Won } else { DisputeStanding::Lost };
                    true
                }
                _ => false,
            },
            Happening::Arrives { number, fails } => paid.arrives(number, fails),
            Happening::Begins(_) | Happening::Works | Happening::Declined | Happening::Lapses => false,
        };
        if happened {
            self.news.push(reference.into());
        }
        happened
    }
}

impl Paid {
    fn disputed(&mut self) -> bool {
        let left_minor = self.captured_minor - self.given_back_minor();
        if self.dispute.is_some() || left_minor <= 0 {
            return false;
        }
        self.dispute = Some((left_minor, DisputeStanding::Open));
        true
    }

    fn arrives(&mut self, number: u64, fails: bool) -> bool {
        let is_it =
            |refund: &&mut GivenBack| refund.number == number && refund.standing == RefundStanding::Pending;
        let Some(refund) = self.given_back.iter_mut().find(is_it) else { return false };
        refund.standing = if fails { RefundStanding::Failed } else { RefundStanding::Done };
        true
    }
}
