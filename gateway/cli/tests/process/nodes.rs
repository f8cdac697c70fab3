//! Three nodes over a FoundationDB cluster, as processes, behind a balancer: killed, stopped, restarted under load. Where
//! `FDB_CLUSTER_FILE` names no cluster, nothing is tested, and it is said.

mod balancer;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use self::balancer::balance;
use crate::crowd::{Crowd, Told};
use crate::kill::{compare, counters_agree, purchases, refusals_were_true, sell_out, tickets_are_as_told};
use crate::server::{Sale, Server, free_port, get, tessera};

const NODES: usize = 3;
/// Clients at once.
const CLIENTS: usize = 12;
/// Units for sale: more than are bought.
const CAPACITY: u32 = 1_000_000;
/// The length of a lease, in milliseconds: the default.
const LEASE_MS: u64 = 3_000;
/// For so long a random node is killed, again and again.
const KILLING: Duration = Duration::from_secs(120);
/// A node is killed when so many purchases were made since the last was back.
const PURCHASES_PER_KILL: u64 = 300;

/// Where the cluster is, if one is named.
fn cluster() -> Option<()> {
    if std::env::var_os("FDB_CLUSTER_FILE").is_some() {
        return Some(());
    }
    eprintln!("SKIPPED: FDB_CLUSTER_FILE names no cluster, so nothing was tested");
    None
}

struct Nodes {
    prefix: String,
    folder: TempDir,
    http: [u16; NODES],
    peers: [u16; NODES],
    servers: [Option<Server>; NODES],
}

impl Nodes {
    async fn start() -> Nodes {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let mut nodes = Nodes {
            prefix: format!("nodes-{}-{}", std::process::id(), now.as_nanos()),
            folder: tempfile::tempdir().unwrap(),
            http: std::array::from_fn(|_| free_port()),
            peers: std::array::from_fn(|_| free_port()),
            servers: std::array::from_fn(|_| None),
        };
        for node in 0..NODES {
            nodes.begin(node).await;
        }
        nodes
    }

    fn program(&self, node: usize) -> Command {
        let mut command = tessera();
        let settings = [
            ("TESSERA_STORE__KIND", "foundationdb".to_owned()),
            ("TESSERA_STORE__PREFIX", self.prefix.clone()),
            ("TESSERA_CLUSTER__ENABLED", "true".to_owned()),
            ("TESSERA_CLUSTER__NAME", format!("node{node}")),
            ("TESSERA_CLUSTER__LISTEN", format!("127.0.0.1:{}", self.peers[node])),
            ("TESSERA_CLUSTER__LEASE_MS", LEASE_MS.to_string()),
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
        let server = Server::start_as(self.program(node), &self.data(node), self.http[node]).await;
        self.servers[node] = Some(server);
    }

    fn take(&mut self, node: usize) -> Server {
        self.servers[node].take().unwrap()
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.servers.iter_mut().for_each(|server| drop(server.take()));
        let clear = format!("writemode on; clearrange \\x02{0}\\x00 \\x02{0}\\x00\\xff", self.prefix);
        let cleared = Command::new("fdbcli").args(["--exec", &clear]).output();
        if !cleared.is_ok_and(|output| output.status.success()) {
            eprintln!("the prefix {} was not cleared: fdbcli is not there", self.prefix);
        }
    }
}

/// The clients of one run, and how long nobody was served at worst.
struct Load {
    port: u16,
    sale: Arc<Sale>,
    crowd: Arc<Crowd>,
    tokens: Vec<String>,
    clients: Vec<tokio::task::JoinHandle<Vec<Told>>>,
}

impl Load {
    async fn begin(nodes: &Nodes) -> Load {
        let port = balance(nodes.http.to_vec()).await;
        let sale = Arc::new(Sale::open(port, CAPACITY).await);
        let crowd = Crowd::new(port, Arc::clone(&sale));
        let tokens = sale.buyers(port, CLIENTS).await;
        let client = |(number, token): (usize, &String)| {
            tokio::spawn(Arc::clone(&crowd).client(number, token.clone()))
        };
        let clients = tokens.iter().enumerate().map(client).collect();
        Load { port, sale, crowd, tokens, clients }
    }

    fn purchases(&self) -> u64 {
        self.crowd.purchases.load(Ordering::Acquire)
    }

