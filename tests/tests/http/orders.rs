//! Orders: from the hold to the tickets, and back.

use serde_json::json;
use tessera_tests::{Sale, Server, hall, standing};

#[tokio::test]
async fn a_priced_order_is_confirmed_by_the_organizer_only() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(1)).await;
    let buyer = server.buyer().await;
    let lines = json!({"lines": [{"ticket_type": "Seat", "together": {"quantity": 2}}]});
    let held = server.post(&sale.path("/holds")).bearer(&buyer).json(&lines).expect(201).await;
    let begin = json!({"hold": held.text("id")});
    let order = server.post(&sale.path("/orders")).bearer(&buyer).json(&begin).expect(201).await;
    assert_eq!((order.json["state"].as_str(), order.json["tickets"].clone()), (Some("pending"), json!([])));
    assert!(order.json["grace_until"].is_string());
    let release = sale.path(&format!("/holds/{}/release", held.text("id")));
    let early = server.post(&release).bearer(&buyer).refused(409, "wrong_state").await;
    assert_eq!(early.json["state"], "payment_in_flight");
    let path = sale.path(&format!("/orders/{}", order.text("id")));
    let confirm = |token: &str, payment: &str| {
        server.post(&format!("{path}/confirm")).bearer(token).json(&json!({"payment": payment}))
    };
    let due = confirm(&buyer, "free").refused(409, "payment_required").await;
    assert_eq!(due.json["total"], json!({"amount": 18_000, "currency": "EUR"}));
    confirm(&buyer, "offline").refused(403, "forbidden").await;
    confirm(&buyer, "gold").refused(422, "invalid_value").await;
    let paid = confirm(&sale.key, "offline").expect(200).await;
    assert_eq!((paid.json["state"].as_str(), paid.json["payment"].as_str()), (Some("paid"), Some("offline")));
    let seats = held.json["lines"][0]["seats"].as_array().unwrap();
    for (ticket, seat) in paid.json["tickets"].as_array().unwrap().iter().zip(seats) {
        assert_eq!((&ticket["seat"], &ticket["refunded"]), (seat, &json!(false)));
    }
    let read = server.get(&path).bearer(&buyer).expect(200).await;
    assert_eq!(read.json["tickets"], paid.json["tickets"]);
    server.get(&path).header("x-hold-secret", &held.text("secret")).expect(200).await;
    server.get(&path).bearer(&server.buyer().await).refused(404, "order_not_found").await;
}

#[tokio::test]
async fn a_failed_payment_gives_the_hold_back() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let held = sale.hold(&server, &buyer, "Standing", 2).await;
    let begin = || server.post(&sale.path("/orders")).bearer(&buyer).json(&json!({"hold": held.text("id")}));
    for attempt in 1..=3 {
        let order = begin().expect(201).await;
        let failures = sale.path(&format!("/orders/{}/payment-failures", order.text("id")));
        let fails = |body| server.post(&failures).bearer(&sale.key).json(&body);
        // Word of an attempt before it, or of one that never was, ends nothing.
        for other in [attempt - 1, attempt + 1] {
            fails(json!({ "attempt": other })).refused(409, "wrong_state").await;
        }
        let body = if attempt == 3 { json!({}) } else { json!({ "attempt": attempt }) };
        let failed = fails(body).expect(200).await;
        assert_eq!(
            (failed.text("id"), failed.text("state")),
            (held.text("id"), "held".to_owned()),
            "{attempt}"
        );
    }
    begin().refused(409, "payment_attempts_exhausted").await;
    let hold =
        server.get(&sale.path(&format!("/holds/{}", held.text("id")))).bearer(&buyer).expect(200).await;
    assert_eq!((hold.text("state"), hold.text("deadline_at")), ("held".to_owned(), held.text("deadline_at")));
}

#[tokio::test]
async fn a_buyer_lists_its_own_orders() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(100)).await;
    let (buyer, other) = (server.buyer().await, server.buyer().await);
    let mut placed = Vec::new();
    let mut sequence = 0;
    for _ in 0..3 {
        let order = sale.buy_free(&server, &buyer, 1).await;
        sequence = order.number("sequence");
        placed.push(order.text("id"));
    }
    sale.buy_free(&server, &other, 1).await;
    let list = async |cursor: Option<String>| {
        let cursor = cursor.map_or(String::new(), |cursor| format!("&cursor={cursor}"));
        let path = sale.path(&format!("/orders?limit=2&min_sequence={sequence}{cursor}"));
        server.get(&path).bearer(&buyer).expect(200).await
    };
    let first = list(None).await;
    assert!(first.number("sequence") >= sequence, "the list waits for what it is asked for");
    let second = list(Some(first.text("next"))).await;
    let ids = |page: &tessera_tests::Reply| {
        let items = page.json["items"].as_array().unwrap();
        items.iter().map(|order| order["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!([ids(&first), ids(&second)].concat(), placed);
    assert_eq!(first.json["items"][0]["state"], "paid");
    assert!(second.json["next"].is_null());
    server.get(&sale.path("/orders")).refused(401, "credential_missing").await;
}
