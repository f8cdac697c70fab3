//! What an event costs in memory while it is active, and once it is idle: what each more costs then must tend to nothing.
//!
//! `cargo run --release -p tessera-benchmarks --bin idle`
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::expect_used)] // a benchmark

use std::time::Duration;

use tessera_actors::Limits;
use tessera_benchmarks::{CountingAllocator, EVENT, Installation, row, standing, title};
use tessera_inventory::EventId;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::new();

/// Events that are opened and left alone, in all, at each measurement.
const EVENTS: [u128; 3] = [2_000, 20_000, 60_000];
/// Without requests for this long an event is passivated here, in milliseconds.
const IDLE_MS: u64 = 5_000;
/// Events that may be active at once: none makes room for another while they are opened.
const ACTIVE_MAX: usize = 70_000;
/// What is alive is looked at this often, and has settled once so many looks in a row find no less.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const LOOKS: u32 = 10;

/// Everybody sleeps, what is recorded is recorded, and what was written has been written out.
async fn settled(installation: &Installation) -> usize {
    let mut least = usize::MAX;
    let mut looks = 0;
    while looks < LOOKS {
        tokio::time::sleep(LOOK_EVERY).await;
        let live = ALLOCATOR.live_bytes();
        let shrinks = live < least - least / 100;
        looks = if installation.active_events() > 0 || shrinks { 0 } else { looks + 1 };
        least = least.min(live);
    }
    least
}

#[allow(clippy::cast_precision_loss)] // counts far below 2^52
fn per_event(more_bytes: usize, events: u128) -> String {
    format!("{:.0} bytes an event", more_bytes as f64 / events as f64)
}

async fn measure(installation: &Installation) {
    // One event first, so that what is made once is made.
    installation.open_sale(standing(1_000)).await;
    let first = ALLOCATOR.live_bytes();
    let (mut opened, mut before) = (0, first);
    for count in EVENTS {
        let began = ALLOCATOR.live_bytes();
        for number in opened + 1..=count {
            installation.open_sale_of(EventId(EVENT.0 + number), standing(1_000)).await;
        }
        let (active, seen) = (ALLOCATOR.live_bytes(), installation.active_events());
        let idle = settled(installation).await;
        title(&format!(
            "memory of {count} events with a standing area each, {seen} active once all were open"
        ));
        row("active", per_event(active.saturating_sub(began), seen as u128));
        row("idle", per_event(idle.saturating_sub(first), count));
        row("each idle event more", per_event(idle.saturating_sub(before), count - opened));
        (opened, before) = (count, idle);
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let limits = Limits { idle_ms: IDLE_MS, active_events_max: ACTIVE_MAX, ..Limits::default() };
        let installation = Installation::start_with(folder, limits).await;
        measure(&installation).await;
        installation.stop().await;
    });
}
