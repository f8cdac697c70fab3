//! What follows the log: snapshots by the shadow state, followers and their restarts.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tessera_actors::{Answer, Clock, Limits};
use tessera_inventory::{
    Choice, Config, EntryNumber, EventBody, EventId, Manner, Sequence, Subject, Subjects, TicketTypeId,
    WaitlistJoined,
};
use tessera_projections::waitlist::{Standing, Waitlists};
use tessera_store::snapshot::SnapshotRepository;
use tessera_store::{Log, Table};

use crate::world::{EVENT, GIVE_UP, TestClock, World, config, limits};

const OTHER: EventId = EventId(EVENT.0 + 1);

async fn sells(world: &World, buyers: std::ops::Range<u128>) {
    for buyer in buyers {
        let answer = world.hold(EVENT, buyer).await;
        assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shadow_writes_snapshots_from_which_the_next_owner_starts() {
    let often = Limits { snapshot_every_events: 100, ..limits() };
    let world = World::start(often).await;
    world.on_sale(EVENT, 10_000).await;
    sells(&world, 0..500).await;
    let table: Arc<dyn Table> = world.store.clone();
    let snapshots = SnapshotRepository::new(table);
    let mut newest = None;
    while newest.is_none_or(|sequence| sequence < Sequence(400)) {
        newest = snapshots.pointer(EVENT).await.unwrap().map(|pointer| pointer.sequence);
        tokio::task::yield_now().await;
    }
    let before = world.router.published(EVENT).unwrap();
    world.flowing(world.platform.drain(GIVE_UP)).await;

    let next = World::on(world.store.clone(), world.clock.clone(), often, 2).await;
    let after = next.router.activate(EVENT, GIVE_UP).await.unwrap();
    assert_eq!((after.digest, after.availability.sequence), (before.digest, before.availability.sequence));
    sells(&next, 1_000..1_010).await;
}

/// The tables answer nothing about one event: what follows the log of another goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_work_on_several_events_at_the_same_time() {
    let world = World::proving(Arc::default(), TestClock::new(), limits(), 1).await;
    for event in [EVENT, OTHER] {
        world.on_sale(event, 1_000).await;
        world.followed(event).await;
    }
    world.store.holds_every_begin.store(true, Ordering::Release);
    sells(&world, 0..1).await;
    // Those that read a table before every step: the orders' projection and the notary.
    world.flows_until("followers wait", || world.store.held_begins() >= 2).await;
    world.store.holds_every_begin.store(false, Ordering::Release);
    assert!(matches!(world.hold(OTHER, 1).await, Answer::Accepted { .. }));
    world.followed(OTHER).await;
    world.store.release_begin();
    world.followed(EVENT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_panics_is_stuck_until_the_next_ownership_which_catches_up() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 1_000).await;
    sells(&world, 0..20).await;
    world.followed(EVENT).await;
    world.store.table_panics.store(1, Ordering::Release);
    sells(&world, 20..40).await;
    world.flows_until("one is stuck", || world.platform.status().stuck_followers.len() == 1).await;
    sells(&world, 40..60).await;
    let status = world.platform.status();
    assert!(status.is_ready(), "no supervisor ended: {status:?}");
    assert_eq!(status.active_events, 1, "the writer noticed nothing");
    world.flowing(world.platform.drain(GIVE_UP)).await;

    let next = World::on(world.store.clone(), world.clock.clone(), limits(), 2).await;
    next.router.activate(EVENT, GIVE_UP).await.unwrap();
    next.followed(EVENT).await;
    assert_eq!(next.platform.status().stuck_followers, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supervisor_that_fails_is_restarted_and_in_the_end_the_process_is_told() {
    let hasty = Limits { restarts_max: 1, ..limits() };
    let world = World::start(hasty).await;
    world.on_sale(EVENT, 1_000).await;
    world.rests(EVENT).await;
    // The supervisor of the inventory panics, and cannot start again: every transaction panics too.
    world.store.table_panics.store(u32::MAX, Ordering::Release);
    world.clock.panic_at_the_wall();
    world.platform.acknowledge_clock();
    let reason = world.flowing(world.platform.fatal()).await;
    assert!(reason.contains("could not be kept up"), "{reason}");
    assert!(!world.platform.status().is_ready());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_during_activation_is_tried_again() {
    let world = World::start(limits()).await;
    world.store.table_panics.store(1, Ordering::Release);
    world.flowing(world.on_sale(EVENT, 10)).await;
    assert!(matches!(world.hold(EVENT, 1).await, Answer::Accepted { .. }));
}

/// The waitlist is there, somebody joins, and it is gone, before anybody looks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waited_in_between_is_found_though_nobody_may_wait_any_more() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 10).await;
    world.flowing(world.platform.drain(GIVE_UP)).await;
    let head = world.store.head(EVENT).await.unwrap().sequence;
    let with = Config { waitlist: Some(Box::default()), ..config(10) };
    let joined = WaitlistJoined {
        subjects: Subjects { primary: Subject(1), extra: Vec::new() },
        choices: vec![Choice { ticket_type: TicketTypeId(0), quantity: 1, manner: Manner::Standing }],
        price_max_minor: None,
        priority: 0,
    };
    let bodies = vec![
        EventBody::Configured { version: 2, config: Arc::new(with) },
        EventBody::WaitlistJoined(Box::new(joined)),
        EventBody::Configured { version: 3, config: Arc::new(config(10)) },
    ];
    world.store.log(EVENT, world.clock.wall(), bodies).await;
    let next = World::on(Arc::clone(&world.store), world.clock.clone(), limits(), 2).await;
    sells(&next, 2..3).await;
    let table: Arc<dyn Table> = next.store.clone();
    let (waitlists, entry) = (Waitlists::new(table), EntryNumber(head.0 + 2));
    let left = async {
        loop {
            let found = waitlists.get(EVENT, entry).await.unwrap();
            if let Some(Standing::Left(reason)) = found.map(|found| found.entry.standing) {
                return reason;
            }
            tokio::task::yield_now().await;
        }
    };
    next.flowing(left).await;
}
