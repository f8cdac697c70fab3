use tessera_cluster::Load;
use tessera_inventory::Timestamp;
use tessera_store::CommitOutcome;
use tessera_store::memory::{CommitFault, MemoryStore};

use super::*;

const A: NodeId = NodeId(0xaaaa << 100);
const B: NodeId = NodeId(0xbbbb);
const EVENT: EventId = EventId(42);

fn row(standing: Standing) -> NodeRow {
    NodeRow {
        name: "a".to_owned(),
        peer_address: "10.0.0.1:7443".to_owned(),
        client_address: Some("https://a.example".to_owned()),
        lease_ms: 3_000,
        release: "0.1.0".to_owned(),
        standing,
    }
}

fn beat(number: u64) -> Beat {
    Beat { number, load: Load { owned_events: 7 }, wall: Timestamp(9) }
}

async fn serving(nodes: &Nodes, ids: &[NodeId]) {
    for node in ids {
        assert_eq!(nodes.renew(*node, &row(Standing::Serving), &beat(1)).await, Ok(Renewed::Written));
    }
}

fn fresh() -> (MemoryStore, Nodes) {
    let store = MemoryStore::new();
    (store.clone(), Nodes::new(Arc::new(store)))
}

#[tokio::test]
async fn what_is_registered_is_listed() {
    let (_, nodes) = fresh();
    serving(&nodes, &[A, B]).await;
    assert_eq!(nodes.renew(A, &row(Standing::Draining), &beat(2)).await, Ok(Renewed::Written));
    let expected = [(B, Standing::Serving, 1), (A, Standing::Draining, 2)]
        .map(|(node, standing, number)| Listed { node, row: row(standing), beat: beat(number) });
    assert_eq!(nodes.list().await, Ok(expected.to_vec()));
}

#[tokio::test]
async fn a_node_that_beats_is_not_evicted_and_one_that_is_evicted_beats_no_more() {
    let (_, nodes) = fresh();
    serving(&nodes, &[A, B]).await;
    nodes.renew(A, &row(Standing::Serving), &beat(2)).await.unwrap();
    assert_eq!(nodes.evict(A, 1).await, Ok(Evicted::Alive));
    assert_eq!(nodes.evict(A, 2).await, Ok(Evicted::Gone));
    assert_eq!(nodes.renew(A, &row(Standing::Serving), &beat(3)).await, Ok(Renewed::Evicted));
    assert_eq!(nodes.evict(A, 2).await, Ok(Evicted::GoneBefore), "whoever comes second sees it done");
    assert_eq!(nodes.leave(B).await, Ok(()));
    assert_eq!(nodes.renew(B, &row(Standing::Serving), &beat(2)).await, Ok(Renewed::Evicted));
}

#[tokio::test]
async fn a_lost_registration_is_not_written_again() {
    let (_, nodes) = fresh();
    assert_eq!(nodes.renew(A, &row(Standing::Serving), &beat(2)).await, Ok(Renewed::Evicted));
    assert_eq!(nodes.list().await, Ok(Vec::new()));
}

#[tokio::test]
async fn what_an_eviction_has_read_is_what_it_evicts() {
    let (store, nodes) = fresh();
    serving(&nodes, &[A]).await;
    // The renewal commits between the eviction's reads and its commit: the transaction that has really read the beat conflicts.
    let mut reading = store.begin().await.unwrap();
    let beat_key = NodeBeatKey { node: A.0 }.pack();
    reading.get(&NodeKey { node: A.0 }.pack()).await.unwrap();
    reading.get(&beat_key).await.unwrap();
    nodes.renew(A, &row(Standing::Serving), &beat(2)).await.unwrap();
    reading.set(&NodeKey { node: A.0 }.pack(), b"evicted");
    assert_eq!(reading.commit().await, Ok(CommitOutcome::Conflict));
    // And the other way round: what a renewal has read, an eviction has changed.
    let mut reading = store.begin().await.unwrap();
    reading.get(&NodeKey { node: A.0 }.pack()).await.unwrap();
    assert_eq!(nodes.evict(A, 2).await, Ok(Evicted::Gone));
    reading.set(&beat_key, b"renewed");
    assert_eq!(reading.commit().await, Ok(CommitOutcome::Conflict));
}

#[tokio::test]
async fn an_event_that_is_set_aside_is_owned_and_not_woken() {
    let (store, nodes) = fresh();
    serving(&nodes, &[A]).await;
    let aside = Quarantined {
        event: EVENT,
        reason: "why".to_owned(),
        since: Timestamp(1),
        failures: 0,
        went_back: None,
    };
    QuarantinedEvents::new(Arc::new(store.clone())).set(&aside).await.unwrap();
    let owned = OwnerRow { node: A, term: 1 };
    assert_eq!(nodes.claim(A, EVENT).await, Ok((Claim::Take(owned), Some(aside))));
    let mut transaction = store.begin().await.unwrap();
    assert_eq!(transaction.get(&WakeUpKey { event: EVENT }.pack()).await, Ok(None));
}

