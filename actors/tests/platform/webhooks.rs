//! Webhooks behind running writers: what is sent, whatever ends in between.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use tessera_actors::{Clock, Names, Posted, Postman, Services};
use tessera_inventory::{Config, Event, EventBody, EventId, Sequence, Timestamp};
use tessera_projections::catalogue::{Catalogue, CatalogueEvent, CatalogueRequest};
use tessera_projections::follower_cursors::{Advance, FollowerCursors};
use tessera_projections::webhooks::{
    Attempt, Batch, Deliveries, Delivery, Disabled, Endpoint, EndpointId, PENDING_MAX, Secret, Standing,
    WebhookEndpoints, Why,
};
use tessera_store::Table;
use tessera_store::keys::WebhookPlace;

use crate::store::TestStore;
use crate::world::{BEGINNING, EVENT, TestClock, World, limits, until};

const ORGANIZER: u128 = 7;
const HOLDS: u128 = 20;

/// A postman whose receivers are a list; while it hangs, nobody answers.
#[derive(Default)]
struct Letters {
    sent: Mutex<Vec<(u128, Sequence)>>,
    hangs: AtomicBool,
}

impl Letters {
    fn sent(&self) -> Vec<(u128, Sequence)> {
        self.sent.lock().unwrap().clone()
    }

    fn sequences_to(&self, endpoint: u128) -> BTreeSet<Sequence> {
        self.sent().into_iter().filter(|(to, _)| *to == endpoint).map(|(_, sequence)| sequence).collect()
    }
}

impl Postman for Letters {
    fn kind(&self, body: &EventBody) -> &'static str {
        if matches!(body, EventBody::HoldPlaced(_)) { "hold" } else { "other" }
    }

    fn message(&self, _event: EventId, _config: &Config, sequence: Sequence, _logged: &Event) -> Vec<u8> {
        sequence.0.to_be_bytes().to_vec()
    }

    fn names(&self, id: EndpointId) -> Names {
        Names { endpoint: id.endpoint.to_string(), organizer: id.organizer.to_string() }
    }

    fn post(&self, endpoint: &Endpoint, delivery: &Delivery) -> BoxFuture<'static, Posted> {
        assert_eq!(delivery.payload, delivery.place.sequence.0.to_be_bytes());
        self.sent.lock().unwrap().push((endpoint.id.endpoint, delivery.place.sequence));
        if self.hangs.load(Ordering::Acquire) {
            return futures::future::pending().boxed();
        }
        let attempt = Attempt { at: BEGINNING, status: Some(200), error: None };
        futures::future::ready(Posted { attempt, not_before: None }).boxed()
    }
}

async fn node(store: &Arc<TestStore>, clock: &TestClock, letters: &Arc<Letters>, seed: u64) -> World {
    let postman: Arc<dyn Postman> = letters.clone();
    let services = Services { postman: Some(postman), ..Services::default() };
    World::with(Arc::clone(store), clock.clone(), limits(), seed, services).await
}

