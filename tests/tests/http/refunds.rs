//! Money that goes back: by amount, of many orders, and disputes.

use std::time::Duration;

use serde_json::{Value, json};
use tessera_tests::{ADMIN_TOKEN, ForwardClock, Reply, Sale, Server, fresh_key, hall};

use crate::payments::{Checkout, books_come_to, logged, settings};

/// Longest wait for something that is to happen, in tries of 20 ms.
const TRIES_MAX: usize = 1_500;

/// An order of some seats that the organizer was paid for.
async fn paid(server: &Server, sale: &Sale, quantity: u32) -> Reply {
    let buyer = server.buyer().await;
    let lines = json!({"lines": [{"ticket_type": "Seat", "together": {"quantity": quantity}}]});
    let held = server.post(&sale.path("/holds")).bearer(&buyer).json(&lines).expect(201).await;
    let begin = json!({"hold": held.text("id")});
    let order = server.post(&sale.path("/orders")).bearer(&buyer).json(&begin).expect(201).await;
    let confirm = sale.path(&format!("/orders/{}/confirm", order.text("id")));
    server.post(&confirm).bearer(&sale.key).json(&json!({"payment": "offline"})).expect(200).await
}

/// The run once it is so.
async fn run_comes_to(server: &Server, sale: &Sale, run: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..TRIES_MAX {
        let path = sale.path(&format!("/refund-runs/{run}"));
        last = server.get(&path).bearer(&sale.key).expect(200).await.json;
        if is_so(&last) {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {last}");
}

#[tokio::test]
async fn an_organizer_gives_back_tickets_amounts_or_both_but_no_more_than_was_paid() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(1)).await;
    let order = paid(&server, &sale, 2).await;
    let tickets: Vec<String> = order.json["tickets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap().into())
        .collect();
    let path = sale.path(&format!("/orders/{}/refunds", order.text("id")));
    let refund = |body: Value| server.post(&path).bearer(&sale.key).json(&body);
    let money = |amount: i64| json!({"amount": amount, "currency": "EUR"});
    let goodwill = json!({"tickets": [], "units": "restock", "amount": money(500), "reason": "goodwill"});
    let given = refund(goodwill).expect(200).await;
    assert_eq!((&given.json["amount"], &given.json["reason"]), (&money(500), &json!("goodwill")));
    let beyond = json!({"tickets": [], "units": "restock", "amount": money(17_501)});
    let refused = refund(beyond).refused(409, "amount_exceeded").await;
    assert_eq!(refused.json["refundable"], money(17_500));
    let nothing = json!({"tickets": [], "units": "restock"});
    let refused = refund(nothing).refused(422, "invalid_request").await;
    assert_eq!(refused.json["reason"], "zero_quantity");
    let other = json!({"tickets": [], "units": "restock", "amount": {"amount": 1, "currency": "CHF"}});
    refund(other).refused(422, "invalid_value").await;
    let one = refund(json!({"tickets": [tickets[0]], "units": "restock"})).expect(200).await;
    assert_eq!(one.json["amount"], Value::Null, "what the ticket came to");
    let rest = refund(json!({"tickets": [tickets[1]], "units": "kill"})).expect(200).await;
    assert_eq!(rest.json["amount"], money(8_500), "what was left");
    let read = server.get(&sale.path(&format!("/orders/{}", order.text("id")))).bearer(&sale.key);
    assert_eq!(read.expect(200).await.text("state"), "refunded");
    let changes = server.get(&sale.path("/changes?after=0&limit=100")).bearer(&sale.key).expect(200).await;
    let items = changes.json["items"].as_array().unwrap();
    let refunds: Vec<_> = items.iter().filter(|item| item["type"] == "tickets_refunded").collect();
    assert_eq!((&refunds[0]["amount"], &refunds[0]["reason"]), (&money(500), &json!("goodwill")));
}

#[tokio::test]
async fn a_run_refunds_some_hundred_orders_across_a_restart_and_each_once() {
    const ORDERS: usize = 240;
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(30)).await;
    for _ in 0..ORDERS {
        paid(&server, &sale, 1).await;
    }
    let key = fresh_key();
    let begin = |server: &Server, body: Value| {
        server.post(&sale.path("/refund-runs")).bearer(&sale.key).key(&key).json(&body)
    };
    let body = json!({"units": "restock", "reason": "cancelled", "per_second": 100});
    let run = begin(&server, body.clone()).expect(201).await;
    let id = run.text("id");
    begin(&server, json!({"units": "kill"})).refused(422, "key_reused").await;
    run_comes_to(&server, &sale, &id, |run| run["asked"].as_u64() > Some(0)).await;
    let store = server.stop().await;
    let server = Server::start_on(store, Server::settings()).await;
    assert_eq!(begin(&server, body).expect(201).await.text("id"), id, "the same run");
    let done = run_comes_to(&server, &sale, &id, |run| run["state"] == "done").await;
    let counts = (done["asked"].as_u64(), done["refunded"].as_u64(), done["failed"].as_u64());
    assert_eq!(counts, (Some(240), Some(240), Some(0)));
    assert_eq!(done["amount"], json!({"amount": 240 * 9_000, "currency": "EUR"}));
    assert_eq!(logged(&server, &sale, "tickets_refunded").await.len(), ORDERS, "each order once");
    let list = server.get(&sale.path("/refund-runs")).bearer(&sale.key).expect(200).await;
    assert_eq!(list.json["items"].as_array().unwrap().len(), 1);
}

