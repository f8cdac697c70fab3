//! What is asked is answered, whatever the order.

use std::time::Duration;

use futures::future::join_all;
use tessera_actors::{Forwarded, Peer, Peers, Told};
use tessera_cluster::NodeId;
use tessera_inventory::{Authority, ClaimNumber, Command, CommandBody, EventId, Subject};
use tessera_peers::{MESSAGE_BYTES_MAX, PeerStreams, Security};
use tessera_writer::Ask;

use crate::nodes::{Node, PATIENCE, environment, number, read, until, until_answered};

#[tokio::test]
async fn two_nodes_ask_each_other() {
    let (a, b) = (Node::start(1, &Security::Plain).await, Node::start(2, &Security::Plain).await);
    assert_eq!(number(&a.ask(&b.peer, 42, PATIENCE).await), Some(42));
    assert_eq!(number(&b.ask(&a.peer, 43, PATIENCE).await), Some(43));
    assert_eq!((a.fake.asked(), b.fake.asked()), (1, 1));
}

/// The gate lets them through one by one in an order of its own, as they were woken; answers find who asked by number alone.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_asks_get_their_own_answers() {
    let (a, b) = (Node::start(1, &Security::Plain).await, Node::shut(2, &Security::Plain).await);
    for round in 0..5 {
        let asked: Vec<u64> = (0..2_000).map(|at| round * 2_000 + at).collect();
        let waiting = asked.iter().map(|&asked| a.ask(&b.peer, asked, PATIENCE));
        let answers = tokio::spawn(join_all(waiting.collect::<Vec<_>>()));
        let taken = usize::try_from(round + 1).unwrap() * 2_000;
        until("every ask is taken", || b.fake.asked() == taken).await;
        // Few at a time, so that later asks overtake earlier ones and the answers come in many frames.
        b.fake.gate.add_permits(3);
        let answers: Vec<_> = answers.await.unwrap().iter().map(number).collect();
        assert_eq!(answers, asked.into_iter().map(Some).collect::<Vec<_>>());
        b.fake.gate.forget_permits(3);
    }
}

#[tokio::test]
async fn an_ask_that_is_never_answered_is_given_up_in_time() {
    let (a, b) = (Node::start(1, &Security::Plain).await, Node::shut(2, &Security::Plain).await);
    let waiting = a.ask(&b.peer, 1, Duration::from_millis(200));
    until("the ask is taken", || b.fake.asked() == 1).await;
    assert!(matches!(waiting.await, Forwarded::Unanswered));
    // The stream is of use to others still.
    let next = a.ask(&b.peer, 2, PATIENCE);
    b.fake.open();
    assert_eq!(number(&next.await), Some(2));
}

#[tokio::test]
async fn an_ask_that_nobody_waits_for_any_more_hurts_no_other() {
    let (a, b) = (Node::start(1, &Security::Plain).await, Node::shut(2, &Security::Plain).await);
    drop(a.ask(&b.peer, 1, PATIENCE));
    let waiting = a.ask(&b.peer, 2, PATIENCE);
    until("the second is taken", || b.fake.asked() > 0).await;
    b.fake.open();
    assert_eq!(number(&waiting.await), Some(2));
    assert_eq!(b.fake.asked(), 1, "what was dropped before it was sent is not sent");
}

#[tokio::test]
async fn an_ask_that_is_too_large_is_not_sent() {
    let (a, b) = (Node::start(1, &Security::Plain).await, Node::start(2, &Security::Plain).await);
    let extra_subjects = vec![Subject(1); MESSAGE_BYTES_MAX / 16 + 1];
    let body = CommandBody::BeginPayment { hold: ClaimNumber(1), provider: None, extra_subjects };
    let command = Command { authority: Authority::System, key: None, body };
    let large = tessera_actors::ForwardedAsk { ask: Ask::Command(Box::new(command)), ..read(0, PATIENCE) };
    assert!(matches!(a.streams.forward(&b.peer, &large).await, Forwarded::NotSent));
    assert_eq!(number(&a.ask(&b.peer, 1, PATIENCE).await), Some(1));
    assert_eq!(b.fake.asked(), 1);
}

#[tokio::test]
async fn a_large_ask_that_fits_is_served() {
    let (a, b) = (Node::start(1, &Security::Plain).await, Node::start(2, &Security::Plain).await);
    let extra_subjects = vec![Subject(1); MESSAGE_BYTES_MAX / 16 - 100];
    let body = CommandBody::BeginPayment { hold: ClaimNumber(1), provider: None, extra_subjects };
    let command = Command { authority: Authority::System, key: None, body };
    let large = tessera_actors::ForwardedAsk { ask: Ask::Command(Box::new(command)), ..read(0, PATIENCE) };
    assert_eq!(number(&a.streams.forward(&b.peer, &large).await), Some(0));
}

#[tokio::test]
async fn a_given_event_is_told() {
    let (a, b) = (Node::start(1, &Security::Plain).await, Node::start(2, &Security::Plain).await);
    a.streams.tell(&b.peer, Told::Given(EventId(9)));
    a.streams.tell(&b.peer, Told::Given(EventId(10)));
    until("both are told", || b.fake.given.lock().unwrap().len() == 2).await;
}

#[tokio::test]
async fn another_node_at_the_address_is_asked_nothing() {
    let (a, b) = (Node::start(1, &Security::Plain).await, Node::start(2, &Security::Plain).await);
    let meant = Peer { node: NodeId(3), ..b.peer.clone() };
    assert!(matches!(a.ask(&meant, 1, PATIENCE).await, Forwarded::NotSent));
    assert_eq!(b.fake.asked(), 0);
    assert_eq!(number(&a.ask(&b.peer, 2, PATIENCE).await), Some(2), "under its own name it is asked");
}

#[tokio::test]
async fn a_node_of_another_installation_is_asked_nothing() {
    let b = Node::start(2, &Security::Plain).await;
    let stranger = PeerStreams::new(environment(), Security::Plain, 78);
    assert!(matches!(stranger.forward(&b.peer, &read(1, PATIENCE)).await, Forwarded::NotSent));
    assert_eq!(b.fake.asked(), 0);
}

#[tokio::test]
async fn a_node_that_registered_anew_takes_nothing_under_its_old_name() {
    let (a, b) = (Node::start(1, &Security::Plain).await, Node::start(2, &Security::Plain).await);
    assert_eq!(number(&a.ask(&b.peer, 1, PATIENCE).await), Some(1));
    *b.fake.node.lock().unwrap() = Some(NodeId(4));
    assert!(matches!(a.ask(&b.peer, 2, PATIENCE).await, Forwarded::NotSent));
    let anew = Peer { node: NodeId(4), ..b.peer.clone() };
    until_answered(&a, &anew, 3).await;
    assert_eq!(b.fake.asked(), 2);
}
