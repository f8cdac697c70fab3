//! More than the writer can take: scenario 24.

use futures::FutureExt;
use futures::future::join_all;
use tessera_actors::{Answer, Limits, NotExecuted};
use tessera_inventory::{ClaimNumber, Phase, Schedule};
use tessera_writer::{Ask, TURN_COMMANDS_MAX};
use tokio::task::JoinHandle;

use crate::world::{BEGINNING, EVENT, GIVE_UP, World, config, limits, place_hold, release, until};

/// More reads than very many turns take.
const READS: u32 = 20_000;
/// Longer than the test lets time go on.
const PATIENT: std::time::Duration = std::time::Duration::from_secs(10_000);

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_24_a_flood_of_reads_does_not_keep_new_holds_out() {
    let world = World::start(Limits { existing_lane_requests_max: READS, ..limits() }).await;
    world.on_sale(EVENT, 10).await;
    world.store.memory.hold_appends();
    let busy = tokio::spawn(world.asking(EVENT, place_hold(1, 1), PATIENT));
    until("a turn is under way", || world.store.memory.held_appends() == 1).await;
    let reads: Vec<_> = (0..READS).map(|_| waits(&world, Ask::Read(ClaimNumber(3)))).collect();
    let hold = waits(&world, place_hold(2, 1));

    // The next turn is the first that has something to append: the hold is in it, and so nothing else was answered before.
    assert!(world.store.memory.release_append());
    until("the next turn is under way", || world.store.memory.held_appends() == 1).await;
    assert!(!reads.iter().any(JoinHandle::is_finished), "whole turns of reads went before the hold");
    world.store.memory.release_appends();
    assert!(matches!(busy.await, Ok(Answer::Accepted { .. })));
    assert!(matches!(hold.await, Ok(Answer::Accepted { .. })));
    for answer in join_all(reads).await {
        assert!(matches!(answer, Ok(Answer::Read { .. })), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_24_new_holds_taken_in_by_a_timer_do_not_pass_those_who_have_a_hold() {
    let turn = u32::try_from(TURN_COMMANDS_MAX).unwrap();
    let world = World::start(Limits { new_lane_requests_max: turn, ..limits() }).await;
    world.on_sale(EVENT, 1_000_000).await;
    assert!(matches!(world.hold(EVENT, 1).await, Answer::Accepted { .. }));
    world.clock.advance_ms(10_000);
    assert!(matches!(world.hold(EVENT, 2).await, Answer::Accepted { .. }));
    world.clock.advance_ms(589_500);

    // While an append is under way, the deadline of the first hold has the writer take in a whole turn of new holds.
    world.store.memory.hold_appends();
    let busy = tokio::spawn(world.asking(EVENT, place_hold(3, 1), PATIENT));
    until("a turn is under way", || world.store.memory.held_appends() == 1).await;
    let crowd: Vec<_> =
        (100..100 + u128::from(turn)).map(|buyer| waits(&world, place_hold(buyer, 1))).collect();
    let is_full = || world.asking(EVENT, place_hold(10_000, 1), PATIENT).now_or_never().is_some();
    assert!(is_full());
    world.clock.advance_ms(500);
    until("the timer has had them taken in", || !is_full()).await;

    let released = waits(&world, release(2, ClaimNumber(4)));
    world.store.memory.release_appends();
    assert!(matches!(busy.await, Ok(Answer::Accepted { .. })));
    let Ok(Answer::Accepted { sequence: released, .. }) = released.await else { panic!("not released") };
    for answer in join_all(crowd).await {
        let Ok(Answer::Accepted { sequence, .. }) = answer else { panic!("{answer:?}") };
        assert!(sequence > released, "a new hold went first");
    }
}

/// Asks, and sees that it waits.
fn waits(world: &World, ask: Ask) -> JoinHandle<Answer> {
    let mut answer = world.asking(EVENT, ask, PATIENT);
    assert!(answer.as_mut().now_or_never().is_none(), "it did not wait");
    tokio::spawn(answer)
}
