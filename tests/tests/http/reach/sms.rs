//! SMS.
#![allow(clippy::disallowed_methods)] // a wait for a request is given up for a moment, so that time may pass

use std::time::Duration;

use serde_json::{Value, json};
use tessera_correspondence::{Ended, Kind, Medium};
use tessera_server::settings::Settings;
use tessera_store::keys::ContactKey;
use tessera_store::{Table, transact};
use tessera_tests::reach::{Fault, Reached, TwilioBooks};
use tessera_tests::{ADMIN_TOKEN, Sale, Server, standing};

use super::{all_is_recorded, broadcast, buy, dead_letters, ended, lane, offer, settings, stands};

const ADA: &str = "+41790000001";
const BOB: &str = "+41790000002";

fn twilio() -> (Settings, Reached<TwilioBooks>) {
    let (mut settings, peer) = (settings(), Reached::start(TwilioBooks::new("AC1", "secret")));
    let twilio = &mut settings.messages.twilio;
    (twilio.account, twilio.from) = ("AC1".to_owned(), "+15550001".to_owned());
    twilio.token = Some("secret".to_owned().into());
    (twilio.url, twilio.per_second) = (peer.url().to_owned(), 100);
    (settings, peer)
}

#[tokio::test]
async fn tickets_an_offer_and_an_emergency_come_by_sms_once_also_after_a_restart() {
    let (settings, peer) = twilio();
    let server = Server::start_with(settings.clone()).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let ada = server.buyer().await;
    let order = buy(&server, &sale, &ada, &json!({"phone": ADA, "locale": "de"})).await;
    let message = peer.wait_for(1).await.remove(0);
    assert_eq!((message.to.as_str(), message.from.as_str()), (ADA, "+15550001"));
    assert!(message.body.starts_with("Ihre Bestellung für Test ist bezahlt"), "{}", message.body);
    assert!(message.body.ends_with(&order.text("id")), "{}", message.body);
    offer(&server, Medium::Sms, "twilio").await;
    assert!(peer.wait_for(2).await[1].body.contains("reserviert"));
    broadcast(&server, &sale, "emergency", "Doors").await;
    assert_eq!(peer.wait_for(3).await[2].body, "Test: Doors\nAt seven.");
    // What is not urgent does not cost an SMS.
    broadcast(&server, &sale, "announcement", "Bar").await;
    stands(&server, "/v1/inbox", &ada, |shown| shown["items"][0]["kind"] == "announcement").await;
    all_is_recorded(&server, Medium::Sms, "twilio").await;
    let store = server.stop().await;
    let server = Server::start_on(store, settings).await;
    buy(&server, &sale, &server.buyer().await, &json!({"phone": BOB})).await;
    let messages = peer.wait_for(4).await;
    assert_eq!((messages.len(), messages[3].to.as_str()), (4, BOB), "nothing goes twice");
}

