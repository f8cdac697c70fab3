use std::sync::Arc;

use tessera_inventory::{EventId, Timestamp};
use tessera_projections::quarantine::{QUARANTINE_REASON_BYTES_MAX, Quarantined, QuarantinedEvents};
use tessera_store::memory::{CommitFault, MemoryStore};

fn quarantined(event: u128) -> Quarantined {
    let reason = "its writer failed 5 times".to_owned();
    Quarantined { event: EventId(event), reason, since: Timestamp(1_000), failures: 5 }
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
