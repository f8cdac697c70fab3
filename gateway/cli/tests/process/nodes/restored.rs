//! Scenario 34: the store's files are put back to what they were before the last sale.

use serde_json::{Value, json};

use super::balancer::balance;
use super::world::World;
use super::{NODES, Nodes, until};
use crate::installation::text;
use crate::server::{Sale, base, get, post, run};

/// Units for sale: more than are held.
const CAPACITY: u32 = 100;

impl Nodes {
    /// End all of them, as an operator does before a restore.
    fn end(&mut self) {
        for node in 0..NODES {
            assert!(self.take(node).terminate().success(), "a graceful end has status 0");
        }
    }

    async fn begin_all(&mut self) {
        for node in 0..NODES {
            self.begin(node).await;
        }
        self.whole().await;
    }

    /// Ask a node for a hold: its status, and the code of a refusal.
    async fn hold(&self, node: usize, sale: &Sale, buyer: &str, key: &str) -> (u16, Value) {
        let url = format!("http://{}{}", self.addresses[node].http, sale.path("/holds"));
        let request = self.client.post(url).bearer_auth(buyer).header("Idempotency-Key", key);
        let reply = request.json(&one_unit()).send().await.unwrap();
        let status = reply.status().as_u16();
        let document: Value = reply.json().await.unwrap();
        (status, document["code"].clone())
    }
}

fn one_unit() -> Value {
    json!({"lines": [{"ticket_type": "Free", "quantity": 1}]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_34_the_files_of_an_older_store_are_put_back() {
    let test = "nodes::restored::scenario_34_the_files_of_an_older_store_are_put_back";
    let Some(World { mut nodes, mut store, net: _net }) = World::enter(test).await else { return };
    let port = balance(nodes.addresses.map(|addresses| addresses.http).to_vec()).await;
    let sale = Sale::open(port, CAPACITY).await;
    let buyers = sale.buyers(port, 3).await;
    post(port, &sale.path("/holds"), &buyers[0], "kept", &one_unit()).await;
    nodes.end();
    store.back_up();
    nodes.begin_all().await;
    post(port, &sale.path("/holds"), &buyers[1], "lost", &one_unit()).await;
    nodes.end();
    store.put_back();
    nodes.begin_all().await;

    let closed = (503, json!("store_went_back"));
    for node in 0..NODES {
        until("the sale is closed", async || {
            let told = nodes.hold(node, &sale, &buyers[2], "refused").await;
            assert_ne!(told.0, 201, "node {node} sells what somebody was told to have");
            told == closed
        })
        .await;
    }
    let held = async || get(port, &sale.path("/availability"), &sale.key).await["pools"][0]["held"].clone();
    assert_eq!(held().await, 1, "what there is can be read");

    let reconciled = run(&["repair", "--url", &base(port), "--reconcile", &sale.event]);
    assert!(reconciled.status.success(), "{}", text(&reconciled.stderr));
    let said: Value = serde_json::from_slice(&reconciled.stdout).unwrap();
    assert_eq!(said["lost"]["last"], said["witnessed_sequence"], "{said}");
    assert!(said["sequence"].as_u64().unwrap() < said["lost"]["first"].as_u64().unwrap(), "{said}");
    for node in 0..NODES {
        until("the sale goes on", async || {
            nodes.hold(node, &sale, &buyers[2], &format!("node{node}")).await.0 == 201
        })
        .await;
    }
    until("everybody is shown it", async || held().await == 1 + NODES).await;
}
