use tessera_projections::installation::Installation;
use tessera_store::memory::{CommitFault, MemoryStore};

#[tokio::test]
async fn the_first_secret_stays() {
    let store = MemoryStore::new();
    store.inject_commit(CommitFault::UnknownApplied);
    let first = Installation { id: 1, secret: [1; 32] };
    assert_eq!(Installation::open(&store, &first).await.unwrap(), first);
    let second = Installation { id: 2, secret: [2; 32] };
    assert_eq!(Installation::open(&store, &second).await.unwrap(), first);
}

#[test]
fn a_secret_is_not_printed() {
    let printed = format!("{:?}", Installation { id: 1, secret: [0xab; 32] });
    assert!(!printed.contains("171") && !printed.contains("ab"), "{printed}");
}
