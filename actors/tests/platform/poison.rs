//! A log that no writer would have written: scenario 23 where it panics on every replay, and broken invariants.

use std::sync::Arc;

use tessera_actors::{Answer, Clock, Limits, NotExecuted};
use tessera_inventory::{
    ClaimNumber, CommandBody, EventBody, EventId, HoldPlaced, Line, Origin, Phase, PoolId, Sequence, Subject,
    Subjects, TermsId, TicketType, TicketTypeId,
};
use tessera_projections::quarantine::QuarantinedEvents;
use tessera_store::Table;
use tessera_store::snapshot::SnapshotRepository;

use crate::world::{BEGINNING, EVENT, GIVE_UP, World, config, limits, organizer, until};

const OTHER: EventId = EventId(0x0198_0000_0000_7000_8000_0000_0000_0002);
/// A snapshot would be due after so many events.
const SNAPSHOT_EVENTS: u64 = 8;

/// Two events on sale; then this stands in the log of the first, and a new process begins.
async fn logged(bodies: Vec<EventBody>, limits: Limits) -> World {
    let world = World::start(limits).await;
    world.on_sale(EVENT, 10).await;
    world.on_sale(OTHER, 1_000).await;
    world.flowing(world.platform.drain(GIVE_UP)).await;
    world.store.log(EVENT, world.clock.wall(), bodies).await;
    World::on(Arc::clone(&world.store), world.clock.clone(), limits, 2).await
}

fn rows(world: &World) -> QuarantinedEvents {
    let table: Arc<dyn Table> = world.store.clone();
    QuarantinedEvents::new(table)
}

