use std::ops::RangeInclusive;
use std::sync::Arc;

use tessera_inventory::{EventId, Sequence, Timestamp};
use tessera_projections::follower_cursors::{Advance, FollowerCursors};
use tessera_projections::webhooks::{
    Asked, Attempt, Batch, Creation, Deliveries, Delivery, ENDPOINTS_MAX, Endpoint, EndpointId,
    FAILING_MS_MAX, FINISHED_KEPT, Followed, Outcome, PENDING_LOW, PENDING_MAX, Secret, Verdict,
    WebhookEndpoints, Why,
};
use tessera_store::keys::WebhookPlace;
use tessera_store::memory::{CommitFault, MemoryStore};

/// Messages that one transaction takes.
const STEP: usize = 2_000;
const EVENT: EventId = EventId(5);
const ID: EndpointId = EndpointId { organizer: 7, endpoint: 9 };
const FOLLOWER: &str = "notification";

fn endpoint(id: EndpointId) -> Endpoint {
    Endpoint {
        id,
        url: "https://receiver.example/".to_owned(),
        types: Vec::new(),
        events: Vec::new(),
        secrets: vec![Secret { bytes: vec![1; 32], valid_until: None }],
        created_at: Timestamp(1),
        told_from: Timestamp(1),
        disabled: None,
        catches_up: false,
    }
}

fn waiting(sequence: u64, at: u64) -> Delivery {
    Delivery {
        place: WebhookPlace { at: Timestamp(at), event: EVENT, sequence: Sequence(sequence), copy: 0 },
        kind: "order.confirmed".to_owned(),
        payload: vec![b'{', b'}'],
        due_at: Timestamp(at),
        attempts: 0,
        last: None,
    }
}

fn batch(sequences: impl IntoIterator<Item = u64>) -> Batch {
    Batch { endpoint: ID, deliveries: sequences.into_iter().map(|sequence| waiting(sequence, 100)).collect() }
}

/// As many at a time as one transaction takes.
fn steps(sequences: RangeInclusive<u64>) -> impl Iterator<Item = RangeInclusive<u64>> {
    let last = *sequences.end();
    sequences.step_by(STEP).map(move |first| first..=last.min(first + STEP as u64 - 1))
}

fn outcome(delivery: Delivery, at: u64, verdict: Verdict) -> Outcome {
    let status = Some(if verdict == Verdict::Delivered { 204 } else { 500 });
    Outcome { delivery, attempt: Attempt { at: Timestamp(at), status, error: None }, verdict }
}

async fn stores() -> (MemoryStore, WebhookEndpoints, Deliveries) {
    let store = MemoryStore::new();
    let table = Arc::new(store.clone());
    let endpoints = WebhookEndpoints::new(table.clone());
    assert_eq!(endpoints.create(&endpoint(ID)).await.unwrap(), Creation::Created);
    (store, endpoints, Deliveries::new(table))
}

#[tokio::test]
async fn messages_and_cursor_move_together_and_once() {
    let (store, _, deliveries) = stores().await;
    let cursors = FollowerCursors::new(Arc::new(store.clone()));
    let mine = cursors.take_over(EVENT, FOLLOWER).await.unwrap();
    let batches = [batch([1, 2])];
    let follow = async |expected, through| {
        let what = (&batches[..], Timestamp(100));
        deliveries.follow((EVENT, FOLLOWER), expected, Sequence(through), what).await.unwrap()
    };
    store.inject_commit(CommitFault::UnknownApplied);
    let Advance::Advanced(moved) = follow(mine, 2).await.advance else { panic!("nobody else was there") };
    assert_eq!(deliveries.standing(ID.endpoint).await.unwrap().pending, 2, "once, whatever the outcome was");
    let other = cursors.take_over(EVENT, FOLLOWER).await.unwrap();
    assert_eq!(follow(moved, 4).await.advance, Advance::Fenced { found: other });
    assert_eq!(deliveries.standing(ID.endpoint).await.unwrap().pending, 2, "a fenced follower keeps nothing");
}

