//! Keys of tickets: the first, those after it, and those that were revoked.

use std::sync::Arc;

use tessera_inventory::{EventId, Timestamp};
use tessera_projections::ticket_designs::{TicketDesign, TicketDesigns};
use tessera_projections::ticket_keys::{KEYS_WITH_REVOCATIONS_MAX, KeyChange, TicketKeys};
use tessera_projections::{KEYS_MAX, ROTATION_MS_MIN};
use tessera_store::memory::{CommitFault, MemoryStore};
use tessera_tickets::{EventMark, Printed, Refused, TicketKey, verify};

const BEGINNING: Timestamp = Timestamp(1_000_000);

fn seed(number: u64) -> [u8; 32] {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    seed
}

async fn opened(store: &MemoryStore) -> TicketKeys {
    TicketKeys::open(Arc::new(store.clone()), &seed(0), BEGINNING).await.unwrap()
}

fn after(rotations: u64) -> Timestamp {
    Timestamp(BEGINNING.0 + rotations * ROTATION_MS_MIN)
}

fn done(change: KeyChange) -> TicketKey {
    match change {
        KeyChange::Done(key) => key,
        other => panic!("{other:?}"),
    }
}

/// The ticket of an event, as it is shown.
fn shown(keys: &TicketKeys) -> String {
    let printed = Printed {
        event: EventMark::of(1),
        order: 5,
        index: 0,
        generation: 0,
        ticket_type: 0,
        valid_until_h: 0,
    };
    printed.sign(&keys.ring().signing).unwrap().text()
}

fn believed(keys: &TicketKeys, text: &str) -> Result<(), Refused> {
    verify(text, 1, &keys.ring().keys, 0).map(|_| ())
}

#[tokio::test]
async fn a_rotation_kills_nothing_and_a_revocation_all_that_the_key_signed() {
    let store = MemoryStore::new();
    let keys = opened(&store).await;
    let first = shown(&keys);
    let second_key = done(keys.rotate(&seed(1), after(1)).await.unwrap());
    let second = shown(&keys);
    assert_ne!(first, second);
    assert_eq!((believed(&keys, &first), believed(&keys, &second)), (Ok(()), Ok(())));
    assert_eq!(keys.ring().keys.last(), Some(&second_key));

    // The key that signs is revoked: another goes on at once, however fresh this one is.
    let revoked = done(keys.revoke(&second_key.name(), &seed(2), after(1)).await.unwrap());
    assert_eq!((revoked.id(), revoked.revoked_at_ms), (second_key.id(), Some(after(1).0)));
    assert_eq!((believed(&keys, &first), believed(&keys, &second)), (Ok(()), Err(Refused::RevokedKey)));
    let third = shown(&keys);
    assert_eq!(believed(&keys, &third), Ok(()));

    // One that signs no more is revoked: the one that signs stays.
    let first_name = keys.ring().keys[0].name();
    done(keys.revoke(&first_name, &seed(3), after(2)).await.unwrap());
    assert_eq!(believed(&keys, &first), Err(Refused::RevokedKey));
    assert_eq!(shown(&keys), third);

    // Again: nothing changes. Another process finds it all.
    let before = keys.ring().keys.clone();
    let again = done(keys.revoke(&second_key.name(), &seed(4), after(9)).await.unwrap());
    assert_eq!(again.revoked_at_ms, Some(after(1).0));
    let other = opened(&store).await;
    assert_eq!((other.ring().keys.clone(), shown(&other)), (before, third));
    assert_eq!(keys.revoke("0123456789abcdef", &seed(5), after(9)).await.unwrap(), KeyChange::NoSuchKey);
}

#[tokio::test]
async fn who_asks_again_within_a_minute_is_given_the_same_key() {
    let keys = opened(&MemoryStore::new()).await;
    let new = done(keys.rotate(&seed(1), after(1)).await.unwrap());
    let again = keys.rotate(&seed(2), Timestamp(after(2).0 - 1)).await.unwrap();
    assert_eq!(again, KeyChange::Done(new));
    assert_ne!(keys.rotate(&seed(2), after(2)).await.unwrap(), KeyChange::Done(new));
}

#[tokio::test]
async fn another_process_hears_of_it_when_it_looks_again() {
    let store = MemoryStore::new();
    let (here, there) = (opened(&store).await, opened(&store).await);
    let text = shown(&there);
    let old = here.ring().keys[0];
    done(here.revoke(&old.name(), &seed(1), after(1)).await.unwrap());
    assert_eq!(believed(&there, &text), Ok(()), "it has not heard of it");
    there.look_again().await.unwrap();
    assert_eq!(believed(&there, &text), Err(Refused::RevokedKey));
    assert_eq!(shown(&there), shown(&here));
}

#[tokio::test]
async fn a_revocation_of_unknown_outcome_is_done_once() {
    let store = MemoryStore::new();
    let keys = opened(&store).await;
    let old = keys.ring().keys[0];
    store.inject_commit(CommitFault::UnknownApplied);
    let _ = keys.revoke(&old.name(), &seed(1), after(1)).await;
    let revoked = done(keys.revoke(&old.name(), &seed(2), after(2)).await.unwrap());
    assert_eq!((revoked.revoked_at_ms, keys.ring().keys.len()), (Some(after(1).0), 2));
}

#[tokio::test]
async fn a_ring_that_is_full_takes_revocations_still() {
    let keys = opened(&MemoryStore::new()).await;
    let mut asked = 1;
    while keys.rotate(&seed(asked), after(asked)).await.unwrap() != KeyChange::TooMany {
        asked += 1;
    }
    assert_eq!(keys.ring().keys.len(), KEYS_MAX);
    let mut newest = keys.ring().keys[KEYS_MAX - 1];
    for more in 1..=u64::try_from(KEYS_WITH_REVOCATIONS_MAX - KEYS_MAX).unwrap() {
        done(keys.revoke(&newest.name(), &seed(asked + more), after(asked)).await.unwrap());
        newest = *keys.ring().keys.last().unwrap();
        assert_eq!(newest.revoked_at_ms, None);
    }
    let last = keys.revoke(&newest.name(), &seed(0), after(asked)).await.unwrap();
    assert_eq!(last, KeyChange::TooMany);
}

#[tokio::test]
async fn a_design_is_replaced_whole_and_belongs_to_its_event() {
    let designs = TicketDesigns::new(Arc::new(MemoryStore::new()));
    let event = EventId(7);
    assert_eq!(designs.find(event).await.unwrap(), TicketDesign::default());
    let first = TicketDesign { logo: vec![1, 2, 3], note: "Doors at seven.".to_owned() };
    designs.replace(event, &first).await.unwrap();
    assert_eq!(designs.find(event).await.unwrap(), first);
    assert_eq!(designs.find(EventId(8)).await.unwrap(), TicketDesign::default());
    let second = TicketDesign { note: String::new(), ..first };
    designs.replace(event, &second).await.unwrap();
    assert_eq!(designs.find(event).await.unwrap(), second);
}
