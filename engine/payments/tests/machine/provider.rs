//! A provider: books, keys that are forgotten after their life, webhooks.

use std::collections::BTreeMap;

use tessera_inventory::Timestamp;
use tessera_payments::{
    Answer, DisputeStanding, Fact, Operation, Payment, PaymentId, ProviderKey, RefundStanding, Status,
};

use crate::DAY;

/// How long this provider remembers a key.
pub(crate) const KEY_LIFE: u64 = DAY;
/// What it takes for a payment.
pub(crate) const FEE: i64 = 25;
/// What it takes for a dispute.
pub(crate) const DISPUTE_FEE: i64 = 15;

#[derive(Clone, Debug)]
pub(crate) struct Paid {
    pub(crate) id: PaymentId,
    pub(crate) amount: i64,
    pub(crate) status: Status,
    pub(crate) captured: i64,
    /// By our number.
    pub(crate) refunds: Vec<(u64, i64, RefundStanding)>,
    pub(crate) dispute: Option<DisputeStanding>,
    /// The fee is told.
    pub(crate) fee_known: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Provider {
    /// It sets money aside; if not, whoever pays is charged.
    pub(crate) authorises: bool,
    /// Refunds are pending at first.
    pub(crate) refunds_slowly: bool,
    pub(crate) payments: BTreeMap<Box<str>, Paid>,
    keys: BTreeMap<ProviderKey, (Timestamp, Answer)>,
    /// What is to be told by webhook.
    pub(crate) outbox: Vec<Box<str>>,
}

impl Paid {
    pub(crate) fn refunded(&self) -> i64 {
        let alive = self.refunds.iter().filter(|(_, _, standing)| *standing != RefundStanding::Failed);
        alive.map(|(_, amount, _)| amount).sum()
    }
}

impl Provider {
    pub(crate) fn new(authorises: bool) -> Provider {
        let (payments, keys, outbox) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Provider { authorises, refunds_slowly: false, payments, keys, outbox }
    }

    /// All that it says of a payment.
    pub(crate) fn facts(&self, reference: &str) -> Vec<Fact> {
        let paid = &self.payments[reference];
        let page = Some(format!("https://pay.example/{reference}").into());
        let mut facts = vec![Fact::Created { reference: reference.into(), page, secret: None }];
        match paid.status {
            Status::Open => {}
            Status::Processing => facts.push(Fact::Processing),
            Status::Authorised => facts.push(Fact::Authorised { amount_minor: paid.amount, until: None }),
            Status::Failed => facts.push(Fact::Failed { code: "card_declined".into() }),
            Status::Cancelled => facts.push(Fact::Cancelled),
            Status::Captured => facts.push(Fact::Captured { amount_minor: paid.captured }),
        }
        for (position, (number, amount_minor, standing)) in paid.refunds.iter().enumerate() {
            let id = format!("r{position}").into();
            let (ours, amount_minor, standing) = (Some(*number), *amount_minor, *standing);
            facts.push(Fact::Refund { id, ours, amount_minor, standing });
        }
        if let Some(standing) = paid.dispute {
            let (id, amount_minor) = ("d0".into(), paid.captured);
            facts.push(Fact::Dispute { id, amount_minor, fee_minor: DISPUTE_FEE, standing });
        }
        if paid.fee_known {
            facts.push(Fact::Fee { amount_minor: FEE });
        }
        facts
    }

    pub(crate) fn call(
        &mut self,
        now: Timestamp,
        payment: &Payment,
        operation: Operation,
        key: &ProviderKey,
    ) -> Answer {
        if let Some((at, answer)) = self.keys.get(key)
            && now.0 - at.0 < KEY_LIFE
            && operation.moves()
        {
            return answer.clone();
        }
        let answer = self.execute(payment, operation);
        self.keys.insert(key.clone(), (now, answer.clone()));
        answer
    }

