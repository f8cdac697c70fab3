//! Holds over HTTP on FoundationDB: one hot event, nodes under equal quotas of processor, and what forwarding adds.
//!
//! `cargo build --release -p tessera --features foundationdb && cargo run --release -p tessera-benchmarks --bin cluster -- hot`
//! (or `quotas`, or `forwarded`) needs `wrk` (Debian package `wrk`), a cluster on this machine in `FDB_CLUSTER_FILE`, and, for `quotas`,
//! the right to make control groups. Every server of a run begins under a prefix of its own, which stays in the cluster. `--connections N` measures one
//! point of `hot`. Processor times are those of the processes: `tessera`, and every `fdbserver` that was started with this cluster file.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::expect_used, clippy::panic)] // a benchmark

#[path = "../cluster/nodes.rs"]
mod nodes;
#[path = "../http/product.rs"]
#[allow(dead_code)] // each benchmark uses some of it
mod product;
#[path = "../cluster/quota.rs"]
mod quota;
#[path = "../http/wrk.rs"]
mod wrk;

use std::path::Path;

use tessera_benchmarks::{median, number_argument, row, title};

use self::nodes::{Nodes, Run};
use self::quota::Quota;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds of which the median is quoted, unless `--rounds N` says otherwise.
const ROUNDS: u64 = 5;
/// Length of one run, unless `--seconds N` says otherwise.
const SECONDS: u64 = 6;
/// Connections to the hot event.
const HOT_CONNECTIONS: [u32; 4] = [16, 64, 256, 512];
/// Connections to the event of each node under a quota.
const QUOTA_CONNECTIONS: u32 = 64;
/// The same with turns of few holds, to tell what a turn costs the cluster from what a hold costs it.
const FEW_QUOTA_CONNECTIONS: u32 = 8;
/// Nodes under quotas.
const QUOTA_NODES: [usize; 3] = [1, 2, 3];
/// What each of them may take, in hundredths of a processor.
const QUOTA_PERCENT: u64 = 25;
/// Connections that are forwarded.
const FORWARDED_CONNECTIONS: [u32; 3] = [1, 16, 64];

fn main() {
    let what = std::env::args().nth(1).unwrap_or_default();
    let (rounds, seconds) =
        (number_argument("--rounds").unwrap_or(ROUNDS), number_argument("--seconds").unwrap_or(SECONDS));
    let scratch = tempfile::tempdir().expect("a temporary folder");
    match what.as_str() {
        "hot" => hot(scratch.path(), rounds, seconds),
        "quotas" => quotas(scratch.path(), rounds, seconds),
        "forwarded" => forwarded(scratch.path(), rounds, seconds),
        _ => panic!("say what to measure: hot, quotas or forwarded"),
    }
}

/// One event, one server that is alone.
fn hot(scratch: &Path, rounds: u64, seconds: u64) {
    let nodes = Nodes::alone(scratch);
    let wanted = number_argument("--connections").and_then(|wanted| u32::try_from(wanted).ok());
    for connections in wanted.map_or(HOT_CONNECTIONS.to_vec(), |wanted| vec![wanted]) {
        let run = || nodes.measure(scratch, &[(0, 0)], connections, seconds);
        let runs: Vec<Run> = (0..rounds).map(|_| run()).collect();
        title(&format!("one hot event, {connections} connections, {rounds} rounds of {seconds} s, medians"));
        print(&runs);
    }
}

/// A node has a quarter of a processor and an event of its own.
fn quotas(scratch: &Path, rounds: u64, seconds: u64) {
    let mut baseline: Option<(f64, f64)> = None;
    let mut points = Vec::new();
    for count in QUOTA_NODES {
        let nodes = Nodes::start(scratch, count);
        let _quotas: Vec<Quota> =
            nodes.processes().map(|process| Quota::new(process, QUOTA_PERCENT)).collect();
        let idle_cores = nodes.idle_store_cores(seconds);
        let own: Vec<(usize, usize)> = (0..count).map(|node| (node, node)).collect();
        for connections in [FEW_QUOTA_CONNECTIONS, QUOTA_CONNECTIONS] {
            // The first one warms up.
            nodes.measure(scratch, &own, connections, seconds);
            let runs: Vec<Run> =
                (0..rounds).map(|_| nodes.measure(scratch, &own, connections, seconds)).collect();
            title(&format!(
                "{count} nodes of {QUOTA_PERCENT} % of a processor, an event and {connections} connections each, {rounds} rounds of {seconds} s, medians"
            ));
            print(&runs);
            let point = Point::of(&runs, count, connections, idle_cores);
            row("the same of fdbserver above what it takes idle", point.in_words());
            points.push(point);
            if connections == QUOTA_CONNECTIONS {
                let (node, store) = (middle(&runs, |run| run.node_us), middle(&runs, |run| run.store_us));
                let (node_before, store_before) = *baseline.get_or_insert((node, store));
                row(
                    "processor a hold of nodes, of the cluster, as a share of one node's",
                    format!("{:.3}, {:.3}", node / node_before, store / store_before),
                );
            }
        }
    }
    explain(&points);
}

