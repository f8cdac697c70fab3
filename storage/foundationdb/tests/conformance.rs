//! The store conforms, on a real cluster.
#![cfg(feature = "foundationdb")]
#![allow(clippy::unwrap_used)] // tests

mod support;

use support::Installations;
use tessera_store::conformance;

/// One test: the client library starts once in a process.
#[test]
fn the_store_conforms() {
    support::on_a_cluster(None, async |cluster, _| {
        let installations = Installations::new(cluster);
        conformance::all(|| installations.open()).await;
        installations.remove().await;
    });
}