    fn execute(&mut self, payment: &Payment, operation: Operation) -> Answer {
        let Some(reference) = payment.facts.reference.clone() else {
            assert_eq!(operation, Operation::Create, "it cannot know which");
            let reference: Box<str> = format!("p{}", self.payments.len()).into();
            let (amount, status) = (payment.amount_minor, Status::Open);
            let paid = Paid {
                id: payment.id,
                amount,
                status,
                captured: 0,
                refunds: Vec::new(),
                dispute: None,
                fee_known: false,
            };
            self.payments.insert(reference.clone(), paid);
            return Answer::Facts(self.facts(&reference));
        };
        let paid = self.payments.get_mut(&reference).expect("it gave this name");
        let (is_done, is_moved) = match operation {
            Operation::Capture if paid.status == Status::Authorised => {
                (paid.status, paid.captured) = (Status::Captured, paid.amount);
                (true, true)
            }
            Operation::Void if paid.status < Status::Failed => {
                paid.status = Status::Cancelled;
                (true, true)
            }
            Operation::Refund { number } => {
                let amount = payment.refunds[&number].amount_minor;
                let is_left = paid.captured - paid.refunded() >= amount;
                if is_left {
                    let slow = self.refunds_slowly;
                    let standing = if slow { RefundStanding::Pending } else { RefundStanding::Done };
                    paid.refunds.push((number, amount, standing));
                }
                (is_left, is_left)
            }
            Operation::LookUp | Operation::LookUpRefunds => (true, false),
            Operation::Create | Operation::Capture | Operation::Void => (false, false),
        };
        if is_moved {
            self.outbox.push(reference.clone());
        }
        let facts = self.facts(&reference);
        if is_done {
            Answer::Facts(facts)
        } else {
            Answer::Declined { code: "unexpected_state".into(), facts }
        }
    }

    /// Something happens to a payment here.
    pub(crate) fn happens(&mut self, reference: &str, what: impl FnOnce(&mut Paid)) {
        let Some(paid) = self.payments.get_mut(reference) else { return };
        let before = format!("{paid:?}");
        what(paid);
        if format!("{paid:?}") != before {
            self.outbox.push(reference.into());
        }
    }

    /// The buyer pays, all of it or less.
    pub(crate) fn buyer_pays(&mut self, reference: &str, amount: Option<i64>) {
        let authorises = self.authorises;
        self.happens(reference, |paid| {
            if paid.status == Status::Open {
                paid.amount = amount.unwrap_or(paid.amount);
                paid.status = if authorises { Status::Authorised } else { Status::Captured };
                paid.captured = if authorises { 0 } else { paid.amount };
            }
        });
    }
}

impl Provider {
    /// Authorisations lapse.
    pub(crate) fn lapse(&mut self) {
        for reference in self.references() {
            self.happens(&reference, |paid| {
                if paid.status == Status::Authorised {
                    paid.status = Status::Cancelled;
                }
            });
        }
    }

    /// A buyer disputes, or what was disputed is decided.
    pub(crate) fn dispute(&mut self, won: bool) {
        let decided = if won { DisputeStanding::Won } else { DisputeStanding::Lost };
        for reference in self.references() {
            self.happens(&reference, |paid| {
                paid.dispute = match paid.dispute {
                    None if paid.captured > 0 => Some(DisputeStanding::Open),
                    Some(DisputeStanding::Open) => Some(decided),
                    other => other,
                };
            });
        }
    }

    /// Fees become known, and what is pending arrives.
    pub(crate) fn day_passes(&mut self) {
        for reference in self.references() {
            self.happens(&reference, |paid| {
                paid.fee_known |= paid.captured > 0;
                for (_, _, standing) in &mut paid.refunds {
                    *standing = (*standing).max(RefundStanding::Done);
                }
            });
        }
    }

    fn references(&self) -> Vec<Box<str>> {
        self.payments.keys().cloned().collect()
    }
}
