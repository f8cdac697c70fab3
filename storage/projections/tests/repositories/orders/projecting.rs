//! How the projection follows the log: each record once, whatever happens.

use std::sync::Arc;

use futures::future::BoxFuture;
use tessera_inventory::*;
use tessera_projections::orders::{Order, OrderState, OrdersBySubject, STEP_BYTES, STEP_EVENTS_MAX, Step};
use tessera_store::{
    AppendOutcome, Batch, Log, LogRecord, StoreError,
    memory::{CommitFault, MemoryStore},
};
use tessera_writer::Head;

use super::world::*;

fn story() -> Vec<EventBody> {
    let mut story: Vec<EventBody> = (0..20).map(|at| hold(if at % 3 == 0 { BEN } else { ANNA })).collect();
    story.extend((1..=15).map(|order| begun(order, 1)));
    story.extend((1..=4).map(failed));
    story.extend((1..=3).map(|order| begun(order, 2)));
    story.extend([2, 5, 6, 7, 8].map(confirmed));
    story.push(EventBody::Expired { through: (GRACE, ClaimNumber(10)), count: 20 });
    story.extend([refunded(5, &[1]), transferred(6, 0, BEN, 1), refunded(7, &[0, 1, 2]), cancelled()]);
    story
}

async fn everything(world: &World) -> Vec<Order> {
    [world.list(ANNA).await, world.list(BEN).await].concat()
}

#[tokio::test]
async fn one_record_or_many_steps_or_records_of_any_size_give_the_same_orders() {
    let mut whole = World::new();
    whole.log(story()).await;
    whole.project().await;
    let mut live = World::new();
    live.live(story()).await;
    let expected = everything(&live).await;
    assert_eq!(expected.len(), 16);
    assert_eq!(everything(&whole).await, expected);
    for size in [2, 3, 7] {
        let mut world = World::new();
        for part in story().chunks(size) {
            world.log(part.to_vec()).await;
        }
        world.project().await;
        assert_eq!(everything(&world).await, expected, "records of {size} events");
    }
}

#[tokio::test]
async fn holds_of_steps_long_past_are_read_back_from_the_log() {
    let mut world = World::new();
    let holds = STEP_BYTES / 40;
    for _ in 0..4 {
        world.log((0..holds / 4).map(|_| hold(ANNA)).collect()).await;
    }
    world.project().await;
    let last = u64::try_from(holds).unwrap();
    world.log(vec![begun(last, 1), begun(3, 1), begun(4, 1), begun(last / 2, 1)]).await;
    world.project().await;
    let numbers: Vec<u64> = world.list(ANNA).await.iter().map(|order| order.number.0).collect();
    assert_eq!(numbers, [3, 4, last / 2, last]);
}

#[tokio::test]
async fn a_record_of_more_events_than_a_step_takes_is_folded_in_parts() {
    let mut world = World::new();
    let holds = STEP_EVENTS_MAX as u64 + 10;
    let mut story: Vec<EventBody> = (0..holds).map(|_| hold(ANNA)).collect();
    story.extend([begun(1, 1), begun(holds, 1), confirmed(1)]);
    let last = Sequence(story.len() as u64);
    world.log(story).await;
    let first = world.orders.project(&world.store, EVENT).await.unwrap();
    assert_eq!(first, Step::Advanced { through: Sequence(STEP_EVENTS_MAX as u64) });
    world.log(vec![failed(holds)]).await;
    let next = world.orders.project(&world.store, EVENT).await.unwrap();
    assert_eq!(next, Step::Advanced { through: last.plus(1) });
    let states: Vec<_> = world.list(ANNA).await.iter().map(|order| (order.number.0, order.state)).collect();
    assert_eq!(states, [(1, OrderState::Paid), (holds, OrderState::PaymentFailed)]);
}

