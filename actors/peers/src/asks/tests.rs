use std::task::{Context, Poll, Waker};

use prost::Message;
use tessera_actors::{Answer, Forwarded, Told};
use tessera_inventory::{EventId, Sequence};
use tessera_writer::Monotonic;

use super::Asks;
use crate::limits::{ASKS_IN_FLIGHT_MAX, ASKS_WAITING_BYTES_MAX, FRAME_ASKS_MAX, FRAME_BYTES};
use crate::wire::AskFrame;

const NEVER: Monotonic = Monotonic(u64::MAX);

/// Asks with an open stream, and its number.
fn open() -> (Asks, u64) {
    let asks = Asks::default();
    let stream = asks.begin_stream();
    asks.open();
    (asks, stream)
}

fn frame_at(asks: &Asks, stream: u64, now: Monotonic) -> Poll<Option<AskFrame>> {
    asks.poll_frame(stream, now, &mut Context::from_waker(Waker::noop()))
        .map(|frame| frame.map(|frame| AskFrame::decode(frame.as_slice()).unwrap()))
}

/// Numbers of the next frame.
fn numbers(asks: &Asks, stream: u64) -> Vec<u64> {
    match frame_at(asks, stream, Monotonic(0)) {
        Poll::Ready(Some(frame)) => frame.asks.iter().map(|ask| ask.number).collect(),
        Poll::Ready(None) | Poll::Pending => Vec::new(),
    }
}

#[test]
fn what_waits_goes_in_one_frame_with_the_time_that_is_left_then() {
    let (asks, stream) = open();
    let waiting: Vec<_> = [700, 100].map(|at| asks.put(vec![1], Monotonic(at)).unwrap()).into();
    asks.tell(Told::Given(EventId(9)));
    let Poll::Ready(Some(frame)) = frame_at(&asks, stream, Monotonic(200)) else { panic!("a frame") };
    let sent: Vec<_> = frame.asks.iter().map(|ask| (ask.number, ask.give_up_us)).collect();
    assert_eq!(sent, [(waiting[0].0, 500), (waiting[1].0, 0)]);
    assert_eq!(frame.told.len(), 1);
    assert!(frame_at(&asks, stream, Monotonic(200)).is_pending(), "nothing is sent twice");
}

#[test]
fn a_frame_is_bounded_in_count_and_in_bytes_and_a_large_ask_goes_alone() {
    let (asks, stream) = open();
    let waiting: Vec<_> = (0..FRAME_ASKS_MAX + 1).map(|_| asks.put(vec![1], NEVER).unwrap()).collect();
    assert_eq!(numbers(&asks, stream).len(), FRAME_ASKS_MAX);
    assert_eq!(numbers(&asks, stream), [waiting[FRAME_ASKS_MAX].0]);

    let large = [FRAME_BYTES / 2, FRAME_BYTES / 2, 2 * FRAME_BYTES, 1].map(|bytes| {
        let (number, _) = asks.put(vec![1; bytes], NEVER).unwrap();
        number
    });
    for number in large {
        assert_eq!(numbers(&asks, stream), [number]);
    }
}

#[test]
fn what_waits_is_bounded_in_count_and_in_bytes() {
    let (asks, stream) = open();
    let waiting: Vec<_> = (0..ASKS_IN_FLIGHT_MAX).map(|_| asks.put(vec![1], NEVER).unwrap()).collect();
    assert!(asks.put(vec![1], NEVER).is_none());
    while !numbers(&asks, stream).is_empty() {}
    assert!(asks.put(vec![1], NEVER).is_none(), "what was sent waits too");
    asks.answer(waiting[0].0, Forwarded::NotSent);
    assert!(asks.put(vec![1], NEVER).is_some());

    let (asks, stream) = open();
    let half = || vec![1; ASKS_WAITING_BYTES_MAX / 2];
    let halves = (asks.put(half(), NEVER).unwrap(), asks.put(half(), NEVER).unwrap());
    assert!(asks.put(vec![1], NEVER).is_none());
    assert!(asks.forget(halves.0.0), "it was not sent");
    assert!(asks.put(vec![1], NEVER).is_some(), "who gives up makes room");
    assert_eq!(numbers(&asks, stream)[0], halves.1.0, "and is not sent");
    assert!(!asks.forget(halves.1.0), "that was sent");
}

#[test]
fn a_stream_that_breaks_tells_what_was_sent_from_what_was_not() {
    let (asks, stream) = open();
    let mut sent = asks.put(vec![1], NEVER).unwrap().1;
    assert_eq!(numbers(&asks, stream).len(), 1);
    let mut queued = asks.put(vec![1], NEVER).unwrap().1;
    asks.rest();
    assert!(matches!(sent.try_recv(), Ok(Forwarded::Unanswered)));
    assert!(matches!(queued.try_recv(), Ok(Forwarded::NotSent)));
    assert!(asks.put(vec![1], NEVER).is_none(), "nothing is taken while it rests");

    asks.rested();
    let mut later = asks.put(vec![1], NEVER).unwrap().1;
    let next = asks.begin_stream();
    asks.open();
    assert!(
        matches!(frame_at(&asks, stream, NEVER), Poll::Ready(None)),
        "the old stream takes nothing of the new"
    );
    assert_eq!(numbers(&asks, next).len(), 1);
    assert!(later.try_recv().is_err());
}

#[test]
fn a_node_that_leaves_answers_what_it_was_sent() {
    let (asks, stream) = open();
    let (number, mut sent) = asks.put(vec![1], NEVER).unwrap();
    assert_eq!(numbers(&asks, stream), [number]);
    let mut queued = asks.put(vec![1], NEVER).unwrap().1;
    asks.leave();
    assert!(matches!(queued.try_recv(), Ok(Forwarded::NotSent)));
    assert!(matches!(frame_at(&asks, stream, NEVER), Poll::Ready(None)), "the stream ends in order");
    assert!(asks.put(vec![1], NEVER).is_none());
    asks.answer(number, Forwarded::Answer(Answer::Read { sequence: Sequence(4), claim: None }));
    assert!(matches!(sent.try_recv(), Ok(Forwarded::Answer(_))));
}

#[test]
fn asks_in_use_are_not_closed_for_idleness() {
    let asks = Asks::default();
    assert!(asks.is_in_use(Monotonic(50)));
    assert!(!asks.close_if_idle(Monotonic(40)), "somebody is about to ask");
    let waiting = asks.put(vec![1], NEVER).unwrap();
    assert!(!asks.close_if_idle(Monotonic(60)), "somebody waits");
    asks.forget(waiting.0);
    assert!(asks.close_if_idle(Monotonic(60)));
    assert!(!asks.is_in_use(Monotonic(70)) && asks.put(vec![1], NEVER).is_none());
}
