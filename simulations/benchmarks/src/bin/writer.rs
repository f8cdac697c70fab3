//! Durable holds through router, writer and the embedded store, without HTTP: one hot event, closed loop.
//!
//! `cargo run --release -p tessera-benchmarks --bin writer [-- --callers 4096 --seconds 5 --rounds 5]`
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::expect_used, clippy::panic)] // a benchmark

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tessera_actors::{Answer, InventoryRouter};
use tessera_benchmarks::{
    EVENT, Installation, Latencies, hold_command, median, number_argument, row, standing, title,
};
use tessera_writer::Ask;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Callers that each wait for their answer before they ask again, unless `--callers N` says otherwise.
const CALLERS: u64 = 2_048;
/// Length of a round, unless `--seconds N` says otherwise.
const SECONDS: u64 = 5;
/// Rounds of which the median is quoted, unless `--rounds N` says otherwise.
const ROUNDS: u64 = 5;
/// How long a caller waits.
const GIVE_UP: Duration = Duration::from_secs(10);

fn main() {
    let callers = number_argument("--callers").unwrap_or(CALLERS);
    let seconds = number_argument("--seconds").unwrap_or(SECONDS);
    let rounds = number_argument("--rounds").unwrap_or(ROUNDS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let installation = Installation::start(u64::MAX).await;
        installation.open_sale(standing(10_000_000)).await;
        let next = Arc::new(AtomicU64::new(0));
        let (mut rates, mut latencies) = (Vec::new(), Latencies::new());
        for _ in 0..rounds {
            let (rate, round) = measure(&installation.router(), callers, seconds, &next).await;
            rates.push(rate);
            latencies.merge(&round);
        }
        title(&format!("durable holds, router + writer + embedded store, {callers} callers, {rounds} rounds of {seconds} s"));
        row("holds a second, median", format!("{:.0}", median(rates)));
        row("latency", latencies.summary());
        installation.stop().await;
    });
}

async fn measure(
    router: &InventoryRouter,
    callers: u64,
    seconds: u64,
    next: &Arc<AtomicU64>,
) -> (f64, Latencies) {
    let started = Instant::now();
    let ends_at = started + Duration::from_secs(seconds);
    let tasks: Vec<_> =
        (0..callers).map(|_| tokio::spawn(caller(router.clone(), ends_at, Arc::clone(next)))).collect();
    let mut all = Latencies::new();
    for task in tasks {
        all.merge(&task.await.expect("a caller does not panic"));
    }
    #[allow(clippy::cast_precision_loss)] // a rate
    let rate = all.count() as f64 / started.elapsed().as_secs_f64();
    (rate, all)
}

async fn caller(router: InventoryRouter, ends_at: Instant, next: Arc<AtomicU64>) -> Latencies {
    let mut latencies = Latencies::new();
    loop {
        let asked = Instant::now();
        if asked >= ends_at {
            return latencies;
        }
        let command = hold_command(next.fetch_add(1, Ordering::Relaxed), 1);
        match router.ask(EVENT, Ask::Command(Box::new(command)), GIVE_UP).await {
            Answer::Accepted { .. } => latencies.record(asked.elapsed()),
            other => panic!("a hold was not accepted: {other:?}"),
        }
    }
}
