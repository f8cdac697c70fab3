//! The waitlist: join, offer, accept, decline, leave, list, and every refusal.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tessera_tests::relay::Relay;
use tessera_tests::{Reply, Sale, Server, standing};

use crate::messages;

/// So many places, and a waitlist.
fn waited_for(capacity: u32) -> Value {
    let mut configuration = standing(capacity);
    configuration["waitlist"] = json!({});
    configuration
}

fn wish(quantity: u32) -> Value {
    json!({"choices": [{"ticket_type": "Standing", "quantity": quantity}]})
}

async fn join(server: &Server, sale: &Sale, buyer: &str, quantity: u32) -> Reply {
    server.post(&sale.path("/waitlist")).bearer(buyer).json(&wish(quantity)).expect(201).await
}

/// The entry, once its rows have followed the event so far.
async fn entry(server: &Server, sale: &Sale, buyer: &str, entry: &str, through: u64) -> Reply {
    let path = sale.path(&format!("/waitlist/{entry}?min_sequence={through}"));
    loop {
        let found = server.get(&path).bearer(buyer).expect(200).await;
        if found.number("sequence") >= through {
            return found;
        }
    }
}

async fn release(server: &Server, sale: &Sale, held: &Reply) -> u64 {
    let path = sale.path(&format!("/holds/{}/release", held.text("id")));
    let ask = server.post(&path).header("x-hold-secret", &held.text("secret"));
    ask.expect(200).await.number("sequence")
}

#[tokio::test]
async fn what_returns_is_offered_to_who_waits_longest() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &waited_for(2)).await;
    let [first, second, third] = [server.buyer().await, server.buyer().await, server.buyer().await];
    let held = sale.hold(&server, &first, "Standing", 2).await;
    let joined = join(&server, &sale, &second, 2).await;
    let later = join(&server, &sale, &third, 2).await;
    assert_eq!(joined.json["standing"], "waiting");
    assert!(joined.text("id").starts_with("wle_") && !joined.text("secret").is_empty());
    let through = later.number("sequence");
    let waits = entry(&server, &sale, &third, &later.text("id"), through).await;
    assert_eq!(waits.json["choices"][0]["before"], 1);
    assert_eq!(waits.json["price_max"], json!({"amount": 4500, "currency": "EUR"}));

    let through = release(&server, &sale, &held).await + 1;
    let offered = entry(&server, &sale, &second, &joined.text("id"), through).await;
    let offer = &offered.json["offer"];
    assert_eq!((&offered.json["standing"], &offer["hold"]["state"]), (&json!("offered"), &json!("held")));
    assert_eq!(offer["hold"]["total"], json!({"amount": 9000, "currency": "EUR"}));
    let held = server.get(&sale.path(&format!("/holds/{}", offer["id"].as_str().unwrap()))).bearer(&second);
    let held = held.expect(200).await;
    for hold in [&offer["hold"], &held.json] {
        assert_eq!((&hold["origin"], &hold["entry"]), (&json!("offer"), &joined.json["id"]));
    }
    let waits = entry(&server, &sale, &third, &later.text("id"), through).await;
    assert_eq!(
        (&waits.json["standing"], &waits.json["choices"][0]["before"]),
        (&json!("waiting"), &json!(0))
    );
    // Who asks directly comes after all of them.
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
    server.post(&sale.path("/holds")).bearer(&first).json(&lines).refused(409, "sold_out").await;

    // The offer is accepted: its payment begins. A second time, it is not there to accept.
    let order = server.post(&sale.path("/orders")).bearer(&second).json(&json!({"hold": offer["id"]}));
    let order = order.expect(201).await.text("id");
    let again = server.post(&sale.path("/orders")).bearer(&second).json(&json!({"hold": offer["id"]}));
    again.refused(409, "wrong_state").await;
    let confirm = server.post(&sale.path(&format!("/orders/{order}/confirm"))).bearer(&sale.key);
    confirm.json(&json!({"payment": "offline"})).expect(200).await;
    let bought = entry(&server, &sale, &second, &joined.text("id"), through).await;
    assert_eq!(bought.json["offer"]["hold"]["state"], "paid");
}

