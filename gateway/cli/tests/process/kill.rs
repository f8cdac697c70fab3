//! Scenario 21: kill -9 under load, again and again; what every client was told is in the log, once, and nothing else is.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;

use crate::crowd::{Crowd, Purchase};
use crate::server::{Sale, Server, free_port, get, run};

/// How often the server is killed.
const KILLS: u64 = 20;
/// Purchases answered between two kills.
const PURCHASES_PER_LIFE: u64 = 60;
/// Clients at once.
const CLIENTS: usize = 12;
/// Units for sale: more than the clients can take.
const CAPACITY: u32 = 1_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_21_kill_nine_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let port = free_port();
    let mut server = Server::start(&data, port).await;
    let sale = Arc::new(Sale::open(port, CAPACITY).await);
    let crowd = Crowd::new(port, Arc::clone(&sale));
    let tokens = sale.buyers(port, CLIENTS).await;
    let clients: Vec<_> = tokens
        .into_iter()
        .enumerate()
        .map(|(number, token)| tokio::spawn(Arc::clone(&crowd).client(number, token)))
        .collect();
    for _ in 0..KILLS {
        let before = crowd.answered.load(Ordering::Acquire);
        while crowd.answered.load(Ordering::Acquire) < before + PURCHASES_PER_LIFE {
            assert!(!clients.iter().any(tokio::task::JoinHandle::is_finished), "a client gave up");
            tokio::task::yield_now().await;
        }
        server.kill();
        server = Server::start(&data, port).await;
    }
    crowd.stop.store(true, Ordering::Release);
    let mut purchases = Vec::new();
    for client in clients {
        purchases.extend(client.await.unwrap());
    }
    compare(&purchases, &sale.changes(port).await);
    counters_agree(&purchases, &get(port, &sale.path("/availability"), &sale.key).await);
    assert!(server.terminate().success(), "a graceful end has status 0");
    let verified = run(&["inspect", "--data", data.to_str().unwrap(), &sale.event, "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// G2 and G3: the feed is dense, and holds exactly what the clients were told, each once.
fn compare(purchases: &[Purchase], feed: &[Value]) {
    let mut by_sequence: HashMap<u64, (&str, &str)> = HashMap::new();
    for (item, expected) in feed.iter().zip(1..) {
        assert_eq!(item["sequence"].as_u64(), Some(expected), "the feed is dense");
        let hold = item["hold"].as_str().unwrap_or_default();
        by_sequence.insert(expected, (item["type"].as_str().unwrap(), hold));
    }
    for purchase in purchases {
        let placed = by_sequence.get(&purchase.hold_sequence);
        assert_eq!(
            placed,
            Some(&("hold_placed", purchase.hold.as_str())),
            "an acknowledged hold is in the log: {purchase:?}"
        );
        let end = if purchase.bought { "confirmed" } else { "hold_released" };
        let ended = by_sequence.get(&purchase.end_sequence);
        assert_eq!(
            ended,
            Some(&(end, purchase.hold.as_str())),
            "its acknowledged end is in the log: {purchase:?}"
        );
    }
    let count = |kind: &str| feed.iter().filter(|item| item["type"] == kind).count();
    assert_eq!(count("hold_placed"), purchases.len(), "one hold per key, however often it was retried");
    assert_eq!(
        count("confirmed"),
        purchases.iter().filter(|purchase| purchase.bought).count(),
        "one sale per order"
    );
    let replayed: u32 = purchases.iter().map(|purchase| purchase.replayed).sum();
    assert!(replayed > 0, "in {KILLS} kills at least one answer was lost and repeated");
}

/// G1: the counters add up to the capacity and to what the clients bought.
fn counters_agree(purchases: &[Purchase], availability: &Value) {
    let pool = &availability["pools"][0];
    let of = |name: &str| pool[name].as_u64().unwrap();
    let bought = purchases.iter().filter(|purchase| purchase.bought).count() as u64;
    assert_eq!(of("sold"), bought);
    assert_eq!(of("held"), 0);
    assert_eq!(of("free") + of("held") + of("sold") + of("killed"), u64::from(CAPACITY));
}
