//! Three nodes over a FoundationDB cluster, as processes, behind a balancer: killed, stopped, restarted, cut off from each other and
//! from the store, under load. Where `FDB_CLUSTER_FILE` names no cluster, nothing is tested, and it is said.

mod balancer;
mod clocks;
mod cuts;
mod fenced;
mod kills;
mod load;
mod net;
mod outages;
mod races;
mod rehearsal;
mod restored;
mod store;
mod world;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{MissedTickBehavior, interval};

use crate::foundationdb::with_a_cluster::Prefix;
use crate::installation::text;
use crate::server::{ADMIN_TOKEN, Sale, Server, free_port, is_ready, read, run, tessera};

const NODES: usize = 3;
/// The length of a lease, in milliseconds: the default.
const LEASE_MS: u64 = 3_000;
/// Longest time in which nobody is served, from a fault on or from its end on: an owner is found within twice the lease, and
/// connections that were cut need a while more.
const PAUSE_MAX: Duration = Duration::from_millis(2 * LEASE_MS + 2_000);
/// What is waited for and has not come by then never comes.
const STATE_MAX: Duration = Duration::from_secs(60);
/// Time between two looks at a state that nobody tells of.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Wait for a state that is found by looking: how long it took.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !is_so().await {
        assert!(began.elapsed() < STATE_MAX, "not within {STATE_MAX:?}: {what}");
        looks.tick().await;
    }
    began.elapsed()
}

/// Where the cluster is, if one is named.
fn cluster() -> Option<()> {
    if std::env::var_os("FDB_CLUSTER_FILE").is_some() {
        return Some(());
    }
    skipped("FDB_CLUSTER_FILE names no cluster");
    None
}

/// Say that nothing was tested, and why. Where everything must run, as in CI with a cluster, that is a failure.
fn skipped(reason: &str) {
    assert!(std::env::var_os("TESSERA_TESTS_MUST_RUN").is_none(), "{reason}, and every test must run");
    eprintln!("SKIPPED: {reason}, so nothing was tested");
}

/// Where a node is reached: by clients, and by other nodes.
#[derive(Clone, Copy)]
struct Addresses {
    http: SocketAddr,
    peers: SocketAddr,
}

