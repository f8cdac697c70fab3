//! What is particular to PayPal.

use tessera_actors::{Clock, Genuine, Provider, ProviderCall, Whose};
use tessera_inventory::{ClaimNumber, EventId};
use tessera_money::contacts::Contact;
use tessera_payments::{Answer, Facts, Operation, PaymentId, Status, provider_key};
use tessera_tests::provider::PayPalStage;
use tessera_tests::provider::conformance::Stage;

const PAYMENT: PaymentId = PaymentId { event: EventId(9), order: ClaimNumber(3), attempt: 2 };

fn call(stage: &PayPalStage, operation: Operation, reference: Option<&str>) -> ProviderCall {
    ProviderCall {
        payment: PAYMENT,
        reference: reference.map(Into::into),
        operation,
        key: provider_key(1, PAYMENT, operation, 0),
        amount_minor: 4_505,
        currency: *b"EUR",
        grace_until: Some(stage.clock().wall().plus_ms(60_000)),
        contact: Some(Contact { return_url: Some("https://shop.example/".to_owned()), ..Contact::default() }),
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
async fn an_approved_order_is_authorised_while_it_is_waited_for_and_no_longer() {
    let stage = PayPalStage::start();
    let provider = stage.provider();
    let created = facts(&*provider, call(&stage, Operation::Create, None)).await;
    assert!(created.page.unwrap().starts_with("https://www.paypal.com/checkoutnow?token="));
    let reference = created.reference.unwrap();
    stage.pay(&reference).await;
    let told = stage.told(1).await;
    let approved = provider.read(&told[0].body).unwrap();
    assert_eq!(approved.about.unwrap().payment, Some(PAYMENT));
    let late = ProviderCall { grace_until: None, ..call(&stage, Operation::LookUp, Some(&reference)) };
    assert_eq!(facts(&*provider, late).await.status, Status::Processing, "nobody waits for it");
    for _ in 0..2 {
        let found = facts(&*provider, call(&stage, Operation::LookUp, Some(&reference))).await;
        assert_eq!((found.status, found.authorised_minor), (Status::Authorised, 4_505));
        assert!(found.authorised_until.is_some());
    }
    facts(&*provider, call(&stage, Operation::Capture, Some(&reference))).await;
    let captured = facts(&*provider, call(&stage, Operation::LookUp, Some(&reference))).await;
    assert_eq!((captured.captured_minor, captured.fee_minor), (4_505, Some(59)));
}

#[tokio::test]
async fn a_buyer_whose_bank_declines_may_choose_another_way() {
    let stage = PayPalStage::start();
    let provider = stage.provider();
    let reference = facts(&*provider, call(&stage, Operation::Create, None)).await.reference.unwrap();
    stage.decline(&reference).await;
    let declined = facts(&*provider, call(&stage, Operation::LookUp, Some(&reference))).await;
    assert_eq!(declined.status, Status::Open);
    let again = facts(&*provider, call(&stage, Operation::LookUp, Some(&reference))).await;
    assert_eq!(again.status, Status::Authorised);
}

#[tokio::test]
async fn only_paypal_can_say_whether_it_has_told_something() {
    let stage = PayPalStage::start();
    let provider = stage.provider();
    let reference = facts(&*provider, call(&stage, Operation::Create, None)).await.reference.unwrap();
    stage.pay(&reference).await;
    let told = stage.told(1).await.remove(0);
    assert_eq!(provider.verify(&told.headers, &told.body, stage.clock().wall()), Genuine::Ask);
    stage.be_busy(1);
    let asked = provider.ask_genuine(told.headers.clone(), told.body.clone()).await;
    assert_eq!(asked, Genuine::Ask, "it could not be asked");
    assert_eq!(provider.ask_genuine(told.headers.clone(), told.body.clone()).await, Genuine::Yes);
    let body = String::from_utf8(told.body).unwrap().replace(&*reference, "ORDER0000").into_bytes();
    assert_eq!(provider.ask_genuine(told.headers, body).await, Genuine::No);
}

#[tokio::test]
async fn a_capture_that_is_not_ours_is_nobodys() {
    let stage = PayPalStage::start();
    let provider = stage.provider();
    for name in ["CAPTURE1", "../orders", ""] {
        assert_eq!(provider.ask_whose(name.into()).await, Whose::NotOurs, "{name}");
    }
    assert!(
        provider.takes(*b"HUF", 50_000) && !provider.takes(*b"HUF", 50_001) && !provider.takes(*b"VND", 1)
    );
}