#[tokio::test]
async fn what_is_due_comes_in_order_and_one_by_one_with_pauses_while_the_endpoint_fails() {
    let (_, _, deliveries) = stores().await;
    assert_eq!(deliveries.enqueue(&batch([3, 1, 2])).await.unwrap(), Asked::Waits);
    assert_eq!(deliveries.due(ID.endpoint, Timestamp(99), 8).await.unwrap().next_at, Some(Timestamp(100)));
    let due = deliveries.due(ID.endpoint, Timestamp(100), 2).await.unwrap();
    let sequences: Vec<_> = due.deliveries.iter().map(|delivery| delivery.place.sequence.0).collect();
    assert_eq!((sequences, due.oldest), (vec![1, 2], Some(Timestamp(100))));
    let mut due = due.deliveries.into_iter();
    let (first, second) = (due.next().unwrap(), due.next().unwrap());
    let (delivered, failed) = (outcome(first, 110, Verdict::Delivered), Verdict::Again(Timestamp(5_000)));
    let outcomes = [delivered, outcome(second.clone(), 111, failed)];
    let paused = None;
    assert_eq!(deliveries.record(ID, &outcomes, paused, Timestamp(111)).await.unwrap(), None);
    let stands = deliveries.standing(ID.endpoint).await.unwrap();
    assert_eq!((stands.pending, stands.finished, stands.failing_since), (2, 1, None), "one was taken");
    let again = deliveries.pending(ID.endpoint, Some(second.place), 10).await.unwrap();
    assert_eq!(again.len(), 1, "after the one that was tried");
    let ended = deliveries.finished(ID.endpoint, None, 10).await.unwrap();
    assert_eq!((ended[0].place.at, ended[0].delivered, ended[0].attempts), (Timestamp(110), true, 1));
    let third = again.into_iter().next().unwrap();
    let outcomes = [outcome(third, 112, failed)];
    let paused = Some(Timestamp(5_500));
    deliveries.record(ID, &outcomes, paused, Timestamp(111)).await.unwrap();
    // To record it twice is to record it once.
    deliveries.record(ID, &outcomes, paused, Timestamp(111)).await.unwrap();
    let stands = deliveries.standing(ID.endpoint).await.unwrap();
    assert_eq!((stands.failures, stands.failing_since), (1, Some(Timestamp(112))));
    let due = deliveries.due(ID.endpoint, Timestamp(5_499), 8).await.unwrap();
    assert_eq!((due.deliveries.len(), due.next_at), (0, paused), "what is due waits for the endpoint");
    let due = deliveries.due(ID.endpoint, Timestamp(5_500), 8).await.unwrap();
    assert_eq!(due.deliveries.len(), 1, "while it fails");
    let probe = due.deliveries.into_iter().next().unwrap();
    deliveries
        .record(ID, &[outcome(probe, 5_510, Verdict::Delivered)], None, Timestamp(5_510))
        .await
        .unwrap();
    let stands = deliveries.standing(ID.endpoint).await.unwrap();
    assert_eq!((stands.failures, stands.failing_since, stands.paused_until), (0, None, None));
}