#[tokio::test]
async fn an_account_that_is_refused_is_left_alone_and_goes_on_where_it_was() {
    let (settings, peer) = twilio();
    peer.fails([Fault::answer(401, &[], json!({"code": 20_003, "message": "Authenticate"}))]);
    let (server, clock) = Server::start_with_clock(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let contact = json!({"phone": ADA});
    buy(&server, &sale, &server.buyer().await, &contact).await;
    peer.wait_for_requests(1).await;
    // It is not asked again before its pause is over.
    let (lane, messages) = lane(&server, Medium::Sms, "twilio");
    while messages.account(&lane).await.unwrap().paused_until.is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(peer.asked().len(), 1);
    pass_until!(clock, peer, 1);
    assert_eq!(dead_letters(&server, "sms", 0).await, json!([]));
    buy(&server, &sale, &server.buyer().await, &json!({"phone": BOB})).await;
    pass_until!(clock, peer, 2);
    assert_eq!(peer.taken()[1].to, BOB);
}

/// Twilio has no keys of requests: what was taken is found by what it says.
#[tokio::test]
async fn an_sms_whose_answer_is_lost_is_not_sent_twice_and_one_that_waits_is_sent_when_it_was_asked_for() {
    let (settings, peer) = twilio();
    let wait =
        Fault::answer(429, &[("retry-after", "20")], json!({"code": 20_429, "message": "Too Many Requests"}));
    peer.fails([wait, Fault::LoseAnswer]);
    let (server, clock) = Server::start_with_clock(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    buy(&server, &sale, &server.buyer().await, &json!({"phone": ADA})).await;
    peer.wait_for_requests(1).await;
    pass_until!(clock, peer, 1);
    // The answer was lost; the next try looks, and finds it.
    while !peer.asked().iter().any(|asked| asked.method == "GET") {
        clock.advance(Duration::from_secs(5));
        tokio::time::timeout(Duration::from_millis(10), peer.wait_for_requests(3)).await.ok();
    }
    assert_eq!(ended(&server, Medium::Sms, "twilio").await.ended, Ended::Delivered);
    assert_eq!((peer.taken().len(), peer.faults_left()), (1, 0));
    assert_eq!(peer.asked().iter().filter(|asked| asked.method == "POST").count(), 2);
}

#[tokio::test]
async fn a_number_whose_owner_has_said_stop_is_written_to_no_more() {
    let (settings, peer) = twilio();
    peer.peer().refuse(ADA, 21_610);
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    buy(&server, &sale, &buyer, &json!({"phone": ADA})).await;
    let dead = dead_letters(&server, "sms", 1).await;
    assert!(dead[0]["error"].as_str().unwrap().contains("21610"), "{dead}");
    assert_eq!(dead[0]["channel"], "sms");
    assert_eq!(dead_letters(&server, "email", 0).await, json!([]));
    buy(&server, &sale, &buyer, &json!({"phone": ADA})).await;
    buy(&server, &sale, &server.buyer().await, &json!({"phone": BOB})).await;
    assert_eq!(peer.wait_for(1).await[0].to, BOB);
    assert_eq!(peer.asked().len(), 2, "nothing was tried again at the dead number");
    let replay = json!({"messages": [dead[0]["id"]], "channel": "sms"});
    let replayed =
        server.post("/v1/dead-letters/replays").bearer(ADMIN_TOKEN).json(&replay).expect(202).await;
    assert_eq!(replayed.number("messages"), 1);
    let wrong = json!({"messages": [dead[0]["id"]], "channel": "fax"});
    let refused = server.post("/v1/dead-letters/replays").bearer(ADMIN_TOKEN).json(&wrong);
    refused.refused(422, "invalid_value").await;
}

/// How its buyer is reached cannot be read: that message waits for its next try, and no other does.
#[tokio::test]
async fn a_message_that_breaks_holds_up_no_other() {
    let (settings, peer) = twilio();
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    buy(&server, &sale, &server.buyer().await, &json!({"phone": ADA})).await;
    peer.wait_for(1).await;
    let subject = ended(&server, Medium::Sms, "twilio").await.want.recipient.subject;
    let key = &ContactKey { subject }.pack();
    transact(server.store.as_ref() as &dyn Table, |mut transaction| async move {
        transaction.set(key, &[0xff]);
        Ok((transaction, ()))
    })
    .await
    .unwrap();
    offer(&server, Medium::Sms, "twilio").await;
    buy(&server, &sale, &server.buyer().await, &json!({"phone": BOB})).await;
    assert_eq!(peer.wait_for(2).await[1].to, BOB);
    let (lane, messages) = lane(&server, Medium::Sms, "twilio");
    let broken = loop {
        let waiting = messages.pending(&lane, None, 10).await.unwrap();
        if let Some(one) = waiting.into_iter().find(|one| one.attempts > 0) {
            break one;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((broken.kind, peer.taken().len()), (Kind::Offer, 2));
    assert!(broken.last_error.unwrap().contains("contacts"));
}

#[tokio::test]
async fn an_organizer_writes_short_texts_of_its_own() {
    let (settings, peer) = twilio();
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let keep = |body: Value| server.post("/v1/templates").bearer(&sale.key).json(&body);
    let own = json!({"kind": "confirmation", "channel": "sms", "locale": "en", "subject": "x", "text": "Paid: {{ event.name }}"});
    let kept = keep(own.clone()).expect(201).await;
    assert_eq!((kept.text("channel"), kept.number("version")), ("sms".to_owned(), 1));
    let mut wrong = own.clone();
    wrong["mjml"] = json!("<mjml></mjml>");
    keep(wrong).refused(422, "invalid_value").await;
    let mut wrong = own;
    wrong["channel"] = json!("inbox");
    keep(wrong).refused(422, "invalid_value").await;
    let preview = json!({"kind": "confirmation", "channel": "sms", "locale": "en"});
    let shown = server.post("/v1/templates/preview").bearer(&sale.key).json(&preview).expect(200).await;
    assert_eq!(shown.text("text"), "Paid: An evening of engines");
    buy(&server, &sale, &server.buyer().await, &json!({"phone": ADA, "locale": "en-GB"})).await;
    assert_eq!(peer.wait_for(1).await[0].body, "Paid: Test");
}
