//! Scenario 10: commits are slow, again and again, until holds are over; once the store is itself again all of them end, and what they held is
//! sold once more, and not more than once.

use std::time::{Duration, Instant};

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::balancer::balance;
use super::world::World;
use super::{NODES, Nodes, PAUSE_MAX, until};
use crate::server::{Sale, get};

/// Holds of a unit each, which are the whole sale.
const HOLDS: usize = 300;
/// The shortest life of a hold.
const LIFE: Duration = Duration::from_secs(60);
/// From so long before the first hold is over on, until so long after the last is, nothing can be stored.
const MARGIN: Duration = Duration::from_secs(10);
/// Longer than a node takes to tell that nobody knows.
const ANSWER_WAIT: Duration = Duration::from_secs(20);

struct Buyer<'a> {
    nodes: &'a Nodes,
    sale: &'a Sale,
    token: String,
    client: reqwest::Client,
}

impl Buyer<'_> {
    /// Ask for a hold once: the status, and what is said.
    async fn asks(&self, number: usize, key: &str) -> (u16, Value) {
        let node = self.nodes.addresses[number % NODES].http;
        let body = json!({"lines": [{"ticket_type": "Free", "quantity": 1}], "duration_s": LIFE.as_secs()});
        let request = self.client.post(format!("http://{node}{}", self.sale.path("/holds")));
        let request = request.bearer_auth(&self.token).header("Idempotency-Key", format!("{key}-{number}"));
        let reply = request.json(&body).send().await.unwrap();
        (reply.status().as_u16(), reply.json().await.unwrap())
    }

    /// Ask until somebody decides.
    async fn told(&self, number: usize, key: &str) -> (u16, Value) {
        loop {
            let told = self.asks(number, key).await;
            if told.0 != 503 {
                return told;
            }
        }
    }

    /// Hold everything there is.
    async fn takes_all(&self, key: &str) {
        for (status, hold) in join_all((0..HOLDS).map(|number| self.told(number, key))).await {
            assert_eq!(status, 201, "{hold}");
        }
        let (status, refusal) = self.told(HOLDS, key).await;
        assert_eq!((status, &refusal["code"]), (409, &json!("sold_out")), "{refusal}");
    }
}

/// At most so many are held as there are units, each time by the feed; and nothing ended before its time.
fn judge(feed: &[Value]) {
    let mut held = 0;
    for (item, expected) in feed.iter().zip(1..) {
        assert_eq!(item["sequence"].as_u64(), Some(expected), "the feed is dense");
        match item["type"].as_str().unwrap() {
            "hold_placed" => held += 1,
            "expired" => {
                held -= usize::try_from(item["count"].as_u64().unwrap()).unwrap();
                let time = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
                assert!(time(&item["at"]) >= time(&item["through"]["deadline_at"]), "early: {item}");
            }
            _ => {}
        }
        assert!(held <= HOLDS, "sold twice: {item}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_10_expiries_catch_up_when_commits_were_slow() {
    let test = "nodes::expiries::scenario_10_expiries_catch_up_when_commits_were_slow";
    let Some(World { nodes, store, net: _net }) = World::enter(test).await else { return };
    let port = balance(nodes.addresses.map(|addresses| addresses.http).to_vec()).await;
    let sale = Sale::open(port, u32::try_from(HOLDS).unwrap()).await;
    let token = sale.buyers(port, 1).await.remove(0);
    let client = reqwest::Client::builder().timeout(ANSWER_WAIT).build().unwrap();
    let buyer = Buyer { nodes: &nodes, sale: &sale, token, client };
    nodes.settled().await;
    let first = Instant::now();
    buyer.takes_all("first").await;
    let last = Instant::now();
    let (mut number, mut turned_away, mut went_on) = (HOLDS, 0, last);
    while last.elapsed() < LIFE + MARGIN {
        store.signal("STOP");
        // The first waits as long as a request may take; when the holds are about to end, nothing is stored until they should have.
        until("the store may go on", async || {
            number += 1;
            let (status, told) = buyer.asks(number, "meanwhile").await;
            assert_eq!(status, 503, "nothing can be stored: {told}");
            turned_away += 1;
            first.elapsed() < LIFE - MARGIN || last.elapsed() > LIFE + MARGIN
        })
        .await;
        store.signal("CONT");
        went_on = Instant::now();
        number += 1;
        buyer.told(number, "between").await;
    }
    let expired = async || {
        let feed = sale.changes(port).await;
        let counts = feed.iter().filter(|item| item["type"] == "expired");
        counts.map(|item| item["count"].as_u64().unwrap()).sum::<u64>()
    };
    until("all holds have ended", async || expired().await >= HOLDS as u64).await;
    let took = went_on.elapsed();
    eprintln!(
        "{turned_away} turned away while nothing could be stored; all holds had ended {took:?} after it went on"
    );
    assert!(took < PAUSE_MAX, "{took:?}");
    // Who was told that nobody knows may have a unit already.
    join_all((0..HOLDS).map(|number| buyer.told(number, "again"))).await;
    until("everything is held once more", async || {
        let pool = &get(port, &sale.path("/availability"), &sale.key).await["pools"][0];
        (&pool["held"], &pool["free"]) == (&json!(HOLDS), &json!(0))
    })
    .await;
    judge(&sale.changes(port).await);
}
