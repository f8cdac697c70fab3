//! What an operator does with nodes, through any of them.

use std::time::Instant;

use serde_json::{Value, json};
use tessera_tests::{ADMIN_TOKEN, Sale, standing};

use crate::owner;
use crate::trio::{PATIENCE, Trio, certain};

/// The nodes as this one sees them, by their names.
async fn nodes(trio: &Trio, asked: usize) -> Vec<Value> {
    let listed = trio.node(asked).get("/v1/nodes").bearer(ADMIN_TOKEN).expect(200).await;
    let mut items = listed.json["items"].as_array().unwrap().clone();
    items.sort_by_key(|node| node["name"].as_str().unwrap().to_owned());
    let me = items.iter().find(|node| node["id"] == listed.json["me"]).unwrap();
    assert_eq!(me["name"], format!("node{}", asked + 1), "it knows itself");
    items
}

/// Wait until the event has this owner.
async fn is_owned_by(trio: &Trio, sale: &Sale, wanted: impl Fn(usize) -> bool) {
    let began = Instant::now();
    while !wanted(owner(trio, sale).await) {
        assert!(began.elapsed() < PATIENCE, "the event has another owner");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_moved_and_a_node_drained_through_any_other() {
    let trio = Trio::start().await;
    let sale = Sale::open(trio.node(0), &standing(10)).await;
    let from = owner(&trio, &sale).await;
    let (to, asked) = ((from + 1) % 3, (from + 2) % 3);
    let listed = nodes(&trio, asked).await;
    assert_eq!(listed.len(), 3);
    assert!(listed.iter().all(|node| node["state"] == "serving" && node["lease_ms"] == 2_000), "{listed:?}");
    let id = listed[to]["id"].as_str().unwrap();

    let body = json!({"node": id});
    let moved = trio.node(asked).post(&sale.path("/move")).bearer(ADMIN_TOKEN).json(&body).expect(202).await;
    assert_eq!(moved.json, json!({"event": sale.event, "node": id}));
    is_owned_by(&trio, &sale, |owner| owner == to).await;

    let drain = format!("/v1/nodes/{id}/drain");
    let drained = trio.node(asked).post(&drain).bearer(ADMIN_TOKEN).expect(202).await;
    assert_eq!(drained.json, json!({"id": id, "state": "draining"}));
    is_owned_by(&trio, &sale, |owner| owner != to).await;
    let began = Instant::now();
    while {
        let seen = &nodes(&trio, asked).await[to];
        seen["state"] != "draining" || seen["owned_events"] != 0
    } {
        assert!(began.elapsed() < PATIENCE, "it has handed everything over");
    }
    let refused = trio.node(from).post(&sale.path("/move")).bearer(ADMIN_TOKEN).json(&body);
    assert_eq!(refused.refused(422, "invalid_request").await.text("reason"), "not_serving");
    let buyer = trio.node(asked).buyer().await;
    let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
    let ask = async || trio.node(asked).post(&sale.path("/holds")).bearer(&buyer).json(&lines).send().await;
    assert_eq!(certain(ask).await.status, 201, "the sale goes on");
}