#[tokio::test]
async fn an_endpoint_is_disabled_for_a_reason_and_takes_nothing_then() {
    let (_, endpoints, deliveries) = stores().await;
    let why = async || endpoints.get(ID).await.unwrap().unwrap().disabled.map(|disabled| disabled.why);
    let enable = async || {
        endpoints.update(ID, |endpoint, standing| endpoint.enable(standing, Timestamp(150))).await.unwrap()
    };
    assert_eq!(deliveries.enqueue(&batch([1])).await.unwrap(), Asked::Waits);
    let gone = outcome(waiting(1, 100), 110, Verdict::Gone(Timestamp(200)));
    assert_eq!(
        deliveries.record(ID, std::slice::from_ref(&gone), None, Timestamp(110)).await.unwrap(),
        Some(Why::Gone)
    );
    assert_eq!(deliveries.enqueue(&batch([2])).await.unwrap(), Asked::Disabled);
    enable().await;
    let due = deliveries.due(ID.endpoint, Timestamp(200), 8).await.unwrap().deliveries;
    assert_eq!(due[0].last, Some(gone.attempt), "it still waits");
    // What failed before it was enabled does not count.
    let late = Timestamp(110 + FAILING_MS_MAX);
    let failed = outcome(due[0].clone(), late.0, Verdict::Again(late));
    assert_eq!(deliveries.record(ID, &[failed], None, late).await.unwrap(), None);
    let due = deliveries.due(ID.endpoint, late, 8).await.unwrap().deliveries;
    let later = late.plus_ms(FAILING_MS_MAX);
    let failed = outcome(due[0].clone(), later.0, Verdict::GivenUp);
    assert_eq!(deliveries.record(ID, &[failed], None, later).await.unwrap(), Some(Why::Failing));
    assert_eq!(why().await, Some(Why::Failing));
}

#[tokio::test]
async fn what_people_ask_for_leaves_room_for_what_happens_and_disables_nothing() {
    let (store, endpoints, deliveries) = stores().await;
    for step in steps(2..=PENDING_LOW) {
        assert_eq!(deliveries.enqueue(&batch(step)).await.unwrap(), Asked::Waits);
    }
    let too_many = batch([PENDING_LOW + 1, PENDING_LOW + 2]);
    let refused = Asked::NoRoom { pending: PENDING_LOW - 1 };
    assert_eq!(deliveries.enqueue(&too_many).await.unwrap(), refused);
    store.inject_commit(CommitFault::UnknownApplied);
    assert_eq!(deliveries.enqueue(&batch([1])).await.unwrap(), Asked::Waits);
    assert_eq!(deliveries.standing(ID.endpoint).await.unwrap().pending, PENDING_LOW, "counted once");
    assert_eq!(endpoints.get(ID).await.unwrap().unwrap().disabled, None);
}

#[tokio::test]
async fn an_endpoint_for_which_too_much_waits_is_disabled_and_told_again_when_it_has_caught_up() {
    let (store, endpoints, deliveries) = stores().await;
    let stands = async || deliveries.standing(ID.endpoint).await.unwrap().pending;
    let mut cursor = FollowerCursors::new(Arc::new(store.clone())).take_over(EVENT, FOLLOWER).await.unwrap();
    let mut tell = async |sequences: RangeInclusive<u64>| {
        let (through, batches) = (Sequence(*sequences.end()), [batch(sequences)]);
        let what = (&batches[..], Timestamp(through.0));
        let followed = deliveries.follow((EVENT, FOLLOWER), cursor, through, what).await.unwrap();
        let Followed { advance: Advance::Advanced(moved), disabled } = followed else { panic!("fenced") };
        cursor = moved;
        disabled
    };
    for step in steps(1..=PENDING_MAX - 9) {
        assert_eq!(tell(step).await, []);
    }
    store.inject_commit(CommitFault::UnknownApplied);
    assert_eq!(tell(PENDING_MAX - 8..=PENDING_MAX + 1).await, [ID], "said once, whatever the outcome was");
    assert_eq!(tell(PENDING_MAX + 2..=PENDING_MAX + 2).await, []);
    let disabled = endpoints.get(ID).await.unwrap().unwrap().disabled.unwrap();
    assert_eq!((disabled.why, stands().await), (Why::Backlog, PENDING_MAX - 9));
    // Enabled again, it is not disabled by what happens next: it is sent what waits first.
    let enable = |endpoint: &mut Endpoint, standing: &mut _| endpoint.enable(standing, Timestamp(350));
    let (enabled, _) = endpoints.update(ID, enable).await.unwrap().unwrap();
    assert!(enabled.disabled.is_none() && enabled.catches_up && !enabled.listens());
    assert_eq!(tell(PENDING_MAX + 3..=PENDING_MAX + 30).await, []);
    assert_eq!(stands().await, PENDING_MAX - 9, "it is not told");
    let listens = async || endpoints.get(ID).await.unwrap().unwrap().listens();
    let too_many = PENDING_MAX - 9 - PENDING_LOW;
    for sent in steps(1..=too_many - 1).chain([too_many..=too_many]) {
        assert!(!listens().await);
        let taken = |sequence| outcome(waiting(sequence, 100), 400, Verdict::Delivered);
        let taken: Vec<_> = sent.map(taken).collect();
        deliveries.record(ID, &taken, None, Timestamp(400)).await.unwrap();
    }
    assert!(listens().await && stands().await == PENDING_LOW);
    let told_from = endpoints.get(ID).await.unwrap().unwrap().told_from;
    assert_eq!(told_from, Timestamp(400), "since it has caught up");
    assert_eq!(tell(PENDING_MAX + 31..=PENDING_MAX + 31).await, []);
    assert_eq!(stands().await, PENDING_LOW + 1, "it is told again");
}

