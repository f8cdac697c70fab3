use std::sync::Arc;

use tessera_inventory::Timestamp;
use tessera_projections::api_keys::{ApiKey, ApiKeys};
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
    }
}

#[tokio::test]
async fn a_key_is_found_by_the_hash_of_its_secret_only() {
    let keys = ApiKeys::new(Arc::new(MemoryStore::new()));
    keys.insert(&key(1)).await.unwrap();
    assert_eq!(keys.find(&[1; 32]).await.unwrap(), Some(key(1)));
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
    assert_eq!(keys.revoke(key(1).id(), Timestamp(2_000)).await.unwrap(), Some(revoked.clone()));
    assert_eq!(keys.revoke(key(1).id(), Timestamp(3_000)).await.unwrap(), Some(revoked.clone()));
    assert_eq!(keys.find(&[1; 32]).await.unwrap(), Some(revoked));
    assert_eq!(keys.revoke(key(9).id(), Timestamp(1)).await.unwrap(), None);
}

#[tokio::test]
async fn keys_are_listed_in_pages() {
    let keys = ApiKeys::new(Arc::new(MemoryStore::new()));
    for first in [3, 1, 2] {
        keys.insert(&key(first)).await.unwrap();
    }
    let page = keys.list(None, 2).await.unwrap();
    assert_eq!(page.keys, [key(1), key(2)]);
    let rest = keys.list(page.next, 2).await.unwrap();
    assert_eq!((rest.keys, rest.next), (vec![key(3)], None));
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
