//! A provider with books, whose answers may be lost, and which tells what a test makes it tell.

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::sync::{Mutex, MutexGuard};

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_actors::{About, Genuine, Heard, Provider, ProviderCall};
use tessera_inventory::{ClaimNumber, ProviderId, Timestamp};
use tessera_payments::{Abilities, Answer, Fact, Operation, PaymentId, ProviderKey, RefundStanding, Status};

use crate::world::EVENT;

pub(crate) const PROVIDER: ProviderId = ProviderId(NonZeroU16::new(100).unwrap());

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It does not arrive, and is not answered.
    NeverArrives,
    /// It is executed, and not answered.
    NeverAnswered,
    /// It is executed; who called is told that this is not known.
    Lost,
}

#[derive(Clone, Debug)]
pub(crate) struct Paid {
    pub(crate) id: PaymentId,
    pub(crate) amount: i64,
    pub(crate) status: Status,
    pub(crate) captured: i64,
    /// By our numbers.
    pub(crate) refunds: BTreeMap<u64, i64>,
}

#[derive(Default)]
pub(crate) struct Books {
    pub(crate) payments: BTreeMap<String, Paid>,
    keys: BTreeMap<ProviderKey, Answer>,
    pub(crate) calls: Vec<Operation>,
    /// Of calls, counted from 1.
    pub(crate) fates: BTreeMap<usize, Fate>,
    /// Nothing but creation is executed.
    pub(crate) is_away: bool,
    /// Calls that hang.
    pub(crate) hanging: usize,
}

#[derive(Default)]
pub(crate) struct Scripted(Mutex<Books>);

impl Scripted {
    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap()
    }

    /// What it calls the payment, once it was created.
    pub(crate) fn reference(&self, order: ClaimNumber, attempt: u8) -> Option<String> {
        let id = PaymentId { event: EVENT, order, attempt };
        self.books().payments.iter().find(|(_, paid)| paid.id == id).map(|(reference, _)| reference.clone())
    }

    pub(crate) fn paid(&self, order: ClaimNumber, attempt: u8) -> Paid {
        let reference = self.reference_of(order, attempt);
        self.books().payments[&reference].clone()
    }

    fn reference_of(&self, order: ClaimNumber, attempt: u8) -> String {
        self.reference(order, attempt).expect("it was created")
    }

    /// The buyer does something on the page. The body of the webhook about it.
    pub(crate) fn happens(&self, order: ClaimNumber, attempt: u8, status: Status) -> Vec<u8> {
        let reference = self.reference_of(order, attempt);
        let mut books = self.books();
        let paid = books.payments.get_mut(&reference).unwrap();
        paid.status = status;
        if status == Status::Captured {
            paid.captured = paid.amount;
        }
        format!("{} {reference} {} {}", paid.id, status as u8, paid.amount).into_bytes()
    }
}

impl Books {
    fn facts(&self, reference: &str) -> Vec<Fact> {
        let paid = &self.payments[reference];
        let page = Some(format!("https://pay.example/{reference}").into());
        let mut facts = vec![Fact::Created { reference: reference.into(), page, secret: None }];
        facts.extend(fact(paid.status, paid.amount));
        for (number, amount_minor) in &paid.refunds {
            facts.push(Fact::Refund {
                id: format!("{reference}-{number}").into(),
                ours: Some(*number),
                amount_minor: *amount_minor,
                standing: RefundStanding::Done,
            });
        }
        facts
    }

    fn call(&mut self, call: &ProviderCall) -> Answer {
        if let Some(answer) = self.keys.get(&call.key).filter(|_| call.operation.moves()) {
            return answer.clone();
        }
        if self.is_away && call.operation != Operation::Create {
            return Answer::Later { not_before: None };
        }
        let answer = self.execute(call);
        self.keys.insert(call.key.clone(), answer.clone());
        answer
    }

    fn execute(&mut self, call: &ProviderCall) -> Answer {
        let Some(reference) = call.reference.as_deref() else {
            let reference = format!("ref-{}", self.payments.len());
            let (amount, status) = (call.amount_minor, Status::Open);
            let paid = Paid { id: call.payment, amount, status, captured: 0, refunds: BTreeMap::new() };
            self.payments.insert(reference.clone(), paid);
            return Answer::Facts(self.facts(&reference));
        };
        let paid = self.payments.get_mut(reference).unwrap();
        let is_done = match call.operation {
            Operation::Capture if paid.status == Status::Authorised => {
                (paid.status, paid.captured) = (Status::Captured, paid.amount);
                true
            }
            Operation::Void if paid.status < Status::Failed => {
                paid.status = Status::Cancelled;
                true
            }
            Operation::Refund { number } => {
                let given: i64 = paid.refunds.values().sum();
                let is_left = paid.captured - given >= call.amount_minor;
                if is_left {
                    paid.refunds.insert(number, call.amount_minor);
                }
                is_left
            }
            Operation::LookUp | Operation::LookUpRefunds => true,
            Operation::Create | Operation::Capture | Operation::Void => false,
        };
        let facts = self.facts(reference);
        if is_done { Answer::Facts(facts) } else { Answer::Declined { code: "wrong_state".into(), facts } }
    }
}

fn fact(status: Status, amount_minor: i64) -> Option<Fact> {
    match status {
        Status::Open => None,
        Status::Processing => Some(Fact::Processing),
        Status::Authorised => Some(Fact::Authorised { amount_minor, until: None }),
        Status::Failed => Some(Fact::Failed { code: "card_declined".into() }),
        Status::Cancelled => Some(Fact::Cancelled),
        Status::Captured => Some(Fact::Captured { amount_minor }),
    }
}

impl Provider for Scripted {
    fn id(&self) -> ProviderId {
        PROVIDER
    }

    fn name(&self) -> &'static str {
        "scripted"
    }

    fn abilities(&self) -> Abilities {
        Abilities { voids: true, key_life_ms: 86_400_000, calls_per_second: 10_000, ..Abilities::new() }
    }

    fn takes(&self, _currency: [u8; 3], _amount_minor: i64) -> bool {
        true
    }

    fn call(&self, call: ProviderCall) -> BoxFuture<'static, Answer> {
        let mut books = self.books();
        books.calls.push(call.operation);
        let fate = books.calls.len();
        let fate = books.fates.get(&fate).copied();
        let answer = if fate == Some(Fate::NeverArrives) { Answer::Unknown } else { books.call(&call) };
        match fate {
            None => async move { answer }.boxed(),
            Some(Fate::Lost) => async { Answer::Unknown }.boxed(),
            Some(Fate::NeverArrives | Fate::NeverAnswered) => {
                books.hanging += 1;
                futures::future::pending().boxed()
            }
        }
    }

    fn signed_headers(&self) -> &'static [&'static str] {
        &[]
    }

    fn verify(&self, _headers: &[(String, String)], _body: &[u8], _now: Timestamp) -> Genuine {
        Genuine::Yes
    }

    fn read(&self, body: &[u8]) -> Option<Heard> {
        let text = std::str::from_utf8(body).ok()?;
        let parts: Vec<_> = text.split(' ').collect();
        let [payment, reference, status, amount] = parts[..] else { return None };
        let (status, amount) = (status.parse::<u8>().ok()?, amount.parse().ok()?);
        let all = [Status::Processing, Status::Authorised, Status::Failed, Status::Captured];
        let status = all.into_iter().find(|known| *known as u8 == status)?;
        let about = About { payment: PaymentId::parse(payment), reference: Some(reference.into()) };
        Some(Heard { event: None, about: Some(about), facts: fact(status, amount).into_iter().collect() })
    }
}