/// The event in the catalogue, and an endpoint of its organizer.
async fn listening(store: &Arc<TestStore>, endpoint: u128) {
    let table: Arc<dyn Table> = store.clone();
    let card = CatalogueEvent {
        event: EVENT,
        organizer: ORGANIZER,
        name: "Test".to_owned(),
        starts_at: BEGINNING,
        zone: "Europe/Berlin".to_owned(),
        ends_at: None,
        place: String::new(),
        created_at: BEGINNING,
        changed_at: BEGINNING,
        changes: 0,
    };
    Catalogue::new(Arc::clone(&table))
        .create(&card, CatalogueRequest { digest: 1, fingerprint: 1 })
        .await
        .unwrap();
    let endpoint = Endpoint {
        id: EndpointId { organizer: ORGANIZER, endpoint },
        url: "http://receiver/".to_owned(),
        types: vec!["hold".to_owned()],
        events: Vec::new(),
        secrets: vec![Secret { bytes: vec![1; 32], valid_until: None }],
        created_at: Timestamp(0),
        told_from: Timestamp(0),
        disabled: None,
        catches_up: false,
    };
    WebhookEndpoints::new(table).create(&endpoint).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_loses_no_message_and_the_next_process_sends_what_waits() {
    let (store, clock, letters) = (Arc::<TestStore>::default(), TestClock::new(), Arc::<Letters>::default());
    listening(&store, 1).await;
    letters.hangs.store(true, Ordering::Release);
    let world = node(&store, &clock, &letters, 1).await;
    world.on_sale(EVENT, 100).await;
    for buyer in 1..=HOLDS {
        world.hold(EVENT, buyer).await;
    }
    world.flows_until("some are under way", || !letters.sent().is_empty()).await;
    // As a crash: nothing is drained, and what is under way is never answered.
    drop(world);
    letters.hangs.store(false, Ordering::Release);
    let world = node(&store, &clock, &letters, 2).await;
    world.hold(EVENT, HOLDS + 1).await;
    let expected: BTreeSet<_> = (3..).map(Sequence).take(usize::try_from(HOLDS).unwrap() + 1).collect();
    world.flows_until("all were sent", || letters.sequences_to(1) == expected).await;
    let table: Arc<dyn Table> = store.clone();
    let deliveries = Deliveries::new(table);
    let done = async {
        while deliveries.standing(1).await.unwrap().pending > 0 {
            tokio::task::yield_now().await;
        }
    };
    world.flowing(done).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_never_answers_holds_up_neither_others_nor_the_followers() {
    struct Half(Letters);
    impl Postman for Half {
        fn kind(&self, body: &EventBody) -> &'static str {
            self.0.kind(body)
        }
        fn message(&self, event: EventId, config: &Config, at: Sequence, logged: &Event) -> Vec<u8> {
            self.0.message(event, config, at, logged)
        }
        fn names(&self, id: EndpointId) -> Names {
            self.0.names(id)
        }
        fn post(&self, endpoint: &Endpoint, delivery: &Delivery) -> BoxFuture<'static, Posted> {
            let answer = self.0.post(endpoint, delivery);
            if endpoint.id.endpoint == 1 { futures::future::pending().boxed() } else { answer }
        }
    }
    let (store, clock) = (Arc::<TestStore>::default(), TestClock::new());
    listening(&store, 1).await;
    let table: Arc<dyn Table> = store.clone();
    let mut alive =
        WebhookEndpoints::new(Arc::clone(&table)).list(Some(ORGANIZER), None, 1).await.unwrap().remove(0);
    alive.id.endpoint = 2;
    WebhookEndpoints::new(table).create(&alive).await.unwrap();
    let half = Arc::new(Half(Letters::default()));
    let postman: Arc<dyn Postman> = half.clone();
    let services = Services { postman: Some(postman), ..Services::default() };
    let world = World::with(Arc::clone(&store), clock, limits(), 1, services).await;
    world.on_sale(EVENT, 100).await;
    for buyer in 1..=HOLDS {
        world.hold(EVENT, buyer).await;
    }
    let expected: BTreeSet<_> = (3..).map(Sequence).take(usize::try_from(HOLDS).unwrap()).collect();
    world.flows_until("the other was told of all", || half.0.sequences_to(2) == expected).await;
    assert!(half.0.sequences_to(1).len() <= tessera_actors::ENDPOINT_IN_FLIGHT_MAX);
    // Followers have nothing to wait for: the drain hands over.
    world.flowing(world.platform.drain(std::time::Duration::from_secs(60))).await;
}

/// Counts the endpoints that are disabled, and nothing else.
#[derive(Default)]
struct DisabledCounted(Arc<AtomicU64>);

