//! The store conforms while the client library makes reads and commits fail that need not.
#![cfg(feature = "foundationdb")]
#![allow(clippy::unwrap_used)] // tests

mod support;

use support::Installations;
use tessera_foundationdb::ClientFaults;
use tessera_store::conformance;

/// Every place that can fail does, one time in a hundred: some cases have a hundred commits, whose outcomes must all be known.
const FAULTS: ClientFaults = ClientFaults { places_percent: 100, failures_percent: 1 };

/// One test: the client library starts once in a process.
#[test]
fn the_store_conforms_while_the_client_fails() {
    support::on_a_cluster(Some(FAULTS), async |cluster, _| {
        let installations = Installations::new(cluster);
        conformance::all(|| installations.open()).await;
        installations.remove().await;
    });
}