#[tokio::test]
async fn an_event_has_one_owner_until_that_is_gone() {
    let (_, nodes) = fresh();
    serving(&nodes, &[A, B]).await;
    let owned = OwnerRow { node: A, term: 1 };
    assert_eq!(nodes.claim(A, EVENT).await, Ok((Claim::Take(owned), None)));
    assert_eq!(nodes.claim(A, EVENT).await, Ok((Claim::Ours(owned), None)));
    assert_eq!(nodes.claim(B, EVENT).await, Ok((Claim::Elsewhere(owned), None)));
    nodes.evict(A, 1).await.unwrap();
    assert_eq!(nodes.owner(EVENT).await, Ok(Some(Owner { owner: owned, node: None })));
    assert_eq!(nodes.forget(A).await, Ok(false), "something is left to adopt");
    assert_eq!(nodes.owned(A, None, 10).await, Ok(vec![EVENT]));
    assert_eq!(nodes.claim(A, EVENT).await, Ok((Claim::NotServing, None)));
    assert_eq!(nodes.claim(B, EVENT).await, Ok((Claim::Take(OwnerRow { node: B, term: 2 }), None)));
    assert_eq!(nodes.owned(A, None, 10).await, Ok(Vec::new()));
    assert_eq!(nodes.owned(B, None, 10).await, Ok(vec![EVENT]));
    assert_eq!(nodes.forget(A).await, Ok(true));
    assert_eq!(nodes.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn events_are_given_and_released_by_their_owner_only() {
    let (store, nodes) = fresh();
    serving(&nodes, &[A, B]).await;
    nodes.claim(A, EVENT).await.unwrap();
    assert_eq!(nodes.transfer(B, EVENT, A).await, Ok(Transfer::Give(OwnerRow { node: A, term: 1 })));
    store.inject_commit(CommitFault::UnknownApplied);
    let given = OwnerRow { node: B, term: 2 };
    assert_eq!(nodes.transfer(A, EVENT, B).await, Ok(Transfer::Give(given)), "also if it landed unheard");
    assert_eq!(nodes.owner(EVENT).await.unwrap().unwrap().owner, given);
    nodes.release(A, EVENT, Some(Timestamp(7))).await.unwrap();
    assert_eq!(nodes.owner(EVENT).await.unwrap().unwrap().owner, given);
    let wake_up = async || {
        let mut transaction = store.begin().await.unwrap();
        transaction.get(&WakeUpKey { event: EVENT }.pack()).await.unwrap()
    };
    let at_once = Some(WakeUpKey::encode(Timestamp(0)).to_vec());
    assert_eq!(wake_up().await, at_once, "who does not own it writes nothing");
    nodes.release(B, EVENT, Some(Timestamp(8))).await.unwrap();
    assert_eq!(wake_up().await, Some(WakeUpKey::encode(Timestamp(8)).to_vec()));
    assert_eq!(nodes.owner(EVENT).await, Ok(None));
    assert_eq!(nodes.owned(B, None, 10).await, Ok(Vec::new()));
}

#[tokio::test]
async fn pages_of_what_is_owned_follow_each_other() {
    let (_, nodes) = fresh();
    serving(&nodes, &[A]).await;
    for event in 1..=5 {
        nodes.claim(A, EventId(event)).await.unwrap();
    }
    assert_eq!(nodes.owned(A, None, 3).await, Ok([1, 2, 3].map(EventId).to_vec()));
    assert_eq!(nodes.owned(A, Some(EventId(3)), 3).await, Ok([4, 5].map(EventId).to_vec()));
}

#[tokio::test]
async fn what_was_left_of_unknown_outcome_lands_behind_nothing_later() {
    let (store, nodes) = fresh();
    serving(&nodes, &[A]).await;
    nodes.claim(A, EVENT).await.unwrap();
    let (beat_key, owner_key) = (NodeBeatKey { node: A.0 }.pack(), OwnerKey { event: EVENT }.pack());
    // A renewal, and a transfer or release, that have read and not committed yet.
    let mut left = Vec::new();
    for key in [&beat_key, &owner_key] {
        let mut transaction = store.begin().await.unwrap();
        transaction.get(key).await.unwrap();
        transaction.set(key, b"late");
        left.push(transaction);
    }
    assert_eq!(nodes.renew(A, &row(Standing::Serving), &beat(2)).await, Ok(Renewed::Written));
    assert_eq!(nodes.claim(A, EVENT).await, Ok((Claim::Ours(OwnerRow { node: A, term: 1 }), None)));
    for transaction in left {
        assert_eq!(transaction.commit().await, Ok(CommitOutcome::Conflict));
    }
    assert_eq!(nodes.renew(A, &row(Standing::Serving), &beat(1)).await, Ok(Renewed::Written), "it was");
    assert_eq!(nodes.list().await.unwrap()[0].beat.number, 2, "a beat goes on");
}
