//! Accepted holds over HTTP against a bare no-op route and a bare group-commit probe, driven by `wrk`.
//!
//! `cargo build --release -p tessera && cargo run --release -p tessera-benchmarks --bin http`
//! needs `wrk` (Debian package `wrk`). Each round runs no-op, probe and holds one after the other on the same machine; the
//! table quotes medians over the rounds and their ratios.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::expect_used, clippy::panic)] // a benchmark

#[path = "../http/bare.rs"]
mod bare;
#[path = "../http/product.rs"]
mod product;
#[path = "../http/wrk.rs"]
mod wrk;

use std::path::Path;

use tessera_benchmarks::{median, number_argument, row, title};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds of which the median is quoted, unless `--rounds N` says otherwise.
const ROUNDS: usize = 5;
/// Length of one run, unless `--seconds N` says otherwise.
const SECONDS: u64 = 6;
/// Connections of the measured points.
const CONNECTIONS: [u32; 3] = [16, 64, 256];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|word| word == "bare") {
        bare::serve(&arguments[2], Path::new(&arguments[3]));
        return;
    }
    let rounds =
        number_argument("--rounds").and_then(|rounds| usize::try_from(rounds).ok()).unwrap_or(ROUNDS);
    let seconds = number_argument("--seconds").unwrap_or(SECONDS);
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let product = product::Product::start(scratch.path());
    let bare = bare::Bare::start(scratch.path());
    for connections in CONNECTIONS {
        point(scratch.path(), &product, &bare, connections, rounds, seconds);
    }
}

/// Measure one number of connections.
fn point(
    scratch: &Path,
    product: &product::Product,
    bare: &bare::Bare,
    connections: u32,
    rounds: usize,
    seconds: u64,
) {
    let (mut noop, mut probe, mut holds) = (vec![], vec![], vec![]);
    for _ in 0..rounds {
        let run = |url: String, identity: &str, tokens: &Path| {
            wrk::Run { url, identity: identity.to_owned(), tokens: tokens.to_owned(), connections, seconds }
                .measure(scratch)
        };
        let tokens = product.mint(
            scratch,
            noop.last().map_or(60_000.0, |run: &wrk::Figures| run.per_second) * seconds as f64,
        );
        noop.push(run(bare.url("/noop"), "noop", &tokens));
        probe.push(run(bare.url("/probe"), "probe", &tokens));
        let before = product.held();
        let figures =
            run(product.holds_url(), &format!("round-{}-{connections}", product.next_identity()), &tokens);
        assert_eq!(figures.refused, 0, "every hold of the benchmark is accepted");
        assert!(product.held() - before >= figures.requests, "every 201 is a held unit");
        holds.push(figures);
    }
    title(&format!("{connections} connections, {rounds} rounds of {seconds} s, medians"));
    let middle = |runs: &[wrk::Figures], of: fn(&wrk::Figures) -> f64| median(runs.iter().map(of).collect());
    for (name, runs) in [("no-op", &noop), ("group-commit probe", &probe), ("accepted holds", &holds)] {
        let rate = middle(runs, |run| run.per_second);
        let (p50, p99) = (middle(runs, |run| run.p50_ms), middle(runs, |run| run.p99_ms));
        row(name, format!("{rate:>8.0} /s   p50 {p50:.2} ms   p99 {p99:.2} ms"));
    }
    let ratio = |of: &[wrk::Figures], to: &[wrk::Figures]| {
        median(of.iter().zip(to).map(|(a, b)| a.per_second / b.per_second).collect())
    };
    row("holds as a share of the no-op", format!("{:.3}", ratio(&holds, &noop)));
    row("holds as a share of the probe", format!("{:.3}", ratio(&holds, &probe)));
    let above = median(holds.iter().zip(&noop).map(|(a, b)| a.p99_ms - b.p99_ms).collect());
    row("p99 above the no-op", format!("{above:.2} ms"));
}
