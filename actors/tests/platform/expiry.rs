//! Very many holds end at one instant: scenario 27.

use std::sync::Arc;

use futures::future::join_all;
use tessera_actors::Answer;
use tessera_inventory::{EventBody, Sequence};

use crate::world::{EVENT, World, limits, place_hold};

const HOLDS: u32 = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_27_a_hundred_thousand_holds_end_at_once_each_once_in_bounded_turns() {
    let world = Arc::new(World::start(limits()).await);
    world.on_sale(EVENT, HOLDS).await;
    let lanes = (0..100_u128).map(|lane| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            for count in 0..u128::from(HOLDS / 100) {
                let answer = world.ask(EVENT, place_hold(lane << 32 | count, 1)).await;
                assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");
            }
        })
    });
    for lane in join_all(lanes).await {
        lane.unwrap();
    }
    assert_eq!(world.free(EVENT), Some(0));
    let before = world.router.published(EVENT).unwrap().availability.sequence;

    world.clock.advance_ms(600_000);
    // A buyer who asks in the middle of it waits for the units that return, and gets one.
    let answer = world.hold(EVENT, 1 << 64).await;
    assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");
    crate::world::until("all have ended", || world.free(EVENT) == Some(HOLDS - 1)).await;

    let mut ended = 0;
    let mut bodies = Vec::new();
    let mut after = before;
    loop {
        let page = world.router.changes(EVENT, after, 1_000).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Sequence(last.0);
        bodies.extend(page.into_iter().map(|(_, event)| event));
    }
    for event in &bodies {
        if let EventBody::Expired { count, .. } = event.body {
            assert!(count <= 10_000, "a turn ended {count}");
            ended += count;
        }
    }
    assert_eq!(ended, HOLDS, "each once");
}
