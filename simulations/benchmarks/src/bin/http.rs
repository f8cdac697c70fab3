//! Accepted holds over HTTP against a bare no-op route and a bare group-commit probe, driven by `wrk`.
//!
//! `cargo build --release -p tessera && cargo run --release -p tessera-benchmarks --bin http`
//! needs `wrk` (Debian package `wrk`). `--flat` measures one minute of the product alone instead, `--receipts` what receipts cost. Each round runs no-op, probe and holds one after the other on the same machine; the
//! table quotes medians over the rounds and their ratios.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::expect_used, clippy::panic)] // a benchmark

#[path = "../http/bare.rs"]
mod bare;
#[path = "../http/product.rs"]
#[allow(dead_code)] // nodes of a cluster are not measured here
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

/// Connections of `--receipts`.
const RECEIPTS_CONNECTIONS: u32 = 64;
/// More subjects than a second of it takes.
const RECEIPTS_TOKENS_PER_SECOND: f64 = 40_000.0;
/// Parts of the minute of `--flat`.
const FLAT_PARTS: u64 = 6;
/// Length of each.
const FLAT_SECONDS: u64 = 10;
/// Subjects of it; each may hold 8 units, one in each part.
const FLAT_TOKENS: f64 = 600_000.0;

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
    if arguments.iter().any(|word| word == "--receipts") {
        receipts(scratch.path(), rounds, seconds);
        return;
    }
    let product = product::Product::start(scratch.path());
    if arguments.iter().any(|word| word == "--flat") {
        flat(scratch.path(), &product);
        return;
    }
    let bare = bare::Bare::start(scratch.path());
    for connections in CONNECTIONS {
        point(scratch.path(), &product, &bare, connections, rounds, seconds);
    }
}

/// One minute of accepted holds: rate, latency and memory, ten seconds at a time. Every hold stays live, so the state grows by what a live
/// hold and its key take.
fn flat(scratch: &Path, product: &product::Product) {
    title("one minute, 64 connections, every hold stays live");
    let tokens = product.mint(scratch, FLAT_TOKENS);
    let (mut memory, mut held) = (product.resident_kib(), product.held());
    for part in 1..=FLAT_PARTS {
        let identity = format!("flat-{part}-");
        let run = wrk::Run {
            url: product.holds_url(),
            identity,
            tokens: tokens.clone(),
            connections: 64,
            seconds: FLAT_SECONDS,
        };
        let figures = run.measure(scratch);
        let (memory_after, held_after) = (product.resident_kib(), product.held());
        let per_hold =
            (memory_after.saturating_sub(memory)) as f64 * 1024.0 / (held_after - held).max(1) as f64;
        row(
            &format!("second {} to {}", (part - 1) * FLAT_SECONDS, part * FLAT_SECONDS),
            format!(
                "{:>7.0} /s   p50 {:.2} ms   p99 {:.2} ms   {} MiB resident, {per_hold:.0} bytes more per hold, {} refused",
                figures.per_second,
                figures.p50_ms,
                figures.p99_ms,
                memory_after / 1024,
                figures.refused
            ),
        );
        (memory, held) = (memory_after, held_after);
    }
}

/// What receipts cost: a round is one product with and one without, each in a fresh process (two processes of one build differ by more than receipts
/// cost), and has its own ratios. Which is measured first alternates, too.
fn receipts(scratch: &Path, rounds: usize, seconds: u64) {
    title(&format!("{RECEIPTS_CONNECTIONS} connections, {rounds} rounds of {seconds} s in fresh processes"));
    let (mut with, mut without) = (vec![], vec![]);
    for round in 0..rounds {
        for is_with in [round % 2 == 0, round % 2 == 1] {
            let cost = cost_of_holds(scratch, is_with, seconds);
            if is_with { &mut with } else { &mut without }.push(cost);
        }
        let [on, off] = [&with, &without].map(|costs| costs[round]);
        row(&format!("round {}", round + 1), format!("with {}   without {}", on.text(), off.text()));
    }
    let share = |of: fn(&Cost) -> f64| {
        let mut ratios: Vec<_> = with.iter().zip(&without).map(|(on, off)| of(on) / of(off)).collect();
        ratios.sort_by(f64::total_cmp);
        let (low, high) = (ratios[rounds / 4], ratios[rounds - 1 - rounds / 4]);
        format!("{:.3} (half of the rounds: {low:.3} to {high:.3})", median(ratios))
    };
    row("holds a second, with as a share of without", share(|cost| cost.per_second));
    row("processor of the server a hold, the same", share(|cost| cost.processor_us));
}

/// What a run of holds came to.
#[derive(Clone, Copy)]
struct Cost {
    per_second: f64,
    /// Of the server, a hold, in microseconds.
    processor_us: f64,
}

impl Cost {
    fn text(self) -> String {
        format!("{:>6.0} /s {:>5.1} µs", self.per_second, self.processor_us)
    }
}

fn cost_of_holds(scratch: &Path, with_receipts: bool, seconds: u64) -> Cost {
    let product = product::Product::start_with(scratch, with_receipts);
    let tokens = product.mint(scratch, RECEIPTS_TOKENS_PER_SECOND * seconds as f64);
    let (identity, url) = ("receipts-".to_owned(), product.holds_url());
    let before = product.processor_us();
    let run = wrk::Run { url, identity, tokens, connections: RECEIPTS_CONNECTIONS, seconds };
    let figures = run.measure(scratch);
    assert_eq!(figures.refused, 0, "every hold of the benchmark is accepted");
    // What was accepted last is signed a moment later, at the server's expense.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let processor_us = (product.processor_us() - before) / figures.requests as f64;
    Cost { per_second: figures.per_second, processor_us }
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
