//! What an activation does with a snapshot or a clock that it cannot believe.

use std::sync::Arc;

use tessera_actors::{Answer, Clock};
use tessera_inventory::{CommandBody, Config, EventId, Phase, Schedule, Sequence};
use tessera_store::keys::SnapshotId;
use tessera_store::snapshot::{Snapshot, SnapshotRepository};
use tessera_store::{Log, Table};

use crate::world::{BEGINNING, EVENT, GIVE_UP, TestClock, World, config, limits, organizer};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
const OTHER: EventId = EventId(EVENT.0 + 1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_snapshot_is_passed_over_and_the_whole_log_replayed() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 100).await;
    for buyer in 0..20 {
        assert!(matches!(world.hold(EVENT, buyer).await, Answer::Accepted { .. }));
    }
    let before = world.router.published(EVENT).unwrap();
    world.platform.drain(GIVE_UP).await;

    let head = world.store.head(EVENT).await.unwrap();
    let table: Arc<dyn Table> = world.store.clone();
    let (format, sequence, chain) = (head.format, head.sequence, head.chain);
    let damaged = Snapshot { format, sequence, chain, bytes: Arc::from(&b"no state at all"[..]) };
    SnapshotRepository::new(table).write(EVENT, SnapshotId(1), &damaged).await.unwrap();

    let next = World::on(world.store.clone(), world.clock.clone(), limits(), 2).await;
    let after = next.router.activate(EVENT, GIVE_UP).await.unwrap();
    assert_eq!((after.digest, after.availability.sequence), (before.digest, Sequence(22)));
    assert!(matches!(next.hold(EVENT, 99).await, Answer::Accepted { .. }));
}

async fn scheduled(world: &World, event: EventId, opens_after_ms: u64) {
    let on_sale_at = Some(BEGINNING.plus_ms(opens_after_ms));
    let schedule = Schedule { on_sale_at, ..Schedule::default() };
    world.configured(event, Config { schedule, ..config(10) }).await;
    let announced = world.ask(event, organizer(CommandBody::ChangePhase { to: Phase::Scheduled })).await;
    assert!(matches!(announced, Answer::Accepted { .. }), "{announced:?}");
}

