//! Activation of an event with a million log events, by full replay and from a snapshot.
//!
//! `cargo run --release -p tessera-benchmarks --bin activation`. The event sold 100,000 tickets (held, begun, confirmed) and saw 350,000
//! holds placed and released, all under keys of their own, as an on-sale leaves it.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::expect_used, clippy::panic)] // a benchmark

use std::time::{Duration, Instant};

use tessera_actors::{Answer, InventoryRouter};
use tessera_benchmarks::{EVENT, Installation, hold_command, median, row, standing, title};
use tessera_inventory::{Authority, ClaimNumber, Command, CommandBody, IdempotencyKey, Payment};
use tessera_writer::Ask;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tickets sold before the event is passivated.
const SOLD: u64 = 100_000;
/// Holds placed and released besides.
const RELEASED: u64 = 350_000;
/// Buyers at once while the log is made.
const BUYERS: u64 = 512;
/// Activations of which the median is quoted.
const RUNS: usize = 5;
/// How long one step may take.
const GIVE_UP: Duration = Duration::from_secs(60);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let installation = Installation::start(u64::MAX).await;
        installation.open_sale(standing(1_000_000)).await;
        make_log(&installation.router()).await;
        let folder = installation.stop().await;
        let (folder, replayed) = activate(folder, u64::MAX).await;
        title("activation of an event with 1,000,000 log events, medians");
        row("by full replay", format!("{replayed:.0} ms"));
        let folder = write_snapshot(folder).await;
        let (_folder, restored) = activate(folder, u64::MAX).await;
        row("from a snapshot", format!("{restored:.0} ms"));
    });
}

async fn make_log(router: &InventoryRouter) {
    let tasks: Vec<_> = (0..BUYERS).map(|buyer| tokio::spawn(buy(router.clone(), buyer))).collect();
    for task in tasks {
        task.await.expect("a buyer does not panic");
    }
}

async fn buy(router: InventoryRouter, buyer: u64) {
    for number in (buyer..SOLD + RELEASED).step_by(usize::try_from(BUYERS).expect("a constant")) {
        let place = hold_command(number, 1);
        let (authority, key) = (place.authority, place.key);
        let hold = ClaimNumber(accepted(&router, place).await);
        let later =
            |step: u128| key.map(|key| IdempotencyKey { digest: key.digest.wrapping_add(step), ..key });
        let then = async |step, authority, body| {
            accepted(&router, Command { authority, key: later(step), body }).await;
        };
        if number < SOLD {
            then(1, authority, CommandBody::BeginPayment { hold, provider: None, extra_subjects: vec![] })
                .await;
            then(
                2,
                Authority::Organizer,
                CommandBody::Confirm { order: hold, payment: Payment::Free, attempt: None },
            )
            .await;
        } else {
            then(1, authority, CommandBody::ReleaseHold { hold }).await;
        }
    }
}

async fn accepted(router: &InventoryRouter, command: Command) -> u64 {
    match router.ask(EVENT, Ask::Command(Box::new(command)), GIVE_UP).await {
        Answer::Accepted { sequence, .. } => sequence.0,
        other => panic!("not accepted: {other:?}"),
    }
}

/// The median time from the first request to the answer of an idle event.
async fn activate(mut folder: tempfile::TempDir, snapshot_every: u64) -> (tempfile::TempDir, f64) {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let installation = Installation::start_in(folder, snapshot_every).await;
        let started = Instant::now();
        let published = installation.router().activate(EVENT, GIVE_UP).await.expect("the event activates");
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        assert!(published.availability.sequence.0 >= 1_000_000, "the whole log was read");
        folder = installation.stop().await;
    }
    (folder, median(times))
}

/// Activate with snapshots on, and wait until one covers the log.
async fn write_snapshot(folder: tempfile::TempDir) -> tempfile::TempDir {
    let installation = Installation::start_in(folder, 1_000).await;
    installation.router().activate(EVENT, GIVE_UP).await.expect("the event activates");
    // The shadow looks when the log grows.
    accepted(&installation.router(), hold_command(u64::MAX, 1)).await;
    installation.wait_for_snapshot(1_000_000).await;
    installation.stop().await
}
