//! Holds a second through router, writer and embedded store, durable, one hot event, no HTTP.
//!
//! `cargo run --release -p tessera-actors --example throughput -- [seconds] [callers]`
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::{BoxFuture, join_all};
use hdrhistogram::Histogram;
use tessera_actors::{Answer, Clock, Environment, InventoryRouter, Limits, Platform, Random, TokioSpawn};
use tessera_embedded::{EmbeddedStore, Options};
use tessera_inventory::{
    Authority, Command, CommandBody, Config, EventId, HoldPolicy, IdempotencyKey, LineRequest, Phase,
    PlaceHold, Pool, PoolId, SaleWindow, Schedule, SeatingPolicy, Subject, Subjects, TicketType,
    TicketTypeId, Timestamp, Want,
};
use tessera_writer::{Ask, Monotonic};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EVENT: EventId = EventId(0x0198_0000_0000_7000_8000_0000_0000_0001);
const GIVE_UP: Duration = Duration::from_secs(10);

struct SystemClock(Instant);

impl Clock for SystemClock {
    fn monotonic(&self) -> Monotonic {
        Monotonic(u64::try_from(self.0.elapsed().as_micros()).unwrap())
    }

    fn wall(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp(u64::try_from(since.as_millis()).unwrap())
    }

    fn sleep_until(&self, deadline_at: Monotonic) -> BoxFuture<'static, ()> {
        let at = self.0 + Duration::from_micros(deadline_at.0);
        Box::pin(tokio::time::sleep_until(at.into()))
    }
}

struct Seeded(AtomicU64);

impl Random for Seeded {
    fn bits(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    }
}

fn organizer(body: CommandBody) -> Ask {
    Ask::Command(Box::new(Command { authority: Authority::Organizer, key: None, body }))
}

fn config() -> Config {
    Config {
        currency: *b"EUR",
        pools: vec![Pool { name: "Floor".into(), capacity: 10_000_000 }],
        categories: Vec::new(),
        sections: Vec::new(),
        rows: Arc::from([]),
        channels: Vec::new(),
        ticket_types: vec![TicketType {
            name: "Standing".into(),
            price_minor: 0,
            window: SaleWindow::default(),
            per_order_min: 1,
            per_order_max: 6,
            per_subject_max: Some(6),
            access_code: None,
            category: None,
            draws_on: vec![PoolId(0)],
        }],
        units_per_subject_max: Some(8),
        hold: HoldPolicy::default(),
        seating: SeatingPolicy { stranding_allowed: true, companions_max: 1, accessible_released: false },
        schedule: Schedule::default(),
    }
}

fn place_hold(buyer: u128) -> Ask {
    let spread = buyer.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).rotate_left(64);
    let subject = Subject(spread);
    let line = LineRequest {
        ticket_type: Some(TicketTypeId(0)),
        expected_price_minor: Some(0),
        want: Want::Quantity(1),
    };
    let body = CommandBody::PlaceHold(PlaceHold {
        subjects: Subjects { primary: subject, extra: Vec::new() },
        lines: vec![line],
        access_code: None,
        duration_ms: None,
    });
    let key = IdempotencyKey { digest: !spread, fingerprint: 7, minted_at: None };
    Ask::Command(Box::new(Command { authority: Authority::Subject(subject), key: Some(key), body }))
}

async fn buy(router: InventoryRouter, caller: u128, stop: Arc<AtomicBool>) -> (u64, Histogram<u64>) {
    let mut latency_us = Histogram::<u64>::new(3).unwrap();
    let mut refused = 0;
    for count in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let began = Instant::now();
        match router.ask(EVENT, place_hold(caller << 40 | count), GIVE_UP).await {
            Answer::Accepted { .. } => {
                latency_us.record(u64::try_from(began.elapsed().as_micros()).unwrap()).unwrap();
            }
            _ => refused += 1,
        }
    }
    (refused, latency_us)
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

async fn measure(seconds: u64, callers: u128) {
    let directory = tempfile::tempdir_in(".").unwrap();
    let store = Arc::new(EmbeddedStore::open(directory.path(), &Options::default()).unwrap());
    let environment = Environment {
        clock: Arc::new(SystemClock(Instant::now())),
        random: Arc::new(Seeded(AtomicU64::new(1))),
        spawn: Arc::new(TokioSpawn(tokio::runtime::Handle::current())),
    };
    let platform =
        Platform::start(environment, store.clone(), store.clone(), Limits::default()).await.unwrap();
    let router = platform.inventory();
    let body = CommandBody::Configure { expected_version: 0, config: Arc::new(config()) };
    router.ask(EVENT, organizer(body), GIVE_UP).await;
    router.ask(EVENT, organizer(CommandBody::ChangePhase { to: Phase::OnSale }), GIVE_UP).await;

    let stop = Arc::new(AtomicBool::new(false));
    let (began, cpu_began) = (Instant::now(), cpu_seconds());
    let tasks: Vec<_> =
        (0..callers).map(|caller| tokio::spawn(buy(router.clone(), caller, Arc::clone(&stop)))).collect();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    stop.store(true, Ordering::Relaxed);
    let mut all = Histogram::<u64>::new(3).unwrap();
    let mut refused = 0;
    for result in join_all(tasks).await {
        let (one_refused, latency_us) = result.unwrap();
        all.add(latency_us).unwrap();
        refused += one_refused;
    }
    let (elapsed, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu_began);
    let accepted = all.len() as f64;
    println!("holds a second   {:>12.0}", accepted / elapsed);
    println!("refused          {refused:>12}");
    println!("cpu of 1 hold    {:>12.2} us", cpu / accepted * 1e6);
    println!("cpu in use       {:>12.2} cores", cpu / elapsed);
    for quantile in [0.5, 0.99, 0.999, 1.0] {
        println!("latency p{:<7} {:>12} us", quantile * 100.0, all.value_at_quantile(quantile));
    }
    platform.drain(GIVE_UP).await;
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().unwrap());
    let seconds = arguments.next().unwrap_or(10);
    let callers = arguments.next().unwrap_or(2_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure(seconds, u128::from(callers)));
}