#[tokio::test]
async fn scenario_48_an_offer_that_comes_too_late_goes_to_the_next_once() {
    let (server, clock) = Server::start_with_clock(Server::settings()).await;
    let sale = Sale::open(&server, &waited_for(2)).await;
    let [first, second, third] = [server.buyer().await, server.buyer().await, server.buyer().await];
    let held = sale.hold(&server, &first, "Standing", 2).await;
    let joined = join(&server, &sale, &second, 2).await;
    let later = join(&server, &sale, &third, 2).await;
    let through = release(&server, &sale, &held).await + 1;
    let offered = entry(&server, &sale, &second, &joined.text("id"), through).await;
    clock.advance(Duration::from_secs(601));
    // The expiry and the next offer.
    let through = through + 2;
    let next = entry(&server, &sale, &third, &later.text("id"), through).await;
    assert_eq!(next.json["standing"], "offered");
    let late = server.post(&sale.path("/orders")).bearer(&second);
    late.json(&json!({"hold": offered.json["offer"]["id"]})).refused(409, "hold_expired").await;
    let past = entry(&server, &sale, &second, &joined.text("id"), through).await;
    assert_eq!((&past.json["standing"], &past.json["offer"]["hold"]), (&json!("offered"), &Value::Null));

    // Declined: its hold is released. Nobody waits any more, so it is for sale again.
    let offer = &next.json["offer"]["hold"];
    let path = sale.path(&format!("/holds/{}/release", offer["id"].as_str().unwrap()));
    server.post(&path).header("x-hold-secret", offer["secret"].as_str().unwrap()).expect(200).await;
    sale.hold(&server, &first, "Standing", 2).await;
    let feed = server.get(&sale.path("/changes?limit=200")).expect(200).await;
    let items = feed.json["items"].as_array().unwrap();
    let offers: Vec<&Value> = items.iter().filter(|item| item["origin"] == "offer").collect();
    let entries: Vec<&Value> = offers.iter().map(|offer| &offer["entry"]).collect();
    assert_eq!(entries, [&joined.json["id"], &later.json["id"]], "each is offered once");
    assert_eq!(items.iter().filter(|item| item["type"] == "waitlist_joined").count(), 2);
}

#[tokio::test]
async fn a_buyer_leaves_and_the_organizer_sees_everyone() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &waited_for(1)).await;
    let buyer = server.buyer().await;
    sale.hold(&server, &server.buyer().await, "Standing", 1).await;
    let joined = join(&server, &sale, &buyer, 1).await;
    let mut named = wish(1);
    named["buyer"] = "guest-7".into();
    named["priority"] = 3.into();
    let path = sale.path("/waitlist");
    let guest = server.post(&path).bearer(&sale.key).json(&named).expect(201).await;
    assert_eq!(guest.json["priority"], 3);
    server.post(&path).bearer(&buyer).json(&named).refused(403, "forbidden").await;
    server.post(&path).bearer(&sale.key).json(&wish(1)).refused(422, "missing_field").await;

    let one = sale.path(&format!("/waitlist/{}", joined.text("id")));
    let secret = joined.text("secret");
    server.get(&one).header("x-hold-secret", &secret).expect(200).await;
    server.get(&one).header("x-hold-secret", &guest.text("secret")).refused(404, "entry_not_found").await;
    server.get(&one).bearer(&server.buyer().await).refused(404, "entry_not_found").await;
    let leave = format!("{one}/leave");
    server.post(&leave).bearer(&server.buyer().await).refused(404, "entry_not_found").await;
    let left = server.post(&leave).header("x-hold-secret", &secret).expect(200).await;
    assert_eq!(left.json["standing"], "left");
    server.post(&leave).bearer(&buyer).refused(404, "entry_not_found").await;

    let through = left.number("sequence");
    let gone = entry(&server, &sale, &buyer, &joined.text("id"), through).await;
    assert_eq!((&gone.json["standing"], &gone.json["reason"]), (&json!("left"), &json!("left")));
    let list =
        async |who: &str, query: &str| server.get(&format!("{path}{query}")).bearer(who).expect(200).await;
    let all = list(&sale.key, "?limit=1").await;
    assert_eq!(all.json["items"][0]["id"], joined.json["id"]);
    let rest = list(&sale.key, &format!("?limit=1&cursor={}", all.text("next"))).await;
    assert_eq!(rest.json["items"][0]["id"], guest.json["id"]);
    let own = list(&buyer, "").await;
    assert_eq!((own.json["items"].as_array().unwrap().len(), &own.json["next"]), (1, &Value::Null));
    server.get(&path).refused(401, "credential_missing").await;
}

