//! What only shows from inside, on a real cluster.
#![allow(clippy::disallowed_methods, clippy::print_stderr)] // tests

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use foundationdb::FdbError;
use tessera_inventory::EventId;
use tessera_store::conformance::log::batch;
use tessera_store::{AppendOutcome, Log, VALUE_BYTES_MAX};
use tessera_writer::Head;

use super::*;
use crate::cluster::READ_ANSWER_MAX;
use crate::cursor::{Cursor, Era};
use crate::feed::FeedRead;
use crate::keyspace::{FEED_SHARDS, Keyspace, Section};
use crate::network::Network;
use crate::store::FoundationStore;

const EVENT: EventId = EventId(0x0198_0000_0000_7000_8000_0000_0000_0006);
const COMMIT_PROXY_MEMORY_LIMIT_EXCEEDED: i32 = 1042;

/// One test: the client library starts once in a process.
#[test]
fn on_a_cluster() {
    let Some(file) = std::env::var_os("FDB_CLUSTER_FILE").map(PathBuf::from) else {
        eprintln!("SKIPPED: FDB_CLUSTER_FILE names no cluster, so nothing was tested");
        return;
    };
    let network = Network::start(None).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let cluster = Cluster::connect(&network, Some(&file)).unwrap();
        let keyspace = Keyspace::new(&format!("test-{}", uuid::Uuid::now_v7())).unwrap();
        let prefix = keyspace.section(Section::Table);
        let rows = Rows { cluster, runtime: Handle::current(), prefix };
        only_a_new_era_tells_who_reads_the_feed_that_the_store_was_restored(&rows.cluster).await;
        what_is_busy_is_asked_later_and_later(&rows.cluster).await;
        a_real_conflict_is_told_at_the_first_refusal(&rows).await;
        no_transaction_is_larger_than_we_count(&rows).await;
        the_largest_transactions_are_taken(&rows).await;
        let mut clearing = begun(&rows).await;
        clearing.writes.clear_range(b"", &[0xff]);
        assert_eq!(committed(clearing).await, Ok(CommitOutcome::Committed));
    });
}

async fn begun(rows: &Rows) -> Commit {
    let begun_at = rows.cluster.now();
    let version = rows.cluster.fresh_version().await.unwrap();
    let (reads, writes) = (ReadSet::default(), WriteSet::default());
    Commit { begun: RowsAt { rows: rows.clone(), begun_at, version }, reads, writes }
}

/// As a transaction ends, its limits checked first.
async fn committed(own: Commit) -> Result<CommitOutcome, StoreError> {
    own.writes.check_limits(&own.reads)?;
    own.run().await
}

/// A restore brings back every row as it was, the era with them.
async fn only_a_new_era_tells_who_reads_the_feed_that_the_store_was_restored(cluster: &Cluster) {
    let keyspace = Keyspace::new(&format!("test-{}", uuid::Uuid::now_v7())).unwrap();
    let store = FoundationStore::open(cluster, keyspace.clone(), Era(7)).await.unwrap();
    let everything =
        Rows { cluster: cluster.clone(), runtime: Handle::current(), prefix: keyspace.whole().to_vec() };
    let mut head = Head::GENESIS;
    let mut append = async |id| {
        let next = batch(head, id, 1, b"record");
        assert_eq!(store.append(EVENT, head, next.clone()).await, AppendOutcome::Committed);
        head = next.next;
    };
    let read = async |after| match store.feed(0..FEED_SHARDS, after, 10).await.unwrap() {
        FeedRead::Entries(entries) => entries,
        FeedRead::OtherEra(begin) => panic!("{begin} is of another era"),
    };
    append(1).await;
    let backup = everything.begin().await.unwrap().range(b"", &[0xff], usize::MAX, false).await.unwrap();
    append(2).await;
    let seen = read(Cursor::begin(Era(7))).await;
    let after = Cursor { era: Era(7), position: seen[1].position };

    let mut restored = everything.begin().await.unwrap();
    restored.clear_range(b"", &[0xff]);
    backup.iter().for_each(|(key, value)| restored.set(key, value));
    assert_eq!(restored.commit().await, Ok(CommitOutcome::Committed));
    assert_eq!(read(after).await, [], "the second append is gone, and nobody says so");
    let begin = store.renew_era(Era(8)).await.unwrap();
    assert_eq!(store.feed(0..FEED_SHARDS, after, 10).await, Ok(FeedRead::OtherEra(begin)));
    assert_eq!(read(begin).await, seen[..1], "what there is, from the beginning");
    store.remove().await.unwrap();
}

