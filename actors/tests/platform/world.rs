//! A platform on an injected clock, randomness and store, with the few commands that the tests need.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_actors::{
    Answer, Clock, Environment, InventoryRouter, Limits, Platform, Random, Services, TokioSpawn,
};
use tessera_inventory::{
    Authority, ClaimNumber, Command, CommandBody, Config, EventId, HoldPolicy, IdempotencyKey, LineRequest,
    Phase, PlaceHold, Pool, PoolId, SaleWindow, Schedule, SeatingPolicy, Subject, Subjects, TicketType,
    TicketTypeId, Timestamp, Want,
};
use tessera_projections::orders::OrdersBySubject;
use tessera_projections::receipts::Signer;
use tessera_store::{Log, Table};
use tessera_writer::{Ask, Monotonic, Mutation};
use tokio::sync::watch;

use crate::store::TestStore;

pub(crate) const EVENT: EventId = EventId(0x0198_0000_0000_7000_8000_0000_0000_0001);
pub(crate) const GIVE_UP: Duration = Duration::from_secs(10);
/// The wall clock when a world begins.
pub(crate) const BEGINNING: Timestamp = Timestamp(1_790_000_000_000);
/// A state that is not reached within this real time fails the test.
const PATIENCE: Duration = Duration::from_secs(60);
/// While time flows, a virtual millisecond takes at least this long, so that the work of other threads keeps up with it.
const PACE: Duration = Duration::from_micros(50);

/// Time that moves only when the test says so.
#[derive(Clone)]
pub(crate) struct TestClock {
    micros: Arc<watch::Sender<u64>>,
    wall_panics: Arc<AtomicBool>,
    /// How far the wall clock is off, in milliseconds.
    wall_off_ms: Arc<AtomicI64>,
}

impl TestClock {
    pub(crate) fn new() -> TestClock {
        TestClock {
            micros: Arc::new(watch::Sender::new(1_000)),
            wall_panics: Arc::new(AtomicBool::new(false)),
            wall_off_ms: Arc::new(AtomicI64::new(0)),
        }
    }

    /// Set the wall clock off, for every process that has this clock.
    pub(crate) fn set_wall_off_ms(&self, ms: i64) {
        self.wall_off_ms.store(ms, Ordering::Release);
    }

    /// The clock of another process at the same time, whose wall clock is off by so much.
    pub(crate) fn off_by_ms(&self, ms: i64) -> TestClock {
        TestClock { wall_off_ms: Arc::new(AtomicI64::new(ms)), ..self.clone() }
    }

    pub(crate) fn advance_ms(&self, ms: u64) {
        self.micros.send_modify(|micros| *micros += ms * 1_000);
    }

    /// How many sleep.
    pub(crate) fn sleepers(&self) -> usize {
        self.micros.receiver_count()
    }

    /// The next who asks for the wall clock panics.
    pub(crate) fn panic_at_the_wall(&self) {
        self.wall_panics.store(true, Ordering::Release);
    }
}

impl Clock for TestClock {
    fn monotonic(&self) -> Monotonic {
        Monotonic(*self.micros.borrow())
    }

    fn wall(&self) -> Timestamp {
        assert!(!self.wall_panics.swap(false, Ordering::AcqRel), "injected panic");
        let right = BEGINNING.plus_ms(*self.micros.borrow() / 1_000);
        Timestamp(right.0.saturating_add_signed(self.wall_off_ms.load(Ordering::Acquire)))
    }

    fn sleep_until(&self, deadline_at: Monotonic) -> BoxFuture<'static, ()> {
        let mut time = self.micros.subscribe();
        async move {
            let _ = time.wait_for(|micros| *micros >= deadline_at.0).await;
        }
        .boxed()
    }
}

/// The same numbers in every run.
pub(crate) struct CountingRandom(AtomicU64);

