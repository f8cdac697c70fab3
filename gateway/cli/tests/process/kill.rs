//! Kill -9 under load, again and again: what every client was told is in the log, once, and nothing else is; and whoever was told that
//! the stock is gone was told the truth at the sequence of the refusal.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::crowd::{Connections, Crowd, Purchase, Told, tickets};
use crate::memory::MemoryLimit;
use crate::server::{Sale, Server, base, free_port, get, post, run, tessera};

/// How often the server is killed.
const KILLS: u64 = 20;
/// Purchases made between two kills.
const PURCHASES_PER_LIFE: u64 = 40;
/// Clients at once.
const CLIENTS: usize = 12;
/// Units for sale: more than are bought in all lives together, so that every kill meets a server that writes.
const CAPACITY: u32 = 1_300;
/// Units that are left for the last life, so that it sells out.
const TAIL_UNITS: u64 = 40;
/// How often clients are told in the last life that the stock is gone.
const TAIL_REFUSALS: u64 = 2 * CLIENTS as u64;
/// Most orders that one page of a list has.
const PAGE_ORDERS: usize = 200;
/// Memory of the server that is to run out of it, in bytes: enough to sell, and too little for a few large requests at once.
const MEMORY_BYTES: u64 = 96 << 20;
/// Length of such a request, in bytes: almost as long as the server takes one.
const LARGE_REQUEST_BYTES: usize = 15 << 20;

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

/// The kernel kills the server in the middle of its work because its memory is full. Where a machine lets nobody limit the memory of a
/// process, the same signal comes from the test while the server takes in what would fill it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_25_out_of_memory_kill() {
    let limit = MemoryLimit::make(MEMORY_BYTES);
    if limit.is_none() {
        eprintln!("no control group for memory can be made here: the test kills, not the kernel");
    }
    end_under_load(2, End::OutOfMemory(limit)).await;
}

/// How the server ends, again and again.
enum End {
    /// SIGKILL.
    Kill,
    /// SIGKILL by the kernel, or by us where there is no limit.
    OutOfMemory(Option<MemoryLimit>),
    /// SIGTERM.
    Terminate,
}

impl End {
    /// The server that will end so.
    fn program(&self) -> Command {
        match self {
            End::OutOfMemory(Some(limit)) => limit.confined(&tessera()),
            _ => tessera(),
        }
    }

    /// Ends it.
    fn bring(&self, server: Server, port: u16, sale: &Arc<Sale>) {
        match self {
            End::Kill => server.kill(),
            End::Terminate => assert!(server.terminate().success(), "a graceful end has status 0"),
            End::OutOfMemory(limit) => {
                let (before, memory) = (limit.as_ref().map(MemoryLimit::kills), server.memory_bytes());
                let fillers: Vec<_> = (0..CLIENTS).map(|number| fill_memory(port, sale, number)).collect();
                if let Some(limit) = limit {
                    let (status, said) = server.end();
                    assert_eq!(status.signal(), Some(9), "{status}: {said}");
                    assert!(Some(limit.kills()) > before, "the kernel did it");
                } else {
                    while server.memory_bytes() < memory + LARGE_REQUEST_BYTES as u64 {
                        assert!(!fillers.iter().all(JoinHandle::is_finished), "they were answered");
                        std::thread::yield_now();
                    }
                    server.kill();
                }
                fillers.iter().for_each(JoinHandle::abort);
            }
        }
    }
}

async fn end_under_load(ends: u64, end: End) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let port = free_port();
    let mut server = Server::start_as(end.program(), &data, port).await;
    let sale = Arc::new(Sale::open(port, CAPACITY).await);
    let tokens = sale.buyers(port, CLIENTS).await;
    let mut crowd = Crowd::send(port, &sale, &tokens, Connections::Kept);
    for life in 1..=ends {
        let end_at = crowd.progress().purchases + PURCHASES_PER_LIFE;
        crowd.until(|progress| progress.purchases >= end_at).await;
        assert_eq!(crowd.progress().sold_out, 0, "it is killed while it writes, not while it refuses");
        end.bring(server, port, &sale);
        let program = if life < ends { end.program() } else { tessera() };
        server = Server::start_as(program, &data, port).await;
    }
    sell_out(&mut crowd, &sale, port).await;
    let told = crowd.end().await;
    judge(&told, &sale, port, &end).await;
    tickets_are_as_told(&told, &tokens, &sale, port).await;
    assert!(server.terminate().success(), "a graceful end has status 0");
    let verified = run(&["inspect", "--data", data.to_str().unwrap(), &sale.event, "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// Withdraw most of what is left, and wait until the rest is gone, too.
pub(crate) async fn sell_out(crowd: &mut Crowd, sale: &Sale, port: u16) {
    let availability = get(port, &sale.path("/availability"), &sale.key).await;
    let free = availability["pools"][0]["free"].as_u64().unwrap();
    let units = json!({"pool": "Floor", "quantity": free - TAIL_UNITS});
    post(port, &sale.path("/kills"), &sale.key, "tail", &units).await;
    crowd.until(|progress| progress.sold_out >= TAIL_REFUSALS).await;
}

/// Send a large configuration of a stale version. It would be refused; the server dies under it.
fn fill_memory(port: u16, sale: &Sale, number: usize) -> JoinHandle<()> {
    let url = format!("{}{}", base(port), sale.path("/configuration"));
    let sections = ["x".repeat(LARGE_REQUEST_BYTES)];
    let configuration = json!({"currency": "EUR", "sections": sections, "ticket_types": []});
    let body = json!({"expected_version": 99, "configuration": configuration});
    let request = reqwest::Client::new().put(url).bearer_auth(&sale.key);
    let request = request.header("Idempotency-Key", format!("fill-{number}")).json(&body);
    tokio::spawn(async move { drop(request.send().await) })
}

async fn judge(told: &[Vec<Told>], sale: &Sale, port: u16, end: &End) {
    let feed = sale.changes(port).await;
    let told: Vec<&Told> = told.iter().flatten().collect();
    let purchases = purchases(told.iter().copied());
    compare(&purchases, &feed);
    refusals_were_true(&told, &feed, sale.capacity);
    counters_agree(&purchases, &get(port, &sale.path("/availability"), &sale.key).await, sale.capacity);
    let replayed: u32 = purchases.iter().map(|purchase| purchase.replayed).sum();
    assert!(
        !matches!(end, End::Kill) || replayed > 0,
        "in {KILLS} kills at least one answer was lost and repeated"
    );
    let given_up = told.iter().any(|one| matches!(one, Told::NotExecuted));
    assert!(!matches!(end, End::Terminate) || given_up, "somebody took a draining server at its word");
}

pub(crate) fn purchases<'a>(told: impl IntoIterator<Item = &'a Told>) -> Vec<&'a Purchase> {
    let of = |one: &'a Told| match one {
        Told::Purchase(purchase) => Some(purchase),
        Told::SoldOut(_) | Told::NotExecuted => None,
    };
    told.into_iter().filter_map(of).collect()
}