fn phase(world: &World, event: EventId) -> Option<Phase> {
    world.router.published(event).map(|view| view.availability.phase)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opening_waits_for_a_clock_that_an_operator_vouches_for() {
    let world = World::start(limits()).await;
    // The log is two hours ahead of the clock of the next process.
    world.clock.advance_ms(2 * HOUR_MS);
    scheduled(&world, EVENT, 2 * HOUR_MS + 60_000).await;
    world.platform.drain(GIVE_UP).await;

    let clock = TestClock::new();
    let next = World::on(world.store.clone(), clock.clone(), limits(), 2).await;
    let phase = || next.router.published(EVENT).map(|view| view.availability.phase);
    next.router.activate(EVENT, GIVE_UP).await.unwrap();
    assert_eq!(next.platform.status().doubted_clocks, [EVENT], "operators see why");
    next.clock.advance_ms(120_000);
    assert!(matches!(next.hold(EVENT, 1).await, Answer::Rejected { .. }), "it does not open");
    assert_eq!(phase(), Some(Phase::Scheduled));

    next.platform.acknowledge_clock();
    let opens = || {
        next.clock.advance_ms(10);
        phase() == Some(Phase::OnSale)
    };
    next.flows_until("the sale is open", opens).await;
    assert_eq!(next.platform.status().doubted_clocks_count, 0);
    assert!(next.clock.wall() < BEGINNING.plus_ms(HOUR_MS), "the wall clock alone is far from the opening");
    assert!(matches!(next.hold(EVENT, 2).await, Answer::Accepted { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_18_a_process_that_starts_years_ahead_opens_nothing_until_its_clock_is_mended() {
    let world = World::start(limits()).await;
    scheduled(&world, EVENT, HOUR_MS).await;
    world.platform.drain(GIVE_UP).await;

    world.clock.set_wall_off_ms((2 * 366 * DAY_MS).cast_signed());
    let next = World::on(world.store.clone(), world.clock.clone(), limits(), 2).await;
    next.router.activate(EVENT, GIVE_UP).await.unwrap();
    assert_eq!(next.platform.status().doubted_clocks, [EVENT], "operators see it");
    next.clock.advance_ms(120_000);
    assert!(matches!(next.hold(EVENT, 1).await, Answer::Rejected { .. }), "it does not open");
    assert_eq!(phase(&next, EVENT), Some(Phase::Scheduled));

    next.clock.set_wall_off_ms(0);
    let opens = || {
        next.clock.advance_ms(1_000);
        phase(&next, EVENT) == Some(Phase::OnSale)
    };
    next.flows_until("the sale is open", opens).await;
    assert!(next.clock.wall() >= BEGINNING.plus_ms(HOUR_MS), "not early");
    assert_eq!(next.platform.status().doubted_clocks_count, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_18_a_process_that_starts_hours_behind_goes_on_once_its_clock_is_mended() {
    let world = World::start(limits()).await;
    scheduled(&world, EVENT, 60_000).await;
    world.platform.drain(GIVE_UP).await;

    world.clock.set_wall_off_ms(-(2 * HOUR_MS).cast_signed());
    let next = World::on(world.store.clone(), world.clock.clone(), limits(), 2).await;
    next.router.activate(EVENT, GIVE_UP).await.unwrap();
    assert_eq!(next.platform.status().doubted_clocks, [EVENT], "operators see it");
    next.clock.advance_ms(120_000);
    assert!(matches!(next.hold(EVENT, 1).await, Answer::Rejected { .. }), "it does not open");

    next.clock.set_wall_off_ms(0);
    let opens = || {
        next.clock.advance_ms(1_000);
        phase(&next, EVENT) == Some(Phase::OnSale)
    };
    next.flows_until("the sale is open", opens).await;
    assert!(
        next.clock.wall() < BEGINNING.plus_ms(HOUR_MS),
        "long before the first clock would have come there"
    );
    assert_eq!(next.platform.status().doubted_clocks_count, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_vouches_for_the_clock_of_events_that_sleep_too() {
    let world = World::start(limits()).await;
    scheduled(&world, EVENT, 500 * DAY_MS).await;
    world.platform.drain(GIVE_UP).await;

    world.clock.advance_ms(500 * DAY_MS);
    let next = World::on(world.store.clone(), world.clock.clone(), limits(), 2).await;
    next.platform.acknowledge_clock();
    next.flows_until("the sale is open", || phase(&next, EVENT) == Some(Phase::OnSale)).await;
    assert_eq!(next.platform.status().doubted_clocks_count, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_other_events_logged_meanwhile_ends_the_doubt_of_one_that_slept_for_long() {
    let world = World::start(limits()).await;
    scheduled(&world, EVENT, 600 * DAY_MS).await;
    world.clock.advance_ms(300 * DAY_MS);
    world.on_sale(OTHER, 10).await;
    world.platform.drain(GIVE_UP).await;

    world.clock.advance_ms(301 * DAY_MS);
    let next = World::on(world.store.clone(), world.clock.clone(), limits(), 2).await;
    next.router.activate(EVENT, GIVE_UP).await.unwrap();
    assert_eq!(next.platform.status().doubted_clocks, [EVENT], "nobody knows of the 601 days");
    next.router.activate(OTHER, GIVE_UP).await.unwrap();
    let opens = || {
        next.clock.advance_ms(1_000);
        phase(&next, EVENT) == Some(Phase::OnSale)
    };
    next.flows_until("the sale is open", opens).await;
    assert_eq!(next.platform.status().doubted_clocks_count, 0);
}
