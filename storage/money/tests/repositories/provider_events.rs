use std::num::NonZeroU16;
use std::sync::Arc;

use tessera_inventory::{EventId, Timestamp};
use tessera_money::Lane;
use tessera_money::provider_events::{
    BODY_BYTES_MAX, Cursor, HEADERS_BYTES_MAX, Kept, NAME_BYTES_MAX, ProviderEvent, ProviderEvents, Standing,
    UNVERIFIED_WAITING_MAX,
};
use tessera_payments::{ProviderEventId, ProviderId};
use tessera_store::Table;
use tessera_store::memory::{CommitFault, MemoryStore};

fn event(name: &str, at: u64, standing: Standing) -> ProviderEvent {
    ProviderEvent {
        id: ProviderEventId { provider: ProviderId(NonZeroU16::new(2).unwrap()), event: name.into() },
        received_at: Timestamp(at),
        lane: Lane::of(EventId(1)),
        standing,
        headers: vec![("Stripe-Signature".to_owned(), "t=1".to_owned())],
        body: b"{}".to_vec(),
    }
}

fn events() -> (MemoryStore, ProviderEvents) {
    let store = MemoryStore::new();
    (store.clone(), ProviderEvents::new(Arc::new(store)))
}

#[tokio::test]
async fn the_longest_event_is_kept_byte_by_byte() {
    let (_, events) = events();
    let body: Vec<u8> = (0..BODY_BYTES_MAX).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let headers = vec![("h".to_owned(), "v".repeat(HEADERS_BYTES_MAX - 1))];
    let longest =
        ProviderEvent { body, headers, ..event(&"n".repeat(NAME_BYTES_MAX), 9, Standing::Unparsed) };
    assert_eq!(events.keep(&longest).await.unwrap(), Kept::Now);
    assert_eq!(events.load(&longest.id).await.unwrap().as_ref(), Some(&longest));
    // What stands otherwise has the same body.
    events.stand(&longest.id, Standing::Unknown).await.unwrap();
    let unknown = ProviderEvent { standing: Standing::Unknown, ..longest.clone() };
    assert_eq!(events.load(&longest.id).await.unwrap(), Some(unknown));
}

#[tokio::test]
async fn what_is_handled_is_known_for_ever_and_says_nothing_any_more() {
    let (store, events) = events();
    let rows = async || {
        let (begin, end) = (vec![0_u8], vec![0xff_u8]);
        store.begin().await.unwrap().range(&begin, &end, 100, false).await.unwrap()
    };
    let said = b"ada@example.com".repeat(BODY_BYTES_MAX / 15);
    let of = |name: &str, standing| ProviderEvent { body: said.clone(), ..event(name, 9, standing) };
    for standing in [Standing::Waits, Standing::Unparsed, Standing::Unknown, Standing::Unverified] {
        let waiting = of(&format!("evt_{}", standing as u8), standing);
        events.keep(&waiting).await.unwrap();
        events.stand(&waiting.id, Standing::Handled).await.unwrap();
    }
    let nothing_for_us = of("evt_9", Standing::Handled);
    events.keep(&nothing_for_us).await.unwrap();
    let left = rows().await;
    assert_eq!(left.len(), 5, "a row each, and nothing is due");
    for (_, row) in &left {
        assert!(!row.windows(3).any(|part| part == b"ada" || part == b"t=1"), "nothing of what was said");
        assert!(row.windows(32).any(|part| part == blake3::hash(&said).as_bytes()), "but its hash");
    }
    for again in [of("evt_0", Standing::Waits), nothing_for_us] {
        assert_eq!(events.keep(&again).await.unwrap(), Kept::Before(Standing::Handled));
        let dropped =
            ProviderEvent { standing: Standing::Handled, headers: Vec::new(), body: Vec::new(), ..again };
        assert_eq!(events.load(&dropped.id).await.unwrap(), Some(dropped));
    }
    assert_eq!(rows().await, left);
}

