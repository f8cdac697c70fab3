//! Scenario 18: nodes whose wall clocks are an hour apart. Leases count no wall clock; the time of an event never goes back, no hold ends and no
//! sale opens early whoever owns the event, and what is due happens where the clock is right.

use std::process::Command;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{NODES, Nodes, Variable, cluster, others, skipped, until};
use crate::installation::text;
use crate::server::{ADMIN_TOKEN, Sale, get, post};

/// What the wall clock of each node is off.
const OFF: [&str; NODES] = ["+0", "+1h", "-1h"];
/// The node whose clock is right, the one that is ahead, and the one that is behind.
const RIGHT: usize = 0;
const AHEAD: usize = 1;
const BEHIND: usize = 2;
/// So far two nodes are apart at least, and none of what is compared here takes so long.
const APART: SignedDuration = SignedDuration::from_mins(50);
/// The life of a hold that is let go: the shortest there is.
const MINUTE: Duration = Duration::from_secs(60);
/// A hold ends at most so early, which is how far clocks may disagree unnoticed, and so late once the owner's clock is right: when a doubt
/// has ended and the deadline has come.
const EARLY_MAX: Duration = Duration::from_secs(10);
const LATE_MAX: Duration = Duration::from_secs(30);
/// Units of the sale: more than are held.
const CAPACITY: u32 = 1_000;

