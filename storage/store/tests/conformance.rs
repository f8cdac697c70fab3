//! The memory store conforms.

use std::sync::atomic::{AtomicUsize, Ordering};

use tessera_store::conformance;
use tessera_store::memory::{AppendFault, CommitFault, MemoryStore};

#[tokio::test]
async fn memory_store_conforms() {
    conformance::all(|| async { MemoryStore::new() }).await;
}

/// A healthy store may not know an outcome, FoundationDB for one: the suite asks again.
#[tokio::test]
async fn a_store_that_answers_unknown_now_and_then_conforms() {
    let opened = AtomicUsize::new(0);
    conformance::all(|| async {
        let store = MemoryStore::new();
        if opened.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            store.inject_append(AppendFault::UnknownApplied);
            store.inject_commit(CommitFault::UnknownApplied);
        }
        store
    })
    .await;
}
