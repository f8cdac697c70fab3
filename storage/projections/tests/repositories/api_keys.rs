use std::num::NonZeroU128;
use std::sync::Arc;

use tessera_inventory::Timestamp;
use tessera_projections::api_keys::{ApiKey, ApiKeys, KEYS_LOOKED_AT_MAX, ORGANIZER_API_KEYS_MAX};
use tessera_store::{
    StoreError,
    memory::{CommitFault, MemoryStore},
};

fn key(first: u8) -> ApiKey {
    ApiKey {
        secret_hash: [first; 32],
        organizer: 77,
        name: "box office".to_owned(),
        scopes: vec!["events:write".to_owned(), "orders:write".to_owned()],
        created_at: Timestamp(1_000),
        revoked_at: None,
        device: None,
    }
}

#[tokio::test]
async fn a_key_is_found_by_the_hash_of_its_secret_only() {
    let keys = ApiKeys::new(Arc::new(MemoryStore::new()));
    keys.insert(&key(1)).await.unwrap();
    assert_eq!(keys.find(&[1; 32]).await.unwrap(), Some(key(1)));
    let of_device = ApiKey { device: Some(7), ..key(3) };
    keys.insert(&of_device).await.unwrap();
    assert_eq!(keys.find(&[3; 32]).await.unwrap(), Some(of_device));
    let mut forged = [1; 32];
    forged[31] = 0;
    assert_eq!(keys.find(&forged).await.unwrap(), None);
    assert_eq!(keys.find(&[2; 32]).await.unwrap(), None);
    assert_eq!(keys.get(key(1).id()).await.unwrap(), Some(key(1)));
}

#[tokio::test]
async fn a_revoked_key_says_since_when() {
    let keys = ApiKeys::new(Arc::new(MemoryStore::new()));
    keys.insert(&key(1)).await.unwrap();
    let revoked = ApiKey { revoked_at: Some(Timestamp(2_000)), ..key(1) };
    assert_eq!(keys.revoke(None, key(1).id(), Timestamp(2_000)).await.unwrap(), Some(revoked.clone()));
    assert_eq!(keys.revoke(None, key(1).id(), Timestamp(3_000)).await.unwrap(), Some(revoked.clone()));
    assert_eq!(keys.find(&[1; 32]).await.unwrap(), Some(revoked));
    assert_eq!(keys.revoke(None, key(9).id(), Timestamp(1)).await.unwrap(), None);
}

#[tokio::test]
async fn keys_are_listed_in_pages() {
    let keys = ApiKeys::new(Arc::new(MemoryStore::new()));
    for first in [3, 1, 2] {
        keys.insert(&key(first)).await.unwrap();
    }
    let page = keys.list(None, None, 2).await.unwrap();
    assert_eq!(page.keys, [key(1), key(2)]);
    let rest = keys.list(None, page.next, 2).await.unwrap();
    assert_eq!((rest.keys, rest.next), (vec![key(3)], None));
}

#[tokio::test]
async fn an_organizer_lists_and_revokes_its_own_keys_only() {
    let keys = ApiKeys::new(Arc::new(MemoryStore::new()));
    let other = |first| ApiKey { organizer: 78, ..key(first) };
    for one in [key(1), other(2), other(3), key(4), key(5)] {
        keys.insert(&one).await.unwrap();
    }
    let own = NonZeroU128::new(77);
    let page = keys.list(own, None, 2).await.unwrap();
    assert_eq!(page.keys, [key(1), key(4)]);
    let rest = keys.list(own, page.next, 2).await.unwrap();
    assert_eq!((rest.keys, rest.next), (vec![key(5)], None));
    assert_eq!(keys.revoke(own, key(2).id(), Timestamp(2_000)).await.unwrap(), None);
    assert_eq!(keys.find(&[2; 32]).await.unwrap(), Some(other(2)), "it lives");
    assert!(keys.revoke(own, key(4).id(), Timestamp(2_000)).await.unwrap().is_some());
}

/// Many keys of others stand before the next one: the page says where to go on.
#[tokio::test]
async fn a_page_of_an_organizer_looks_at_a_bounded_number_of_keys() {
    let keys = ApiKeys::new(Arc::new(MemoryStore::new()));
    let numbered = |number: u16, organizer| {
        let mut secret_hash = [0; 32];
        secret_hash[..2].copy_from_slice(&number.to_be_bytes());
        ApiKey { secret_hash, organizer, ..key(0) }
    };
    let count = u16::try_from(KEYS_LOOKED_AT_MAX).unwrap();
    for number in 0..=count {
        // Five hundred each.
        let organizer = if number == count { 77 } else { 78 + u128::from(number / 500) };
        keys.insert(&numbered(number, organizer)).await.unwrap();
    }
    let own = NonZeroU128::new(77);
    let first = keys.list(own, None, 10).await.unwrap();
    assert!(first.keys.is_empty() && first.next.is_some());
    let second = keys.list(own, first.next, 10).await.unwrap();
    assert_eq!((second.keys, second.next), (vec![numbered(count, 77)], None));
}

#[tokio::test]
async fn an_organizer_has_a_bounded_number_of_keys() {
    let keys = ApiKeys::new(Arc::new(MemoryStore::new()));
    let numbered = |number: u32| {
        let mut secret_hash = [0; 32];
        secret_hash[..4].copy_from_slice(&number.to_be_bytes());
        ApiKey { secret_hash, ..key(0) }
    };
    for number in 0..ORGANIZER_API_KEYS_MAX {
        assert!(keys.insert(&numbered(number)).await.unwrap());
    }
    keys.revoke(None, numbered(0).id(), Timestamp(1)).await.unwrap();
    let beyond = numbered(ORGANIZER_API_KEYS_MAX);
    assert!(!keys.insert(&beyond).await.unwrap(), "revoked ones count");
    assert_eq!(keys.find(&beyond.secret_hash).await.unwrap(), None);
    assert!(keys.insert(&numbered(1)).await.unwrap(), "the same once more is no other key");
    assert!(keys.insert(&ApiKey { organizer: 78, ..beyond }).await.unwrap(), "others are not in its way");
}

#[tokio::test]
async fn inserting_again_after_an_unknown_outcome_is_harmless_and_another_key_does_not_take_the_place() {
    let store = MemoryStore::new();
    let keys = ApiKeys::new(Arc::new(store.clone()));
    store.inject_commit(CommitFault::UnknownApplied);
    keys.insert(&key(1)).await.unwrap();
    let other = ApiKey { organizer: 78, ..key(1) };
    assert!(matches!(keys.insert(&other).await, Err(StoreError::Damaged { .. })));
    assert_eq!(keys.find(&[1; 32]).await.unwrap(), Some(key(1)));
}