#[tokio::test]
async fn an_event_that_is_told_a_thousand_times_is_kept_once() {
    let (store, events) = events();
    let first = event("evt_1", 9, Standing::Waits);
    store.inject_commit(CommitFault::UnknownNotApplied);
    assert_eq!(events.keep(&first).await.unwrap(), Kept::Now);
    for again in 10..1_010 {
        let other = ProviderEvent { body: b"[]".to_vec(), ..event("evt_1", again, Standing::Waits) };
        assert_eq!(events.keep(&other).await.unwrap(), Kept::Before(Standing::Waits));
    }
    assert_eq!(events.due(first.lane, None, 9).await.unwrap().len(), 1);
    assert_eq!(events.load(&first.id).await.unwrap(), Some(first), "as it came first");
}

#[tokio::test]
async fn what_waits_comes_in_the_order_it_came_until_it_is_handled() {
    let (_, events) = events();
    let standings = [Standing::Waits, Standing::Unparsed, Standing::Unknown, Standing::Unverified];
    for (at, standing) in (1..).zip(standings) {
        events.keep(&event(&format!("evt_{at}"), 1_000 - at, standing)).await.unwrap();
    }
    let lane = event("", 0, Standing::Waits).lane;
    let waiting = events.due(lane, None, 9).await.unwrap();
    let names: Vec<_> = waiting.iter().map(|waiting| &*waiting.id.event).collect();
    assert_eq!(names, ["evt_4", "evt_3", "evt_2", "evt_1"], "also what nobody can read yet");
    let after = events.due(lane, Some(&Cursor::After(waiting[0].clone())), 1).await.unwrap();
    assert_eq!(after, waiting[1..2]);
    events.stand(&waiting[0].id, Standing::Waits).await.unwrap();
    assert_eq!(events.due(lane, None, 9).await.unwrap().len(), 4, "it is the provider's, and waits");
    events.stand(&waiting[0].id, Standing::Handled).await.unwrap();
    events.stand(&waiting[0].id, Standing::Unknown).await.unwrap();
    assert_eq!(events.due(lane, None, 9).await.unwrap(), waiting[1..], "what is handled stays so");
    let nobody = event("evt_9", 9, Standing::Waits).id;
    assert!(events.stand(&nobody, Standing::Handled).await.is_err());
}

#[tokio::test]
async fn nothing_is_left_of_what_its_provider_did_not_tell() {
    let (store, events) = events();
    let forged =
        ProviderEvent { body: vec![b'x'; BODY_BYTES_MAX], ..event("evt_1", 9, Standing::Unverified) };
    events.keep(&forged).await.unwrap();
    events.forget(&forged.id).await.unwrap();
    let left = store.begin().await.unwrap().range(&[0], &[0xff], 9, false).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(events.keep(&forged).await.unwrap(), Kept::Now, "it may be told once more");
    // Whoever was told otherwise is right.
    events.stand(&forged.id, Standing::Waits).await.unwrap();
    events.forget(&forged.id).await.unwrap();
    assert_eq!(events.load(&forged.id).await.unwrap().map(|event| event.standing), Some(Standing::Waits));
    events.forget(&event("evt_2", 9, Standing::Waits).id).await.unwrap();
}

#[tokio::test]
async fn a_lane_has_room_for_so_much_that_nobody_vouches_for() {
    let (_, events) = events();
    let lane = event("", 0, Standing::Waits).lane;
    for number in 0..UNVERIFIED_WAITING_MAX {
        assert!(!events.is_full(lane).await.unwrap());
        events.keep(&event(&format!("evt_{number}"), 9, Standing::Unverified)).await.unwrap();
    }
    assert!(events.is_full(lane).await.unwrap());
    for other in Lane::all().filter(|other| *other != lane) {
        assert!(!events.is_full(other).await.unwrap());
    }
    events.forget(&event("evt_7", 9, Standing::Unverified).id).await.unwrap();
    assert!(!events.is_full(lane).await.unwrap());
}
