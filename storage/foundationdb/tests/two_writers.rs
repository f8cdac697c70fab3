//! Two writers of one event lose nothing, and no conflict is told that is none, while the client library makes every fourth read and commit fail.
#![cfg(feature = "foundationdb")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)] // tests

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use support::Installations;
use tessera_foundationdb::{ClientFaults, FoundationStore};
use tessera_inventory::{Epoch, EventId};
use tessera_store::conformance::log::{batch, read_whole};
use tessera_store::{AppendOutcome, CommitOutcome, Log, StoreError, Table};
use tessera_writer::Head;

const FAULTS: ClientFaults = ClientFaults { places_percent: 100, failures_percent: 25 };
const EVENT: EventId = EventId(0x0198_0000_0000_7000_8000_0000_0000_0003);
/// Batches that each writer has acknowledged before it stops.
const BATCHES: usize = 300;

/// Transactions that nobody is in conflict with.
const TRANSACTIONS: u32 = 200;

/// One test: the client library starts once in a process.
#[test]
fn two_writers_lose_nothing_while_the_client_fails() {
    support::on_a_cluster(Some(FAULTS), async |cluster, network| {
        let installations = Installations::new(cluster);
        let here = installations.open().await;
        let there = installations.elsewhere(&network).await;
        two_writers_lose_nothing([here, there]).await;
        no_conflict_is_told_where_there_is_none(&installations.open().await).await;
        installations.remove().await;
    });
}

/// Two writers take an event from each other. Each resubmits what has no known outcome, the same bytes.
async fn two_writers_lose_nothing(stores: [FoundationStore; 2]) {
    let unknown = Arc::new(AtomicU64::new(0));
    let [left, right] = stores.clone();
    let writers = [(left, 1), (right, 2)]
        .map(|(store, writer)| tokio::spawn(write(store, writer, Arc::clone(&unknown))));
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    // A batch whose outcome was unknown until its writer was fenced may be there, too: nobody was told that it is not.
    let mut logged: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    for record in read_whole(&stores[0], EVENT, 100_000).await {
        *logged.entry(record.bytes.to_vec()).or_default() += 1;
    }
    assert!(logged.values().all(|times| *times == 1), "no batch is in the log twice");
    let lost = acknowledged.iter().filter(|record| !logged.contains_key(*record)).count();
    assert_eq!(lost, 0, "each acknowledged batch is in the log");
    let unknown = unknown.load(Ordering::Relaxed);
    assert!(unknown > 0, "the client made no commit fail: nothing was tested");
    eprintln!("{} batches of two writers, {unknown} outcomes unknown on the way", acknowledged.len());
}

/// The records that were acknowledged to one writer.
async fn write(store: FoundationStore, writer: u128, unknown: Arc<AtomicU64>) -> Vec<Vec<u8>> {
    let mut acknowledged = Vec::new();
    let mut head = Head::GENESIS;
    let mut number = 0;
    while acknowledged.len() < BATCHES {
        number += 1;
        let id = (writer << 64) | number;
        // Now and then the other one is fenced, with an epoch of one's own.
        let record = id.to_be_bytes();
        let mut next = batch(head, id, 1, &record);
        next.next.epoch = Epoch(next.next.epoch.0 + u64::from(number % 7 == 0));
        loop {
            match store.append(EVENT, head, next.clone()).await {
                AppendOutcome::Committed => {
                    acknowledged.push(record.to_vec());
                    head = next.next;
                }
                AppendOutcome::Fenced { found } => head = found,
                AppendOutcome::Unknown { .. } => {
                    unknown.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                failed => panic!("a healthy store commits or fences: {failed:?}"),
            }
            break;
        }
    }
    acknowledged
}

/// Each transaction reads and writes a key of its own. One commit in ten is refused with a conflict, or a version too old, that the client
/// library made up.
async fn no_conflict_is_told_where_there_is_none(store: &FoundationStore) {
    let mut committed = 0;
    for number in 0..TRANSACTIONS {
        match run(store, &number.to_be_bytes()).await {
            Ok(CommitOutcome::Committed) => committed += 1,
            Ok(CommitOutcome::Unknown { .. })
            | Err(StoreError::Unavailable { .. } | StoreError::Outdated { .. }) => {}
            told => panic!("nobody else was there: {told:?}"),
        }
    }
    assert!(committed > TRANSACTIONS / 2, "{committed} of {TRANSACTIONS}: too few to show anything");
}

async fn run(store: &FoundationStore, key: &[u8]) -> Result<CommitOutcome, StoreError> {
    let mut transaction = store.begin().await?;
    assert_eq!(transaction.get(key).await?, None);
    transaction.set(key, b"");
    transaction.commit().await
}