#[tokio::test]
async fn conflicts_and_unknown_outcomes_fold_each_record_once() {
    for fault in [CommitFault::Conflict, CommitFault::UnknownApplied, CommitFault::UnknownNotApplied] {
        let mut world = World::new();
        world.live(vec![hold(ANNA), begun(1, 1), confirmed(1)]).await;
        world.log(vec![transferred(1, 0, BEN, 1)]).await;
        world.store.inject_commit(fault);
        let step = world.orders.project(&world.store, EVENT).await.unwrap();
        assert_eq!(step, Step::Advanced { through: Sequence(4) }, "{fault:?}");
        assert_eq!(world.get(1).await.tickets[0].ticket.holder, BEN);
        let step = world.orders.project(&world.store, EVENT).await.unwrap();
        assert_eq!(step, Step::UpToDate { through: Sequence(4) });
    }
}

/// A log that gives at most so many records at once, and during whose reading another follower is faster.
struct SlowLog {
    store: MemoryStore,
    records_max: usize,
}

impl Log for SlowLog {
    fn append(&self, event: EventId, expected: Head, batch: Batch) -> BoxFuture<'static, AppendOutcome> {
        self.store.append(event, expected, batch)
    }

    fn head(&self, event: EventId) -> BoxFuture<'static, Result<Head, StoreError>> {
        self.store.head(event)
    }

    fn read(
        &self,
        event: EventId,
        after: Sequence,
        limit_bytes: usize,
    ) -> BoxFuture<'static, Result<Vec<LogRecord>, StoreError>> {
        let (store, records_max) = (self.store.clone(), self.records_max);
        Box::pin(async move {
            let mut records = store.read(event, after, limit_bytes).await?;
            records.truncate(records_max);
            OrdersBySubject::new(Arc::new(store.clone())).project(&store, event).await?;
            Ok(records)
        })
    }

    fn trim(&self, event: EventId, through: Sequence) -> BoxFuture<'static, Result<Sequence, StoreError>> {
        self.store.trim(event, through)
    }
}

#[tokio::test]
async fn a_follower_that_is_overtaken_writes_nothing() {
    let mut world = World::new();
    world.log(vec![hold(ANNA), begun(1, 1)]).await;
    world.project().await;
    world.log(vec![failed(1)]).await;
    world.log(vec![begun(1, 2)]).await;
    let slow = SlowLog { store: world.store.clone(), records_max: 1 };
    assert_eq!(world.orders.project(&slow, EVENT).await.unwrap(), Step::Overtaken);
    let order = world.get(1).await;
    assert_eq!((order.state, order.attempt, order.sequence), (OrderState::Pending, 2, Sequence(4)));
    assert_eq!(world.orders.sequence(EVENT).await.unwrap(), Sequence(4));
}

#[tokio::test]
async fn a_follower_that_comes_second_with_the_same_records_writes_nothing() {
    let mut world = World::new();
    world.log(vec![hold(ANNA), begun(1, 1), failed(1)]).await;
    let slow = SlowLog { store: world.store.clone(), records_max: usize::MAX };
    assert_eq!(world.orders.project(&slow, EVENT).await.unwrap(), Step::Advanced { through: Sequence(3) });
    assert_eq!(world.get(1).await.state, OrderState::PaymentFailed);
}

#[tokio::test]
async fn a_log_that_does_not_go_on_from_the_cursor_is_damage() {
    let mut world = World::new();
    world.live(vec![hold(ANNA), begun(1, 1)]).await;
    let mut other = World::new();
    other.log(vec![hold(BEN), hold(BEN)]).await;
    other.log(vec![hold(BEN)]).await;
    let error = world.orders.project(&other.store, EVENT).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert_eq!(world.orders.sequence(EVENT).await.unwrap(), Sequence(2));
}

#[tokio::test]
async fn an_order_of_no_hold_is_damage() {
    let mut world = World::new();
    world.log(vec![hold(ANNA), EventBody::HoldReleased { hold: ClaimNumber(1) }, begun(2, 1)]).await;
    let error = world.orders.project(&world.store, EVENT).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert_eq!(world.orders.sequence(EVENT).await.unwrap(), Sequence(0));
}
