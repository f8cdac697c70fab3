//! Measures durable appends a second on the cluster of `FDB_CLUSTER_FILE`, and how fast the log of an event is read again:
//! `cargo run --release -p tessera-foundationdb --features foundationdb --example appends`.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement at the console"
)]

use std::time::{Duration, Instant};

use tessera_foundationdb::cursor::Era;
use tessera_foundationdb::keyspace::Keyspace;
use tessera_foundationdb::{Cluster, FoundationStore, Network};
use tessera_inventory::{EventId, Sequence};
use tessera_store::conformance::log::batch;
use tessera_store::{AppendOutcome, Log};
use tessera_writer::Head;
use uuid::Uuid;

const SECONDS: u64 = 5;
/// The log that is read again, in bytes.
const LOG_BYTES: usize = 60_000_000;
/// What its reader asks for at once, as a replay does.
const READ_BYTES: usize = 4_000_000;

/// One writer: an append follows the one before. `fresh` asks for a read version before each, as `head` does.
async fn write(store: FoundationStore, event: EventId, bytes: usize, fresh: bool) -> Vec<Duration> {
    let record = vec![7; bytes];
    let (begin, mut latencies, mut head) = (Instant::now(), Vec::new(), Head::GENESIS);
    while begin.elapsed() < Duration::from_secs(SECONDS) {
        let next = batch(head, latencies.len() as u128 + 1, 1, &record);
        let before = Instant::now();
        if fresh {
            assert_eq!(store.head(event).await, Ok(head));
        }
        match store.append(event, head, next.clone()).await {
            AppendOutcome::Committed => head = next.next,
            other => panic!("{other:?}"),
        }
        latencies.push(before.elapsed());
    }
    latencies
}

async fn measure(store: &FoundationStore, writers: u128, bytes: usize, fresh: bool) {
    let first = Uuid::now_v7().as_u128();
    let writers =
        (0..writers).map(|writer| tokio::spawn(write(store.clone(), EventId(first + writer), bytes, fresh)));
    let writers: Vec<_> = writers.collect();
    let count = writers.len();
    let mut latencies = Vec::new();
    for writer in writers {
        latencies.extend(writer.await.unwrap());
    }
    latencies.sort();
    let at = |share: usize| latencies[(latencies.len() * share / 1000).min(latencies.len() - 1)];
    println!(
        "{count:>3} writers, {bytes:>6} bytes{}: {:>6}/s, p50 {:?}, p99 {:?}, max {:?}",
        if fresh { ", head first" } else { "" },
        latencies.len() as u64 / SECONDS,
        at(500),
        at(990),
        at(1000),
    );
}

/// Appends a long log, then reads it from its beginning to its end.
async fn replay(store: &FoundationStore, bytes: usize) {
    let (event, record) = (EventId(Uuid::now_v7().as_u128()), vec![7; bytes]);
    let mut head = Head::GENESIS;
    for id in 1..=(LOG_BYTES / bytes) as u128 {
        let next = batch(head, id, 1, &record);
        assert_eq!(store.append(event, head, next.clone()).await, AppendOutcome::Committed);
        head = next.next;
    }
    let (begin, mut after, mut read) = (Instant::now(), Sequence::ZERO, 0);
    while after < head.sequence {
        for record in store.read(event, after, READ_BYTES).await.unwrap() {
            after = record.last_sequence;
            read += record.bytes.len();
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "replay of {read} bytes in records of {bytes}: {seconds:.2} s, {:.1} MB/s",
        read as f64 / 1e6 / seconds
    );
}

fn main() {
    let network = Network::start(None).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let cluster = Cluster::connect(&network, None).unwrap();
        let keyspace = Keyspace::new(&format!("appends-{}", Uuid::now_v7())).unwrap();
        let store = FoundationStore::open(&cluster, keyspace, Era(1)).await.unwrap();
        for (writers, bytes, fresh) in
            [(1, 200, false), (1, 20_000, false), (1, 20_000, true), (4, 20_000, false), (32, 2_000, false)]
        {
            measure(&store, writers, bytes, fresh).await;
        }
        for bytes in [20_000, 200_000, 1_000_000] {
            replay(&store, bytes).await;
        }
        store.remove().await.unwrap();
    });
}
