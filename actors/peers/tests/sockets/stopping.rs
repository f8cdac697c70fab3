//! A node that stops answers what it took and takes nothing more.

use std::time::Duration;

use futures::future::join_all;
use tessera_actors::Forwarded;
use tessera_peers::Security;

use crate::nodes::{Node, PATIENCE, number, until};

#[tokio::test]
async fn a_server_that_stops_answers_what_it_took() {
    let (a, b) = (Node::start(1, &Security::Plain).await, Node::shut(2, &Security::Plain).await);
    let waiting: Vec<_> = (0..100).map(|asked| a.ask(&b.peer, asked, PATIENCE)).collect();
    until("all are taken", || b.fake.asked() == 100).await;
    let stopping = tokio::spawn(b.server.stop(PATIENCE));
    // What comes before the goodbye is taken, and kept waiting here; from then on nothing is sent.
    loop {
        match a.ask(&b.peer, 1_000, Duration::from_millis(20)).await {
            Forwarded::NotSent => break,
            outcome => assert!(matches!(outcome, Forwarded::Unanswered), "{outcome:?}"),
        }
    }
    b.fake.open();
    let answers: Vec<_> = join_all(waiting).await.iter().map(number).collect();
    assert_eq!(answers, (0..100).map(Some).collect::<Vec<_>>());
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_server_that_may_not_wait_cuts_off_what_is_under_way() {
    let (a, b) = (Node::start(1, &Security::Plain).await, Node::shut(2, &Security::Plain).await);
    let waiting = a.ask(&b.peer, 1, PATIENCE);
    until("it is taken", || b.fake.asked() == 1).await;
    b.server.stop(Duration::from_millis(20)).await;
    assert!(matches!(waiting.await, Forwarded::Unanswered));
}

#[tokio::test]
async fn streams_that_are_dropped_tell_who_waits() {
    let (a, b) = (Node::start(1, &Security::Plain).await, Node::shut(2, &Security::Plain).await);
    let waiting = a.ask(&b.peer, 1, PATIENCE);
    until("it is taken", || b.fake.asked() == 1).await;
    drop(a.streams);
    assert!(matches!(waiting.await, Forwarded::Unanswered));
}
