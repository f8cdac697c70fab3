//! Paying through PayPal, over HTTP from the hold to the ticket: what it tells is believed once it has vouched for it.

use std::time::Duration;

use tessera_money::provider_events::UNVERIFIED_BYTES_MAX;
use tessera_tests::provider::{PayPalBooks, Told};

use crate::payments::rows_with;
use crate::provider_stage::{PRICE, Stage};

async fn start() -> Stage<PayPalBooks> {
    Stage::start("paypal", PayPalBooks::new("client1", "secret1", "WEBHOOK1"), |settings, url| {
        let paypal = &mut settings.payments.paypal;
        paypal.client_id = Some("client1".to_owned());
        paypal.secret = Some("secret1".to_owned().into());
        paypal.webhook_id = Some("WEBHOOK1".to_owned());
        url.clone_into(&mut paypal.url);
    })
    .await
}

#[tokio::test]
async fn an_order_is_paid_at_the_page_of_paypal() {
    let stage = start().await;
    let (checkout, payment) = stage.checkout("page").await;
    assert!(payment.text("page").starts_with("https://www.paypal.com/"));
    stage.emulator.act(|books| books.approve(&checkout.reference));
    let paid = stage.comes_to(&checkout, "paid", "captured").await;
    assert_eq!(paid.json["tickets"].as_array().unwrap().len(), 2);
    assert_eq!(stage.logged("confirmed").await, 1);
    assert_eq!(stage.emulator.act(|books| books.captured_and_refunded()), (PRICE, 0));
}

/// Whoever sends what PayPal did not changes nothing; it is kept until PayPal has said so, and then nothing of it is left.
#[tokio::test]
async fn what_paypal_did_not_tell_changes_nothing() {
    let stage = start().await;
    let (checkout, _) = stage.checkout("page").await;
    stage.emulator.tell(None);
    stage.emulator.act(|books| books.approve(&checkout.reference));
    let told = stage.emulator.told().remove(0);
    let text = String::from_utf8(told.body.clone()).unwrap();
    let captured = text.replace("CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.COMPLETED");
    let marked = captured.replacen('{', "{\"mallory\":true,", 1);
    stage.send(&Told { body: marked.into_bytes(), ..told.clone() }).await;
    while rows_with(&stage.server, "mallory").await > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let padded = format!("{captured}{}", " ".repeat(UNVERIFIED_BYTES_MAX));
    let padded = Told { body: padded.into_bytes(), ..told.clone() };
    assert_eq!(padded.send(&stage.webhooks).await, 413, "PayPal tells less");
    assert_eq!(Told { headers: Vec::new(), ..told.clone() }.send(&stage.webhooks).await, 400);
    // A certificate that is not PayPal's needs no question.
    let elsewhere = |(name, value): &(String, String)| {
        let value = if name == "paypal-cert-url" { "https://paypal.example/certs/1" } else { value.as_str() };
        (name.clone(), value.to_owned())
    };
    let headers = told.headers.iter().map(elsewhere).collect();
    assert_eq!(Told { headers, ..told.clone() }.send(&stage.webhooks).await, 400);
    // What PayPal tells is heard all the same.
    stage.send(&told).await;
    stage.comes_to(&checkout, "paid", "captured").await;
    assert_eq!(stage.logged("confirmed").await, 1);
}