/// Every order that a client was told of has the tickets, with their codes, that it was told of; and there is no other.
pub(crate) async fn tickets_are_as_told(told: &[Vec<Told>], tokens: &[String], sale: &Sale, port: u16) {
    let head = sale.changes(port).await.len();
    for (told, token) in told.iter().zip(tokens) {
        let mut found = BTreeMap::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/orders?limit={PAGE_ORDERS}&min_sequence={head}{cursor}");
            let page = get(port, &sale.path(&path), token).await;
            for order in page["items"].as_array().unwrap() {
                found.insert(order["id"].as_str().unwrap().to_owned(), tickets(order));
            }
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let bought = purchases(told).into_iter().filter_map(|purchase| purchase.bought.clone());
        let expected: BTreeMap<_, _> = bought.map(|bought| (bought.order, bought.tickets)).collect();
        assert_eq!(found, expected);
    }
}

/// Fold the feed: at the sequence of every refusal nothing was free.
pub(crate) fn refusals_were_true(told: &[&Told], feed: &[Value], capacity: u32) {
    let mut free = i64::from(capacity);
    let mut free_at = vec![free];
    for item in feed {
        free += match item["type"].as_str().unwrap() {
            "hold_placed" => -1,
            "hold_released" => 1,
            "units_killed" => -item["quantity"].as_i64().unwrap(),
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

/// G2 and G3: the feed is dense, and holds exactly what the clients were told, each once. So nothing is there of a hold that was not
/// executed and never asked for again.
pub(crate) fn compare(purchases: &[&Purchase], feed: &[Value]) {
    let mut by_sequence: HashMap<u64, (&str, &str)> = HashMap::new();
    for (item, expected) in feed.iter().zip(1..) {
        assert_eq!(item["sequence"].as_u64(), Some(expected), "the feed is dense");
        let hold = item["hold"].as_str().unwrap_or_default();
        by_sequence.insert(expected, (item["type"].as_str().unwrap(), hold));
    }
    for purchase in purchases {
        let is = |sequence: u64, kind: &str| {
            let found = by_sequence.get(&sequence);
            assert_eq!(
                found,
                Some(&(kind, purchase.hold.as_str())),
                "what was acknowledged is in the log: {purchase:?}"
            );
        };
        is(purchase.hold_sequence, "hold_placed");
        match &purchase.bought {
            Some(bought) => {
                is(bought.sequence, "payment_begun");
                is(purchase.end_sequence, "confirmed");
            }
            None => is(purchase.end_sequence, "hold_released"),
        }
    }
    let count = |kind: &str| feed.iter().filter(|item| item["type"] == kind).count();
    let bought = purchases.iter().filter(|purchase| purchase.bought.is_some()).count();
    assert_eq!(count("hold_placed"), purchases.len(), "one hold per key, however often it was retried");
    assert_eq!((count("payment_begun"), count("confirmed")), (bought, bought), "one sale per order");
    assert_eq!(count("hold_released"), purchases.len() - bought, "one release per hold");
}

/// G1: the counters add up to the capacity and to what the clients bought.
pub(crate) fn counters_agree(purchases: &[&Purchase], availability: &Value, capacity: u32) {
    let pool = &availability["pools"][0];
    let of = |name: &str| pool[name].as_u64().unwrap();
    let bought = purchases.iter().filter(|purchase| purchase.bought.is_some()).count() as u64;
    assert_eq!(of("sold"), bought);
    assert_eq!(of("held"), 0);
    assert_eq!(of("free") + of("held") + of("sold") + of("killed"), u64::from(capacity));
}
