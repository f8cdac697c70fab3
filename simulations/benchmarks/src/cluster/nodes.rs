//! Servers over one FoundationDB cluster, and what runs of holds cost them and it.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use serde_json::json;
use tessera_benchmarks::{free_port, processor_us};

use crate::product::Product;
use crate::wrk;

/// More subjects than a second of a run takes.
const TOKENS_PER_SECOND: f64 = 30_000.0;
/// Longest wait until the nodes have the events that were given to them.
const MOVE_WAIT: Duration = Duration::from_secs(30);
/// For so long nothing moves any more: three looks of a node at the others.
const SETTLE: Duration = Duration::from_secs(4);
/// Time between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// Servers with an event each, and the processes of the cluster.
pub(crate) struct Nodes {
    nodes: Vec<Product>,
    store: Vec<u32>,
}

/// What a run of holds came to.
pub(crate) struct Run {
    /// All nodes together.
    pub(crate) per_second: f64,
    /// Of the slowest node.
    pub(crate) p50_ms: f64,
    /// Of the slowest node.
    pub(crate) p99_ms: f64,
    /// Processor of all nodes a hold, in microseconds.
    pub(crate) node_us: f64,
    /// Processor of the cluster a hold, in microseconds.
    pub(crate) store_us: f64,
    /// Processors that the nodes were on.
    pub(crate) node_cores: f64,
    /// Processors that the cluster was on.
    pub(crate) store_cores: f64,
    /// Turns of the events a second, all nodes together.
    pub(crate) turns_per_second: f64,
}

impl Nodes {
    /// One server that is no node.
    pub(crate) fn alone(scratch: &Path) -> Nodes {
        Nodes { nodes: vec![Product::start_as(scratch, &store(&prefix()))], store: servers_of_the_store() }
    }

    /// So many nodes, each the owner of its own event.
    pub(crate) fn start(scratch: &Path, count: usize) -> Nodes {
        let prefix = prefix();
        let node = |number: usize| {
            let mut settings = store(&prefix);
            settings.extend([
                ("TESSERA_CLUSTER__ENABLED", "true".to_owned()),
                ("TESSERA_CLUSTER__NAME", format!("node{number}")),
                ("TESSERA_CLUSTER__LISTEN", format!("127.0.0.1:{}", free_port())),
            ]);
            Product::start_as(scratch, &settings)
        };
        let nodes = Nodes { nodes: (0..count).map(node).collect(), store: servers_of_the_store() };
        nodes.settle();
        nodes
    }

    /// The processes of the nodes.
    pub(crate) fn processes(&self) -> impl Iterator<Item = u32> {
        self.nodes.iter().map(Product::process)
    }

    /// Give each node its own event, once those who joined have what they rank first for.
    fn settle(&self) {
        thread::sleep(SETTLE);
        for node in &self.nodes {
            let path = format!("/v1/events/{}/move", node.event());
            let me = node.administer("/v1/nodes", None)["me"].clone();
            node.administer(&path, Some(&json!({"node": me})));
        }
        let deadline = Instant::now() + MOVE_WAIT;
        let mut since = None;
        while since.is_none_or(|since: Instant| since.elapsed() < SETTLE) {
            assert!(Instant::now() < deadline, "the nodes do not keep the events that they were given");
            let is_so = self.nodes.iter().all(|node| owned_events(node) == Some(1));
            since = since.filter(|_| is_so).or(is_so.then(Instant::now));
            thread::sleep(LOOK_PAUSE);
        }
    }

