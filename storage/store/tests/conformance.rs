//! The memory store conforms.

use tessera_store::conformance;
use tessera_store::memory::MemoryStore;

#[tokio::test]
async fn memory_store_conforms() {
    conformance::all(|| async { MemoryStore::new() }).await;
}