/// A variable of the environment, and its value.
type Variable = (&'static str, String);

/// Makes the program of a node, with the settings of its store.
type Program = Box<dyn Fn(usize) -> Command + Send + Sync>;

/// Three nodes that know each other by their certificates.
struct Nodes {
    servers: [Option<Server>; NODES],
    addresses: [Addresses; NODES],
    program: Program,
    client: reqwest::Client,
    folder: TempDir,
    /// Removed when the servers have ended.
    _prefix: Option<Prefix>,
}

impl Nodes {
    /// On loopback, over the cluster that is named.
    async fn start() -> Nodes {
        Nodes::start_with(|_| Vec::new()).await
    }

    /// The same with variables in the environment of each node.
    async fn start_with(variables: impl Fn(usize) -> Vec<Variable> + Send + Sync + 'static) -> Nodes {
        let prefix = Prefix::new();
        let name = prefix.0.clone();
        let program = move |node| {
            let mut command = tessera();
            command.env("TESSERA_STORE__PREFIX", &name).envs(variables(node));
            command
        };
        let port = || SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let addresses = std::array::from_fn(|_| Addresses { http: port(), peers: port() });
        Nodes::start_as(Box::new(program), addresses, Some(prefix)).await
    }

    async fn start_as(program: Program, addresses: [Addresses; NODES], prefix: Option<Prefix>) -> Nodes {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("certificates");
        let made = run(&["node", "certificates", "--out", out.to_str().unwrap(), "node0", "node1", "node2"]);
        assert!(made.status.success(), "{}", text(&made.stderr));
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
        let servers = std::array::from_fn(|_| None);
        let mut nodes = Nodes { servers, addresses, program, client, folder, _prefix: prefix };
        for node in 0..NODES {
            nodes.begin(node).await;
        }
        nodes
    }

    fn program(&self, node: usize) -> Command {
        let certificates = self.folder.path().join("certificates");
        let certificate = |file: String| certificates.join(file).to_str().unwrap().to_owned();
        let mut command = (self.program)(node);
        let settings = [
            ("TESSERA_STORE__KIND", "foundationdb".to_owned()),
            ("TESSERA_CLUSTER__ENABLED", "true".to_owned()),
            ("TESSERA_CLUSTER__NAME", format!("node{node}")),
            ("TESSERA_CLUSTER__LISTEN", self.addresses[node].peers.to_string()),
            ("TESSERA_CLUSTER__LEASE_MS", LEASE_MS.to_string()),
            ("TESSERA_CLUSTER__TLS__CA", certificate("ca.pem".to_owned())),
            ("TESSERA_CLUSTER__TLS__CERTIFICATE", certificate(format!("node{node}.pem"))),
            ("TESSERA_CLUSTER__TLS__KEY", certificate(format!("node{node}.key"))),
            ("TESSERA_WORKERS", "1".to_owned()),
        ];
        command.envs(settings);
        command
    }

    fn data(&self, node: usize) -> PathBuf {
        self.folder.path().join(format!("node{node}"))
    }

    /// Start a node, and wait until it is ready.
    async fn begin(&mut self, node: usize) {
        let server = Server::start_at(self.program(node), &self.data(node), self.addresses[node].http).await;
        self.servers[node] = Some(server);
    }

    fn take(&mut self, node: usize) -> Server {
        self.servers[node].take().unwrap()
    }

    fn server(&self, node: usize) -> &Server {
        self.servers[node].as_ref().unwrap()
    }

    async fn is_ready(&self, node: usize) -> bool {
        is_ready(&self.client, self.addresses[node].http).await
    }

    async fn document(&self, node: usize, path: &str, token: &str) -> Value {
        serde_json::from_str(&read(self.addresses[node].http, path, token).await).unwrap()
    }

    /// A metric of a node, as a whole number; 0 where it has none yet.
    async fn metric(&self, node: usize, name: &str) -> u64 {
        let metrics = read(self.addresses[node].http, "/metrics", ADMIN_TOKEN).await;
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0, |value| value.trim().parse().unwrap())
    }

    /// A metric of these nodes together.
    async fn sum(&self, nodes: impl IntoIterator<Item = usize>, name: &str) -> u64 {
        let mut sum = 0;
        for node in nodes {
            sum += self.metric(node, name).await;
        }
        sum
    }

    /// Who owns the event: found when only one node says so.
    async fn owner(&self) -> usize {
        let mut owner = NODES;
        until("an owner", async || {
            let mut owners = Vec::new();
            for node in 0..NODES {
                if self.metric(node, "tessera_active_events").await == 1 {
                    owners.push(node);
                }
            }
            owner = owners.first().copied().unwrap_or(NODES);
            owners.len() == 1
        })
        .await;
        owner
    }

    /// Wait until the event has had the same owner for the length of a lease: whoever joined has what belongs to it.
    async fn settled(&self) {
        let (mut owner, mut since) = (self.owner().await, Instant::now());
        until("an owner that stays", async || {
            let now = self.owner().await;
            if now != owner {
                (owner, since) = (now, Instant::now());
            }
            since.elapsed() >= Duration::from_millis(LEASE_MS)
        })
        .await;
    }

    /// Wait until every node is ready, and knows of the others.
    async fn whole(&self) -> Duration {
        until("three nodes that are ready", async || {
            for node in 0..NODES {
                let sees = self.metric(node, "tessera_nodes").await;
                if sees != NODES as u64 || !self.is_ready(node).await {
                    return false;
                }
            }
            true
        })
        .await
    }

    /// How far a node shows the sale to a reader whom it knows without asking the store.
    async fn sequence(&self, node: usize, sale: &Sale) -> u64 {
        let shown = self.document(node, &sale.path("/availability"), ADMIN_TOKEN).await;
        shown["sequence"].as_u64().unwrap()
    }

    /// Scenario 49: wait until every node shows a reader at least what the owner shows now. Watches may be missed: what a reader sees
    /// comes from polling.
    async fn shown_everywhere(&self, sale: &Sale) -> Duration {
        let newest = self.sequence(self.owner().await, sale).await;
        until("every node shows it", async || {
            for node in 0..NODES {
                if self.sequence(node, sale).await < newest {
                    return false;
                }
            }
            true
        })
        .await
    }
}

/// The two nodes beside this one.
fn others(node: usize) -> [usize; NODES - 1] {
    std::array::from_fn(|offset| (node + 1 + offset) % NODES)
}

/// Numbers that no run has twice in the same order: SplitMix64 from the clock.
struct Random(u64);

impl Random {
    fn new() -> Random {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let seed = u64::try_from(now % (1 << 60)).unwrap();
        eprintln!("seed {seed}");
        Random(seed)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (word >> 33) % end
    }

    fn node(&mut self) -> usize {
        usize::try_from(self.below(NODES as u64)).unwrap()
    }
}
