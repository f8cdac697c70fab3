//! Idle events sleep, and time wakes them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::FutureExt;
use tessera_actors::{ACTIVATIONS_AT_ONCE_MAX, Answer, Limits, NotExecuted, Platform, ROOM_IDLE_MS_MIN};
use tessera_inventory::{ClaimNumber, CommandBody, Config, EventId, Phase, Schedule, Sequence};
use tessera_store::memory::AppendFault;
use tessera_writer::{CLOCK_AHEAD_MS_MAX, REFUSAL_KEPT_MS};

use crate::world::{
    BEGINNING, EVENT, GIVE_UP, TestClock, World, config, limits, organizer, place_hold, release, until,
};

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

    let after = world.router.activate(EVENT, GIVE_UP).await.unwrap();
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
async fn an_event_that_sleeps_for_years_in_a_running_process_opens_on_time() {
    const YEARS_MS: u64 = 3 * CLOCK_AHEAD_MS_MAX;
    let world = World::start(sleepy()).await;
    scheduled(&world, YEARS_MS).await;
    falls_asleep(&world).await;
    until("its wake-up is kept", || world.platform.status().scheduled_wake_ups == 1).await;
    world.clock.advance_ms(YEARS_MS);
    world.flows_until("the sale is open", || is_on_sale(&world)).await;
    assert_eq!(world.platform.status().doubted_clocks_count, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_waits_for_nothing_sleeps_however_long_ago_it_ended() {
    let world = World::start(sleepy()).await;
    world.on_sale(EVENT, 10).await;
    let closed = world.ask(EVENT, organizer(CommandBody::ChangePhase { to: Phase::Closed })).await;
    assert!(matches!(closed, Answer::Accepted { .. }), "{closed:?}");
    world.flowing(world.platform.drain(GIVE_UP)).await;

    world.clock.advance_ms(2 * CLOCK_AHEAD_MS_MAX);
    let next = World::on(Arc::clone(&world.store), world.clock.clone(), sleepy(), 2).await;
    next.router.activate(EVENT, GIVE_UP).await.unwrap();
    assert_eq!(next.platform.status().doubted_clocks_count, 0, "nobody is needed");
    falls_asleep(&next).await;
    assert_eq!(next.platform.status().scheduled_wake_ups, 0, "and it stays asleep");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sleeping_event_opens_on_time_in_the_next_process() {
    let world = World::start(sleepy()).await;
    scheduled(&world, 3_600_000).await;
    falls_asleep(&world).await;
    world.flowing(world.platform.drain(GIVE_UP)).await;

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

const OTHER: EventId = EventId(EVENT.0 + 1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_all_places_are_taken_the_idle_event_gives_way_and_a_busy_one_does_not() {
    let world = World::start(Limits { active_events_max: 1, ..limits() }).await;
    world.on_sale(EVENT, 10).await;
    let full = world.hold(OTHER, 1).await;
    assert!(matches!(full, Answer::NotExecuted { reason: NotExecuted::TooManyActivations, .. }), "{full:?}");
    assert!(world.router.published(EVENT).is_some(), "it was asked just now");

    world.clock.advance_ms(ROOM_IDLE_MS_MIN);
    let turned_away = world.hold(OTHER, 1).await;
    assert!(matches!(turned_away, Answer::NotExecuted { .. }), "{turned_away:?}");
    world.flows_until("the idle event sleeps", || active(&world.platform) == 0).await;
    let served = loop {
        match world.flowing(world.hold(OTHER, 1)).await {
            Answer::NotExecuted { reason: NotExecuted::TooManyActivations, .. } => {
                tokio::task::yield_now().await;
            }
            answer => break answer,
        }
    };
    assert!(matches!(served, Answer::Rejected { .. }), "an event in draft answers: {served:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_the_event_that_a_caller_waits_for_is_activated_before_the_others() {
    let world = World::start(limits()).await;
    let events: Vec<_> = (0..12).map(|number| EventId(EVENT.0 + number)).collect();
    for event in &events {
        world.on_sale(*event, 10).await;
    }
    let World { platform, clock, store, .. } = world;
    drop(platform);
    store.claims.lock().unwrap().clear();
    store.memory.hold_appends();
    let next = World::on(store, clock, limits(), 2).await;
    let at_once = ACTIVATIONS_AT_ONCE_MAX;
    next.flows_until("some are under way", || next.store.memory.held_appends() == at_once).await;
    let last = events[events.len() - 1];
    let mut asked = next.asking(last, place_hold(1, 1), GIVE_UP * 20);
    assert!(asked.as_mut().now_or_never().is_none());
    // Its request is in the mailbox of the inventory supervisor, ahead of the end of any activation.
    assert!(next.store.memory.release_append());
    let claims = || next.store.claims.lock().unwrap().clone();
    until("the next activation is under way", || claims().len() > at_once).await;
    assert_eq!(claims()[at_once], last);
    next.store.memory.release_appends();
    assert!(matches!(asked.await, Answer::Accepted { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_does_not_sleep_before_its_followers_have_worked_it_off() {
    let world = World::start(sleepy()).await;
    world.store.is_unreadable.store(true, Ordering::Release);
    world.configured(EVENT, config(10)).await;
    for _ in 0..LEAPS_MAX / 5 {
        world.clock.advance_ms(IDLE_MS);
        for _ in 0..10_000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(active(&world.platform), 1);
    }
    world.store.is_unreadable.store(false, Ordering::Release);
    falls_asleep(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_events_sleep_one_alarm_is_armed() {
    let world = World::start(sleepy()).await;
    // Each is due earlier than those that fell asleep before it.
    for count in 0..8_u64 {
        let event = EventId(EVENT.0 + u128::from(count));
        let on_sale_at = Some(BEGINNING.plus_ms(36_000_000 - 3_600_000 * count));
        let schedule = Schedule { on_sale_at, ..Schedule::default() };
        world.configured(event, Config { schedule, ..config(10) }).await;
        let announced = world.ask(event, organizer(CommandBody::ChangePhase { to: Phase::Scheduled })).await;
        assert!(matches!(announced, Answer::Accepted { .. }), "{announced:?}");
        falls_asleep(&world).await;
    }
    until("their wake-ups are kept", || world.platform.status().scheduled_wake_ups == 8).await;
    let only_the_alarm = || {
        world.clock.advance_ms(10);
        world.clock.sleepers() == 1
    };
    until("nobody sleeps but the alarm", only_the_alarm).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_56_who_made_room_has_not_forgotten_a_refusal_of_the_last_minute() {
    let world = World::start(Limits { active_events_max: 1, ..limits() }).await;
    world.on_sale(EVENT, 1).await;
    assert!(matches!(world.hold(EVENT, 1).await, Answer::Accepted { .. }));
    assert!(matches!(world.hold(EVENT, 2).await, Answer::Rejected { .. }), "sold out");
    assert!(matches!(world.ask(EVENT, release(1, ClaimNumber(3))).await, Answer::Accepted { .. }));

    world.followed(EVENT).await;
    world.clock.advance_ms(ROOM_IDLE_MS_MIN);
    let full = world.hold(OTHER, 1).await;
    assert!(matches!(full, Answer::NotExecuted { reason: NotExecuted::TooManyActivations, .. }), "{full:?}");
    let duplicate = world.flowing(world.hold(EVENT, 2)).await;
    assert!(matches!(duplicate, Answer::Rejected { .. }), "a surprise for who moved on: {duplicate:?}");

    world.clock.advance_ms(REFUSAL_KEPT_MS);
    assert!(matches!(world.hold(OTHER, 1).await, Answer::NotExecuted { .. }));
    world.flows_until("the event gives way", || active(&world.platform) == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_is_due_is_not_forgotten_when_its_activation_fails_in_front_of_a_caller() {
    let world = World::start(sleepy()).await;
    scheduled(&world, 3_600_000).await;
    falls_asleep(&world).await;
    until("its wake-up is kept", || world.platform.status().scheduled_wake_ups == 1).await;
    world.store.unreadable.lock().unwrap().insert(EVENT);
    world.clock.advance_ms(3_600_000);
    world.flows_until("it is woken", || world.platform.status().scheduled_wake_ups == 0).await;
    let answer = world.flowing(world.hold(EVENT, 1)).await;
    assert!(matches!(answer, Answer::NotExecuted { reason: NotExecuted::StoreAway, .. }), "{answer:?}");
    world.store.unreadable.lock().unwrap().clear();
    world.flows_until("the sale is open, and nobody asked again", || is_on_sale(&world)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fenced_event_opens_on_time_when_nobody_came_after_it() {
    let world = World::start(sleepy()).await;
    scheduled(&world, 3_600_000).await;
    world.followed(EVENT).await;
    // A claim whose outcome nobody knew lands.
    world.store.memory.inject_append(AppendFault::TakenOver);
    let fenced = world.ask(EVENT, organizer(CommandBody::ChangePhase { to: Phase::OnSale })).await;
    assert!(matches!(fenced, Answer::OutcomeUnknown { .. }), "{fenced:?}");
    until("its writer has stopped", || active(&world.platform) == 0).await;
    world.clock.advance_ms(3_600_000);
    world.flows_until("the sale is open", || is_on_sale(&world)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sleeping_events_wake_by_the_clock_that_an_operator_vouched_for() {
    const HOURS_MS: u64 = 2 * 3_600_000;
    let world = World::start(sleepy()).await;
    scheduled(&world, HOURS_MS).await;
    falls_asleep(&world).await;
    world.flowing(world.platform.drain(GIVE_UP)).await;

    // The next process starts with a clock that is hours behind, which is mended then.
    let next = World::on(Arc::clone(&world.store), TestClock::new(), sleepy(), 2).await;
    assert_eq!(next.platform.status().scheduled_wake_ups, 1);
    next.clock.set_wall_off_ms(HOURS_MS.cast_signed());
    next.platform.acknowledge_clock();
    next.flows_until("the sale is open, hours before it was scheduled", || is_on_sale(&next)).await;
}
