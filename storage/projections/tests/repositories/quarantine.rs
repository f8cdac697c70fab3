use std::sync::Arc;

use tessera_inventory::{Epoch, EventId, Sequence, Timestamp};
use tessera_projections::quarantine::{
    Place, QUARANTINE_REASON_BYTES_MAX, Quarantined, QuarantinedEvents, WentBack,
};
use tessera_projections::reconciliation::Reconciliations;
use tessera_store::memory::{CommitFault, MemoryStore};

fn quarantined(event: u128) -> Quarantined {
    let reason = "its writer failed 5 times".to_owned();
    Quarantined { event: EventId(event), reason, since: Timestamp(1_000), failures: 5, went_back: None }
}

#[tokio::test]
async fn a_quarantine_stays_until_it_is_lifted() {
    let store = MemoryStore::new();
    let events = QuarantinedEvents::new(Arc::new(store.clone()));
    assert_eq!(events.get(EventId(1)).await.unwrap(), None);
    store.inject_commit(CommitFault::UnknownApplied);
    events.set(&quarantined(1)).await.unwrap();
    let again = QuarantinedEvents::new(Arc::new(store));
    assert_eq!(again.get(EventId(1)).await.unwrap(), Some(quarantined(1)));
    let anew = Quarantined { since: Timestamp(2_000), failures: 0, ..quarantined(1) };
    again.set(&anew).await.unwrap();
    assert_eq!(events.get(EventId(1)).await.unwrap(), Some(anew));
    events.remove(EventId(1)).await.unwrap();
    events.remove(EventId(1)).await.unwrap();
    assert_eq!(events.get(EventId(1)).await.unwrap(), None);
}

#[tokio::test]
async fn quarantined_events_are_listed_in_pages() {
    let events = QuarantinedEvents::new(Arc::new(MemoryStore::new()));
    for event in [3, 1, 2] {
        events.set(&quarantined(event)).await.unwrap();
    }
    let page = events.list(None, 2).await.unwrap();
    assert_eq!(page.events, [quarantined(1), quarantined(2)]);
    let rest = events.list(page.next, 2).await.unwrap();
    assert_eq!((rest.events, rest.next), (vec![quarantined(3)], None));
}

#[tokio::test]
async fn a_long_reason_is_cut_between_characters() {
    let events = QuarantinedEvents::new(Arc::new(MemoryStore::new()));
    let reason = "ü".repeat(QUARANTINE_REASON_BYTES_MAX);
    events.set(&Quarantined { reason: format!("-{reason}"), ..quarantined(1) }).await.unwrap();
    let kept = events.get(EventId(1)).await.unwrap().unwrap().reason;
    assert_eq!(kept.len(), QUARANTINE_REASON_BYTES_MAX - 1);
}

fn went_back(epoch: u64, sequence: u64) -> Quarantined {
    let place = |epoch, sequence| Place { epoch: Epoch(epoch), sequence: Sequence(sequence) };
    let lacks = WentBack { found: place(1, 10), witnessed: place(epoch, sequence) };
    Quarantined { went_back: Some(lacks), failures: 0, ..quarantined(1) }
}

#[tokio::test]
async fn what_any_node_has_seen_of_an_event_that_went_back_is_kept_until_it_is_reconciled() {
    let events = QuarantinedEvents::new(Arc::new(MemoryStore::new()));
    events.set(&quarantined(1)).await.unwrap();
    events.set(&went_back(7, 90)).await.unwrap();
    assert_eq!(events.get(EventId(1)).await.unwrap(), Some(went_back(7, 90)));
    // Another node has seen other owners, a third less of it, and a writer failed somewhere.
    for noticed in [went_back(9, 80), went_back(2, 20), quarantined(1)] {
        events.set(&noticed).await.unwrap();
    }
    assert_eq!(events.get(EventId(1)).await.unwrap(), Some(went_back(9, 90)));
    assert!(!events.lift(EventId(1)).await.unwrap(), "a repair is not a reconciliation");
    assert!(events.get(EventId(1)).await.unwrap().is_some());
    events.remove(EventId(1)).await.unwrap();
    events.set(&quarantined(1)).await.unwrap();
    assert!(events.lift(EventId(1)).await.unwrap());
    assert_eq!(events.get(EventId(1)).await.unwrap(), None);
}

#[tokio::test]
async fn an_earlier_reconciliation_does_not_take_a_later_one_back() {
    let accepted = Reconciliations::new(Arc::new(MemoryStore::new()));
    assert_eq!(accepted.accepted(EventId(1)).await.unwrap(), None);
    for epoch in [5, 9, 7] {
        accepted.accept(EventId(1), Epoch(epoch)).await.unwrap();
    }
    assert_eq!(accepted.accepted(EventId(1)).await.unwrap(), Some(Epoch(9)));
    assert_eq!(accepted.accepted(EventId(2)).await.unwrap(), None);
}