#[tokio::test]
async fn the_oldest_that_have_ended_are_forgotten() {
    let (_, _, deliveries) = stores().await;
    let count = FINISHED_KEPT + 10;
    assert_eq!(deliveries.enqueue(&batch(1..=count)).await.unwrap(), Asked::Waits);
    for sequence in 1..=count {
        let ended = outcome(waiting(sequence, 100), 100 + sequence, Verdict::Delivered);
        deliveries.record(ID, &[ended], None, Timestamp(100 + sequence)).await.unwrap();
    }
    let kept = usize::try_from(FINISHED_KEPT).unwrap();
    let ended = deliveries.finished(ID.endpoint, None, kept + 10).await.unwrap();
    assert_eq!((ended.len(), ended[0].place.sequence.0), (kept, count), "the youngest first");
    assert_eq!(ended[kept - 1].place.sequence.0, 11);
}

#[tokio::test]
async fn endpoints_are_bounded_and_removed_with_all_they_have() {
    let (_, endpoints, deliveries) = stores().await;
    for number in 1..ENDPOINTS_MAX as u128 {
        let id = EndpointId { endpoint: 100 + number, ..ID };
        assert_eq!(endpoints.create(&endpoint(id)).await.unwrap(), Creation::Created);
    }
    let one_more = EndpointId { endpoint: 1, ..ID };
    assert_eq!(endpoints.create(&endpoint(one_more)).await.unwrap(), Creation::TooMany);
    let foreign = EndpointId { organizer: 8, endpoint: 1 };
    assert_eq!(endpoints.create(&endpoint(foreign)).await.unwrap(), Creation::Created);
    assert_eq!(endpoints.list(Some(7), None, 100).await.unwrap().len(), ENDPOINTS_MAX);
    assert_eq!(endpoints.list(None, Some(ID), 100).await.unwrap().len(), ENDPOINTS_MAX);
    let beyond = EndpointId { organizer: 9, endpoint: 1 };
    for (after, count) in [(ID, 1), (foreign, 0), (beyond, 0)] {
        let found = endpoints.list(Some(8), Some(after), 100).await.unwrap();
        assert_eq!(found.len(), count, "nobody else's, wherever it goes on");
    }
    assert_eq!(endpoints.find(ID.endpoint).await.unwrap().unwrap().id, ID);
    assert_eq!(endpoints.find(12_345).await.unwrap(), None);
    assert_eq!(deliveries.enqueue(&batch([1])).await.unwrap(), Asked::Waits);
    assert!(endpoints.remove(ID).await.unwrap());
    assert!(!endpoints.remove(ID).await.unwrap());
    assert_eq!(endpoints.get(ID).await.unwrap(), None);
    assert!(deliveries.pending(ID.endpoint, None, 10).await.unwrap().is_empty());
    let late = outcome(waiting(1, 100), 110, Verdict::Delivered);
    assert_eq!(deliveries.record(ID, &[late], None, Timestamp(110)).await.unwrap(), None);
    assert!(deliveries.finished(ID.endpoint, None, 10).await.unwrap().is_empty(), "nothing comes back");
}
