//! The embedded store conforms, on the real disk and with segments so small that everything rolls, seals and archives.
#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use tempfile::TempDir;
use tessera_embedded::{EmbeddedStore, Options};
use tessera_store::conformance;

#[tokio::test(flavor = "multi_thread")]
async fn embedded_store_conforms() {
    conforms(1 << 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded_store_with_tiny_segments_conforms() {
    conforms(8192).await;
}

async fn conforms(segment_bytes: u64) {
    let directories: Mutex<Vec<TempDir>> = Mutex::default();
    conformance::all(|| async {
        let directory = tempfile::tempdir().unwrap();
        let options = Options { segment_bytes, ..Options::default() };
        let store = EmbeddedStore::open(directory.path(), &options).unwrap();
        directories.lock().unwrap().push(directory);
        store
    })
    .await;
}
