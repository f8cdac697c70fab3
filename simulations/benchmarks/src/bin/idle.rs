//! What an event costs in memory while it is active, and once it is idle.
//!
//! `cargo run --release -p tessera-benchmarks --bin idle`
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::expect_used)] // a benchmark

use std::time::Duration;

use tessera_actors::Limits;
use tessera_benchmarks::{CountingAllocator, EVENT, Installation, row, standing, title};
use tessera_inventory::EventId;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::new();

/// Events that are opened and left alone.
const EVENTS: u128 = 2_000;
/// Without requests for this long an event is passivated here, in milliseconds: longer than opening all of them takes.
const IDLE_MS: u64 = 20_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let installation =
            Installation::start_with(folder, Limits { idle_ms: IDLE_MS, ..Limits::default() }).await;
        // One event first, so that what is made once is made.
        installation.open_sale(standing(1_000)).await;
        let before = ALLOCATOR.live_bytes();
        for number in 1..=EVENTS {
            installation.open_sale_of(EventId(EVENT.0 + number), standing(1_000)).await;
        }
        let active = ALLOCATOR.live_bytes();
        let seen = installation.active_events();
        while installation.active_events() > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let idle = ALLOCATOR.live_bytes();
        title(&format!(
            "memory of {EVENTS} events with a standing area each, {seen} active at the end of opening them"
        ));
        let per_event = |bytes: usize| bytes.saturating_sub(before) as f64 / EVENTS as f64;
        row("active", format!("{:.0} bytes an event", per_event(active)));
        row("idle", format!("{:.0} bytes an event", per_event(idle)));
        installation.stop().await;
    });
}