async fn is_quarantined_and_others_go_on(world: &World) {
    let mut buyer = 0;
    while world.platform.status().quarantined.is_empty() {
        buyer += 1;
        let answer = world.flowing(world.hold(EVENT, buyer)).await;
        assert!(matches!(answer, Answer::NotExecuted { .. }), "{answer:?}");
        assert!(matches!(world.hold(OTHER, buyer).await, Answer::Accepted { .. }), "others go on");
        assert!(buyer < 100, "it is quarantined after few failures");
    }
    let status = world.platform.status();
    assert_eq!(status.quarantined, [EVENT]);
    assert!(status.is_ready() && status.supervisors.iter().all(|one| one.restarts == 0), "{status:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_23_an_event_that_panics_on_every_replay_is_quarantined_and_others_go_on() {
    let unknown = EventBody::HoldReleased { hold: ClaimNumber(77) };
    is_quarantined_and_others_go_on(&logged(vec![unknown], limits()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_23_an_event_that_panics_when_it_is_shown_is_quarantined_and_others_go_on() {
    // A ticket type that draws on a pool that is not there: nothing looks before the first view is made.
    let mut config = config(10);
    config.ticket_types[0].draws_on = vec![PoolId(9)];
    let configured = EventBody::Configured { version: 2, config: Arc::new(config) };
    let world = logged(vec![configured], limits()).await;
    assert_eq!(crate::failures::replayed(&world).await.sequence(), Sequence(3), "it can be replayed");
    is_quarantined_and_others_go_on(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quarantine_outlives_the_process_until_it_is_lifted() {
    let world = logged(vec![EventBody::HoldReleased { hold: ClaimNumber(77) }], limits()).await;
    is_quarantined_and_others_go_on(&world).await;
    let recorded = async {
        while rows(&world).get(EVENT).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    world.flowing(recorded).await;
    world.flowing(world.platform.drain(GIVE_UP)).await;

    let next = World::on(world.store.clone(), world.clock.clone(), limits(), 3).await;
    assert_eq!(next.platform.status().quarantined, [EVENT]);
    let refused = next.hold(EVENT, 1).await;
    assert!(matches!(refused, Answer::NotExecuted { reason: NotExecuted::Quarantined, .. }), "{refused:?}");
    assert!(matches!(next.hold(OTHER, 1_000).await, Answer::Accepted { .. }));

    next.platform.release(EVENT).await.unwrap();
    assert_eq!(rows(&next).get(EVENT).await.unwrap(), None);
    let last = World::on(world.store.clone(), world.clock.clone(), limits(), 4).await;
    assert_eq!(last.platform.status().quarantined, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_invariant_ends_the_event_and_makes_no_snapshot() {
    let often = Limits { snapshot_every_events: SNAPSHOT_EVENTS, ..limits() };
    // Everything in the log can be applied, and what results is wrong.
    let world = logged(broken(), often).await;
    let paused = world.ask(EVENT, organizer(CommandBody::ChangePhase { to: Phase::Paused })).await;
    assert!(matches!(paused, Answer::Accepted { .. }), "{paused:?}");
    until("it is quarantined", || world.platform.status().quarantined == [EVENT]).await;
    until("the writer is gone", || world.router.published(EVENT).is_none()).await;
    let table: Arc<dyn Table> = world.store.clone();
    let recorded = async {
        loop {
            if let Some(row) = rows(&world).get(EVENT).await.unwrap() {
                return row.reason;
            }
            tokio::task::yield_now().await;
        }
    };
    let reason = world.flowing(recorded).await;
    assert!(reason.contains("invariant I"), "{reason}");
    let pointer = SnapshotRepository::new(table).pointer(EVENT).await.unwrap();
    assert!(pointer.is_none(), "a snapshot was made of a broken state: {pointer:?}");
    assert!(matches!(world.hold(OTHER, 1).await, Answer::Accepted { .. }));
}

/// A hold that is counted for one ticket type and holds units of another.
fn broken() -> Vec<EventBody> {
    let mut config = config(10);
    config.ticket_types[0].per_subject_max = Some(5);
    config.ticket_types.push(TicketType { name: "Other".into(), ..config.ticket_types[0].clone() });
    let lines = vec![Line {
        ticket_type: TicketTypeId(1),
        terms: TermsId(0),
        quantity: 1,
        price_minor: 0,
        seats: Vec::new(),
    }];
    let held = HoldPlaced {
        subjects: Subjects { primary: Subject(7), extra: Vec::new() },
        deadline_at: BEGINNING.plus_ms(600_000),
        life_ends_at: BEGINNING.plus_ms(600_000),
        channel: None,
        origin: Origin::Direct,
        lines,
        quote: None,
        entry: None,
    };
    vec![EventBody::Configured { version: 2, config: Arc::new(config) }, EventBody::HoldPlaced(held)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_23_an_event_that_panics_in_the_projection_is_stuck_and_others_go_on() {
    let world = World::start(limits()).await;
    for event in [EVENT, OTHER] {
        world.on_sale(event, 100).await;
        world.followed(event).await;
    }
    *world.store.poisoned_log.lock().unwrap() = Some(EVENT);
    assert!(matches!(world.hold(EVENT, 1).await, Answer::Accepted { .. }), "the writer notices nothing");
    // Those that read it all: of orders, of entry, and of payments.
    let are_stuck = || world.platform.status().stuck_followers.len() == 3;
    world.flows_until("all of them are stuck", are_stuck).await;
    for buyer in 2..20 {
        assert!(matches!(world.hold(EVENT, buyer).await, Answer::Accepted { .. }));
        assert!(matches!(world.hold(OTHER, buyer).await, Answer::Accepted { .. }));
    }
    world.followed(OTHER).await;
    let status = world.platform.status();
    let mut stuck: Vec<_> =
        status.stuck_followers.iter().map(|stuck| (stuck.event, stuck.follower)).collect();
    stuck.sort_unstable();
    assert_eq!(stuck, [(EVENT, "entry"), (EVENT, "orders-by-subject"), (EVENT, "payment")]);
    assert!(status.is_ready() && status.supervisors.iter().all(|one| one.restarts == 0), "{status:?}");

    *world.store.poisoned_log.lock().unwrap() = None;
    world.flowing(world.platform.drain(GIVE_UP)).await;
    let next = World::on(world.store.clone(), world.clock.clone(), limits(), 2).await;
    next.router.activate(EVENT, GIVE_UP).await.unwrap();
    next.followed(EVENT).await;
}
