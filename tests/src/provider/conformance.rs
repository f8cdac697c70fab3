//! What every provider does, whatever it is called and however it is spoken with. Each check has a stage of its own.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tessera_actors::{Clock, Genuine, Heard, Provider, ProviderCall, Whose};
use tessera_inventory::{ClaimNumber, EventId, Timestamp};
use tessera_money::contacts::Contact;
use tessera_payments::{
    Answer, DisputeStanding, Facts, Operation, PaymentId, RefundStanding, Status, provider_key,
};

use super::Told;
use crate::ForwardClock;

const PAYMENT: PaymentId = PaymentId { event: EventId(0xa11ce), order: ClaimNumber(7), attempt: 1 };
/// What is paid, in minor units.
const PRICE: i64 = 1_250;
/// A key that is remembered longer is not waited for.
const KEY_LIFE_MS_MAX: u64 = 30 * 86_400_000;

/// A provider before its emulator, and what others do there.
pub trait Stage {
    /// The provider.
    fn provider(&self) -> Arc<dyn Provider>;
    /// The same, of somebody whom the emulator does not know.
    fn stranger(&self) -> Arc<dyn Provider>;
    /// The time of both.
    fn clock(&self) -> &ForwardClock;
    /// In what is paid.
    fn currency(&self) -> [u8; 3] {
        *b"CHF"
    }
    /// Whether it is paid at a page of the organizer's own.
    fn is_paid_at_own_page(&self) -> bool {
        false
    }
    /// What was set aside goes back by itself, and not before.
    fn lets_go_by_itself(&self) -> bool {
        false
    }
    /// The buyer pays, if that is possible still.
    fn pay<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, ()>;
    /// The buyer's bank declines.
    fn decline<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, ()>;
    /// The buyer disputes so much.
    fn dispute<'a>(&'a self, reference: &'a str, amount_minor: i64) -> BoxFuture<'a, ()>;
    /// We lose the dispute.
    fn lose_dispute<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, ()>;
    /// So many answers are lost, after what was asked is done.
    fn lose_answers<'a>(&'a self, reference: &'a str, count: u32) -> BoxFuture<'a, ()>;
    /// So many calls are told to come later. Whether the emulator can do that.
    fn be_busy(&self, count: u32) -> bool;
    /// All webhooks, once there are so many.
    fn told(&self, least: usize) -> BoxFuture<'_, Vec<Told>>;
    /// What the emulator has captured and given back, if it says so.
    fn captured_and_refunded(&self) -> Option<(i64, i64)>;
}

/// All checks.
pub async fn passes<S: Stage>(start: impl Fn() -> S) {
    let play = || Play::new(start());
    creates_once(play()).await;
    is_paid_and_captured_once(play()).await;
    is_declined(play()).await;
    is_called_off_before_it_is_paid(play()).await;
    lets_go_what_was_set_aside(play()).await;
    gives_back_no_more_than_it_took(play()).await;
    repeats_what_was_not_answered(play()).await;
    finds_a_refund_whose_key_is_forgotten(play()).await;
    comes_later_when_told_so(play()).await;
    lets_no_stranger_in(play()).await;
    is_believed_if_it_signs(play()).await;
    tells_of_disputes(play()).await;
}

/// A payment on a stage, and what is known of it.
struct Play<S> {
    stage: S,
    facts: Facts,
    refund_minor: i64,
    /// Until when the log waits for the money.
    grace_until: Timestamp,
    /// It does so still.
    is_waited_for: bool,
}

impl<S: Stage> Play<S> {
    fn new(stage: S) -> Play<S> {
        let grace_until = stage.clock().wall().plus_ms(600_000);
        Play { stage, facts: Facts::default(), refund_minor: 0, grace_until, is_waited_for: true }
    }

    fn reference(&self) -> String {
        self.facts.reference.as_deref().unwrap().to_owned()
    }

    fn call_of(&self, operation: Operation, n: u16) -> ProviderCall {
        let is_refund = matches!(operation, Operation::Refund { .. });
        ProviderCall {
            payment: PAYMENT,
            reference: self.facts.reference.clone(),
            operation,
            key: provider_key(1, PAYMENT, operation, n),
            amount_minor: if is_refund { self.refund_minor } else { PRICE },
            currency: self.stage.currency(),
            grace_until: self.is_waited_for.then_some(self.grace_until),
            contact: Some(Contact {
                email: Some("ada@example.com".to_owned()),
                return_url: Some("https://shop.example/thanks?order=7".to_owned()),
                by_own_page: self.stage.is_paid_at_own_page(),
                ..Contact::default()
            }),
        }
    }

