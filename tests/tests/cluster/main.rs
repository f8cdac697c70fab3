//! Nodes of a cluster, over HTTP in front and gRPC with mutual TLS between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)] // tests

mod trio;

use std::time::Instant;

use serde_json::json;
use tessera_server::settings::{ClusterSettings, Settings};
use tessera_tests::{Sale, Server, fresh_key, standing};

use crate::trio::{PATIENCE, Trio, certain};

/// The node that has the event: the one whose reads come from no mirror.
async fn owner(trio: &Trio, sale: &Sale) -> usize {
    let began = Instant::now();
    loop {
        let mut owners = Vec::new();
        for node in 0..3 {
            let read = trio.node(node).get(&sale.path("/availability")).expect(200).await;
            if read.headers.get("mirror-age-ms").is_none() {
                owners.push(node);
            }
        }
        if let [owner] = owners[..] {
            return owner;
        }
        assert!(began.elapsed() < PATIENCE, "the event has one owner: {owners:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_node_is_asked_sells_and_none_sells_twice() {
    let trio = Trio::start().await;
    let sale = Sale::open(trio.node(0), &standing(30)).await;
    let buyers = trio.node(0).buyers(31).await;
    let mut holds = Vec::new();
    for (number, buyer) in buyers.iter().take(30).enumerate() {
        let hold = sale.hold(trio.node(number % 3), buyer, "Standing", 1).await;
        holds.push((buyer, hold.text("id")));
    }
    let body = json!({"lines": [{"ticket_type": "Standing", "quantity": 1, "expected_price": {"amount": 4500, "currency": "EUR"}}]});
    for node in 0..3 {
        let ask = trio.node(node).post(&sale.path("/holds")).bearer(&buyers[30]).json(&body);
        ask.refused(409, "sold_out").await;
        // A hold is read wherever it was placed.
        let (buyer, hold) = &holds[node + 1];
        let read = trio.node(node).get(&sale.path(&format!("/holds/{hold}"))).bearer(buyer);
        assert_eq!(read.expect(200).await.json["state"], "held");
    }
    let owner = owner(&trio, &sale).await;
    let availability = sale.availability(trio.node(owner)).await;
    assert_eq!(
        availability["pools"][0],
        json!({"name": "Floor", "free": 0, "held": 30, "sold": 0, "killed": 0})
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_say_how_old_their_view_is_and_where_the_owner_is() {
    let trio = Trio::start().await;
    let sale = Sale::open(trio.node(0), &standing(5)).await;
    let owner = owner(&trio, &sale).await;
    let reader = (owner + 1) % 3;
    let buyer = trio.node(0).buyer().await;
    let hold = sale.hold(trio.node(reader), &buyer, "Standing", 2).await;
    let sequence = hold.json["sequence"].as_u64().unwrap();
    let began = Instant::now();
    let read = loop {
        let read = trio.node(reader).get(&sale.path("/availability")).expect(200).await;
        if read.json["sequence"].as_u64().unwrap() >= sequence {
            break read;
        }
        assert!(began.elapsed() < PATIENCE, "the mirror follows");
    };
    assert_eq!(read.json["pools"][0]["free"], 3);
    let age: u64 = read.headers["mirror-age-ms"].to_str().unwrap().parse().unwrap();
    assert!(age < 10_000, "{age} ms");
    assert_eq!(read.headers["event-owner"].to_str().unwrap(), format!("http://node{}.example", owner + 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_stopped_loses_nothing_and_keeps_its_keys() {
    let mut trio = Trio::start().await;
    let sale = Sale::open(trio.node(0), &standing(200)).await;
    let leaver = owner(&trio, &sale).await;
    let other = (leaver + 1) % 3;
    let buyers = trio.node(other).buyers(60).await;
    let body = json!({"lines": [{"ticket_type": "Standing", "quantity": 1, "expected_price": {"amount": 4500, "currency": "EUR"}}]});
    let mut sold = Vec::new();
    for buyer in &buyers[..30] {
        let key = fresh_key();
        let hold = trio.node(leaver).post(&sale.path("/holds")).bearer(buyer).key(&key).json(&body);
        sold.push((buyer, key, hold.expect(201).await));
    }
    trio.stop(leaver).await;
    for buyer in &buyers[30..] {
        let key = fresh_key();
        let ask = async || {
            trio.node(other).post(&sale.path("/holds")).bearer(buyer).key(&key).json(&body).send().await
        };
        assert_eq!(certain(ask).await.status, 201);
    }
    // Scenario 43 across a change of owner: the same key, the same reply, one effect.
    for (buyer, key, before) in &sold {
        let again = trio.node(other).post(&sale.path("/holds")).bearer(buyer).key(key).json(&body);
        let again = again.expect(201).await;
        assert!(again.replayed());
        assert_eq!(again.text("id"), before.text("id"));
    }
    let began = Instant::now();
    while sale.availability(trio.node(other)).await["pools"][0]["held"] != 60 {
        assert!(began.elapsed() < PATIENCE, "sixty are held");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_one_node_revokes_is_refused_by_all_in_a_moment() {
    let trio = Trio::start().await;
    let (secret, _) = trio.node(0).organizer(&["events:read"], None).await;
    for node in 0..3 {
        trio.node(node).get("/v1/events").bearer(&secret).expect(200).await;
    }
    let listed = trio.node(1).get("/v1/api-keys").bearer(tessera_tests::ADMIN_TOKEN).expect(200).await;
    let keys = listed.json["items"].as_array().unwrap();
    let id = keys.iter().find(|key| key["name"] == "test").unwrap()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/api-keys/{id}");
    let revoke = trio.node(1).ask(reqwest::Method::DELETE, &path).bearer(tessera_tests::ADMIN_TOKEN);
    revoke.expect(204).await;
    for node in 0..3 {
        let began = Instant::now();
        while trio.node(node).get("/v1/events").bearer(&secret).send().await.status != 401 {
            assert!(began.elapsed() < PATIENCE, "node {node} learns of it");
        }
    }
}

#[tokio::test]
async fn a_node_needs_a_store_that_others_share() {
    let cluster = ClusterSettings { enabled: true, ..ClusterSettings::default() };
    let settings = Settings { cluster, ..Server::settings() };
    let store = std::sync::Arc::new(tessera_store::memory::MemoryStore::new());
    let stores = tessera_server::server::Stores::of(store);
    let refused = tessera_server::server::Server::start(settings, stores).await.err().unwrap();
    assert!(refused.to_string().contains("store.kind"), "{refused}");
}
