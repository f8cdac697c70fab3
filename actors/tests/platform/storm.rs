//! Everybody asks again and again while the writer is busy: scenario 50.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::join_all;
use tessera_actors::{Answer, Limits, NotExecuted};
use tessera_inventory::{ClaimNumber, EventBody, Sequence};
use tessera_writer::TURN_COMMANDS_MAX;

use crate::world::{EVENT, GIVE_UP, World, limits, place_hold, release, until};

const LANE: u32 = 1_200;
/// Three times what the lane of new holds takes.
const BUYERS: u128 = 3 * LANE as u128;
const HOLDERS: u128 = 100;
/// How often each buyer asks during the storm, with the same key.
const ATTEMPTS: u32 = 3;
/// The number of the first buyer of the storm; holders come before.
const FIRST: u128 = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_50_retry_storm_is_shed_at_once_serves_holders_and_leaves_one_effect_per_key() {
    let small = Limits { new_lane_requests_max: LANE, existing_lane_requests_max: LANE, ..limits() };
    let world = World::start(small).await;
    world.on_sale(EVENT, 1_000_000).await;
    let mut holds = Vec::new();
    for holder in 1..=HOLDERS {
        let Answer::Accepted { sequence, .. } = world.hold(EVENT, holder).await else { panic!("no hold") };
        holds.push((holder, ClaimNumber(sequence.0)));
    }

    // One append is under way and does not end: everything else piles up in front of the writer.
    world.store.memory.hold_appends();
    let busy = tokio::spawn(world.asking(EVENT, place_hold(FIRST + BUYERS, 1), GIVE_UP * 20));
    until("a turn is under way", || world.store.memory.held_appends() == 1).await;
    let (waiting, left) = storm(&world);
    let taken_in = waiting.len() + left;
    assert!((LANE as usize..=LANE as usize + TURN_COMMANDS_MAX).contains(&taken_in), "{taken_in} wait");

    let releases = holds.iter().map(|(holder, hold)| {
        let mut ask = world.asking(EVENT, release(*holder, *hold), GIVE_UP * 20);
        assert!(ask.as_mut().now_or_never().is_none(), "commands on existing holds have their own room");
        tokio::spawn(ask)
    });
    let releases: Vec<_> = releases.collect();
    world.store.memory.release_appends();
    for answer in join_all(releases).await {
        assert!(matches!(answer, Ok(Answer::Accepted { .. })), "{answer:?}");
    }
    assert!(matches!(busy.await, Ok(Answer::Accepted { .. })));
    for answer in join_all(waiting).await {
        let answer = answer.unwrap();
        assert!(matches!(answer, Answer::Accepted { .. } | Answer::Repeated { .. }), "{answer:?}");
    }
    recovers(&world).await;
    every_key_has_one_effect(&world).await;
}

/// Every buyer asks under one key again and again; half of those whose request waits leave, and ask again all the same.
/// Returns the answers that somebody still waits for, and how many left.
fn storm(world: &World) -> (Vec<tokio::task::JoinHandle<Answer>>, usize) {
    let (mut waiting, mut left) = (Vec::new(), 0);
    for attempt in 0..ATTEMPTS {
        for buyer in FIRST..FIRST + BUYERS {
            let mut ask = world.asking(EVENT, place_hold(buyer, 1), GIVE_UP * 20);
            match ask.as_mut().now_or_never() {
                Some(Answer::NotExecuted { reason: NotExecuted::QueueFull, retry_after_ms }) => {
                    assert!(retry_after_ms > 0);
                }
                Some(other) => panic!("{other:?}"),
                None if attempt == 0 && buyer % 2 == 0 => left += 1,
                None => waiting.push(tokio::spawn(ask)),
            }
        }
    }
    (waiting, left)
}

/// Once the storm is over, whoever asks is served.
async fn recovers(world: &World) {
    for buyer in FIRST..FIRST + BUYERS {
        let answer = world.hold(EVENT, buyer).await;
        assert!(matches!(answer, Answer::Accepted { .. } | Answer::Repeated { .. }), "{answer:?}");
    }
    assert_eq!(world.free(EVENT), Some(1_000_000 - 1 - u32::try_from(BUYERS).unwrap()));
}

async fn every_key_has_one_effect(world: &World) {
    let mut effects: BTreeMap<u128, u32> = BTreeMap::new();
    let mut after = Sequence::ZERO;
    loop {
        let page = world.router.changes(EVENT, after, 1_000).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = *last;
        let holds = page.iter().filter(|(_, event)| matches!(event.body, EventBody::HoldPlaced(_)));
        for (_, event) in holds {
            *effects.entry(event.key.unwrap().digest).or_default() += 1;
        }
    }
    assert_eq!(effects.len() as u128, HOLDERS + BUYERS + 1);
    assert!(effects.values().all(|count| *count == 1), "a key had two effects");
}