    /// Place holds at once in the events of some nodes, each asked at a node: `(whose event, asked where)`.
    pub(crate) fn measure(
        &self,
        scratch: &Path,
        asked: &[(usize, usize)],
        connections: u32,
        seconds: u64,
    ) -> Run {
        let run = |&(of, at): &(usize, usize)| {
            let (owner, folder) = (&self.nodes[of], scratch.join(format!("run-{of}")));
            std::fs::create_dir_all(&folder).expect("a folder");
            let tokens = owner.mint(&folder, TOKENS_PER_SECOND * seconds as f64);
            let identity = format!("run-{of}-{}-", owner.next_identity());
            let url = owner.holds_url_at(&self.nodes[at]);
            (wrk::Run { url, identity, tokens, connections, seconds }, folder)
        };
        let runs: Vec<_> = asked.iter().map(run).collect();
        let begun = (Instant::now(), self.node_us(), self.store_us(), self.turns());
        let figures: Vec<wrk::Figures> = thread::scope(|scope| {
            let threads: Vec<_> =
                runs.iter().map(|(run, folder)| scope.spawn(move || run.measure(folder))).collect();
            threads.into_iter().map(|thread| thread.join().expect("a run")).collect()
        });
        let elapsed_us = begun.0.elapsed().as_secs_f64() * 1e6;
        let (node_us, store_us) = (self.node_us() - begun.1, self.store_us() - begun.2);
        let turns = self.turns() - begun.3;
        let holds = figures.iter().map(|figures| figures.requests).sum::<u64>() as f64;
        assert_eq!(
            figures.iter().map(|figures| figures.refused).sum::<u64>(),
            0,
            "every hold of the benchmark is accepted"
        );
        let slowest = |of: fn(&wrk::Figures) -> f64| figures.iter().map(of).fold(0.0, f64::max);
        Run {
            per_second: figures.iter().map(|figures| figures.per_second).sum(),
            p50_ms: slowest(|figures| figures.p50_ms),
            p99_ms: slowest(|figures| figures.p99_ms),
            node_us: node_us / holds,
            store_us: store_us / holds,
            node_cores: node_us / elapsed_us,
            store_cores: store_us / elapsed_us,
            turns_per_second: turns * 1e6 / elapsed_us,
        }
    }

    /// Processors that the cluster is on while nobody asks for anything.
    pub(crate) fn idle_store_cores(&self, seconds: u64) -> f64 {
        let begun = (Instant::now(), self.store_us());
        thread::sleep(Duration::from_secs(seconds));
        (self.store_us() - begun.1) / begun.0.elapsed().as_secs_f64() / 1e6
    }

    fn turns(&self) -> f64 {
        self.nodes.iter().map(Product::turns).sum()
    }

    fn node_us(&self) -> f64 {
        self.processes().map(processor_us).sum()
    }

    fn store_us(&self) -> f64 {
        self.store.iter().copied().map(processor_us).sum()
    }
}

/// How many events a node owns, as it sees itself.
fn owned_events(node: &Product) -> Option<u64> {
    let seen = node.administer("/v1/nodes", None);
    let me = seen["items"].as_array()?.iter().find(|item| item["id"] == seen["me"])?;
    me["owned_events"].as_u64()
}

/// A place in the cluster that no run has had.
fn prefix() -> String {
    format!("benchmark-{}", UNIX_EPOCH.elapsed().expect("a clock").as_micros())
}

fn store(prefix: &str) -> Vec<(&'static str, String)> {
    vec![("TESSERA_STORE__KIND", "foundationdb".to_owned()), ("TESSERA_STORE__PREFIX", prefix.to_owned())]
}

/// Every `fdbserver` of this machine that was started with the cluster file.
fn servers_of_the_store() -> Vec<u32> {
    let file = std::env::var("FDB_CLUSTER_FILE").expect("FDB_CLUSTER_FILE names a cluster on this machine");
    let processes = std::fs::read_dir("/proc").expect("processes");
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let is_of_it = |process: &u32| {
        let read =
            |name: &str| std::fs::read_to_string(format!("/proc/{process}/{name}")).unwrap_or_default();
        read("comm").trim() == "fdbserver" && read("cmdline").contains(&file)
    };
    let servers: Vec<u32> = numbers.filter(is_of_it).collect();
    assert!(!servers.is_empty(), "no fdbserver runs here with {file}");
    servers
}