    /// An operation under its `n`th key; what is learnt is kept.
    async fn call(&mut self, operation: Operation, n: u16) -> Answer {
        // What is called off is not waited for; nor is what is sold.
        self.is_waited_for &= matches!(operation, Operation::Create | Operation::LookUp);
        let answer = self.stage.provider().call(self.call_of(operation, n)).await;
        if let Answer::Facts(facts) | Answer::Declined { facts, .. } = &answer {
            facts.iter().for_each(|fact| self.facts.merge(fact));
        }
        answer
    }

    async fn done(&mut self, operation: Operation) {
        let answer = self.call(operation, 0).await;
        assert!(matches!(answer, Answer::Facts(_)), "{operation:?}: {answer:?}");
    }

    async fn refund(&mut self, number: u64, amount_minor: i64) -> Answer {
        self.refund_minor = amount_minor;
        self.call(Operation::Refund { number }, 0).await
    }

    async fn paid(mut self) -> Play<S> {
        self.done(Operation::Create).await;
        self.stage.pay(&self.reference()).await;
        self
    }

    async fn captured(self) -> Play<S> {
        let mut play = self.paid().await;
        play.done(Operation::LookUp).await;
        play.done(Operation::Capture).await;
        assert_eq!((play.facts.status, play.facts.captured_minor), (Status::Captured, PRICE));
        play
    }

    /// What is known of it from webhooks only, the newest first, each of which is genuine and about this payment.
    async fn heard(&self, least: usize) -> Facts {
        let mut facts = Facts::default();
        for told in self.stage.told(least).await.iter().rev() {
            for fact in self.hear(told).await.facts {
                facts.merge(&fact);
            }
        }
        facts
    }

    async fn hear(&self, told: &Told) -> Heard {
        let provider = self.stage.provider();
        assert_eq!(self.genuine(&*provider, told).await, Genuine::Yes, "{told:?}");
        let heard = provider.read(&told.body).unwrap();
        if let Some(about) = &heard.about {
            let whose = match (about.payment, &about.reference) {
                (Some(payment), _) => Whose::Ours(payment),
                (None, reference) if *reference == self.facts.reference => Whose::Ours(PAYMENT),
                (None, Some(reference)) => provider.ask_whose(reference.clone()).await,
                (None, None) => Whose::NotKnown,
            };
            assert_eq!(whose, Whose::Ours(PAYMENT), "{told:?}");
        }
        heard
    }

    /// As the desk finds out: by the signature, else by asking.
    async fn genuine(&self, provider: &dyn Provider, told: &Told) -> Genuine {
        let names = provider.signed_headers();
        let headers = told.headers.iter().filter(|(name, _)| names.contains(&name.as_str()));
        let headers: Vec<_> = headers.cloned().collect();
        match provider.verify(&headers, &told.body, self.stage.clock().wall()) {
            Genuine::Ask => provider.ask_genuine(headers, told.body.clone()).await,
            genuine => genuine,
        }
    }
}

async fn creates_once<S: Stage>(mut play: Play<S>) {
    play.done(Operation::Create).await;
    let first = play.facts.clone();
    let shown = if play.stage.is_paid_at_own_page() { &first.secret } else { &first.page };
    assert!(shown.is_some() && first.reference.is_some(), "{first:?}");
    play.done(Operation::Create).await;
    assert_eq!(play.facts, first, "the same call makes the same payment");
    play.done(Operation::LookUp).await;
    assert_eq!((play.facts.status, play.facts.reference), (Status::Open, first.reference));
}