impl Random for CountingRandom {
    fn bits(&self) -> u128 {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        u128::from(count) << 64 | u128::from(count.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// One node.
pub(crate) struct World {
    pub(crate) platform: Platform,
    pub(crate) router: InventoryRouter,
    pub(crate) clock: TestClock,
    pub(crate) store: Arc<TestStore>,
}

pub(crate) fn limits() -> Limits {
    Limits { follower_pause_ms: 0, payment_pause_ms: 0, ..Limits::default() }
}

impl World {
    pub(crate) async fn start(limits: Limits) -> World {
        World::on(Arc::new(TestStore::default()), TestClock::new(), limits, 1).await
    }

    /// A node on a store that may have others.
    pub(crate) async fn on(store: Arc<TestStore>, clock: TestClock, limits: Limits, seed: u64) -> World {
        World::with(store, clock, limits, seed, Services::default()).await
    }

    /// A node that proves what it decides.
    pub(crate) async fn proving(store: Arc<TestStore>, clock: TestClock, limits: Limits, seed: u64) -> World {
        let table: Arc<dyn Table> = Arc::clone(&store) as Arc<dyn Table>;
        let signer = Signer::open(table, 7, &[7; 32], BEGINNING).await.unwrap();
        let services = Services { signer: Some(Arc::new(signer)), ..Services::default() };
        World::with(store, clock, limits, seed, services).await
    }

    /// A node with these services.
    pub(crate) async fn with(
        store: Arc<TestStore>,
        clock: TestClock,
        limits: Limits,
        seed: u64,
        services: Services,
    ) -> World {
        let environment = Environment {
            clock: Arc::new(clock.clone()),
            random: Arc::new(CountingRandom(AtomicU64::new(seed << 32))),
            spawn: Arc::new(TokioSpawn(tokio::runtime::Handle::current())),
            mutation: Mutation::default(),
        };
        let log: Arc<dyn Log> = Arc::clone(&store) as Arc<dyn Log>;
        let table: Arc<dyn Table> = Arc::clone(&store) as Arc<dyn Table>;
        let platform = Platform::start_with(environment, log, table, limits, services).await.unwrap();
        World { router: platform.inventory(), platform, clock, store }
    }

    pub(crate) async fn ask(&self, event: EventId, ask: Ask) -> Answer {
        self.router.ask(event, ask, GIVE_UP).await
    }

    /// As [`Self::ask`], to be driven elsewhere.
    pub(crate) fn asking(&self, event: EventId, ask: Ask, give_up: Duration) -> BoxFuture<'static, Answer> {
        let router = self.router.clone();
        async move { router.ask(event, ask, give_up).await }.boxed()
    }

    /// A configured event on sale with one standing pool.
    pub(crate) async fn on_sale(&self, event: EventId, capacity: u32) {
        self.configured(event, config(capacity)).await;
        let opened = self.ask(event, organizer(CommandBody::ChangePhase { to: Phase::OnSale })).await;
        assert!(matches!(opened, Answer::Accepted { .. }), "{opened:?}");
    }

    pub(crate) async fn configured(&self, event: EventId, config: Config) {
        let body = CommandBody::Configure { expected_version: 0, config: Arc::new(config) };
        let configured = self.ask(event, organizer(body)).await;
        assert!(matches!(configured, Answer::Accepted { .. }), "{configured:?}");
    }

    /// Place a hold of one unit for buyer number `buyer`.
    pub(crate) async fn hold(&self, event: EventId, buyer: u128) -> Answer {
        self.ask(event, place_hold(buyer, 1)).await
    }

    pub(crate) fn free(&self, event: EventId) -> Option<u32> {
        self.router.published(event).map(|published| published.availability.pools[0].free)
    }

    /// Wait until the rows of orders are as new as the log. (The other followers only keep a place, which they store in the end.)
    pub(crate) async fn followed(&self, event: EventId) {
        let head = self.store.head(event).await.unwrap().sequence;
        let table: Arc<dyn Table> = self.store.clone();
        let orders = OrdersBySubject::new(table);
        let followed = async {
            while orders.sequence(event).await.unwrap() < head {
                tokio::task::yield_now().await;
            }
        };
        self.flowing(followed).await;
    }

    /// Wait until all who follow an event have looked at what happened to it: nobody else asks for the time then, as it stands still.
    pub(crate) async fn rests(&self, event: EventId) {
        self.followed(event).await;
        for _ in 0..10 {
            self.flow().await;
        }
    }

    /// Wait for a state while time flows: one virtual millisecond after the other.
    pub(crate) async fn flows_until(&self, what: &str, mut reached: impl FnMut() -> bool) {
        let began = Instant::now();
        while !reached() {
            assert!(began.elapsed() < PATIENCE, "this was not reached: {what}");
            self.flow().await;
        }
    }

    /// The answer to a future while time flows.
    pub(crate) async fn flowing<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        let began = Instant::now();
        loop {
            if let Some(answer) = future.as_mut().now_or_never() {
                return answer;
            }
            assert!(began.elapsed() < PATIENCE, "no answer came");
            self.flow().await;
        }
    }

    async fn flow(&self) {
        self.clock.advance_ms(1);
        let began = Instant::now();
        while began.elapsed() < PACE {
            tokio::task::yield_now().await;
        }
    }
}

/// Wait for a state, giving way to others meanwhile.
pub(crate) async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let began = Instant::now();
    while !reached() {
        assert!(began.elapsed() < PATIENCE, "this was not reached: {what}");
        tokio::task::yield_now().await;
    }
}

