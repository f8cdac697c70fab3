//! Networks that break: what was sent may have been executed, what was not was not.

use std::time::{Duration, Instant};

use futures::future::join_all;
use tessera_actors::{Forwarded, Peer};
use tessera_cluster::NodeId;
use tessera_peers::{ASKS_IN_FLIGHT_MAX, PING_AFTER_MS, PING_ANSWER_MS_MAX, Security};
use tokio::net::TcpListener;

use crate::nodes::{LOOPBACK, Node, PATIENCE, number, until, until_answered};
use crate::proxy::{Network, Proxy};

async fn nodes_with_a_proxy() -> (Node, Node, Proxy, Peer) {
    let (a, b) = (Node::start(1, &Security::Plain).await, Node::shut(2, &Security::Plain).await);
    let proxy = Proxy::before(b.server.address()).await;
    let through = Peer { address: proxy.address.to_string(), ..b.peer.clone() };
    (a, b, proxy, through)
}

#[tokio::test]
async fn a_cut_stream_leaves_what_was_sent_unanswered_and_is_opened_again() {
    let (a, b, proxy, through) = nodes_with_a_proxy().await;
    let waiting: Vec<_> = (0..100).map(|asked| a.ask(&through, asked, PATIENCE)).collect();
    until("all are taken", || b.fake.asked() == 100).await;
    proxy.cut();
    let outcomes = join_all(waiting).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Forwarded::Unanswered)), "{outcomes:?}");
    b.fake.open();
    until_answered(&a, &through, 200).await;
}

#[tokio::test]
async fn a_node_that_is_not_there_is_sent_nothing() {
    let a = Node::start(1, &Security::Plain).await;
    let gone = {
        let listener = TcpListener::bind(LOOPBACK).await.unwrap();
        Peer { node: NodeId(2), address: listener.local_addr().unwrap().to_string() }
    };
    let waiting: Vec<_> = (0..50).map(|asked| a.ask(&gone, asked, PATIENCE)).collect();
    let outcomes = join_all(waiting).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Forwarded::NotSent)), "{outcomes:?}");
    let nowhere = Peer { node: NodeId(2), address: "no address at all".into() };
    assert!(matches!(a.ask(&nowhere, 1, PATIENCE).await, Forwarded::NotSent));
}

#[tokio::test]
#[allow(clippy::disallowed_methods)] // the time a test takes
async fn an_ask_that_waits_for_a_mute_node_is_given_up_unsent() {
    let a = Node::start(1, &Security::Plain).await;
    // It takes connections and says nothing.
    let mute = TcpListener::bind(LOOPBACK).await.unwrap();
    let mute = (Peer { node: NodeId(2), address: mute.local_addr().unwrap().to_string() }, mute);
    let began = Instant::now();
    assert!(matches!(a.ask(&mute.0, 1, Duration::from_millis(100)).await, Forwarded::NotSent));
    assert!(began.elapsed() >= Duration::from_millis(99));
    // A patient client is not kept longer than the hello may take.
    assert!(matches!(a.ask(&mute.0, 1, PATIENCE).await, Forwarded::NotSent));
    assert!(began.elapsed() < PATIENCE / 2);
}

/// A node whose bytes do not arrive, though those of the other side do: what waits for it is bounded, and the partition is noticed.
#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::disallowed_methods)] // the time a test takes
async fn a_one_way_partition_bounds_what_waits_and_is_noticed() {
    let (a, b, proxy, through) = nodes_with_a_proxy().await;
    let first = a.ask(&through, 0, PATIENCE);
    until("the first is taken", || b.fake.asked() == 1).await;
    proxy.set(Network::OneWay);
    let began = Instant::now();
    let waiting: Vec<_> =
        (1..ASKS_IN_FLIGHT_MAX as u64).map(|asked| a.ask(&through, asked, PATIENCE)).collect();
    let one_more = a.ask(&through, 1_000_000, PATIENCE);
    assert!(matches!(one_more.await, Forwarded::NotSent), "one more than the bound is refused at once");
    let outcomes = join_all(waiting).await;
    let noticed_ms = began.elapsed().as_millis();
    assert!(outcomes.iter().all(|outcome| number(outcome).is_none()));
    assert!(matches!(first.await, Forwarded::Unanswered));
    assert!(
        noticed_ms < u128::from(2 * (PING_AFTER_MS + PING_ANSWER_MS_MAX)),
        "the partition was noticed after {noticed_ms} ms"
    );
    proxy.set(Network::Up);
    proxy.cut();
    b.fake.open();
    until_answered(&a, &through, 2).await;
}