/// Time passes, and all orders are gone over for tickets that nobody has.
async fn a_turn_passes(server: &Server, sale: &Sale, clock: &ForwardClock) {
    let body = json!({"units": "restock", "ticket_types": ["Standing"], "per_second": 100});
    let run = server.post(&sale.path("/refund-runs")).bearer(&sale.key).json(&body).expect(201).await;
    clock.advance(Duration::from_secs(10));
    run_comes_to(server, sale, &run.text("id"), |run| run["state"] == "done").await;
}

#[tokio::test]
async fn a_run_is_paused_and_resumed_and_says_what_is_wrong() {
    let (server, clock) = Server::start_with_clock(Server::settings()).await;
    let sale = Sale::open(&server, &hall(2)).await;
    for _ in 0..6 {
        paid(&server, &sale, 1).await;
    }
    let begin = |body: Value| server.post(&sale.path("/refund-runs")).bearer(&sale.key).json(&body);
    begin(json!({"units": "restock", "ticket_types": ["Throne"]})).refused(422, "invalid_request").await;
    begin(json!({"units": "restock", "ticket_types": []})).refused(422, "invalid_value").await;
    begin(json!({"units": "restock", "per_second": 0})).refused(422, "out_of_range").await;
    let body = json!({"units": "restock", "ticket_types": ["Seat"], "per_second": 2});
    let id = begin(body).expect(201).await.text("id");
    let post = |verb: &str| server.post(&sale.path(&format!("/refund-runs/{id}/{verb}"))).bearer(&sale.key);
    assert_eq!(post("pause").expect(200).await.text("state"), "paused");
    a_turn_passes(&server, &sale, &clock).await;
    let stands = run_comes_to(&server, &sale, &id, |run| run["state"] == "paused").await;
    assert!(stands["asked"].as_u64() < Some(6), "{stands}");
    a_turn_passes(&server, &sale, &clock).await;
    assert_eq!(run_comes_to(&server, &sale, &id, |_| true).await, stands, "nothing happens meanwhile");
    let resumed = post("resume").expect(200).await;
    assert_eq!(
        (resumed.text("state"), &resumed.json["ticket_types"]),
        ("running".to_owned(), &json!(["Seat"]))
    );
    let done = run_comes_to(&server, &sale, &id, |run| run["state"] == "done").await;
    assert_eq!(done["refunded"], 6);
    let nobody = sale.path("/refund-runs/rfr_00000000000000000000000000");
    server.get(&nobody).bearer(&sale.key).refused(404, "refund_run_not_found").await;
    server.post(&format!("{nobody}/pause")).bearer(&sale.key).refused(404, "refund_run_not_found").await;
}

