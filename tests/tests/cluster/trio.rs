//! Three servers over one store, which know each other by certificates of one authority.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tessera_inventory::Timestamp;
use tessera_peers::{TlsFiles, make_certificates};
use tessera_server::settings::{ClusterSettings, ClusterTlsSettings, Settings};
use tessera_store::memory::MemoryStore;
use tessera_tests::{Reply, Server};

/// A state that is not reached within this time fails the test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const NAMES: [&str; 3] = ["node1", "node2", "node3"];
/// Certificates are valid from a day before this on: any time in which the tests run.
const HOUR_MS: u64 = 3_600_000;

/// Three nodes.
pub(crate) struct Trio {
    /// `None`: it has stopped.
    nodes: Vec<Option<Server>>,
    _directory: TempDir,
}

impl Trio {
    pub(crate) async fn start() -> Trio {
        let directory = tempfile::tempdir().unwrap();
        let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
        let files = make_certificates(directory.path(), &names, now()).unwrap();
        let store = Arc::new(MemoryStore::new());
        let mut nodes = Vec::new();
        for (name, files) in NAMES.into_iter().zip(files) {
            let settings = settings(directory.path(), name, files);
            nodes.push(Some(Server::start_apart(Arc::clone(&store), settings).await.unwrap()));
        }
        let trio = Trio { nodes, _directory: directory };
        for node in 0..3 {
            until("the nodes see each other", || trio.sees(node) == 3).await;
        }
        trio
    }

    fn sees(&self, node: usize) -> usize {
        let status = self.node(node).running().platform().cluster().unwrap();
        status.me.map_or(0, |_| status.nodes.len())
    }

    pub(crate) fn node(&self, node: usize) -> &Server {
        self.nodes[node].as_ref().unwrap()
    }

    /// Stop a node as SIGTERM does.
    pub(crate) async fn stop(&mut self, node: usize) {
        self.nodes[node].take().unwrap().stop().await;
    }
}

fn settings(directory: &Path, name: &str, TlsFiles { ca, certificate, key }: TlsFiles) -> Settings {
    let listen = free_address();
    let cluster = ClusterSettings {
        enabled: true,
        name: name.to_owned(),
        listen,
        client_address: format!("http://{name}.example"),
        lease_ms: 2_000,
        tls: ClusterTlsSettings { ca: Some(ca), certificate: Some(certificate), key: Some(key) },
        ..ClusterSettings::default()
    };
    Settings { data: directory.join(name), cluster, ..Server::settings() }
}

/// A port that was free a moment ago.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    Timestamp(u64::try_from(since.as_millis()).unwrap() - HOUR_MS)
}

/// Wait for a state.
pub(crate) async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let began = Instant::now();
    while !reached() {
        assert!(began.elapsed() < PATIENCE, "this was not reached: {what}");
        tokio::task::yield_now().await;
    }
}

/// Ask again for as long as an answer is not certain.
pub(crate) async fn certain(ask: impl AsyncFn() -> Reply) -> Reply {
    let began = Instant::now();
    loop {
        let reply = ask().await;
        if reply.status != 503 {
            return reply;
        }
        assert!(began.elapsed() < PATIENCE, "no certain answer: {}", reply.json);
    }
}
