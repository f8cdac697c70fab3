//! Who owns an event: scenarios 13, 26, 43, 52.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::join_all;
use tessera_actors::{Answer, NotExecuted};
use tessera_inventory::{Epoch, EventId, Rejection, Sequence};
use tessera_store::Log;

use crate::world::{EVENT, GIVE_UP, World, limits, place_another_hold, place_hold, until};

async fn epoch(world: &World) -> Epoch {
    world.store.head(EVENT).await.unwrap().epoch
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_26_two_starts_at_once_make_one_writer() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 1_000).await;
    assert_eq!(epoch(&world).await, Epoch(1));
    world.platform.drain(GIVE_UP).await;

    let world = World::on(world.store.clone(), world.clock.clone(), limits(), 2).await;
    let asks = (0..200).map(|buyer| {
        let router = world.router.clone();
        tokio::spawn(async move { router.ask(EVENT, place_hold(buyer, 1), GIVE_UP).await })
    });
    for answer in join_all(asks).await {
        assert!(matches!(answer, Ok(Answer::Accepted { .. })), "{answer:?}");
    }
    assert_eq!(epoch(&world).await, Epoch(2), "one activation claimed the head, once");
    assert_eq!(world.platform.status().active_events, 1);
    assert_eq!(world.free(EVENT), Some(800));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_26_what_a_failed_supervisor_had_begun_claims_nothing() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 1_000).await;
    world.platform.drain(GIVE_UP).await;

    let world = World::on(world.store.clone(), world.clock.clone(), limits(), 2).await;
    // Who looks around at the start has begun by then.
    let other = EventId(EVENT.0 ^ 1);
    world.on_sale(other, 10).await;
    world.rests(other).await;
    world.store.holds_next_begin.store(true, Ordering::Release);
    let first = tokio::spawn(world.asking(EVENT, place_hold(1, 1), GIVE_UP));
    until("an activation is under way", || world.store.has_held_begin()).await;
    world.clock.panic_at_the_wall();
    world.platform.acknowledge_clock();
    assert!(matches!(first.await, Ok(Answer::NotExecuted { .. })));
    let inventory = || world.platform.status().supervisors.into_iter().find(|one| one.name == "inventory");
    let is_back = || inventory().is_some_and(|one| one.running && one.restarts == 1);
    world.flows_until("the supervisor runs again", is_back).await;
    assert!(matches!(world.flowing(world.hold(EVENT, 2)).await, Answer::Accepted { .. }));
    assert_eq!(epoch(&world).await, Epoch(2));

    world.store.release_begin();
    for buyer in 3..500 {
        let answer = world.hold(EVENT, buyer).await;
        assert!(matches!(answer, Answer::Accepted { .. }), "the writer was fenced by a ghost: {answer:?}");
    }
    assert_eq!(epoch(&world).await, Epoch(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_13_and_52_a_fenced_owner_neither_accepts_nor_refuses() {
    let old = World::start(limits()).await;
    old.on_sale(EVENT, 1).await;
    let new = World::on(old.store.clone(), old.clock.clone(), limits(), 2).await;
    let answer = new.hold(EVENT, 1).await;
    assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");

    // For the old owner the last unit is free, and a second hold under way: it may say neither yes nor no.
    let old_epoch = epoch(&new).await;
    for buyer in [2, 3] {
        let answer = old.flowing(old.hold(EVENT, buyer)).await;
        match answer {
            Answer::OutcomeUnknown { .. } | Answer::NotExecuted { .. } => {}
            // Only after it became the owner again.
            Answer::Rejected { .. } => assert!(epoch(&new).await > old_epoch),
            other => panic!("a fenced owner said {other:?}"),
        }
    }
    let head = new.store.head(EVENT).await.unwrap();
    assert_eq!(head.sequence, Sequence(3), "nothing but the one hold was added");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fenced_event_is_activated_again_by_the_next_ask() {
    let old = World::start(limits()).await;
    old.on_sale(EVENT, 10).await;
    let new = World::on(old.store.clone(), old.clock.clone(), limits(), 2).await;
    assert!(matches!(new.hold(EVENT, 1).await, Answer::Accepted { .. }));

    assert!(matches!(old.hold(EVENT, 2).await, Answer::OutcomeUnknown { .. }));
    until("the fenced writer is gone", || old.platform.status().active_events == 0).await;
    let again = old.flowing(old.hold(EVENT, 2)).await;
    assert!(matches!(again, Answer::Accepted { sequence: Sequence(4), .. }), "{again:?}");
    assert_eq!(epoch(&old).await, Epoch(3));
    assert_eq!(old.free(EVENT), Some(8));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_43_one_key_a_thousand_times_across_a_change_of_owner_has_one_effect() {
    let old = Arc::new(World::start(limits()).await);
    old.on_sale(EVENT, 1_000).await;
    let new = Arc::new(World::on(old.store.clone(), old.clock.clone(), limits(), 2).await);
    let asks = (0..1_000).map(|count| {
        let world = Arc::clone(if count % 2 == 0 { &old } else { &new });
        tokio::spawn(async move {
            loop {
                match world.hold(EVENT, 7).await {
                    Answer::Accepted { sequence, event, .. } | Answer::Repeated { sequence, event, .. } => {
                        return (sequence, event);
                    }
                    Answer::OutcomeUnknown { .. } => {}
                    Answer::NotExecuted { reason: NotExecuted::Restarting, .. } => {
                        tokio::task::yield_now().await;
                    }
                    other => panic!("{other:?}"),
                }
            }
        })
    });
    let answers = old.flowing(join_all(asks)).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "identical replies");
    let changes = new.router.changes(EVENT, Sequence(2), 1_000).await.unwrap();
    assert_eq!(changes.len(), 1, "one effect: {changes:?}");
    assert!(epoch(&new).await > Epoch(1), "the owner did change");

    // Another body under the same key is refused by whoever owns the event, and by the next owner.
    let before = epoch(&new).await;
    for world in [&old, &new, &old] {
        let answer = loop {
            let answer = world.ask(EVENT, place_another_hold(7, 2));
            match old.flowing(answer).await {
                Answer::OutcomeUnknown { .. }
                | Answer::NotExecuted { reason: NotExecuted::Restarting, .. } => {}
                answer => break answer,
            }
        };
        assert!(matches!(answer, Answer::Rejected { rejection: Rejection::KeyReused, .. }), "{answer:?}");
    }
    assert!(epoch(&new).await > before, "the owner did change");
}
