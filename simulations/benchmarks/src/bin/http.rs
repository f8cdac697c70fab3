//! Accepted holds over HTTP against a bare no-op route and a bare group-commit probe, driven by `wrk`.
//!
//! `cargo build --release -p tessera && cargo run --release -p tessera-benchmarks --bin http`
//! needs `wrk` (Debian package `wrk`). `--flat` measures one minute of the product alone instead, `--receipts` what receipts cost. Each round runs no-op, probe and holds one after the other on the same machine; the
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
    let product = product::Product::start(scratch.path());
    if arguments.iter().any(|word| word == "--flat") {
        flat(scratch.path(), &product);
        return;
    }
    if arguments.iter().any(|word| word == "--receipts") {
        receipts(scratch.path(), &product, rounds, seconds);
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

/// What receipts cost: two products, one with and one without, measured in turns; each round has its own ratio. Which is measured first alternates, too.
fn receipts(scratch: &Path, with: &product::Product, rounds: usize, seconds: u64) {
    let without = product::Product::start_with(scratch, false);
    for connections in CONNECTIONS {
        let (mut on, mut off) = (vec![], vec![]);
        for round in 0..rounds {
            let run = |product: &product::Product, runs: &mut Vec<wrk::Figures>| {
                let tokens = product.mint(scratch, 30_000.0 * seconds as f64);
                let identity = format!("receipts-{}-{connections}", product.next_identity());
                let url = product.holds_url();
                let figures = wrk::Run { url, identity, tokens, connections, seconds }.measure(scratch);
                assert_eq!(figures.refused, 0, "every hold of the benchmark is accepted");
                runs.push(figures);
            };
            if round % 2 == 0 {
                run(with, &mut on);
                run(&without, &mut off);
            } else {
                run(&without, &mut off);
                run(with, &mut on);
            }
        }
        title(&format!("{connections} connections, {rounds} rounds of {seconds} s, medians"));
        for (name, runs) in [("holds with receipts", &on), ("holds without", &off)] {
            let middle = |of: fn(&wrk::Figures) -> f64| median(runs.iter().map(of).collect());
            let (rate, p50, p99) =
                (middle(|run| run.per_second), middle(|run| run.p50_ms), middle(|run| run.p99_ms));
            row(name, format!("{rate:>8.0} /s   p50 {p50:.2} ms   p99 {p99:.2} ms"));
        }
        let ratio = median(on.iter().zip(&off).map(|(on, off)| on.per_second / off.per_second).collect());
        row("with as a share of without", format!("{ratio:.3}"));
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