async fn what_is_busy_is_asked_later_and_later(cluster: &Cluster) {
    let version = cluster.fresh_version().await.unwrap();
    let (asked, begin) = (AtomicU32::new(0), Instant::now());
    let busy = cluster.read::<(), _>(version, |_| {
        asked.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Err(FdbError::from_code(COMMIT_PROXY_MEMORY_LIMIT_EXCEEDED)))
    });
    let busy = busy.await;
    assert!(matches!(busy, Err(StoreError::Unavailable { .. })), "{busy:?}");
    assert_eq!(asked.into_inner(), ATTEMPTS_MAX);
    // Seven pauses that did not grow would be 70 ms at most; one run in a million has shorter ones that do.
    let paused = begin.elapsed();
    assert!(paused > Duration::from_millis(80) && paused < READ_ANSWER_MAX, "{paused:?}");
}

async fn a_real_conflict_is_told_at_the_first_refusal(rows: &Rows) {
    let mut late = begun(rows).await;
    late.reads.read_key(b"key");
    late.reads.read_range(b"range", b"rangf", 10, false, &[]);
    late.writes.set(b"late", b"");
    for key in [&b"key"[..], b"range of it"] {
        let mut first = begun(rows).await;
        first.writes.set(key, b"");
        assert_eq!(committed(first).await, Ok(CommitOutcome::Committed));
        let transaction = rows.cluster.transaction().unwrap();
        late.fill(&transaction).unwrap();
        let told = late.attempt(transaction).await;
        assert!(matches!(told, Attempt::Over(Ok(CommitOutcome::Conflict))));
        // The next one meets the other key only.
        late.begun.version = rows.cluster.fresh_version().await.unwrap();
    }
    let transaction = rows.cluster.transaction().unwrap();
    late.fill(&transaction).unwrap();
    let told = late.attempt(transaction).await;
    assert!(matches!(told, Attempt::Over(Ok(CommitOutcome::Committed))), "nothing has changed since");
}

/// A transaction made of one kind of thing, so many times.
type Shape = (&'static str, fn(&mut Commit, u32));

const SHAPES: [Shape; 7] = [
    ("small rows", |own, number| own.writes.set(&number.to_be_bytes(), b"")),
    ("large values", |own, number| {
        own.writes.set(&number.to_be_bytes(), &[7; VALUE_BYTES_MAX]);
    }),
    ("large keys", |own, number| own.writes.set(&large_key(number), b"")),
    ("keys cleared", |own, number| own.writes.clear(&large_key(number))),
    ("ranges cleared", |own, number| {
        own.writes.clear_range(&number.to_be_bytes(), &(number + 1).to_be_bytes());
    }),
    ("keys read", |own, number| {
        own.writes.set(b"one", b"");
        own.reads.read_key(&number.to_be_bytes());
    }),
    ("ranges read", |own, number| {
        own.writes.set(b"one", b"");
        let (begin, end) = (large_key(number), large_key(number + 1));
        own.reads.read_range(&begin, &end, usize::MAX, false, &[]);
    }),
];

fn large_key(number: u32) -> Vec<u8> {
    [&number.to_be_bytes()[..], &[7; 5_000]].concat()
}

async fn no_transaction_is_larger_than_we_count(rows: &Rows) {
    for (name, add) in SHAPES {
        let mut own = begun(rows).await;
        (0..10).for_each(|number| add(&mut own, number));
        let transaction = rows.cluster.transaction().unwrap();
        own.fill(&transaction).unwrap();
        let theirs = usize::try_from(transaction.get_approximate_size().await.unwrap()).unwrap();
        let ours = own.writes.bytes() + own.reads.bytes();
        assert!(theirs <= ours, "{name}: {theirs} bytes there, {ours} here");
        eprintln!("{name}: {theirs} bytes there, {ours} here");
    }
}

async fn the_largest_transactions_are_taken(rows: &Rows) {
    for (name, add) in SHAPES {
        let mut largest = begun(rows).await;
        add(&mut largest, 0);
        let one = largest.writes.bytes() + largest.reads.bytes();
        let mut count = u32::try_from(TRANSACTION_BYTES_MAX / one).unwrap();
        (1..count).for_each(|number| add(&mut largest, number));
        while largest.writes.check_limits(&largest.reads).is_ok() {
            add(&mut largest, count);
            count += 1;
        }
        let refused = committed(largest).await;
        assert!(matches!(refused, Err(StoreError::TooLarge { .. })), "{name}: {refused:?}");
        let mut largest = begun(rows).await;
        (0..count - 1).for_each(|number| add(&mut largest, number));
        assert_eq!(committed(largest).await, Ok(CommitOutcome::Committed), "{name}");
    }
}