async fn is_paid_and_captured_once<S: Stage>(play: Play<S>) {
    let mut play = play.paid().await;
    play.done(Operation::LookUp).await;
    assert_eq!((play.facts.status, play.facts.authorised_minor), (Status::Authorised, PRICE));
    play.done(Operation::Capture).await;
    for n in [0, 1] {
        let again = play.call(Operation::Capture, n).await;
        assert!(matches!(again, Answer::Facts(_) | Answer::Declined { .. }), "{again:?}");
    }
    play.done(Operation::LookUp).await;
    assert_eq!((play.facts.status, play.facts.captured_minor), (Status::Captured, PRICE));
    let books = play.stage.captured_and_refunded();
    assert!(books.is_none_or(|books| books == (PRICE, 0)), "{books:?}");
}

async fn is_declined<S: Stage>(mut play: Play<S>) {
    play.done(Operation::Create).await;
    play.stage.decline(&play.reference()).await;
    play.done(Operation::LookUp).await;
    assert!(!play.facts.is_paid(), "{:?}", play.facts);
    let answer = play.call(Operation::Capture, 0).await;
    assert!(matches!(answer, Answer::Declined { .. }), "{answer:?}");
    assert!(!play.facts.is_paid(), "{:?}", play.facts);
}

async fn is_called_off_before_it_is_paid<S: Stage>(mut play: Play<S>) {
    if !play.stage.provider().abilities().voids {
        return;
    }
    play.done(Operation::Create).await;
    play.done(Operation::Void).await;
    // The buyer comes late.
    play.stage.pay(&play.reference()).await;
    play.done(Operation::LookUp).await;
    assert!(play.facts.is_over(), "{:?}", play.facts);
    play.call(Operation::Void, 1).await;
    let books = play.stage.captured_and_refunded();
    assert!(books.is_none_or(|books| books == (0, 0)), "{books:?}");
}

async fn lets_go_what_was_set_aside<S: Stage>(play: Play<S>) {
    if !play.stage.provider().abilities().voids {
        return;
    }
    let mut play = play.paid().await;
    play.done(Operation::LookUp).await;
    assert_eq!(play.facts.status, Status::Authorised);
    play.done(Operation::Void).await;
    play.done(Operation::LookUp).await;
    assert_eq!(play.facts.status, Status::Cancelled);
    if play.stage.lets_go_by_itself() {
        return;
    }
    let answer = play.call(Operation::Capture, 0).await;
    assert!(matches!(answer, Answer::Declined { .. }), "{answer:?}");
    play.done(Operation::LookUp).await;
    assert_eq!(play.facts.captured_minor, 0);
}

async fn gives_back_no_more_than_it_took<S: Stage>(play: Play<S>) {
    let mut play = play.captured().await;
    for _ in 0..2 {
        let answer = play.refund(40, 1_000).await;
        assert!(matches!(answer, Answer::Facts(_)), "{answer:?}");
        assert_eq!(play.facts.refunded_minor(), 1_000, "under one key there is one refund");
    }
    let beyond = play.refund(41, 251).await;
    assert!(matches!(beyond, Answer::Declined { .. }), "{beyond:?}");
    play.refund(42, 250).await;
    let known = std::mem::take(&mut play.facts);
    play.facts.reference = known.reference;
    play.done(Operation::LookUpRefunds).await;
    assert_eq!(play.facts.refunded_minor(), PRICE);
    for (number, is_there) in [(40, true), (41, false), (42, true)] {
        let standing = play.facts.refund(number);
        assert_eq!(standing.is_some_and(|standing| standing != RefundStanding::Failed), is_there, "{number}");
    }
    assert!(play.stage.captured_and_refunded().is_none_or(|books| books == (PRICE, PRICE)));
}

async fn repeats_what_was_not_answered<S: Stage>(play: Play<S>) {
    let mut play = play.paid().await;
    play.done(Operation::LookUp).await;
    let reference = play.reference();
    for operation in [Operation::Capture, Operation::Refund { number: 40 }] {
        play.refund_minor = 1_000;
        play.stage.lose_answers(&reference, 9).await;
        assert_eq!(play.call(operation, 0).await, Answer::Unknown, "{operation:?}");
        play.stage.lose_answers(&reference, 0).await;
        let again = play.call(operation, 0).await;
        assert!(matches!(again, Answer::Facts(_) | Answer::Declined { .. }), "{operation:?}: {again:?}");
        play.done(Operation::LookUp).await;
    }
    play.done(Operation::LookUpRefunds).await;
    assert_eq!((play.facts.captured_minor, play.facts.refunded_minor()), (PRICE, 1_000));
    assert!(play.stage.captured_and_refunded().is_none_or(|books| books == (PRICE, 1_000)));
}

