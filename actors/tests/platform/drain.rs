//! Shutdown: scenario 19.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::join_all;
use tessera_actors::{Answer, Clock, NotExecuted};
use tessera_inventory::{EventBody, Sequence};
use tessera_projections::follower_cursors::FollowerCursors;
use tessera_projections::orders::OrdersBySubject;
use tessera_store::{Log, Table};

use crate::world::{EVENT, GIVE_UP, World, limits};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_19_a_drain_loses_nothing_that_was_acknowledged() {
    let world = Arc::new(World::start(limits()).await);
    world.on_sale(EVENT, 1_000_000).await;
    let buyers = (0..8_u128).map(|lane| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for count in 0.. {
                match world.hold(EVENT, lane << 32 | count).await {
                    Answer::Accepted { sequence, .. } => acknowledged.push(sequence),
                    Answer::NotExecuted { reason, .. } => {
                        assert!(
                            matches!(reason, NotExecuted::Draining | NotExecuted::Restarting),
                            "{reason:?}"
                        );
                        break;
                    }
                    other => panic!("{other:?}"),
                }
            }
            acknowledged
        })
    });
    let buyers: Vec<_> = buyers.collect();
    let busy = || world.router.published(EVENT).is_some_and(|view| view.availability.live_holds > 500);
    crate::world::until("the sale is under way", busy).await;
    let drained = {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.platform.drain(GIVE_UP).await })
    };
    let acknowledged: Vec<Sequence> = join_all(buyers).await.into_iter().flat_map(Result::unwrap).collect();
    world.flowing(drained).await.unwrap();

    assert!(world.platform.status().draining);
    assert_eq!(world.platform.status().active_events, 0);
    let head = world.store.head(EVENT).await.unwrap().sequence;
    let mut logged = Vec::new();
    while logged.len() < usize::try_from(head.0).unwrap() {
        let after = Sequence(logged.len() as u64);
        logged.extend(world.router.changes(EVENT, after, 1_000).await.unwrap());
    }
    for sequence in &acknowledged {
        let (at, event) = &logged[usize::try_from(sequence.0).unwrap() - 1];
        assert!(at == sequence && matches!(event.body, EventBody::HoldPlaced(_)));
    }
    let table: Arc<dyn Table> = world.store.clone();
    let cursors = FollowerCursors::new(Arc::clone(&table));
    for follower in ["payment", "waitlist", "notification"] {
        assert_eq!(cursors.read(EVENT, follower).await.unwrap().sequence, head, "{follower}");
    }
    assert_eq!(OrdersBySubject::new(table).sequence(EVENT).await.unwrap(), head);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_platform_executes_nothing() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 10).await;
    world.flowing(world.platform.drain(GIVE_UP)).await;
    let answer = world.hold(EVENT, 1).await;
    assert!(matches!(answer, Answer::NotExecuted { reason: NotExecuted::Draining, .. }), "{answer:?}");
}

fn orders(world: &World) -> OrdersBySubject {
    let table: Arc<dyn Table> = world.store.clone();
    OrdersBySubject::new(table)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_followers_had_not_done_at_a_drain_is_done_by_the_next_process_unasked() {
    let world = World::start(limits()).await;
    world.store.is_unreadable.store(true, Ordering::Release);
    world.on_sale(EVENT, 10).await;
    world.flowing(world.platform.drain(GIVE_UP)).await;
    let head = world.store.head(EVENT).await.unwrap().sequence;
    assert!(orders(&world).sequence(EVENT).await.unwrap() < head, "the log could not be followed");

    world.store.is_unreadable.store(false, Ordering::Release);
    let next = World::on(world.store.clone(), world.clock.clone(), limits(), 2).await;
    next.followed(EVENT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_can_never_go_on_is_shown_and_holds_up_no_drain() {
    let world = World::start(limits()).await;
    world.store.is_damaged.store(true, Ordering::Release);
    world.on_sale(EVENT, 10).await;
    let is_stuck = || world.platform.status().stuck_followers.len() == 3;
    world.flows_until("those that read the log are stuck", is_stuck).await;
    let mut all = world.platform.status().stuck_followers;
    all.sort_unstable_by_key(|stuck| stuck.follower);
    let names: Vec<_> = all.iter().map(|stuck| (stuck.follower, stuck.event)).collect();
    assert_eq!(names, [("entry", EVENT), ("orders-by-subject", EVENT), ("payment", EVENT)]);
    let stuck = all.remove(1);
    assert!(stuck.reason.contains("injected"), "{stuck:?}");
    assert!(matches!(world.hold(EVENT, 1).await, Answer::Accepted { .. }), "the sale goes on");

    let mut subscriber = world.router.subscribe(EVENT).unwrap();
    let began_at = world.clock.monotonic();
    world.flowing(world.platform.drain(GIVE_UP)).await;
    let took_ms = u128::from(world.clock.monotonic().since_ms(began_at));
    assert!(took_ms < GIVE_UP.as_millis() / 2, "the drain waited {took_ms} ms for it");
    while subscriber.changed().await.is_ok() {}
}
