//! What an installation in a cluster does beyond the conformance suite.
#![cfg(feature = "foundationdb")]
#![allow(clippy::unwrap_used, clippy::panic)] // tests

mod support;

use std::collections::BTreeMap;

use support::Installations;
use tessera_foundationdb::keyspace::{FEED_SHARDS, Keyspace, feed_shard};
use tessera_foundationdb::{Cluster, Cursor, FeedEntry, FeedRead, FoundationStore, Network};
use tessera_inventory::{Epoch, EventId, Sequence};
use tessera_store::conformance::log::batch;
use tessera_store::{AppendOutcome, Log, StoreError, Table, transact};
use tessera_writer::{BatchId, Head};

const EVENT: EventId = EventId(0x0198_0000_0000_7000_8000_0000_0000_0004);

/// One test: the client library starts once in a process.
#[test]
fn installations_in_a_cluster() {
    support::on_a_cluster(None, async |cluster, network| {
        let installations = Installations::new(cluster);
        an_old_read_version_never_fences(&installations, &network).await;
        the_feed_tells_of_every_append_once(&installations.open().await).await;
        who_waits_for_a_head_is_told(&installations.open().await).await;
        a_new_installation_is_not_opened_before_it_is_whole(installations.cluster()).await;
        installations_do_not_see_each_other(&installations).await;
        installations.remove().await;
    });
}

async fn append(store: &FoundationStore, event: EventId, head: Head, id: u128) -> Head {
    let batch = batch(head, id, 2, b"record");
    let next = batch.next;
    loop {
        match store.append(event, head, batch.clone()).await {
            AppendOutcome::Committed => return next,
            AppendOutcome::Unknown { .. } => {}
            failed => panic!("{failed:?}"),
        }
    }
}

/// Two processes with a cache of their own. What one has committed may be newer than what the other reads at.
async fn an_old_read_version_never_fences(installations: &Installations, network: &Network) {
    let here = installations.open().await;
    let there = installations.elsewhere(network).await;
    let mut head = append(&here, EVENT, Head::GENESIS, 1).await;
    append(&there, EventId(1), Head::GENESIS, 1).await;
    for round in 2..40 {
        // Each continues what the other has just written, and knows a version from before that.
        head = append(&here, EVENT, head, round * 10).await;
        head = append(&there, EVENT, head, round * 10 + 1).await;
        assert_eq!(here.head(EVENT).await, Ok(head));
        // A takeover there fences here, however old the version that is read at here.
        let epoch = Epoch(head.epoch.0 + 1);
        let claim = Head { epoch, batch_id: BatchId(round * 10 + 2), ..head };
        let claimed = tessera_store::Batch { next: claim, record: [].into() };
        assert_eq!(there.append(EVENT, head, claimed).await, AppendOutcome::Committed);
        let late = here.append(EVENT, head, batch(head, round * 10 + 3, 1, b"late")).await;
        assert_eq!(late, AppendOutcome::Fenced { found: claim });
        head = claim;
    }
}

/// Everything in the feed after `cursor`, a few at a time.
async fn feed(store: &FoundationStore, shard: u8, mut cursor: Cursor) -> (Vec<FeedEntry>, Cursor) {
    let mut entries = Vec::new();
    loop {
        let FeedRead::Page(page) = store.feed(shard, cursor, 3).await.unwrap() else {
            panic!("the era is the same")
        };
        if page.entries.is_empty() {
            assert_eq!(page.cursor, cursor);
            return (entries, cursor);
        }
        entries.extend(page.entries);
        cursor = page.cursor;
    }
}

async fn the_feed_tells_of_every_append_once(store: &FoundationStore) {
    let mut heads: BTreeMap<EventId, Head> = (0..20).map(|event| (EventId(event), Head::GENESIS)).collect();
    let mut cursors = [store.feed_begin(); FEED_SHARDS as usize];
    for round in 1..=5 {
        for (event, head) in &mut heads {
            *head = append(store, *event, *head, round).await;
        }
        let mut told: BTreeMap<EventId, Vec<Sequence>> = BTreeMap::new();
        for (shard, cursor) in (0..).zip(&mut cursors) {
            let (entries, next) = feed(store, shard, *cursor).await;
            *cursor = next;
            for FeedEntry { event, sequence } in entries {
                assert_eq!(feed_shard(event), shard);
                told.entry(event).or_default().push(sequence);
            }
        }
        let appended = heads.iter().map(|(event, head)| (*event, vec![head.sequence])).collect();
        assert_eq!(told, appended, "round {round}");
    }
    let other = Cursor { era: store.era() + 1, ..store.feed_begin() };
    assert_eq!(store.feed(0, other, 3).await, Ok(FeedRead::OtherEra(store.feed_begin())));
    assert!(matches!(store.feed(FEED_SHARDS, other, 3).await, Err(StoreError::TooLarge { .. })));
    assert_eq!(store.events().await.unwrap(), heads.into_keys().collect::<Vec<_>>());
}

async fn who_waits_for_a_head_is_told(store: &FoundationStore) {
    let head = append(store, EVENT, Head::GENESIS, 1).await;
    store.moved(EVENT, Sequence::ZERO).await;
    let waiting = tokio::spawn(store.moved(EVENT, head.sequence));
    // The watch may not stand yet: the first append after it does is told of.
    let mut head = head;
    for id in 2.. {
        if waiting.is_finished() {
            break;
        }
        head = append(store, EVENT, head, id).await;
    }
    waiting.await.unwrap();
}

async fn a_new_installation_is_not_opened_before_it_is_whole(cluster: &Cluster) {
    let keys = || Keyspace::new(&format!("test-{}", uuid::Uuid::now_v7())).unwrap();
    let keys = keys();
    assert!(FoundationStore::find(cluster, keys.clone()).await.unwrap().is_none());
    let new = FoundationStore::create(cluster, keys.clone(), 5).await.unwrap().unwrap();
    let half = FoundationStore::open(cluster, keys.clone(), 6).await;
    assert!(matches!(half, Err(StoreError::Damaged { .. })), "{half:?}");
    append(&new, EVENT, Head::GENESIS, 1).await;
    assert!(FoundationStore::create(cluster, keys.clone(), 7).await.unwrap().is_none(), "it is not vacant");
    new.finish().await.unwrap();
    let opened = FoundationStore::open(cluster, keys.clone(), 8).await.unwrap();
    assert_eq!((opened.era(), opened.events().await), (5, Ok(vec![EVENT])));
    opened.remove().await.unwrap();
    assert!(FoundationStore::find(cluster, keys).await.unwrap().is_none(), "nothing is left");
}

async fn installations_do_not_see_each_other(installations: &Installations) {
    let (one, other) = (installations.open().await, installations.open().await);
    append(&one, EVENT, Head::GENESIS, 1).await;
    let written = transact(&one, |mut transaction| async move {
        transaction.set(b"key", b"value");
        Ok((transaction, ()))
    });
    written.await.unwrap();
    assert_eq!(other.head(EVENT).await, Ok(Head::GENESIS));
    let rows = other.begin().await.unwrap().range(b"", &[0xff], 10, false).await;
    assert_eq!(rows, Ok(Vec::new()));
    let rows = one.begin().await.unwrap().range(b"", &[0xff], 10, false).await;
    assert_eq!(rows, Ok(vec![(b"key".to_vec(), b"value".to_vec())]), "nor its own log");
    assert!(Network::start(None).is_err(), "the client library starts once");
}
