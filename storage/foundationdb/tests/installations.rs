//! What an installation in a cluster does beyond the conformance suite.
#![cfg(feature = "foundationdb")]
#![allow(clippy::unwrap_used, clippy::panic)] // tests

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use support::Installations;
use tessera_foundationdb::cursor::{Cursor, Era};
use tessera_foundationdb::keyspace::{FEED_SHARDS, Keyspace, feed_shard};
use tessera_foundationdb::{Cluster, FeedEntry, FeedRead, FoundationStore, Network};
use tessera_inventory::{Epoch, EventId, Sequence};
use tessera_store::conformance::log::batch;
use tessera_store::{AppendOutcome, Log, StoreError, Table, transact};
use tessera_writer::{BatchId, Head};

const EVENT: EventId = EventId(0x0198_0000_0000_7000_8000_0000_0000_0004);
/// Far longer than a cluster needs to tell of a change.
const TOLD_WITHIN: Duration = Duration::from_secs(60);

/// One test: the client library starts once in a process.
#[test]
fn installations_in_a_cluster() {
    support::on_a_cluster(None, async |cluster, network| {
        let installations = Installations::new(cluster);
        an_old_read_version_never_fences(&installations, &network).await;
        the_feed_tells_of_every_append_once(&installations.open().await).await;
        a_new_era_ends_the_places_of_the_old_one(&installations.open().await, installations.cluster()).await;
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

/// Everything in some shards of the feed after `cursor`, a few at a time.
async fn feed(
    store: &FoundationStore,
    shards: std::ops::Range<u8>,
    mut cursor: Cursor,
) -> (Vec<FeedEntry>, Cursor) {
    let mut told: Vec<FeedEntry> = Vec::new();
    loop {
        let FeedRead::Entries(entries) = store.feed(shards.clone(), cursor, 3).await.unwrap() else {
            panic!("the era is the same")
        };
        let Some(last) = entries.last() else { return (told, cursor) };
        cursor.position = last.position;
        told.extend(entries);
    }
}

async fn the_feed_tells_of_every_append_once(store: &FoundationStore) {
    let mut heads: BTreeMap<EventId, Head> = (0..20).map(|event| (EventId(event), Head::GENESIS)).collect();
    let begin = Cursor::begin(store.era());
    let mut cursors = [begin; FEED_SHARDS as usize];
    let mut whole = begin;
    let mut all = Vec::new();
    for round in 1..=5 {
        for (event, head) in &mut heads {
            *head = append(store, *event, *head, round).await;
        }
        let appended: Vec<_> = heads.iter().map(|(event, head)| (*event, head.sequence)).collect();
        let (entries, next) = feed(store, 0..FEED_SHARDS, whole).await;
        whole = next;
        let told: Vec<_> = entries.iter().map(|entry| (entry.event, entry.sequence)).collect();
        assert_eq!(told, appended, "all shards together tell it in the order of the commits");
        let mut apart = Vec::new();
        for (shard, cursor) in (0..).zip(&mut cursors) {
            let (entries, next) = feed(store, shard..shard + 1, *cursor).await;
            *cursor = next;
            assert!(entries.iter().all(|entry| feed_shard(entry.event) == shard));
            apart.extend(entries);
        }
        apart.sort_by_key(|entry| entry.position);
        assert_eq!(apart, entries, "round {round}");
        all.extend(entries);
    }
    assert_eq!(
        feed(store, 0..FEED_SHARDS, begin).await.0,
        all,
        "also where every shard has more than a page"
    );
    let beyond = store.feed(0..FEED_SHARDS + 1, begin, 3).await;
    assert!(matches!(beyond, Err(StoreError::TooLarge { .. })), "{beyond:?}");
    assert_eq!(store.events().await.unwrap(), heads.into_keys().collect::<Vec<_>>());
}

async fn a_new_era_ends_the_places_of_the_old_one(store: &FoundationStore, cluster: &Cluster) {
    let head = append(store, EVENT, Head::GENESIS, 1).await;
    let (before, old) = feed(store, 0..FEED_SHARDS, Cursor::begin(store.era())).await;
    let new = store.renew_era(Era(store.era().0 + 1)).await.unwrap();
    assert_eq!(store.feed(0..FEED_SHARDS, old, 3).await, Ok(FeedRead::OtherEra(new)));
    append(store, EVENT, head, 2).await;
    let (entries, _) = feed(store, 0..FEED_SHARDS, new).await;
    let sequences: Vec<_> = entries.iter().map(|entry| entry.sequence).collect();
    assert_eq!(sequences, [head.sequence, head.sequence.plus(2)], "what was there is told anew, and goes on");
    assert_eq!(entries[0], before[0]);

    let keys = Keyspace::new(&format!("test-{}", uuid::Uuid::now_v7())).unwrap();
    let filling = FoundationStore::create(cluster, keys, Era(5)).await.unwrap().unwrap();
    let refused = filling.renew_era(Era(6)).await;
    assert!(matches!(refused, Err(StoreError::Damaged { .. })), "an import is under way: {refused:?}");
    filling.remove().await.unwrap();
}

#[allow(clippy::disallowed_methods)] // the deadline of a test
async fn who_waits_for_a_head_is_told(store: &FoundationStore) {
    let mut head = append(store, EVENT, Head::GENESIS, 1).await;
    let told = async {
        store.moved(EVENT, Sequence::ZERO).await;
        let mut waiting = tokio::spawn(store.moved(EVENT, head.sequence));
        // The watch may not stand yet: the first append after it does is told of.
        for id in 2.. {
            tokio::select! {
                biased;
                waited = &mut waiting => return waited.unwrap(),
                next = append(store, EVENT, head, id) => head = next,
            }
        }
    };
    tokio::time::timeout(TOLD_WITHIN, told).await.unwrap();
}

async fn a_new_installation_is_not_opened_before_it_is_whole(cluster: &Cluster) {
    let keys = || Keyspace::new(&format!("test-{}", uuid::Uuid::now_v7())).unwrap();
    let keys = keys();
    assert!(FoundationStore::find(cluster, keys.clone()).await.unwrap().is_none());
    let new = FoundationStore::create(cluster, keys.clone(), Era(5)).await.unwrap().unwrap();
    let half = FoundationStore::open(cluster, keys.clone(), Era(6)).await;
    assert!(matches!(half, Err(StoreError::Damaged { .. })), "{half:?}");
    append(&new, EVENT, Head::GENESIS, 1).await;
    assert!(
        FoundationStore::create(cluster, keys.clone(), Era(7)).await.unwrap().is_none(),
        "it is not vacant"
    );
    new.finish().await.unwrap();
    let opened = FoundationStore::open(cluster, keys.clone(), Era(8)).await.unwrap();
    assert_eq!((opened.era(), opened.events().await), (Era(5), Ok(vec![EVENT])));
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