/// One standing pool, one free type.
pub(crate) fn config(capacity: u32) -> Config {
    Config {
        currency: *b"EUR",
        pools: vec![Pool { name: "Floor".into(), capacity }],
        categories: Vec::new(),
        sections: Vec::new(),
        rows: Arc::from([]),
        channels: Vec::new(),
        ticket_types: vec![TicketType {
            name: "Standing".into(),
            price_minor: 0,
            window: SaleWindow::default(),
            per_order_min: 1,
            per_order_max: 10,
            per_subject_max: None,
            access_code: None,
            category: None,
            draws_on: vec![PoolId(0)],
            kind: tessera_inventory::TicketKind::Admission,
        }],
        units_per_subject_max: None,
        hold: HoldPolicy::default(),
        seating: SeatingPolicy { stranding_allowed: true, companions_max: 1, accessible_released: false },
        schedule: Schedule::default(),
        tariff: None,
        entry: Vec::new(),
        waitlist: None,
    }
}

pub(crate) fn organizer(body: CommandBody) -> Ask {
    Ask::Command(Box::new(Command { authority: Authority::Organizer, key: None, body }))
}

/// A hold of `quantity` units by buyer number `buyer`, under a key of its own.
pub(crate) fn place_hold(buyer: u128, quantity: u16) -> Ask {
    place_hold_under(key(buyer), buyer, quantity)
}

/// Another body under the key of [`place_hold`].
pub(crate) fn place_another_hold(buyer: u128, quantity: u16) -> Ask {
    let key = key(buyer);
    place_hold_under(IdempotencyKey { fingerprint: key.fingerprint + 1, ..key }, buyer, quantity)
}

fn place_hold_under(key: IdempotencyKey, buyer: u128, quantity: u16) -> Ask {
    let line = LineRequest {
        ticket_type: Some(TicketTypeId(0)),
        expected_price_minor: Some(0),
        want: Want::Quantity(quantity),
    };
    let subject = Subject(buyer);
    let body = CommandBody::PlaceHold(PlaceHold {
        subjects: Subjects { primary: subject, extra: Vec::new() },
        lines: vec![line],
        access_code: None,
        channel: None,
        duration_ms: None,
        promotion: None,
        expected_total_minor: None,
    });
    Ask::Command(Box::new(Command { authority: Authority::Subject(subject), key: Some(key), body }))
}

pub(crate) fn release(buyer: u128, hold: ClaimNumber) -> Ask {
    command(buyer, buyer << 64, CommandBody::ReleaseHold { hold })
}

/// A command of buyer number `buyer` under the key of this number.
pub(crate) fn command(buyer: u128, number: u128, body: CommandBody) -> Ask {
    let authority = Authority::Subject(Subject(buyer));
    Ask::Command(Box::new(Command { authority, key: Some(key(number)), body }))
}

fn key(number: u128) -> IdempotencyKey {
    let digest = number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).rotate_left(64);
    IdempotencyKey { digest, fingerprint: 7, minted_at: None }
}