/// A buyer disputes what it has paid while a ticket goes from hand to hand: from then on it stays where it is, opens nothing, and is not paid back
/// either; once the dispute is lost all of the order is void.
#[tokio::test]
async fn scenario_42_a_ticket_is_good_exactly_while_its_money_is_there() {
    let server = Server::start_with(settings()).await;
    let sale = Sale::open(&server, &hall(1)).await;
    let checkout = Checkout::begin(&server, &sale).await;
    checkout.choose("pay").await;
    let order = checkout.comes_to(&server, &sale, "paid", "captured").await;
    let order_path = sale.path(&format!("/orders/{}", order.text("id")));
    let tickets = [0, 1].map(|index| order.json["tickets"][index]["id"].as_str().unwrap().to_owned());
    let mut holders = [checkout.buyer.clone(), server.buyer().await];
    let hand_on = |ticket: &str, [from, to]: &[String; 2]| {
        let path = sale.path(&format!("/tickets/{ticket}/transfer"));
        server.post(&path).bearer(from).json(&json!({"to": to}))
    };
    hand_on(&tickets[0], &holders).expect(200).await;
    let received = [holders[1].clone(), holders[0].clone()];
    checkout.ask_sandbox(&server, &json!({"act": "dispute", "amount_minor": 18_000})).await;
    let refused = loop {
        let handed_on = hand_on(&tickets[1], &holders).send().await;
        if handed_on.status != 200 {
            break handed_on;
        }
        holders.reverse();
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    refused.is_problem(409, "in_dispute");
    hand_on(&tickets[0], &received).refused(409, "in_dispute").await;
    let back = json!({"tickets": tickets, "units": "restock"});
    let refund = || server.post(&format!("{order_path}/refunds")).bearer(&sale.key).json(&back);
    refund().refused(409, "in_dispute").await;
    let shown = server.get(&order_path).bearer(&sale.key).expect(200).await;
    let scan = |index: usize| {
        let ticket = &shown.json["tickets"][index];
        let body = json!({"ticket": ticket["id"], "code": ticket["code"], "gate": 1});
        server.post(&sale.path("/check-ins")).bearer(&sale.key).json(&body)
    };
    scan(0).refused(409, "in_dispute").await;
    scan(1).refused(409, "in_dispute").await;
    books_come_to(&server, &[("disputes", 18_000)]).await;
    checkout.ask_sandbox(&server, &json!({"act": "decide", "won": false})).await;
    let mut last = Value::Null;
    for _ in 0..TRIES_MAX {
        last = checkout.order(&server, &sale).await.json;
        if last["state"] == "refunded" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(last["state"], "refunded", "every ticket is void: {last}");
    hand_on(&tickets[0], &received).refused(409, "ticket_refunded").await;
    hand_on(&tickets[1], &holders).refused(409, "ticket_refunded").await;
    scan(0).refused(409, "ticket_refunded").await;
    refund().refused(409, "ticket_refunded").await;
    let disputes = logged(&server, &sale, "order_disputed").await;
    let stood: Vec<_> = disputes.iter().map(|one| (&one["dispute"], &one["revoked"])).collect();
    assert_eq!(stood, [(&json!("open"), &json!([])), (&json!("lost"), &json!([0, 1]))]);
    let disputed_at = disputes[0]["sequence"].as_u64();
    let transfers = logged(&server, &sale, "ticket_transferred").await;
    assert!(transfers.iter().all(|one| one["sequence"].as_u64() < disputed_at), "{transfers:?}");
    books_come_to(&server, &[]).await;
}

/// All orders of an event that is called off, while answers of the provider are lost.
#[tokio::test]
async fn a_cancelled_event_gives_every_buyer_its_money_back_once() {
    let server = Server::start_with(settings()).await;
    let sale = Sale::open(&server, &hall(1)).await;
    let checkout = Checkout::begin(&server, &sale).await;
    checkout.choose("pay").await;
    checkout.comes_to(&server, &sale, "paid", "captured").await;
    // Whether it was made is not known for a while.
    checkout.ask_sandbox(&server, &json!({"act": "lose_answers", "count": 2})).await;
    sale.phase(&server, "cancelled").await;
    checkout.comes_to(&server, &sale, "refunded", "refunded").await;
    let list = server.get(&sale.path("/refund-runs")).bearer(&sale.key).expect(200).await;
    assert_eq!(list.json["items"][0]["reason"], "cancelled");
    let id = list.json["items"][0]["id"].as_str().unwrap().to_owned();
    let done = run_comes_to(&server, &sale, &id, |run| run["state"] == "done").await;
    assert_eq!((&done["refunded"], &done["amount"]["amount"]), (&json!(1), &json!(18_000)));
}

#[tokio::test]
async fn an_administrator_sees_what_is_not_settled_and_looks_it_up() {
    let server = Server::start_with(settings()).await;
    let sale = Sale::open(&server, &hall(1)).await;
    let checkout = Checkout::begin(&server, &sale).await;
    let list = server.get("/v1/payments?state=unsettled").bearer(ADMIN_TOKEN).expect(200).await;
    let waits = &list.json["items"][0];
    assert_eq!(
        (&waits["status"], &waits["want"], &waits["amount"]),
        (&json!("open"), &json!("authorise"), &json!(18_000))
    );
    let payment = waits["payment"].as_str().unwrap();
    // It is paid, and nobody is told.
    checkout.ask_sandbox(&server, &json!({"act": "pay", "webhooks": {"times": 0}})).await;
    let look_up = format!("/v1/payments/{payment}/look-ups");
    server.post(&look_up).bearer(ADMIN_TOKEN).expect(200).await;
    checkout.comes_to(&server, &sale, "paid", "captured").await;
    let settled = format!("/v1/payments/{payment}/settlements");
    let settle = |body: Value| server.post(&settled).bearer(ADMIN_TOKEN).json(&body);
    settle(json!({"refund": 7})).refused(422, "invalid_value").await;
    server.get("/v1/payments?state=all").bearer(ADMIN_TOKEN).refused(422, "invalid_value").await;
    server.post("/v1/payments/nothing/look-ups").bearer(ADMIN_TOKEN).refused(404, "payment_not_found").await;
}
