//! Panics, a store that is away, slow or failed: scenarios 9, 10, 22, 23, 30.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt;
use tessera_actors::{ActivateError, Answer, NotExecuted};
use tessera_inventory::{EventId, Sequence};
use tessera_records::Replay;
use tessera_store::memory::AppendFault;
use tessera_store::{Log, LogRecord};
use tessera_writer::ReplayRecord;

use crate::world::{EVENT, GIVE_UP, World, limits, place_hold, until};

const OTHER: EventId = EventId(0x0198_0000_0000_7000_8000_0000_0000_0002);

/// What the log says, replayed from its beginning.
pub(crate) async fn replayed(world: &World) -> Replay {
    let records: Vec<LogRecord> = world.store.read(EVENT, Sequence::ZERO, usize::MAX).await.unwrap();
    let mut replay = Replay::from_genesis(EVENT);
    for record in &records {
        let record = ReplayRecord {
            first_sequence: record.first_sequence,
            last_sequence: record.last_sequence,
            epoch: record.epoch,
            chain: record.chain,
            bytes: &record.bytes,
        };
        replay.apply(&record).unwrap();
    }
    replay
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_22_a_panic_is_answered_unknown_and_the_writer_is_rebuilt_with_the_same_digest() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 10).await;
    assert!(matches!(world.hold(EVENT, 1).await, Answer::Accepted { .. }));

    world.store.panics.store(1, Ordering::Release);
    let answer = world.hold(EVENT, 2).await;
    assert!(matches!(answer, Answer::OutcomeUnknown { .. }), "{answer:?}");
    let again = world.flowing(world.hold(EVENT, 2)).await;
    assert!(matches!(again, Answer::Accepted { .. }), "decided anew: nothing was logged: {again:?}");

    let published = world.router.published(EVENT).unwrap();
    let replay = replayed(&world).await;
    assert_eq!(published.digest, replay.inventory().digest());
    assert_eq!(published.availability.pools[0].held, 2);
    replay.inventory().check().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_23_an_event_that_fails_again_and_again_is_quarantined_and_others_go_on() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 10).await;
    world.on_sale(OTHER, 10).await;
    let before = world.store.head(EVENT).await.unwrap().sequence;
    world.store.poison(Some(EVENT));
    let mut buyer = 0;
    while world.platform.status().quarantined.is_empty() {
        buyer += 1;
        let answer = world.flowing(world.hold(EVENT, buyer)).await;
        assert!(matches!(answer, Answer::OutcomeUnknown { .. } | Answer::NotExecuted { .. }), "{answer:?}");
        assert!(matches!(world.hold(OTHER, buyer).await, Answer::Accepted { .. }), "others go on");
        assert!(buyer < 10, "it is quarantined after few failures");
    }
    assert_eq!(world.platform.status().quarantined, [EVENT]);
    assert_eq!(world.store.head(EVENT).await.unwrap().sequence, before, "what it died of was never logged");
    let refused = world.hold(EVENT, 99).await;
    assert!(matches!(refused, Answer::NotExecuted { reason: NotExecuted::Quarantined, .. }), "{refused:?}");
    let read = world.router.activate(EVENT, GIVE_UP).await;
    assert_eq!(read.err(), Some(ActivateError::NotNow { reason: NotExecuted::Quarantined }));

    world.store.poison(None);
    world.platform.release(EVENT).await.unwrap();
    until("it is repaired", || world.platform.status().quarantined.is_empty()).await;
    assert!(matches!(world.flowing(world.hold(EVENT, 99)).await, Answer::Accepted { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_09_a_store_that_is_away_for_30_s_costs_refusals_and_nothing_else() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 100).await;
    world.store.memory.set_away(true);
    let mut patient = world.asking(EVENT, place_hold(1, 1), Duration::from_secs(120));
    assert!(patient.as_mut().now_or_never().is_none());

    // Once the writer knows, new holds are turned away at once.
    let mut buyer = 100;
    let turned_away = loop {
        buyer += 1;
        let answer = world.asking(EVENT, place_hold(buyer, 1), Duration::from_millis(200));
        match world.flowing(answer).await {
            Answer::OutcomeUnknown { .. } | Answer::NotExecuted { reason: NotExecuted::GaveUp, .. } => {}
            other => break other,
        }
    };
    assert!(
        matches!(turned_away, Answer::NotExecuted { reason: NotExecuted::StoreAway, .. }),
        "{turned_away:?}"
    );
    assert!(world.hold(EVENT, 5).now_or_never().is_some(), "at once");

    world.clock.advance_ms(30_000);
    world.store.memory.set_away(false);
    let answer = world.flowing(patient).await;
    assert!(matches!(answer, Answer::Accepted { sequence: Sequence(3), .. }), "{answer:?}");
    let replay = replayed(&world).await;
    let held = replay.inventory().availability().pools[0].held;
    assert_eq!(replay.sequence().0 - 2, u64::from(held), "each batch is in the log once");
    assert!(
        matches!(world.flowing(world.hold(EVENT, 2)).await, Answer::Accepted { .. }),
        "it recovers by itself"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_10_an_append_of_10_s_that_is_unknown_is_resubmitted_once() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 100).await;
    world.store.memory.hold_appends();
    world.store.memory.inject_append(AppendFault::UnknownApplied);
    let slow = tokio::spawn(world.asking(EVENT, place_hold(1, 1), Duration::from_secs(60)));
    until("the append is under way", || world.store.memory.held_appends() == 1).await;
    world.clock.advance_ms(10_000);
    assert!(!slow.is_finished(), "no false acknowledgement");
    world.store.memory.release_appends();
    let answer = world.flowing(slow).await.unwrap();
    assert!(matches!(answer, Answer::Accepted { sequence: Sequence(3), .. }), "{answer:?}");
    assert_eq!(world.store.head(EVENT).await.unwrap().sequence, Sequence(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_30_a_failed_store_ends_the_process_and_acknowledges_nothing_more() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 100).await;
    world.store.memory.inject_append(AppendFault::Fatal);
    let answer = world.hold(EVENT, 1).await;
    assert!(matches!(answer, Answer::OutcomeUnknown { .. }), "{answer:?}");
    let reason = world.platform.fatal().await;
    assert_eq!(reason, "injected");
    assert!(!world.platform.status().is_ready());
    let after = world.hold(EVENT, 2).await;
    assert!(matches!(after, Answer::NotExecuted { .. }), "{after:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_whose_stored_head_is_damaged_is_quarantined_and_others_go_on() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 100).await;
    world.on_sale(OTHER, 100).await;
    world.store.memory.inject_append(AppendFault::Damaged);
    let answer = world.hold(EVENT, 1).await;
    assert!(matches!(answer, Answer::OutcomeUnknown { .. }), "{answer:?}");
    until("it is quarantined", || world.platform.status().quarantined == [EVENT]).await;
    assert!(world.platform.status().is_ready(), "the process goes on");
    let other = world.asking(OTHER, place_hold(1, 1), GIVE_UP).await;
    assert!(matches!(other, Answer::Accepted { .. }), "{other:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gave_up_before_a_decision_is_not_executed() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 100).await;
    world.store.memory.hold_appends();
    let first = tokio::spawn(world.asking(EVENT, place_hold(1, 1), Duration::from_secs(60)));
    until("a turn is under way", || world.store.memory.held_appends() == 1).await;
    let mut late = world.asking(EVENT, place_hold(2, 1), Duration::from_secs(10));
    assert!(late.as_mut().now_or_never().is_none(), "it waits in the lane");
    // The deadline that the writer knows has passed; the caller still waits.
    world.clock.advance_ms(9_500);
    world.store.memory.release_appends();
    assert!(matches!(first.await.unwrap(), Answer::Accepted { .. }));
    let late = late.await;
    assert!(matches!(late, Answer::NotExecuted { reason: NotExecuted::GaveUp, .. }), "{late:?}");
    assert_eq!(world.store.head(EVENT).await.unwrap().sequence, Sequence(3), "it left no trace");
}
