//! Kill -9 under load, again and again: what every client was told is in the log, once, and nothing else is; and whoever was told that
//! the stock is gone was told the truth at the sequence of the refusal.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::crowd::{Crowd, Purchase, Told};
use crate::server::{Sale, Server, base, free_port, get, run};

/// How often the server is killed.
const KILLS: u64 = 20;
/// Purchases answered between two kills.
const PURCHASES_PER_LIFE: u64 = 60;
/// Clients at once.
const CLIENTS: usize = 12;
/// Units for sale: fewer than the clients want.
const CAPACITY: u32 = 500;
/// Size of the configurations that fill the memory of the server that is killed for it, in ticket types.
const LARGE_TICKET_TYPES: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_21_kill_nine_under_load() {
    end_under_load(KILLS, End::Kill).await;
}

/// A restart as an operator does it, while buyers buy: every server drains and ends with status 0, and nobody is told
/// anything that is not so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_19_restarts_under_load() {
    end_under_load(4, End::Terminate).await;
}

/// The kernel ends a process that is out of memory by the same signal, at a moment when its memory is full: here of requests that are as
/// large as they may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_25_out_of_memory_kill() {
    end_under_load(3, End::KillWithFullMemory).await;
}

/// How the server ends, again and again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// SIGKILL.
    Kill,
    /// SIGKILL while its memory is full of large requests.
    KillWithFullMemory,
    /// SIGTERM.
    Terminate,
}

async fn end_under_load(ends: u64, end: End) {
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
    for _ in 0..ends {
        let fillers: Vec<_> = if end == End::KillWithFullMemory {
            (0..CLIENTS).map(|_| fill_memory(port, &sale)).collect()
        } else {
            vec![]
        };
        let before = crowd.answered.load(Ordering::Acquire);
        while crowd.answered.load(Ordering::Acquire) < before + PURCHASES_PER_LIFE {
            assert!(!clients.iter().any(tokio::task::JoinHandle::is_finished), "a client gave up");
            tokio::task::yield_now().await;
        }
        match end {
            End::Kill | End::KillWithFullMemory => server.kill(),
            End::Terminate => assert!(server.terminate().success(), "a graceful end has status 0"),
        }
        fillers.iter().for_each(tokio::task::JoinHandle::abort);
        server = Server::start(&data, port).await;
    }
    crowd.stop.store(true, Ordering::Release);
    let mut told = Vec::new();
    for client in clients {
        told.extend(client.await.unwrap());
    }
    judge(&told, &sale, port, ends).await;
    assert!(server.terminate().success(), "a graceful end has status 0");
    let verified = run(&["inspect", "--data", data.to_str().unwrap(), &sale.event, "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// Send large configurations of a stale version, one after the other, until aborted.
fn fill_memory(port: u16, sale: &Arc<Sale>) -> tokio::task::JoinHandle<()> {
    let url = format!("{}{}", base(port), sale.path("/configuration"));
    let one = json!({"name": "x".repeat(100), "price": 0, "per_order_max": 4, "draws_on": ["Floor"]});
    let configuration = json!({"currency": "EUR", "pools": [{"name": "Floor", "capacity": 1}], "ticket_types": vec![one; LARGE_TICKET_TYPES]});
    let body = json!({"expected_version": 99, "configuration": configuration});
    let sale = Arc::clone(sale);
    tokio::spawn(async move {
        let client = reqwest::Client::new();
        for number in 0_u64.. {
            let request =
                client.put(&url).bearer_auth(&sale.key).header("Idempotency-Key", format!("fill-{number}"));
            // Whatever becomes of it: it is refused, or the server dies under it.
            request.json(&body).send().await.ok();
        }
    })
}

async fn judge(told: &[Told], sale: &Sale, port: u16, kills: u64) {
    let feed = sale.changes(port).await;
    let of = |one: &Told| match one {
        Told::Purchase(purchase) => Some(purchase.clone()),
        Told::SoldOut(_) => None,
    };
    let purchases: Vec<Purchase> = told.iter().filter_map(of).collect();
    compare(&purchases, &feed);
    refusals_were_true(told, &feed);
    counters_agree(&purchases, &get(port, &sale.path("/availability"), &sale.key).await);
    let replayed: u32 = purchases.iter().map(|purchase| purchase.replayed).sum();
    assert!(kills < KILLS || replayed > 0, "in {kills} kills at least one answer was lost and repeated");
    assert!(kills < KILLS || purchases.len() < told.len(), "somebody was told that the stock is gone");
}

/// Fold the feed: at the sequence of every refusal nothing was free.
fn refusals_were_true(told: &[Told], feed: &[Value]) {
    let mut free = i64::from(CAPACITY);
    let mut free_at = vec![free];
    for item in feed {
        free += match item["type"].as_str().unwrap() {
            "hold_placed" => -1,
            "hold_released" => 1,
            _ => 0,
        };
        free_at.push(free);
    }
    for one in told {
        if let Told::SoldOut(sequence) = one {
            assert_eq!(
                free_at[usize::try_from(*sequence).unwrap()],
                0,
                "refused at {sequence} though a unit was free"
            );
        }
    }
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
