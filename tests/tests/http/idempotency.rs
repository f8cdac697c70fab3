//! Keys: one effect, the same reply byte for byte, and no other body under the same key.

use serde_json::json;
use tessera_tests::{Sale, Server, standing};

#[tokio::test]
async fn a_repeated_call_answers_the_same_bytes() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    // Shorter than the policy's time: a renewal within the same millisecond still moves the deadline.
    let lines = json!({"lines": [{"ticket_type": "Free", "quantity": 2}], "duration_s": 120});
    let place = || server.post(&sale.path("/holds")).bearer(&buyer).key("place").json(&lines);
    let held = place().expect(201).await;
    let again = place().expect(201).await;
    assert_eq!(again.bytes, held.bytes);
    assert!(again.replayed() && !held.replayed());
    let renew = sale.path(&format!("/holds/{}/renew", held.text("id")));
    let renewed = server.post(&renew).bearer(&buyer).key("renew").expect(200).await;
    let begin = || {
        server.post(&sale.path("/orders")).bearer(&buyer).key("begin").json(&json!({"hold": held.text("id")}))
    };
    let order = begin().expect(201).await;
    assert_eq!(order.json["state"], "pending");
    let confirm = sale.path(&format!("/orders/{}/confirm", order.text("id")));
    let confirm = || server.post(&confirm).bearer(&buyer).key("confirm").json(&json!({"payment": "free"}));
    let paid = confirm().expect(200).await;
    let refunds = sale.path(&format!("/orders/{}/refunds", order.text("id")));
    let tickets = json!({"tickets": [paid.json["tickets"][0]["id"]], "units": "restock"});
    let refund = || server.post(&refunds).bearer(&sale.key).key("refund").json(&tickets);
    let refunded = refund().expect(200).await;
    // Each answers what it answered then, although everything has moved on.
    for (again, first) in [
        (place().expect(201).await, &held),
        (server.post(&renew).bearer(&buyer).key("renew").expect(200).await, &renewed),
        (begin().expect(201).await, &order),
        (confirm().expect(200).await, &paid),
        (refund().expect(200).await, &refunded),
    ] {
        assert!(again.replayed());
        assert_eq!(String::from_utf8_lossy(&again.bytes), String::from_utf8_lossy(&first.bytes));
    }
    assert_eq!(sale.availability(&server).await["pools"][0]["sold"], 1);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let place = |quantity: u32| {
        let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": quantity}]});
        server.post(&sale.path("/holds")).bearer(&buyer).key("k").json(&lines)
    };
    let held = place(1).expect(201).await;
    place(2).refused(422, "key_reused").await;
    let release = sale.path(&format!("/holds/{}/release", held.text("id")));
    server.post(&release).bearer(&buyer).key("k").refused(422, "key_reused").await;
    // Another buyer's key of the same text is another key.
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 2}]});
    let other = server.buyer().await;
    server.post(&sale.path("/holds")).bearer(&other).key("k").json(&lines).expect(201).await;
    assert_eq!(sale.availability(&server).await["pools"][0]["held"], 3);
}

#[tokio::test]
async fn scenario_44_an_old_uuid_7_is_refused_as_expired() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
    let place = server.post(&sale.path("/holds")).bearer(&buyer).key("0192f0c1-0000-7000-8000-000000000000");
    place.json(&lines).refused(409, "key_expired").await;
}

#[tokio::test]
async fn a_refused_command_leaves_its_key_free() {
    let server = Server::start().await;
    let sale = Sale::draft(&server, &standing(10)).await;
    sale.phase(&server, "scheduled").await;
    let buyer = server.buyer().await;
    let other = server.buyer().await;
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
    let place =
        |buyer: &str, key: &str| server.post(&sale.path("/holds")).bearer(buyer).key(key).json(&lines);
    place(&buyer, "first").refused(409, "wrong_phase").await;
    sale.phase(&server, "on_sale").await;
    place(&buyer, "second").expect(201).await;
    place(&other, "first").expect(201).await;
}

#[tokio::test]
async fn an_event_is_created_once_per_key_also_after_a_restart() {
    let server = Server::start().await;
    let key = server.organizer_key().await;
    let body = json!({
        "name": "Once", "starts_at": "2030-01-01T19:00:00+02:00", "zone": "Europe/Berlin", "configuration": standing(5)});
    let create = |server: &Server| server.post("/v1/events").bearer(&key).key("create").json(&body);
    let created = create(&server).expect(201).await;
    assert_eq!((created.json["phase"].as_str(), created.number("configuration_version")), (Some("draft"), 1));
    assert_eq!(created.json["starts_at"], "2030-01-01T17:00:00Z");
    let again = create(&server).expect(201).await;
    assert!(again.replayed());
    assert_eq!(again.bytes, created.bytes);
    let other = json!({"name": "Other", "starts_at": "2030-01-01T19:00:00Z", "zone": "Europe/Berlin"});
    server.post("/v1/events").bearer(&key).key("create").json(&other).refused(422, "key_reused").await;
    let store = server.stop().await;
    let server = Server::start_on(store, Server::settings()).await;
    let again = create(&server).expect(201).await;
    assert!(again.replayed());
    assert_eq!(again.bytes, created.bytes);
    let list = server.get("/v1/events").bearer(&key).expect(200).await;
    assert_eq!(list.json["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_found_again_by_the_hold_secret_after_the_token_is_over() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let token = async |server: &Server| {
        let body = json!({"buyers": ["customer 7"]});
        let made = server.post("/v1/buyer-tokens").bearer(&sale.key).json(&body).expect(201).await;
        made.json["tokens"][0].as_str().unwrap().to_owned()
    };
    let held = sale.hold(&server, &token(&server).await, "Free", 2).await;
    let body = json!({"hold": held.text("id")});
    let begin = |server: &Server| server.post(&sale.path("/orders")).key("begin").json(&body);
    let order = begin(&server).bearer(&token(&server).await).expect(201).await;
    let store = server.stop().await;
    let mut settings = Server::settings();
    settings.buyer_token.life_s = 0;
    let server = Server::start_on(store, settings).await;
    begin(&server).bearer(&token(&server).await).refused(401, "credential_expired").await;
    let secret = held.text("secret");
    let again = begin(&server).header("x-hold-secret", &secret).expect(201).await;
    assert!(again.replayed());
    assert_eq!(again.bytes, order.bytes);
    // A new command under the secret, and the other way round.
    let confirm = sale.path(&format!("/orders/{}/confirm", order.text("id")));
    let confirm = |server: &Server| server.post(&confirm).key("confirm").json(&json!({"payment": "free"}));
    let paid = confirm(&server).header("x-hold-secret", &secret).expect(200).await;
    let server = Server::start_on(server.stop().await, Server::settings()).await;
    let again = confirm(&server).bearer(&token(&server).await).expect(200).await;
    assert!(again.replayed());
    assert_eq!(again.bytes, paid.bytes);
}
