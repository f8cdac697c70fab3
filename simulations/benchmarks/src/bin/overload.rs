//! Three times the capacity, open loop, without HTTP: what is still accepted, and how commands on existing holds fare.
//! Who wants a new hold and who has one are on a thread each, the writer and the store on theirs; all share the machine. So a renewal waits for what the
//! server does and for a processor, not for the flood's own loop.
//!
//! `cargo run --release -p tessera-benchmarks --bin overload [-- --seconds 10]`
//! First the peak is measured by a closed loop, then arrivals come at three times that rate whatever the writer does; beside them come
//! renewals of existing holds at a fiftieth of that rate, timed from the moment when they were due.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::expect_used, clippy::panic)] // a benchmark

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tessera_actors::{Answer, InventoryRouter};
use tessera_benchmarks::{
    EVENT, Installation, Latencies, hold_command, number_argument, row, standing, title,
};
use tessera_inventory::{Authority, ClaimNumber, Command, CommandBody};
use tessera_writer::Ask;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Length of each phase, unless `--seconds N` says otherwise.
const SECONDS: u64 = 10;
/// Callers of the closed loop.
const CALLERS: u64 = 2_048;
/// Arrivals per capacity.
const OVERLOAD: f64 = 3.0;
/// Renewals of existing holds come at this part of the rate of the arrivals.
const RENEWALS: f64 = 1.0 / 50.0;
/// Existing holds to renew.
const EXISTING: u64 = 20_000;
/// How long a client waits for an answer.
const GIVE_UP: Duration = Duration::from_secs(2);
/// Tasks that a generator polls before it looks at the clock again: whoever was answered is heard first.
const HEARD_AT_ONCE: u32 = 10_000;

/// What came of the renewals.
struct Renewals {
    answered: u64,
    not_answered: u64,
    latencies: Latencies,
}

/// A generator's thread.
fn generator() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .event_interval(HEARD_AT_ONCE)
        .build()
        .expect("a runtime")
}

fn main() {
    let seconds = number_argument("--seconds").unwrap_or(SECONDS);
    // The writer has a thread of its own, as it has in a process that the crowd is not part of.
    let serving = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    generator().block_on(async {
        let installation = serving.spawn(Installation::start(u64::MAX)).await.expect("it starts");
        installation.open_sale(standing(10_000_000)).await;
        let router = installation.router();
        let next = Arc::new(AtomicU64::new(EXISTING));
        let existing = Arc::new(place_existing(&router).await);
        let closed = closed_loop(&router, seconds, &next).await;
        row("closed loop, no arrivals beyond it", format!("{closed:.0} /s"));
        // The same generator at about the capacity says what the peak is when the crowd takes its share of the machine.
        let peak = open_loop(&router, closed, seconds, &next, &existing).await;
        let overload = open_loop(&router, peak * OVERLOAD, seconds, &next, &existing).await;
        row("goodput at three times the peak, as a share of it", format!("{:.2}", overload / peak));
        installation.stop().await;
    });
}

async fn place_existing(router: &InventoryRouter) -> Vec<(Authority, ClaimNumber)> {
    let mut existing = Vec::new();
    for number in 0..EXISTING {
        let command = hold_command(number, 1);
        let authority = command.authority;
        match router.ask(EVENT, Ask::Command(Box::new(command)), GIVE_UP).await {
            Answer::Accepted { sequence, .. } => existing.push((authority, ClaimNumber(sequence.0))),
            other => panic!("not accepted: {other:?}"),
        }
    }
    existing
}

async fn closed_loop(router: &InventoryRouter, seconds: u64, next: &Arc<AtomicU64>) -> f64 {
    let started = Instant::now();
    let ends_at = started + Duration::from_secs(seconds);
    let caller = |router: InventoryRouter, next: Arc<AtomicU64>| async move {
        let mut accepted = 0_u32;
        while Instant::now() < ends_at {
            let command = Box::new(hold_command(next.fetch_add(1, Ordering::Relaxed), 1));
            let answer = router.ask(EVENT, Ask::Command(command), GIVE_UP).await;
            accepted += u32::from(matches!(answer, Answer::Accepted { .. }));
        }
        accepted
    };
    let tasks: Vec<_> =
        (0..CALLERS).map(|_| tokio::spawn(caller(router.clone(), Arc::clone(next)))).collect();
    let mut accepted = 0.0;
    for task in tasks {
        accepted += f64::from(task.await.expect("a caller does not panic"));
    }
    accepted / started.elapsed().as_secs_f64()
}

