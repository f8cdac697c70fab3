//! Idle events sleep, and time wakes them.

use std::sync::Arc;

use tessera_actors::{Answer, Limits, Platform};
use tessera_inventory::{CommandBody, Config, Phase, Schedule, Sequence};

use crate::world::{BEGINNING, EVENT, World, config, limits, organizer, until};

const IDLE_MS: u64 = 10_000;
const LEAPS_MAX: u32 = 50;

fn sleepy() -> Limits {
    Limits { idle_ms: IDLE_MS, passivation_due_ms_min: 60_000, ..limits() }
}

fn active(platform: &Platform) -> usize {
    platform.status().active_events
}

/// Time goes on in leaps, each of which makes an idle event look around; far from an hour in all.
async fn falls_asleep(world: &World) {
    for _ in 0..LEAPS_MAX {
        world.clock.advance_ms(IDLE_MS);
        for _ in 0..10_000 {
            if active(&world.platform) == 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
    panic!("the event does not sleep");
}

async fn scheduled(world: &World, opens_after_ms: u64) {
    let on_sale_at = Some(BEGINNING.plus_ms(opens_after_ms));
    let schedule = Schedule { on_sale_at, ..Schedule::default() };
    world.configured(EVENT, Config { schedule, ..config(10) }).await;
    let announced = world.ask(EVENT, organizer(CommandBody::ChangePhase { to: Phase::Scheduled })).await;
    assert!(matches!(announced, Answer::Accepted { .. }), "{announced:?}");
}

fn is_on_sale(world: &World) -> bool {
    world.router.published(EVENT).is_some_and(|view| view.availability.phase == Phase::OnSale)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_event_sleeps_and_the_next_ask_wakes_it_with_everything() {
    let world = World::start(sleepy()).await;
    world.configured(EVENT, config(10)).await;
    let before = world.router.published(EVENT).unwrap();
    falls_asleep(&world).await;
    assert!(world.router.published(EVENT).is_none());
    assert_eq!(world.platform.status().scheduled_wake_ups, 0, "nothing is ahead of it");

    let after = world.router.activate(EVENT, crate::world::GIVE_UP).await.unwrap();
    assert_eq!((after.digest, after.availability.sequence), (before.digest, Sequence(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sleeping_event_opens_on_time() {
    let world = World::start(sleepy()).await;
    scheduled(&world, 3_600_000).await;
    falls_asleep(&world).await;
    until("its wake-up is kept", || world.platform.status().scheduled_wake_ups == 1).await;
    world.clock.advance_ms(3_600_000);
    world.flows_until("the sale is open", || is_on_sale(&world)).await;
    assert!(matches!(world.hold(EVENT, 1).await, Answer::Accepted { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sleeping_event_opens_on_time_in_the_next_process() {
    let world = World::start(sleepy()).await;
    scheduled(&world, 3_600_000).await;
    falls_asleep(&world).await;
    world.flowing(world.platform.drain(crate::world::GIVE_UP)).await;

    let next = World::on(Arc::clone(&world.store), world.clock.clone(), sleepy(), 2).await;
    assert_eq!(active(&next.platform), 0);
    assert_eq!(next.platform.status().scheduled_wake_ups, 1);
    next.clock.advance_ms(3_600_000);
    next.flows_until("the sale is open", || is_on_sale(&next)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_was_active_at_a_crash_is_activated_at_the_next_start() {
    let world = World::start(sleepy()).await;
    scheduled(&world, 3_600_000).await;
    let World { platform, clock, store, .. } = world;
    drop(platform);
    clock.advance_ms(7_200_000);
    let next = World::on(store, clock, sleepy(), 2).await;
    next.flows_until("the sale is open, without an ask", || is_on_sale(&next)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_with_subscribers_or_something_near_stays_awake() {
    let world = World::start(sleepy()).await;
    world.on_sale(EVENT, 10).await;
    let subscriber = world.router.subscribe(EVENT).unwrap();
    for _ in 0..LEAPS_MAX {
        world.clock.advance_ms(IDLE_MS / 5);
        tokio::task::yield_now().await;
    }
    assert_eq!(active(&world.platform), 1);
    drop(subscriber);
    falls_asleep(&world).await;
}