/// Scenario 41: a refund that timed out is found a day later by our number for it, and so not made again. Made again it would be another one.
async fn finds_a_refund_whose_key_is_forgotten<S: Stage>(play: Play<S>) {
    let key_life_ms = play.stage.provider().abilities().key_life_ms;
    if key_life_ms > KEY_LIFE_MS_MAX {
        return;
    }
    let mut play = play.captured().await;
    let reference = play.reference();
    play.stage.lose_answers(&reference, 9).await;
    assert_eq!(play.refund(40, 600).await, Answer::Unknown);
    play.stage.lose_answers(&reference, 0).await;
    play.stage.clock().advance(Duration::from_millis(key_life_ms + 1));
    play.done(Operation::LookUpRefunds).await;
    assert!(play.facts.refund(40).is_some(), "{:?}", play.facts);
    assert_eq!(play.facts.refunded_minor(), 600);
    play.refund(40, 600).await;
    let books = play.stage.captured_and_refunded();
    assert!(books.is_none_or(|books| books == (PRICE, 1_200)), "the emulator forgets keys: {books:?}");
}

async fn comes_later_when_told_so<S: Stage>(mut play: Play<S>) {
    if !play.stage.be_busy(1) {
        return;
    }
    let now = play.stage.clock().wall();
    let answer = play.call(Operation::Create, 0).await;
    let Answer::Later { not_before } = answer else { panic!("{answer:?}") };
    assert!(not_before.is_none_or(|at| at >= now), "{not_before:?}");
    play.done(Operation::Create).await;
}

async fn lets_no_stranger_in<S: Stage>(mut play: Play<S>) {
    play.done(Operation::Create).await;
    let stranger = play.stage.stranger();
    for operation in [Operation::Create, Operation::LookUp, Operation::Capture] {
        let answer = stranger.call(play.call_of(operation, 0)).await;
        assert!(matches!(answer, Answer::NotOurs { .. }), "{operation:?}: {answer:?}");
    }
}

async fn is_believed_if_it_signs<S: Stage>(play: Play<S>) {
    let mut play = play.captured().await;
    play.refund(40, 1_000).await;
    let facts = play.heard(3).await;
    assert_eq!((facts.status, facts.captured_minor), (Status::Captured, PRICE));
    assert!(facts.refund(40).is_some() && facts.refunded_minor() == 1_000, "{facts:?}");
    let told = play.stage.told(3).await;
    let names: Vec<_> = futures::future::join_all(told.iter().map(|told| play.hear(told))).await;
    assert_eq!(names[0].event, play.hear(&told[0]).await.event, "it has the same name when it comes again");
    let (provider, stranger) = (play.stage.provider(), play.stage.stranger());
    let other = Told { body: [&told[0].body[..], b" "].concat(), ..told[0].clone() };
    assert_ne!(play.genuine(&*provider, &other).await, Genuine::Yes, "another body");
    assert_ne!(play.genuine(&*stranger, &told[0]).await, Genuine::Yes, "another secret");
    let unsigned = Told { headers: Vec::new(), ..told[0].clone() };
    assert_eq!(play.genuine(&*provider, &unsigned).await, Genuine::No, "no signature");
    for body in [&b""[..], b"not json", b"[]", b"{}", b"{\"id\":1}", b"null"] {
        assert!(provider.read(body).is_none_or(|heard| heard.about.is_none() && heard.facts.is_empty()));
    }
}

async fn tells_of_disputes<S: Stage>(play: Play<S>) {
    let mut play = play.captured().await;
    let before = play.stage.told(2).await.len();
    play.stage.dispute(&play.reference(), PRICE).await;
    let facts = play.heard(before + 1).await;
    let standing =
        |facts: &Facts| facts.disputes.values().map(|dispute| dispute.standing).collect::<Vec<_>>();
    assert_eq!(standing(&facts), [DisputeStanding::Open], "{facts:?}");
    play.stage.lose_dispute(&play.reference()).await;
    play.done(Operation::LookUp).await;
    assert_eq!(standing(&play.facts), [DisputeStanding::Lost], "{:?}", play.facts);
}
