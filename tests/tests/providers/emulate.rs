//! Stripe's client before an emulator of Stripe that others wrote (`emulate`, npm). It knows PaymentIntents that are captured by themselves, and
//! sessions of prices that it has; it knows neither keys, nor refunds, nor prices that come with a request.
#![allow(clippy::print_stderr)] // it says that it was skipped

use std::sync::Arc;

use serde_json::Value;
use tessera_actors::{Clock, Provider, ProviderCall};
use tessera_inventory::{ClaimNumber, EventId};
use tessera_money::contacts::Contact;
use tessera_payments::{Answer, Facts, Operation, PaymentId, Status, provider_key};
use tessera_stripe::{Stripe, StripeOptions};
use tessera_tests::ForwardClock;

/// Where it is, if it is.
const ADDRESS: &str = "TEST_EMULATE";

const PAYMENT: PaymentId = PaymentId { event: EventId(5), order: ClaimNumber(8), attempt: 1 };

fn call(operation: Operation, reference: Option<&str>, by_own_page: bool) -> ProviderCall {
    ProviderCall {
        payment: PAYMENT,
        reference: reference.map(Into::into),
        operation,
        key: provider_key(1, PAYMENT, operation, 0),
        amount_minor: 4_500,
        currency: *b"EUR",
        grace_until: None,
        contact: Some(Contact {
            return_url: Some("https://shop.example/thanks".to_owned()),
            by_own_page,
            ..Contact::default()
        }),
    }
}

async fn facts(stripe: &Stripe, call: ProviderCall) -> Facts {
    let operation = call.operation;
    let answer = stripe.call(call).await;
    let Answer::Facts(found) = answer else { panic!("{operation:?}: {answer:?}") };
    let mut facts = Facts::default();
    found.iter().for_each(|fact| facts.merge(fact));
    facts
}

#[tokio::test]
async fn an_emulator_of_others_is_understood() {
    #[allow(clippy::disallowed_methods)] // tests/peers/run says where it is
    let Ok(address) = std::env::var(ADDRESS) else {
        eprintln!("SKIPPED: {ADDRESS} is not set; tests/peers/run starts the emulator");
        return;
    };
    let options = StripeOptions {
        url: address.clone(),
        secret_key: "sk_test_emulate".to_owned(),
        webhook_secrets: Vec::new(),
    };
    let clock = Arc::new(ForwardClock::default()) as Arc<dyn Clock>;
    let stripe = Stripe::new(options, clock);
    let created = facts(&stripe, call(Operation::Create, None, true)).await;
    let reference = created.reference.unwrap();
    assert!(reference.starts_with("pi_"), "{reference}");
    let open = facts(&stripe, call(Operation::LookUp, Some(&reference), true)).await;
    assert_eq!(open.status, Status::Open);

    let confirm = reqwest::Client::builder().no_proxy().build().unwrap();
    let confirm = confirm
        .post(format!("{address}/v1/payment_intents/{reference}/confirm"))
        .bearer_auth("sk_test_emulate")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("payment_method=pm_card_visa");
    let confirmed: Value =
        serde_json::from_slice(&confirm.send().await.unwrap().bytes().await.unwrap()).unwrap();
    assert_eq!(
        (&confirmed["status"], &confirmed["metadata"]["tessera_payment"]),
        (&"succeeded".into(), &PAYMENT.to_string().into())
    );
    let paid = facts(&stripe, call(Operation::LookUp, Some(&reference), true)).await;
    assert_eq!((paid.status, paid.captured_minor), (Status::Captured, 4_500));

    let other = facts(&stripe, call(Operation::Create, None, true)).await.reference.unwrap();
    let cancelled = facts(&stripe, call(Operation::Void, Some(&other), true)).await;
    assert_eq!(cancelled.status, Status::Cancelled);
    let page = stripe.call(call(Operation::Create, None, false)).await;
    assert!(matches!(page, Answer::Declined { .. }), "it has no prices but its own: {page:?}");
}
