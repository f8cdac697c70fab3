//! What an activation does with a snapshot or a clock that it cannot believe.

use std::sync::Arc;

use tessera_actors::{Answer, Clock};
use tessera_inventory::{CommandBody, Config, Phase, Schedule, Sequence};
use tessera_store::keys::SnapshotId;
use tessera_store::snapshot::{Snapshot, SnapshotRepository};
use tessera_store::{Log, Table};

use crate::world::{BEGINNING, EVENT, GIVE_UP, TestClock, World, config, limits, organizer};

const HOUR_MS: u64 = 3_600_000;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opening_waits_for_a_clock_that_an_operator_vouches_for() {
    let world = World::start(limits()).await;
    // The log is two hours ahead of the clock of the next process.
    world.clock.advance_ms(2 * HOUR_MS);
    let on_sale_at = Some(BEGINNING.plus_ms(2 * HOUR_MS + 60_000));
    let schedule = Schedule { on_sale_at, ..Schedule::default() };
    world.configured(EVENT, Config { schedule, ..config(10) }).await;
    let announced = world.ask(EVENT, organizer(CommandBody::ChangePhase { to: Phase::Scheduled })).await;
    assert!(matches!(announced, Answer::Accepted { .. }), "{announced:?}");
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