/// Arrivals at `rate` a second and renewals beside them, whatever the writer does; returns the accepted holds a second.
#[allow(clippy::cast_precision_loss)] // rates
async fn open_loop(
    router: &InventoryRouter,
    rate: f64,
    seconds: u64,
    next: &Arc<AtomicU64>,
    existing: &Arc<Vec<(Authority, ClaimNumber)>>,
) -> f64 {
    let turned_away = Arc::new(AtomicU64::new(0));
    let held_before = held(router);
    let renewing = std::thread::spawn({
        let (router, existing) = (router.clone(), Arc::clone(existing));
        move || generator().block_on(renewals(router, rate * RENEWALS, seconds, existing))
    });
    let started = Instant::now();
    let arrived = due_at(rate, seconds, async |_| {
        let (number, turned_away) = (next.fetch_add(1, Ordering::Relaxed), Arc::clone(&turned_away));
        begin(Box::pin(arrive(router.clone(), number, turned_away))).await;
    })
    .await;
    let elapsed = started.elapsed().as_secs_f64();
    // As the writer counts it, so that an answer not yet heard counts too.
    let goodput = (held(router) - held_before) as f64 / elapsed;
    let renewals = renewing.join().expect("it does not panic");
    title(&format!("open loop, {:.0} arrivals /s for {seconds} s", arrived as f64 / elapsed));
    row("accepted new holds", format!("{goodput:.0} /s"));
    let turned_away = turned_away.load(Ordering::Relaxed) as f64 / elapsed;
    row("turned away at once (not executed)", format!("{turned_away:.0} /s"));
    row(
        "commands on existing holds answered",
        format!("{} of {}", renewals.answered, renewals.answered + renewals.not_answered),
    );
    row("their latency", renewals.latencies.summary());
    goodput
}

/// Call `arrive` with each moment at which somebody is due, at `rate` a second for so long; returns how many were.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rates
async fn due_at(rate: f64, seconds: u64, mut arrive: impl AsyncFnMut(Instant)) -> u64 {
    let started = Instant::now();
    let mut arrived = 0_u64;
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    while started.elapsed() < Duration::from_secs(seconds) {
        tick.tick().await;
        // Behind or not: whoever was answered is heard.
        tokio::task::yield_now().await;
        let due = (started.elapsed().as_secs_f64() * rate) as u64;
        while arrived < due {
            arrive(started + Duration::from_secs_f64(arrived as f64 / rate)).await;
            arrived += 1;
        }
    }
    arrived
}

/// Renew existing holds in turn, at `rate` a second for so long.
async fn renewals(
    router: InventoryRouter,
    rate: f64,
    seconds: u64,
    existing: Arc<Vec<(Authority, ClaimNumber)>>,
) -> Renewals {
    let mut tasks = tokio::task::JoinSet::new();
    let mut claims = existing.iter().copied().cycle();
    due_at(rate, seconds, async |due| {
        let (authority, hold) = claims.next().expect("there are some");
        let command = Command { authority, key: None, body: CommandBody::RenewHold { hold } };
        tasks.spawn(renew(router.clone(), command, due));
    })
    .await;
    let mut renewals = Renewals { answered: 0, not_answered: 0, latencies: Latencies::new() };
    while let Some(latency) = tasks.join_next().await {
        match latency.expect("a renewal does not panic") {
            Some(latency) => {
                renewals.answered += 1;
                renewals.latencies.record(latency);
            }
            None => renewals.not_answered += 1,
        }
    }
    renewals
}

/// Units in durable holds.
fn held(router: &InventoryRouter) -> u64 {
    router.published(EVENT).map_or(0, |published| u64::from(published.availability.pools[0].held))
}

/// Begin an arrival; who is turned away at once costs the generator no task.
async fn begin(mut arrival: Pin<Box<dyn Future<Output = ()> + Send>>) {
    if futures::poll!(&mut arrival).is_pending() {
        tokio::spawn(arrival);
    }
}

async fn arrive(router: InventoryRouter, number: u64, turned_away: Arc<AtomicU64>) {
    let answer = router.ask(EVENT, Ask::Command(Box::new(hold_command(number, 1))), GIVE_UP).await;
    if matches!(answer, Answer::NotExecuted { .. }) {
        turned_away.fetch_add(1, Ordering::Relaxed);
    }
}

/// How long after it was due the renewal was answered, if it was.
async fn renew(router: InventoryRouter, command: Command, due: Instant) -> Option<Duration> {
    let answer = router.ask(EVENT, Ask::Command(Box::new(command)), GIVE_UP).await;
    // A refusal (renewals used up) is an answer too: what counts is that the writer served the command.
    matches!(answer, Answer::Accepted { .. } | Answer::Rejected { .. }).then(|| due.elapsed())
}
