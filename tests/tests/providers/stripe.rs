//! What is particular to Stripe.

use tessera_actors::{Clock, Provider, ProviderCall, Whose};
use tessera_inventory::{ClaimNumber, EventId};
use tessera_money::contacts::Contact;
use tessera_payments::{Answer, Fact, Facts, Operation, PaymentId, Status, provider_key};
use tessera_tests::provider::StripeStage;
use tessera_tests::provider::conformance::Stage;

const PAYMENT: PaymentId = PaymentId { event: EventId(9), order: ClaimNumber(3), attempt: 2 };

fn call(operation: Operation, reference: Option<&str>) -> ProviderCall {
    ProviderCall {
        payment: PAYMENT,
        reference: reference.map(Into::into),
        operation,
        key: provider_key(1, PAYMENT, operation, 0),
        amount_minor: 4_500,
        currency: *b"EUR",
        grace_until: None,
        contact: Some(Contact {
            return_url: Some("https://shop.example/?a=b&c=d".to_owned()),
            ..Contact::default()
        }),
    }
}

async fn facts(provider: &dyn Provider, call: ProviderCall) -> Facts {
    let operation = call.operation;
    let answer = provider.call(call).await;
    let Answer::Facts(found) = answer else { panic!("{operation:?}: {answer:?}") };
    let mut facts = Facts::default();
    found.iter().for_each(|fact| facts.merge(fact));
    facts
}

#[tokio::test]
async fn a_page_of_ones_own_is_given_a_secret() {
    let stage = StripeStage::start();
    let provider = stage.provider();
    let mut create = call(Operation::Create, None);
    create.contact = Some(Contact { by_own_page: true, ..Contact::default() });
    let created = facts(&*provider, create).await;
    let reference = created.reference.as_deref().unwrap();
    assert!(reference.starts_with("pi_") && created.page.is_none());
    assert_eq!(created.secret.as_deref(), Some(&*format!("{reference}_secret_1")));
    stage.pay(reference).await;
    let stands = facts(&*provider, call(Operation::LookUp, Some(reference))).await;
    assert_eq!((stands.status, stands.authorised_minor), (Status::Authorised, 4_500));
    let week = stage.clock().wall().plus_ms(7 * 86_400_000 - 5_000);
    assert!(stands.authorised_until >= Some(week), "{:?}", stands.authorised_until);
    let captured = facts(&*provider, call(Operation::Capture, Some(reference))).await;
    assert_eq!(captured.captured_minor, 4_500);
    let later = facts(&*provider, call(Operation::LookUp, Some(reference))).await;
    assert_eq!(later.fee_minor, Some(59));
}

#[tokio::test]
async fn what_has_failed_or_lapsed_is_over() {
    let stage = StripeStage::start();
    let provider = stage.provider();
    let reference = facts(&*provider, call(Operation::Create, None)).await.reference.unwrap();
    let now = stage.clock().wall();
    stage.emulator.act(|books| books.fail(&reference, now));
    let failed = facts(&*provider, call(Operation::LookUp, Some(&reference))).await;
    assert_eq!((failed.status, failed.failure.as_deref()), (Status::Failed, Some("generic_decline")));

    let stage = StripeStage::start();
    let provider = stage.provider();
    let reference = facts(&*provider, call(Operation::Create, None)).await.reference.unwrap();
    stage.pay(&reference).await;
    stage.emulator.act(|books| books.lapse(&reference));
    let answer = provider.call(call(Operation::Capture, Some(&reference))).await;
    let Answer::Declined { code, facts } = answer else { panic!("{answer:?}") };
    assert_eq!((&*code, facts), ("payment_intent_unexpected_state", vec![Fact::Cancelled]));
}

#[tokio::test]
async fn a_key_takes_the_same_words_only() {
    let stage = StripeStage::start();
    let provider = stage.provider();
    facts(&*provider, call(Operation::Create, None)).await;
    let mut other = call(Operation::Create, None);
    other.contact = Some(Contact { email: Some("a@b.example".to_owned()), ..other.contact.unwrap() });
    assert_eq!(provider.call(other).await, Answer::Unknown, "there is a session, and it is not this one");
    let mut nowhere = call(Operation::Create, None);
    nowhere.contact = None;
    let answer = provider.call(nowhere).await;
    assert!(matches!(answer, Answer::Declined { .. }), "{answer:?}");
}

#[tokio::test]
async fn a_payment_in_another_currency_is_none_of_ours() {
    let stage = StripeStage::start();
    let provider = stage.provider();
    let reference = facts(&*provider, call(Operation::Create, None)).await.reference.unwrap();
    let other = ProviderCall { currency: *b"USD", ..call(Operation::LookUp, Some(&reference)) };
    let answer = provider.call(other).await;
    assert!(matches!(answer, Answer::NotOurs { .. }), "{answer:?}");
}

#[tokio::test]
async fn others_may_use_the_same_account() {
    let stage = StripeStage::start();
    let provider = stage.provider();
    let foreign = stage.emulator.act(|books| books.pay_somebody_else());
    let told = stage.told(2).await;
    let paid = provider.read(&told[0].body).unwrap();
    assert_eq!((paid.about, paid.facts), (None, Vec::new()), "it has no name of ours");
    let refunded = provider.read(&told[1].body).unwrap().about.unwrap();
    assert_eq!((refunded.payment, refunded.reference.as_deref()), (None, Some(&*foreign)));
    assert_eq!(provider.ask_whose(foreign.into()).await, Whose::NotOurs);
    assert_eq!(provider.ask_whose("pi_nobody".into()).await, Whose::NotOurs);
    stage.be_busy(1);
    assert_eq!(provider.ask_whose("pi_nobody".into()).await, Whose::Later);
}

#[tokio::test]
async fn all_refunds_are_found_those_of_the_dashboard_too() {
    let stage = StripeStage::start();
    let provider = stage.provider();
    let reference = facts(&*provider, call(Operation::Create, None)).await.reference.unwrap();
    stage.pay(&reference).await;
    facts(&*provider, call(Operation::Capture, Some(&reference))).await;
    let refund = ProviderCall { amount_minor: 5, ..call(Operation::Refund { number: 77 }, Some(&reference)) };
    facts(&*provider, refund).await;
    for _ in 0..120 {
        stage.emulator.act(|books| books.refund_by_hand(&reference, 10));
    }
    for operation in [Operation::LookUpRefunds, Operation::LookUp] {
        let found = facts(&*provider, call(operation, Some(&reference))).await;
        assert_eq!((found.refunds.len(), found.refunded_minor()), (121, 1_205), "{operation:?}");
        assert!(found.refund(77).is_some());
    }
}

#[test]
fn a_bank_that_only_inquires_takes_nothing() {
    let stage = |status: &str| {
        let body = format!(
            r#"{{"id":"evt_1","data":{{"object":{{"object":"dispute","id":"dp_1","amount":100,"currency":"eur","status":"{status}","payment_intent":"pi_1"}}}}}}"#
        );
        let options = tessera_stripe::StripeOptions {
            url: tessera_stripe::URL.to_owned(),
            secret_key: String::new(),
            webhook_secrets: Vec::new(),
        };
        let clock = std::sync::Arc::new(tessera_tests::ForwardClock::default());
        tessera_stripe::Stripe::new(options, clock).read(body.as_bytes()).unwrap().facts.len()
    };
    for (status, facts) in
        [("warning_needs_response", 0), ("warning_closed", 0), ("needs_response", 1), ("lost", 1)]
    {
        assert_eq!(stage(status), facts, "{status}");
    }
}
