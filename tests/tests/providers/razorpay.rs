//! What is particular to Razorpay.

use tessera_actors::{Provider, ProviderCall, Whose};
use tessera_inventory::{ClaimNumber, EventId};
use tessera_money::contacts::Contact;
use tessera_payments::{Answer, Facts, Operation, PaymentId, Status, provider_key};
use tessera_tests::provider::RazorpayStage;
use tessera_tests::provider::conformance::Stage;

const PAYMENT: PaymentId = PaymentId { event: EventId(9), order: ClaimNumber(3), attempt: 2 };

fn call(operation: Operation, reference: Option<&str>, by_own_page: bool) -> ProviderCall {
    ProviderCall {
        payment: PAYMENT,
        reference: reference.map(Into::into),
        operation,
        key: provider_key(1, PAYMENT, operation, 0),
        amount_minor: 45_000,
        currency: *b"INR",
        grace_until: None,
        contact: Some(Contact { by_own_page, ..Contact::default() }),
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
async fn what_is_paid_at_the_page_of_a_link_is_captured_by_itself() {
    let stage = RazorpayStage::start();
    let provider = stage.provider();
    let created = facts(&*provider, call(Operation::Create, None, false)).await;
    assert!(created.page.as_deref().unwrap().starts_with("https://rzp.io/"), "{created:?}");
    assert_eq!(
        facts(&*provider, call(Operation::Create, None, false)).await,
        created,
        "found by its reference id"
    );
    let reference = created.reference.unwrap();
    let open = facts(&*provider, call(Operation::LookUp, Some(&reference), false)).await;
    assert_eq!(open.status, Status::Open);
    stage.pay(&reference).await;
    let paid = facts(&*provider, call(Operation::LookUp, Some(&reference), false)).await;
    assert_eq!((paid.status, paid.captured_minor, paid.fee_minor), (Status::Captured, 45_000, Some(29)));
    let void = provider.call(call(Operation::Void, Some(&reference), false)).await;
    assert!(matches!(void, Answer::Declined { .. }), "{void:?}");
    let told = stage.told(3).await;
    assert_eq!(provider.read(&told[2].body).unwrap().about.unwrap().payment, Some(PAYMENT));
}

#[tokio::test]
async fn a_link_that_is_cancelled_takes_no_money() {
    let stage = RazorpayStage::start();
    let provider = stage.provider();
    let reference = facts(&*provider, call(Operation::Create, None, false)).await.reference.unwrap();
    let void = facts(&*provider, call(Operation::Void, Some(&reference), false)).await;
    assert_eq!(void.status, Status::Cancelled);
    stage.pay(&reference).await;
    assert_eq!(stage.captured_and_refunded(), Some((0, 0)));
}

#[tokio::test]
async fn what_nobody_captures_goes_back() {
    let stage = RazorpayStage::start();
    let provider = stage.provider();
    let reference = facts(&*provider, call(Operation::Create, None, true)).await.reference.unwrap();
    stage.pay(&reference).await;
    let waits = facts(&*provider, call(Operation::LookUp, Some(&reference), true)).await;
    assert_eq!((waits.status, waits.authorised_minor), (Status::Authorised, 45_000));
    stage.emulator.act(|books| books.lapse());
    let lapsed = facts(&*provider, call(Operation::LookUp, Some(&reference), true)).await;
    assert_eq!(lapsed.status, Status::Cancelled);
    let other = ProviderCall { currency: *b"USD", ..call(Operation::LookUp, Some(&reference), true) };
    assert!(matches!(provider.call(other).await, Answer::NotOurs { .. }), "another currency");
}

#[tokio::test]
async fn whose_a_payment_is_stands_in_the_notes_of_its_order() {
    let stage = RazorpayStage::start();
    let provider = stage.provider();
    let reference = facts(&*provider, call(Operation::Create, None, true)).await.reference.unwrap();
    stage.pay(&reference).await;
    assert_eq!(provider.ask_whose(reference).await, Whose::Ours(PAYMENT));
    for name in ["pay_0002", "pay_9999", "order_9999", "order_../x", "acc_1", ""] {
        let expect = if name == "pay_0002" { Whose::Ours(PAYMENT) } else { Whose::NotOurs };
        assert_eq!(provider.ask_whose(name.into()).await, expect, "{name}");
    }
}
