//! More than the writer can take: scenario 24.

use futures::FutureExt;
use futures::future::join_all;
use tessera_actors::{Answer, Limits, NotExecuted};
use tessera_inventory::{ClaimNumber, Phase, Schedule};
use tessera_writer::{Ask, TURN_COMMANDS_MAX};

use crate::world::{BEGINNING, EVENT, GIVE_UP, World, config, limits, place_hold, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_24_a_flood_is_bounded_and_existing_holds_and_timers_are_served() {
    let small = Limits { new_lane_requests_max: 100, existing_lane_requests_max: 10, ..limits() };
    let world = World::start(small).await;
    let schedule = Schedule { closes_at: Some(BEGINNING.plus_ms(60_000)), ..Schedule::default() };
    world.configured(EVENT, tessera_inventory::Config { schedule, ..config(1_000_000) }).await;
    let open = tessera_inventory::CommandBody::ChangePhase { to: Phase::OnSale };
    world.ask(EVENT, crate::world::organizer(open)).await;

    // One append is under way and does not end: everything else piles up in front of the writer.
    world.store.memory.hold_appends();
    let mut waiting = Vec::new();
    waiting.push(tokio::spawn(world.asking(EVENT, place_hold(0, 1), GIVE_UP * 20)));
    until("a turn is under way", || world.store.memory.held_appends() == 1).await;

    let mut refused = 0;
    for buyer in 1..5_000 {
        let mut ask = world.asking(EVENT, place_hold(buyer, 1), GIVE_UP * 20);
        match ask.as_mut().now_or_never() {
            Some(Answer::NotExecuted { reason: NotExecuted::QueueFull, retry_after_ms }) => {
                assert!(retry_after_ms > 0);
                refused += 1;
            }
            Some(other) => panic!("{other:?}"),
            None => waiting.push(tokio::spawn(ask)),
        }
    }
    // What waits: a full lane, and at most one turn that the writer has already taken in.
    assert!(refused >= 4_999 - 100 - TURN_COMMANDS_MAX, "only {refused} were refused");
    let mut read = Box::pin(world.ask(EVENT, Ask::Read(ClaimNumber(1))));
    assert!(read.as_mut().now_or_never().is_none(), "the lane of existing holds has room");

    world.store.memory.release_appends();
    assert!(matches!(read.await, Answer::Read { .. }));
    for answer in join_all(waiting).await {
        assert!(matches!(answer, Ok(Answer::Accepted { .. })), "{answer:?}");
    }
    world.clock.advance_ms(60_000);
    let closed =
        || world.router.published(EVENT).is_some_and(|view| view.availability.phase == Phase::Closed);
    until("the schedule has closed the sale", closed).await;
}
