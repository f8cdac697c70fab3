//! A cluster to test on, where one is named, and installations of their own in it.
#![allow(clippy::disallowed_methods, clippy::print_stderr, dead_code)] // tests; each uses a part of it

use std::path::PathBuf;
use std::sync::Mutex;

use tessera_foundationdb::cursor::Era;
use tessera_foundationdb::keyspace::Keyspace;
use tessera_foundationdb::{ClientFaults, Cluster, FoundationStore, Network};
use uuid::Uuid;

/// Where the cluster to test on is named, as for FoundationDB's own tools.
const CLUSTER_FILE: &str = "FDB_CLUSTER_FILE";

/// Runs a test on the cluster that `FDB_CLUSTER_FILE` names, and says so where it names none.
pub(crate) fn on_a_cluster(faults: Option<ClientFaults>, test: impl AsyncFnOnce(Cluster, Network)) {
    let Some(file) = cluster_file() else {
        eprintln!("SKIPPED: {CLUSTER_FILE} names no cluster, so nothing was tested");
        return;
    };
    let network = Network::start(faults).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        test(Cluster::connect(&network, Some(&file)).unwrap(), network).await;
    });
}

fn cluster_file() -> Option<PathBuf> {
    std::env::var_os(CLUSTER_FILE).map(PathBuf::from)
}

/// Opens an empty installation each time, and removes them all in the end.
pub(crate) struct Installations {
    cluster: Cluster,
    opened: Mutex<Vec<(Keyspace, FoundationStore)>>,
}

impl Installations {
    pub(crate) fn new(cluster: Cluster) -> Installations {
        Installations { cluster, opened: Mutex::default() }
    }

    pub(crate) async fn open(&self) -> FoundationStore {
        let keyspace = Keyspace::new(&format!("test-{}", Uuid::now_v7())).unwrap();
        let store = FoundationStore::open(&self.cluster, keyspace.clone(), Era(7)).await.unwrap();
        self.opened.lock().unwrap().push((keyspace, store.clone()));
        store
    }

    /// The same installation over a connection of its own, as another process has it.
    pub(crate) async fn elsewhere(&self, network: &Network) -> FoundationStore {
        let cluster = Cluster::connect(network, cluster_file().as_deref()).unwrap();
        let keyspace = self.opened.lock().unwrap().last().unwrap().0.clone();
        FoundationStore::open(&cluster, keyspace, Era(8)).await.unwrap()
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(crate) async fn remove(self) {
        for (_, store) in self.opened.into_inner().unwrap() {
            store.remove().await.unwrap();
        }
    }
}
