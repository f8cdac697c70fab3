//! What readers see: scenario 46, and that no view stays stale.

use std::sync::Arc;

use tessera_actors::Answer;
use tessera_inventory::{ClaimNumber, Sequence};

use crate::world::{EVENT, GIVE_UP, World, limits, place_hold, release, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_46_published_versions_never_go_back() {
    let world = Arc::new(World::start(limits()).await);
    world.on_sale(EVENT, 1_000).await;
    let reader = {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let mut last = Sequence(0);
            while last < Sequence(502) {
                let view = world.router.published(EVENT).unwrap();
                assert!(view.availability.sequence >= last, "{} after {last}", view.availability.sequence);
                last = view.availability.sequence;
                let pool = view.availability.pools[0];
                assert_eq!(pool.free + pool.held + pool.sold + pool.killed, 1_000);
                assert_eq!(u64::from(pool.held), last.0.saturating_sub(2), "the view is of one sequence");
                tokio::task::yield_now().await;
            }
        })
    };
    for buyer in 0..500 {
        assert!(matches!(world.hold(EVENT, buyer).await, Answer::Accepted { .. }));
    }
    reader.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_is_never_ahead_of_the_published_view() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 1_000).await;
    for buyer in 0..200 {
        let Answer::Accepted { sequence, .. } = world.hold(EVENT, buyer).await else {
            panic!("not accepted")
        };
        assert!(world.router.published(EVENT).unwrap().availability.sequence >= sequence);
    }
}

/// The next owner shows what the one before acknowledged and had no time to show.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_04_after_a_crash_the_first_view_has_everything_that_was_acknowledged() {
    for sold in [0, 1, 20] {
        let world = World::start(limits()).await;
        world.on_sale(EVENT, 1_000).await;
        for buyer in 0..sold {
            assert!(matches!(world.hold(EVENT, buyer).await, Answer::Accepted { .. }));
        }
        // This append lands, and the process is gone before its view is published or its caller told.
        world.store.memory.hold_appends();
        let lost = tokio::spawn(world.asking(EVENT, place_hold(1_000, 1), GIVE_UP));
        until("an append is under way", || world.store.memory.held_appends() == 1).await;
        let before = world.router.published(EVENT).unwrap();
        let World { platform, clock, store, .. } = world;
        drop(platform);
        store.memory.release_appends();
        lost.abort();

        let next = World::on(store, clock, limits(), 2).await;
        let after = next.router.activate(EVENT, GIVE_UP).await.unwrap();
        assert_eq!(after.availability.sequence, before.availability.sequence.plus(1));
        assert_eq!(u128::from(after.availability.pools[0].held), sold + 1);
        let repeated = next.hold(EVENT, 1_000).await;
        assert!(matches!(repeated, Answer::Repeated { .. }), "{repeated:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_seat_map_follows_the_last_change_without_another_one() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 10).await;
    assert!(matches!(world.hold(EVENT, 1).await, Answer::Accepted { .. }));
    assert!(matches!(world.ask(EVENT, release(1, ClaimNumber(3))).await, Answer::Accepted { .. }));
    let follows = || world.router.published(EVENT).is_some_and(|view| view.seat_map.sequence == Sequence(4));
    world.flows_until("the seat map is of the last sequence", follows).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribers_see_the_durable_sequence_move() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 10).await;
    let mut durable = world.router.subscribe(EVENT).unwrap();
    assert_eq!(*durable.borrow_and_update(), Sequence(2));
    assert!(matches!(world.hold(EVENT, 1).await, Answer::Accepted { .. }));
    until("the subscriber is told", || durable.has_changed().unwrap()).await;
    assert_eq!(*durable.borrow_and_update(), Sequence(3));
}
