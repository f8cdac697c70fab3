//! The main road: activate, configure, open, hold, read, release.

use std::sync::atomic::Ordering;

use tessera_actors::{ActivateError, Answer};
use tessera_inventory::{
    ClaimNumber, ClaimState, CommandBody, EventBody, EventId, Payment, Rejection, Sequence,
};
use tessera_writer::Ask;

use crate::world::{EVENT, GIVE_UP, World, command, limits, place_hold, release};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_activated_on_first_use_and_sells() {
    let world = World::start(limits()).await;
    assert!(world.router.published(EVENT).is_none());
    world.on_sale(EVENT, 10).await;

    let Answer::Accepted { sequence, event, .. } = world.hold(EVENT, 1).await else { panic!("not accepted") };
    assert_eq!(sequence, Sequence(3));
    assert!(matches!(event.body, EventBody::HoldPlaced(_)));
    assert_eq!(world.free(EVENT), Some(9));

    let read = world.ask(EVENT, Ask::Read(ClaimNumber(3))).await;
    let Answer::Read { claim: Some(claim), .. } = read else { panic!("{read:?}") };
    assert_eq!(claim.state, ClaimState::Held);

    let released = world.ask(EVENT, release(1, ClaimNumber(3))).await;
    assert!(matches!(released, Answer::Accepted { .. }), "{released:?}");
    assert_eq!(world.free(EVENT), Some(10));

    let too_many = world.ask(EVENT, place_hold(2, 11)).await;
    assert!(
        matches!(too_many, Answer::Rejected { rejection: Rejection::OrderSize { .. }, .. }),
        "{too_many:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_again_is_answered_from_the_log_by_the_next_owner() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 10).await;
    let Answer::Accepted { sequence, event, .. } = world.hold(EVENT, 1).await else { panic!("not accepted") };
    world.platform.drain(GIVE_UP).await;
    let world = World::on(world.store.clone(), world.clock.clone(), limits(), 2).await;
    let again = world.hold(EVENT, 1).await;
    let Answer::Repeated { sequence: again_at, event: again, .. } = again else { panic!("{again:?}") };
    assert_eq!((again_at, &*again), (sequence, &*event));
    assert_eq!(world.free(EVENT), Some(9));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fresh_retry_is_answered_without_reading_the_log() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 10).await;
    let Answer::Accepted { sequence, event, .. } = world.hold(EVENT, 1).await else { panic!("not accepted") };
    world.store.is_unreadable.store(true, Ordering::Release);
    let again = world.hold(EVENT, 1).await;
    let Answer::Repeated { sequence: again_at, event: again, .. } = again else { panic!("{again:?}") };
    assert_eq!((again_at, &*again), (sequence, &*event));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_read_in_order_and_in_pages() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 100).await;
    for buyer in 0..20 {
        world.hold(EVENT, buyer).await;
    }
    let all = world.router.changes(EVENT, Sequence(0), 1_000).await.unwrap();
    assert_eq!(all.iter().map(|(sequence, _)| sequence.0).collect::<Vec<_>>(), (1..=22).collect::<Vec<_>>());
    let page = world.router.changes(EVENT, Sequence(5), 3).await.unwrap();
    assert_eq!(page.iter().map(|(sequence, _)| sequence.0).collect::<Vec<_>>(), [6, 7, 8]);
    assert!(world.router.changes(EVENT, Sequence(22), 3).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_was_never_written_is_not_found() {
    let world = World::start(limits()).await;
    let unknown = world.router.activate(EventId(77), GIVE_UP).await;
    assert_eq!(unknown.err(), Some(ActivateError::NotFound));
    assert_eq!(world.platform.status().active_events, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_six_supervisors_run() {
    let world = World::start(limits()).await;
    let status = world.platform.status();
    let names: Vec<_> = status.supervisors.iter().map(|one| one.name).collect();
    assert_eq!(names, ["gateway", "inventory", "payment", "waitlist", "notification", "notary"]);
    assert!(status.is_ready());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renewing_paying_and_confirming_bring_the_lines_with_the_decision() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 10).await;
    let Answer::Accepted { event, claim: None, .. } = world.ask(EVENT, place_hold(1, 2)).await else {
        panic!("not accepted, or with a view that nobody needs")
    };
    let EventBody::HoldPlaced(placed) = &event.body else { panic!("{event:?}") };
    let (hold, order) = (ClaimNumber(3), ClaimNumber(3));
    world.clock.advance_ms(60_000);
    let bodies = [
        CommandBody::RenewHold { hold },
        CommandBody::BeginPayment { hold, provider: None, extra_subjects: Vec::new() },
        CommandBody::Confirm { order, payment: Payment::Free, attempt: None },
    ];
    for (number, body) in (1_000..).zip(bodies) {
        let first = world.ask(EVENT, command(1, number, body.clone())).await;
        let Answer::Accepted { claim: Some(claim), .. } = first else { panic!("{first:?}") };
        assert_eq!(claim.lines, placed.lines, "{body:?}");
        let again = world.ask(EVENT, command(1, number, body.clone())).await;
        let Answer::Repeated { claim: Some(claim), .. } = again else { panic!("{again:?}") };
        assert_eq!(claim.lines, placed.lines, "{body:?} again");
    }
}