impl Recorder for DisabledCounted {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let is_it = key.name() == "tessera_webhook_endpoints_disabled_total";
        if is_it { Counter::from_arc(Arc::clone(&self.0)) } else { Counter::noop() }
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// Transactions that it takes to have as much wait for an endpoint as may.
const PARTS: u64 = 50;

/// As much waits for an endpoint as may, about another event.
async fn fill(table: &Arc<dyn Table>, endpoint: EndpointId) {
    let (event, follower, now) = (EventId(1), "notification", Timestamp(0));
    let (cursors, deliveries) = (FollowerCursors::new(Arc::clone(table)), Deliveries::new(Arc::clone(table)));
    let mut cursor = cursors.take_over(event, follower).await.unwrap();
    for part in 0..PARTS {
        let sequences = 1 + part * PENDING_MAX / PARTS..=(part + 1) * PENDING_MAX / PARTS;
        let through = Sequence(*sequences.end());
        let delivery = |sequence: u64| Delivery {
            place: WebhookPlace { at: now, event, sequence: Sequence(sequence), copy: 0 },
            kind: "hold".to_owned(),
            payload: sequence.to_be_bytes().to_vec(),
            due_at: now,
            attempts: 0,
            last: None,
        };
        let batches = [Batch { endpoint, deliveries: sequences.map(delivery).collect() }];
        let followed = deliveries.follow((event, follower), cursor, through, (&batches, now)).await.unwrap();
        let Advance::Advanced(moved) = followed.advance else { panic!("fenced") };
        cursor = moved;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_for_which_too_much_waits_is_disabled_and_counted() {
    let (store, clock, letters) = (Arc::<TestStore>::default(), TestClock::new(), Arc::<Letters>::default());
    let (table, id): (Arc<dyn Table>, _) = (store.clone(), EndpointId { organizer: ORGANIZER, endpoint: 1 });
    listening(&store, 1).await;
    fill(&table, id).await;
    letters.hangs.store(true, Ordering::Release);
    let counted = DisabledCounted::default();
    let mut starting = node(&store, &clock, &letters, 1).boxed();
    // Meters are made before the first wait.
    let started = metrics::with_local_recorder(&counted, || starting.as_mut().now_or_never());
    let world = match started {
        Some(world) => world,
        None => starting.await,
    };
    world.on_sale(EVENT, 100).await;
    world.hold(EVENT, 1).await;
    world.flows_until("it is counted", || counted.0.load(Ordering::Acquire) == 1).await;
    let found = WebhookEndpoints::new(table).get(id).await.unwrap().unwrap();
    assert_eq!(found.disabled.map(|disabled| disabled.why), Some(Why::Backlog));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_while_an_endpoint_is_disabled_is_never_told() {
    let (store, clock, letters) = (Arc::<TestStore>::default(), TestClock::new(), Arc::<Letters>::default());
    let (table, id): (Arc<dyn Table>, _) = (store.clone(), EndpointId { organizer: ORGANIZER, endpoint: 1 });
    listening(&store, 1).await;
    let (endpoints, cursors) =
        (WebhookEndpoints::new(Arc::clone(&table)), FollowerCursors::new(Arc::clone(&table)));
    let world = node(&store, &clock, &letters, 1).await;
    world.on_sale(EVENT, 100).await;
    world.hold(EVENT, 1).await;
    world.flows_until("the first is told", || letters.sequences_to(1).contains(&Sequence(3))).await;
    let disabled = Some(Disabled { at: clock.wall(), why: Why::Organizer });
    endpoints.update(id, |endpoint, _| endpoint.disabled = disabled).await.unwrap();
    world.hold(EVENT, 2).await;
    world.hold(EVENT, 3).await;
    // Passed over at once, and not only seen: the next process knows it, too. Time stands still, so the event does not end.
    let passed = || {
        let cursor = cursors.read(EVENT, "notification").now_or_never();
        cursor.is_some_and(|cursor| cursor.unwrap().sequence == Sequence(5))
    };
    until("it is passed over", passed).await;
    endpoints.update(id, |endpoint, standing| endpoint.enable(standing, clock.wall())).await.unwrap();
    world.hold(EVENT, 4).await;
    world.flows_until("it is told again", || letters.sequences_to(1).contains(&Sequence(6))).await;
    assert_eq!(letters.sequences_to(1), BTreeSet::from([Sequence(3), Sequence(6)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_follower_left_behind_before_an_endpoint_was_enabled_is_not_told() {
    let (store, clock, letters) = (Arc::<TestStore>::default(), TestClock::new(), Arc::<Letters>::default());
    let id = EndpointId { organizer: ORGANIZER, endpoint: 1 };
    listening(&store, 1).await;
    // A process that sends no webhooks, and ends as by a crash: what it sells is not followed.
    let world = World::on(Arc::clone(&store), clock.clone(), limits(), 1).await;
    world.on_sale(EVENT, 100).await;
    world.hold(EVENT, 1).await;
    drop(world);
    clock.advance_ms(2 * tessera_actors::TOLD_BEFORE_MS);
    let endpoints = WebhookEndpoints::new(store.clone() as Arc<dyn Table>);
    let again = |endpoint: &mut Endpoint, standing: &mut Standing| {
        endpoint.disabled = Some(Disabled { at: BEGINNING, why: Why::Organizer });
        endpoint.enable(standing, clock.wall());
    };
    endpoints.update(id, again).await.unwrap();
    let world = node(&store, &clock, &letters, 2).await;
    world.hold(EVENT, 2).await;
    world.flows_until("it is told", || letters.sequences_to(1).contains(&Sequence(4))).await;
    assert_eq!(letters.sequences_to(1), BTreeSet::from([Sequence(4)]));
}