/// What shifts the wall clock of a process, and leaves its monotonic one alone.
fn shifts() -> Option<impl Fn(usize) -> Vec<Variable> + Send + Sync> {
    let library = Command::new("faketime").args(["-m", "-f", "+0", "printenv", "LD_PRELOAD"]).output();
    let Some(library) = library.ok().filter(|output| output.status.success()) else {
        skipped("faketime is not there");
        return None;
    };
    let library = text(&library.stdout).trim().to_owned();
    Some(move |node: usize| {
        vec![
            ("LD_PRELOAD", library.clone()),
            ("FAKETIME", OFF[node].to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    })
}

fn time(document: &Value, field: &str) -> Timestamp {
    document[field].as_str().unwrap_or_else(|| panic!("no {field}: {document}")).parse().unwrap()
}

/// A type that is on sale, and one that opens in an hour by the right clock.
fn configuration(opens_at: Timestamp) -> Value {
    let kind = |name: &str| json!({"name": name, "price": 0, "per_order_max": 4, "draws_on": ["Floor"]});
    let mut later = kind("Later");
    later["opens_at"] = json!(opens_at.to_string());
    json!({"currency": "EUR", "pools": [{"name": "Floor", "capacity": CAPACITY}], "ticket_types": [kind("Free"), later]})
}

struct Stage {
    nodes: Nodes,
    sale: Sale,
    buyer: String,
    holds: Vec<String>,
}

impl Stage {
    async fn begin(nodes: Nodes) -> Stage {
        let tokens = async |node: usize| {
            post(nodes.port(node), "/v1/buyer-tokens", ADMIN_TOKEN, "tokens", &json!({})).await
        };
        let minted = [tokens(RIGHT).await, tokens(AHEAD).await, tokens(BEHIND).await];
        let [right, ahead, behind] = minted.each_ref().map(|minted| time(minted, "expires_at"));
        assert!(ahead.duration_since(right) > APART && right.duration_since(behind) > APART, "{minted:?}");
        let sale = Sale::open_hall(nodes.port(RIGHT), "clocks", CAPACITY, &configuration(right)).await;
        // This token is good wherever it is asked for: the node that is ahead has made it.
        let buyer = minted[AHEAD]["tokens"][0].as_str().unwrap().to_owned();
        Stage { nodes, sale, buyer, holds: Vec::new() }
    }

    /// Ask a node for a hold until somebody decides: status and document.
    async fn ask(&self, node: usize, ticket_type: &str, duration: Duration) -> (u16, Value) {
        let url = format!("http://{}{}", self.nodes.addresses[node].http, self.sale.path("/holds"));
        let body =
            json!({"lines": [{"ticket_type": ticket_type, "quantity": 1}], "duration_s": duration.as_secs()});
        let key = format!("{ticket_type}-{}-{}", self.holds.len(), duration.as_secs());
        let mut told = (503, Value::Null);
        until("somebody decides", async || {
            let request =
                self.nodes.client.post(&url).bearer_auth(&self.buyer).header("Idempotency-Key", &key);
            let reply = request.json(&body).send().await.unwrap();
            told = (reply.status().as_u16(), reply.json().await.unwrap());
            told.0 != 503
        })
        .await;
        told
    }

    /// Place a hold, which ends when it should by the right clock.
    async fn hold(&mut self, node: usize, duration: Duration) -> String {
        let (status, hold) = self.ask(node, "Free", duration).await;
        assert_eq!(status, 201, "{hold}");
        let should = Timestamp::now() + duration;
        let off = time(&hold, "deadline_at").duration_since(should).abs();
        assert!(off < SignedDuration::try_from(LATE_MAX).unwrap(), "it should end at {should}: {hold}");
        let id = hold["id"].as_str().unwrap().to_owned();
        self.holds.push(id.clone());
        id
    }

    /// Give the event to a node, and wait until that has it.
    async fn give(&self, to: usize) {
        self.nodes.whole().await;
        self.nodes.settled().await;
        let owner = self.nodes.owner().await;
        if owner != to {
            let listed = self.nodes.document(owner, "/v1/nodes", ADMIN_TOKEN).await;
            let name = format!("node{to}");
            let is_it = |item: &&Value| item["name"] == name.as_str() && item["state"] == "serving";
            let node = &listed["items"].as_array().unwrap().iter().find(is_it).unwrap()["id"];
            post(
                self.nodes.port(owner),
                &self.sale.path("/move"),
                ADMIN_TOKEN,
                "move",
                &json!({"node": node}),
            )
            .await;
        }
        until("it has the event", async || self.nodes.owner().await == to).await;
    }

    /// Nothing has opened and nothing has ended, wherever it is asked for; and another hold is as long as it should be.
    async fn is_on_time(&mut self, node: usize) {
        let (status, refusal) = self.ask(node, "Later", MINUTE).await;
        assert_eq!(
            (status, &refusal["code"]),
            (409, &json!("not_on_sale")),
            "it opens in an hour: {refusal}"
        );
        self.hold(node, 10 * MINUTE).await;
        for hold in &self.holds {
            let path = self.sale.path(&format!("/holds/{hold}"));
            let shown = get(self.nodes.port(node), &path, &self.buyer).await;
            assert_eq!(shown["state"], "held", "{shown}");
        }
    }

    /// Kill the owner, and let somebody else take the event over.
    async fn kill_owner(&mut self) {
        let owner = self.nodes.owner().await;
        self.nodes.take(owner).kill();
        let [next, other] = others(owner);
        self.is_on_time(next).await;
        self.is_on_time(other).await;
        self.nodes.begin(owner).await;
    }
}

impl Nodes {
    fn port(&self, node: usize) -> u16 {
        self.addresses[node].http.port()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_18_nodes_whose_clocks_are_an_hour_apart() {
    let Some(()) = cluster() else { return };
    let Some(shifts) = shifts() else { return };
    let nodes = Nodes::start_with(shifts).await;
    let mut stage = Stage::begin(nodes).await;
    stage.give(RIGHT).await;
    let placed = Instant::now();
    let short = stage.hold(RIGHT, MINUTE).await;
    for to in [AHEAD, BEHIND, AHEAD] {
        stage.give(to).await;
        stage.is_on_time(RIGHT).await;
    }
    assert_eq!(stage.nodes.sum(0..NODES, "tessera_evictions_total").await, 0, "no lease counts a wall clock");
    stage.kill_owner().await;
    stage.give(RIGHT).await;
    let right_after = placed.elapsed();
    let ends = async || {
        let feed = stage.sale.changes(stage.nodes.port(RIGHT)).await;
        feed.iter().find(|item| item["type"] == "expired").cloned()
    };
    let mut expired = None;
    until("the hold ends", async || {
        expired = ends().await;
        expired.is_some()
    })
    .await;
    let (ended_after, expired) = (placed.elapsed(), expired.unwrap());
    eprintln!(
        "a hold of {MINUTE:?} ended after {ended_after:?}; the right node had the event again after {right_after:?}"
    );
    assert_eq!((&expired["count"], &expired["through"]["hold"]), (&json!(1), &json!(short)), "{expired}");
    assert!(ended_after + EARLY_MAX > MINUTE, "early: {ended_after:?}");
    assert!(ended_after < MINUTE.max(right_after) + LATE_MAX, "late: {ended_after:?}");
    let feed = stage.sale.changes(stage.nodes.port(RIGHT)).await;
    let times: Vec<_> = feed.iter().map(|item| time(item, "at")).collect();
    assert!(times.is_sorted(), "time went back: {feed:?}");
}
