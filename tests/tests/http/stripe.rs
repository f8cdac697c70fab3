//! Paying through Stripe, over HTTP from the hold to the ticket: the product, its client, and the emulator of Stripe with signed webhooks.

use serde_json::{Value, json};
use tessera_inventory::EventId;
use tessera_money::Lane;
use tessera_money::provider_events::{ProviderEvents, Standing};
use tessera_tests::ADMIN_TOKEN;
use tessera_tests::provider::{Books, StripeBooks, Told};

use crate::provider_stage::{Checkout, PRICE, Stage};

const SECRET_KEY: &str = "sk_test_1";
const WEBHOOK_SECRET: &str = "whsec_1";

async fn start() -> Stage<StripeBooks> {
    let books = StripeBooks::new(SECRET_KEY, WEBHOOK_SECRET);
    Stage::start("stripe", books, |settings, url| {
        settings.payments.stripe.secret_key = Some(SECRET_KEY.to_owned().into());
        settings.payments.stripe.webhook_secrets = vec![WEBHOOK_SECRET.to_owned().into()];
        url.clone_into(&mut settings.payments.stripe.url);
    })
    .await
}

fn pay(stage: &Stage<StripeBooks>, checkout: &Checkout) {
    let now = stage.now();
    assert!(stage.emulator.act(|books| books.pay(&checkout.reference, now)), "it cannot be paid");
}

fn captured_and_refunded(stage: &Stage<StripeBooks>) -> (i64, i64) {
    stage.emulator.act(|books| books.captured_and_refunded())
}

#[tokio::test]
async fn an_order_is_paid_at_the_page_of_stripe() {
    let stage = start().await;
    let (checkout, payment) = stage.checkout("page").await;
    assert!(payment.text("page").starts_with("https://checkout.stripe.com/"));
    assert_eq!(payment.json["client_secret"], Value::Null);
    pay(&stage, &checkout);
    let paid = stage.comes_to(&checkout, "paid", "captured").await;
    assert_eq!(
        (&paid.json["payment"], paid.json["tickets"].as_array().unwrap().len()),
        (&json!("captured"), 2)
    );
    assert_eq!(captured_and_refunded(&stage), (PRICE, 0));
}

#[tokio::test]
async fn an_order_is_paid_at_a_page_of_the_organizer() {
    let stage = start().await;
    let (checkout, payment) = stage.checkout("intent").await;
    assert!(checkout.reference.starts_with("pi_") && payment.json["page"] == Value::Null);
    let path = stage.sale.path(&format!("/orders/{}/payment", checkout.order));
    for token in [stage.sale.key.as_str(), ADMIN_TOKEN] {
        let shown = stage.server.get(&path).bearer(token).expect(200).await;
        assert_eq!(
            (shown.text("state").as_str(), &shown.json["client_secret"]),
            ("awaiting_buyer", &Value::Null)
        );
    }
    pay(&stage, &checkout);
    stage.comes_to(&checkout, "paid", "captured").await;
    assert_eq!(captured_and_refunded(&stage), (PRICE, 0));
}

/// The same webhook, and another of the same meaning, a dozen times and at once.
#[tokio::test]
async fn scenario_35_a_duplicate_webhook_of_stripe_sells_once() {
    let stage = start().await;
    let (checkout, _) = stage.checkout("page").await;
    stage.emulator.tell(None);
    pay(&stage, &checkout);
    let told = stage.emulator.told();
    let sent = (0..12).flat_map(|_| &told).map(|told| stage.send(told));
    futures::future::join_all(sent).await;
    stage.comes_to(&checkout, "paid", "captured").await;
    for told in stage.emulator.told() {
        stage.send(&told).await;
    }
    stage.comes_to(&checkout, "paid", "captured").await;
    assert_eq!((stage.logged("payment_begun").await, stage.logged("confirmed").await), (1, 1));
    assert_eq!(captured_and_refunded(&stage), (PRICE, 0));
}