#[tokio::test]
async fn who_cannot_wait_is_told_why() {
    let server = Server::start().await;
    let mut configuration = waited_for(2);
    configuration["waitlist"] = json!({"entries_max": 2, "ticket_types": ["Standing"]});
    let sale = Sale::open(&server, &configuration).await;
    let [buyer, other, third] = [server.buyer().await, server.buyer().await, server.buyer().await];
    let path = sale.path("/waitlist");
    let refused = async |who: &str, body: &Value, code: &str| {
        server.post(&path).bearer(who).json(body).refused(409, code).await
    };
    let there = refused(&buyer, &wish(2), "available_now").await;
    assert_eq!(there.json["ticket_type"], "Standing");
    let held = sale.hold(&server, &server.buyer().await, "Standing", 2).await;
    let free = json!({"choices": [{"ticket_type": "Free", "quantity": 1}]});
    refused(&buyer, &free, "waitlist_closed").await;
    let mut cheap = wish(1);
    cheap["price_max"] = json!({"amount": 100, "currency": "EUR"});
    refused(&buyer, &cheap, "price_changed").await;
    let joined = join(&server, &sale, &buyer, 1).await;
    let again = refused(&buyer, &wish(1), "already_waiting").await;
    assert_eq!(again.json["entry"], joined.json["id"]);
    join(&server, &sale, &other, 1).await;
    let full = refused(&third, &wish(1), "waitlist_full").await;
    assert_eq!(full.json["entries_max"], 2);
    let both = json!({"choices": [{"ticket_type": "Standing", "quantity": 1, "accessible": 1, "accept_split": true}]});
    server.post(&path).bearer(&third).json(&both).refused(422, "invalid_value").await;
    let none = json!({"choices": []});
    server.post(&path).bearer(&third).json(&none).refused(422, "invalid_request").await;
    let unknown = sale.path(&format!("/waitlist/{}", held.text("id").replace("hld_", "wle_")));
    server.get(&unknown).bearer(&buyer).refused(404, "entry_not_found").await;

    let plain = Sale::open(&server, &standing(1)).await;
    let closed = server.post(&plain.path("/waitlist")).bearer(&buyer).json(&wish(1));
    closed.refused(409, "waitlist_closed").await;
}

#[tokio::test]
async fn a_waitlist_that_makes_no_sense_is_no_configuration() {
    let server = Server::start().await;
    for (waitlist, path) in [
        (json!({"policy": "accumulate"}), "configuration.waitlist.patience_s"),
        (json!({"offer_s": 10}), "configuration.waitlist.offer_s"),
        (json!({"entries_max": 0}), "configuration.waitlist.entries_max"),
        (json!({"per_buyer_max": 0}), "configuration.waitlist.per_buyer_max"),
        (json!({"ticket_types": ["Nothing"]}), "configuration.waitlist.ticket_types[0]"),
    ] {
        let mut configuration = standing(1);
        configuration["waitlist"] = waitlist;
        let body = json!({"name": "E", "starts_at": "2030-01-01T19:00:00Z", "zone": "UTC", "configuration": configuration});
        let ask = server.post("/v1/events").bearer(&server.organizer_key().await).json(&body);
        let refused = ask.refused(422, "invalid_configuration").await;
        assert_eq!(refused.json["errors"][0]["path"], path);
    }
}

#[tokio::test]
async fn a_sale_that_closes_ends_the_line() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &waited_for(1)).await;
    let buyer = server.buyer().await;
    sale.hold(&server, &server.buyer().await, "Standing", 1).await;
    let joined = join(&server, &sale, &buyer, 1).await;
    sale.phase(&server, "closed").await;
    let through = joined.number("sequence") + 1;
    let ended = entry(&server, &sale, &buyer, &joined.text("id"), through).await;
    assert_eq!((&ended.json["standing"], &ended.json["reason"]), (&json!("left"), &json!("closed")));
}

#[tokio::test]
async fn who_was_offered_something_is_reminded_before_that_ends() {
    let relay = Relay::start().await;
    let (server, clock) = Server::start_with_clock(messages::settings(relay.port())).await;
    let mut configuration = waited_for(1);
    configuration["waitlist"] = json!({"offer_s": 7_200});
    let sale = Sale::open(&server, &configuration).await;
    let (first, second) = (server.buyer().await, server.buyer().await);
    let contact = server.ask(Method::PUT, "/v1/contacts/me").bearer(&second);
    contact.json(&json!({"email": "ada@example.com", "locale": "en"})).expect(200).await;
    let held = sale.hold(&server, &first, "Standing", 1).await;
    join(&server, &sale, &second, 1).await;
    release(&server, &sale, &held).await;
    let offer = relay.wait_for(1).await.remove(0);
    assert_eq!(offer.header("Subject"), "Tickets for Test are held for you");
    let inbox = server.get("/v1/inbox").bearer(&second).expect(200).await;
    let kinds: Vec<_> = inbox.json["items"].as_array().unwrap().iter().map(|item| &item["kind"]).collect();
    assert_eq!(kinds, ["offer"], "the reminder is not there, its deadline is");
    clock.advance(Duration::from_secs(4_700));
    let mut mails = relay.mails();
    while mails.len() < 2 {
        clock.advance(Duration::from_secs(5));
        tokio::time::timeout(Duration::from_millis(20), relay.wait_for(2)).await.ok();
        mails = relay.mails();
    }
    assert_eq!(mails[1].header("Subject"), "Your tickets for Test are held a little longer");
    assert!(mails[1].text.contains("List-Unsubscribe"));
}