/// What `fdbserver` took at some nodes under some load.
struct Point {
    nodes: usize,
    connections: u32,
    holds: f64,
    turns: f64,
    /// Above what it takes idle, in microseconds a second.
    store_us: f64,
}

impl Point {
    fn of(runs: &[Run], nodes: usize, connections: u32, idle_cores: f64) -> Point {
        Point {
            nodes,
            connections,
            holds: middle(runs, |run| run.per_second),
            turns: middle(runs, |run| run.turns_per_second),
            store_us: (middle(runs, |run| run.store_cores) - idle_cores) * 1e6,
        }
    }

    fn in_words(&self) -> String {
        let Point { holds, turns, store_us, .. } = self;
        format!(
            "{turns:.0} turns/s of {:.1} holds; {:.0} ms/s, {:.0} µs a turn, {:.1} µs a hold",
            holds / turns,
            store_us / 1e3,
            store_us / turns,
            store_us / holds
        )
    }
}

/// What a turn and what a hold costs `fdbserver`, by least squares over all points; and how far each point is from it.
fn explain(points: &[Point]) {
    let sum = |of: fn(&Point) -> f64| points.iter().map(of).sum::<f64>();
    let [tt, hh, th] = [sum(|p| p.turns * p.turns), sum(|p| p.holds * p.holds), sum(|p| p.turns * p.holds)];
    let [ts, hs] = [sum(|p| p.turns * p.store_us), sum(|p| p.holds * p.store_us)];
    let determinant = tt * hh - th * th;
    let (turn_us, hold_us) = ((ts * hh - hs * th) / determinant, (hs * tt - ts * th) / determinant);
    title("fdbserver above idle = a · turns + b · holds, by least squares over these points");
    row("a turn, a hold", format!("{turn_us:.0} µs, {hold_us:.1} µs"));
    for point in points {
        let expected = turn_us * point.turns + hold_us * point.holds;
        let name = format!("{} nodes, {} connections: measured of expected", point.nodes, point.connections);
        row(&name, format!("{:.3}", point.store_us / expected));
    }
}

/// The same event asked at its owner and at the other node, by turns.
fn forwarded(scratch: &Path, rounds: u64, seconds: u64) {
    let nodes = Nodes::start(scratch, 2);
    for connections in FORWARDED_CONNECTIONS {
        let (mut at_owner, mut at_other) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            at_owner.push(nodes.measure(scratch, &[(0, 0)], connections, seconds));
            at_other.push(nodes.measure(scratch, &[(0, 1)], connections, seconds));
        }
        title(&format!("{connections} connections, {rounds} rounds of {seconds} s, medians"));
        for (name, runs) in [("asked at its owner", &at_owner), ("asked at the other node", &at_other)] {
            row(name, "");
            print(runs);
        }
        let pairs = || at_other.iter().zip(&at_owner);
        let added = median(pairs().map(|(other, owner)| other.p50_ms - owner.p50_ms).collect());
        row("added to the median", format!("{added:.2} ms"));
        let added = median(pairs().map(|(other, owner)| other.node_us - owner.node_us).collect());
        row("added processor of both nodes a hold", format!("{added:.1} µs"));
    }
}

fn middle(runs: &[Run], of: fn(&Run) -> f64) -> f64 {
    median(runs.iter().map(of).collect())
}

fn print(runs: &[Run]) {
    let [per_second, p50, p99] =
        [middle(runs, |run| run.per_second), middle(runs, |run| run.p50_ms), middle(runs, |run| run.p99_ms)];
    row(
        "accepted holds",
        format!("{per_second:>8.0} /s   p50 {p50:.2} ms   p99 {p99:.2} ms (of the slowest node)"),
    );
    let [node, store] = [middle(runs, |run| run.node_us), middle(runs, |run| run.store_us)];
    let [node_cores, store_cores] = [middle(runs, |run| run.node_cores), middle(runs, |run| run.store_cores)];
    row(
        "processor a hold",
        format!(
            "nodes {node:.1} µs ({node_cores:.2} cores)   fdbserver {store:.1} µs ({store_cores:.2} cores)"
        ),
    );
}