/// A refund that somebody made in the dashboard is heard of before the payment is, and the payment's end before its beginning.
#[tokio::test]
async fn scenario_36_webhooks_of_stripe_in_the_wrong_order_come_to_what_stripe_says() {
    let stage = start().await;
    let (checkout, _) = stage.checkout("page").await;
    stage.emulator.tell(None);
    pay(&stage, &checkout);
    let paid = stage.emulator.told();
    stage.emulator.act(|books| {
        books.capture_by_hand(&checkout.reference);
        books.refund_by_hand(&checkout.reference, 500);
    });
    let mut told = stage.emulator.told().split_off(paid.len());
    told.reverse();
    assert!(told[0].body.windows(7).any(|part| part == b"\"refund"), "the refund comes first");
    for told in told.iter().chain(&paid) {
        stage.send(told).await;
    }
    stage.comes_to(&checkout, "paid", "captured").await;
    assert_eq!(stage.logged("confirmed").await, 1);
    assert_eq!(captured_and_refunded(&stage), (PRICE, 500));
}

/// No webhook comes at all, and what is not signed is nothing.
#[tokio::test]
async fn scenario_37_a_payment_of_which_stripe_tells_nothing_is_looked_up() {
    let stage = start().await;
    let (checkout, _) = stage.checkout("page").await;
    stage.emulator.tell(None);
    pay(&stage, &checkout);
    let forged = Told {
        headers: vec![("stripe-signature".to_owned(), "t=1,v1=00".to_owned())],
        ..stage.emulator.told()[0].clone()
    };
    assert_eq!(forged.send(&stage.webhooks).await, 400);
    assert_eq!(Told { headers: Vec::new(), ..forged }.send(&stage.webhooks).await, 400);
    stage.comes_to(&checkout, "paid", "captured").await;
    assert_eq!(captured_and_refunded(&stage), (PRICE, 0));
}

/// What cannot be read is answered all the same: Stripe would send it for days, and would turn the endpoint off.
#[tokio::test]
async fn what_stripe_signed_and_nobody_can_read_is_kept_once() {
    let stage = start().await;
    let body = b"{\"id\": \"evt_1\", but this is no JSON".to_vec();
    let headers = stage.emulator.act(|books| books.sign(&body, stage.now()));
    let told = Told { headers, body };
    for _ in 0..2 {
        stage.send(&told).await;
    }
    let events = ProviderEvents::new(stage.server.store.clone());
    let waiting = events.due(Lane::of(EventId(0)), None, 9).await.unwrap();
    assert_eq!(waiting.len(), 1, "it may be read by a later release");
    let kept = events.load(&waiting[0].id).await.unwrap().unwrap();
    assert_eq!((kept.standing, kept.body), (Standing::Unparsed, told.body.clone()));
    // Without the signature it is nothing.
    assert_eq!(Told { headers: Vec::new(), ..told }.send(&stage.webhooks).await, 400);
}

#[tokio::test]
async fn a_capture_at_stripe_whose_answer_is_lost_is_made_once() {
    let stage = start().await;
    let (checkout, _) = stage.checkout("page").await;
    stage.emulator.lose_answers(3);
    stage.emulator.tell(None);
    pay(&stage, &checkout);
    let told = stage.emulator.told();
    stage.send(&told[1]).await;
    stage.comes_to(&checkout, "paid", "captured").await;
    assert_eq!(captured_and_refunded(&stage), (PRICE, 0));
}

#[tokio::test]
async fn what_stripe_needs_is_asked_for() {
    let stage = start().await;
    let (server, sale) = (&stage.server, &stage.sale);
    let buyer = server.buyer().await;
    let lines = json!({"lines": [{"ticket_type": "Seat", "together": {"quantity": 1}}]});
    let hold = server.post(&sale.path("/holds")).bearer(&buyer).json(&lines).expect(201).await;
    let begin = |payment: Value| {
        let body = json!({"hold": hold.text("id"), "payment": payment});
        server.post(&sale.path("/orders")).bearer(&buyer).json(&body)
    };
    let refused = begin(json!({"provider": "stripe"})).refused(422, "invalid_value").await;
    assert_eq!(refused.json["errors"][0]["path"], "payment.return_url");
    let refused = begin(json!({"provider": "stripe", "mode": "cash"})).send().await;
    assert_eq!(refused.status, 422);
    begin(json!({"provider": "stripe", "mode": "intent"})).expect(201).await;
}