    /// Wait for so many purchases more: how long there was none at worst.
    async fn more(&self, count: u64) -> Duration {
        let (end_at, mut last, mut at) = (self.purchases() + count, self.purchases(), Instant::now());
        let mut longest = Duration::ZERO;
        while last < end_at {
            assert!(!self.clients.iter().any(|client| client.is_finished()), "a client gave up");
            let now = self.purchases();
            if now > last {
                (last, at) = (now, Instant::now());
            }
            longest = longest.max(at.elapsed());
            tokio::task::yield_now().await;
        }
        longest
    }

    /// Sell out, and judge what every client was told.
    async fn judge(self) {
        let Load { port, sale, crowd, tokens, clients } = self;
        sell_out(&crowd, &sale, port, &clients).await;
        crowd.stop.store(true, Ordering::Release);
        let mut told = Vec::new();
        for client in clients {
            told.push(client.await.unwrap());
        }
        let feed = sale.changes(port).await;
        let all: Vec<&Told> = told.iter().flatten().collect();
        let purchases = purchases(all.iter().copied());
        compare(&purchases, &feed);
        refusals_were_true(&all, &feed, sale.capacity);
        counters_agree(&purchases, &get(port, &sale.path("/availability"), &sale.key).await, sale.capacity);
        tickets_are_as_told(&told, &tokens, &sale, port).await;
        let replayed: u32 = purchases.iter().map(|purchase| purchase.replayed).sum();
        eprintln!(
            "{} purchases, {} refusals, {replayed} answers given again",
            purchases.len(),
            all.len() - purchases.len()
        );
    }
}

/// Node numbers that no run has twice in the same order: SplitMix64 from the clock.
fn random(seed: &mut u64) -> usize {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    usize::try_from((word >> 33) % NODES as u64).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenarios_13_20_and_21_a_random_node_is_killed_for_two_minutes() {
    let Some(()) = cluster() else { return };
    let mut nodes = Nodes::start().await;
    let load = Load::begin(&nodes).await;
    let (began, mut kills, mut pauses) = (Instant::now(), 0, Vec::new());
    let mut seed =
        u64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() % (1 << 60)).unwrap();
    eprintln!("seed {seed}");
    while began.elapsed() < KILLING {
        load.more(PURCHASES_PER_KILL).await;
        let node = random(&mut seed);
        nodes.take(node).kill();
        pauses.push(load.more(PURCHASES_PER_KILL).await);
        nodes.begin(node).await;
        kills += 1;
    }
    pauses.sort_unstable();
    eprintln!("{kills} kills; longest time without a purchase after one: {pauses:?}");
    let longest = pauses.last().copied().unwrap_or_default();
    assert!(longest < Duration::from_millis(2 * LEASE_MS + 2_000), "{longest:?} without a purchase");
    load.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_14_nodes_stopped_for_longer_than_their_lease_sell_nothing_twice() {
    let Some(()) = cluster() else { return };
    let nodes = Nodes::start().await;
    let load = Load::begin(&nodes).await;
    for node in [0, 1, 2, 1, 0] {
        let server = nodes.servers[node].as_ref().unwrap();
        load.more(PURCHASES_PER_KILL).await;
        server.signal("STOP");
        // Longer than its lease, and until the others sell.
        let stopped = Instant::now();
        while stopped.elapsed() < Duration::from_millis(LEASE_MS + LEASE_MS / 2) {
            tokio::task::yield_now().await;
        }
        server.signal("CONT");
        let pause = load.more(PURCHASES_PER_KILL).await;
        eprintln!("node {node} was stopped: {pause:?} without a purchase after it went on");
    }
    load.judge().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_19_a_rolling_restart_under_load() {
    let Some(()) = cluster() else { return };
    let mut nodes = Nodes::start().await;
    let load = Load::begin(&nodes).await;
    let mut pauses = Vec::new();
    for node in [0, 1, 2, 0, 1, 2] {
        load.more(PURCHASES_PER_KILL).await;
        let leaving = nodes.take(node);
        let leaving = tokio::task::spawn_blocking(move || leaving.terminate());
        pauses.push(load.more(PURCHASES_PER_KILL).await);
        assert!(leaving.await.unwrap().success(), "a graceful end has status 0");
        nodes.begin(node).await;
    }
    eprintln!("longest time without a purchase in each hand-over: {pauses:?}");
    load.judge().await;
}
