//! The notary behind running writers: what it proves, and what its failures cost.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tessera_actors::{
    Answer, CHECKPOINTS_LISTED_AT_ONCE_MAX, Clock as _, Limits, REFUSED_WAITING_MAX, ReceiptAnswer,
};
use tessera_inventory::Sequence;
use tessera_projections::receipts::{Receipts, Tree};
use tessera_proof::{Place, Receipt};
use tessera_store::Table;

use crate::world::{EVENT, GIVE_UP, TestClock, World, limits, place_hold};

fn accepted(answer: &Answer) -> Place {
    match answer {
        Answer::Accepted { sequence, .. } | Answer::Repeated { sequence, .. } => {
            Place::Accepted { sequence: sequence.0 }
        }
        other => panic!("not accepted: {other:?}"),
    }
}

fn refused(answer: &Answer) -> Place {
    let Answer::Rejected { place, .. } = answer else { panic!("not refused: {answer:?}") };
    Place::Refused { epoch: place.epoch.0, number: place.number }
}

async fn proving() -> World {
    World::proving(Arc::default(), TestClock::new(), limits(), 1).await
}

impl World {
    async fn receipt(&self, place: Place) -> ReceiptAnswer {
        self.router.receipt(EVENT, place).await.unwrap()
    }

    /// The receipt, as soon as it is signed.
    async fn signed(&self, place: Place) -> Receipt {
        let signed = async {
            loop {
                match self.receipt(place).await {
                    ReceiptAnswer::Proven(receipt) => return *receipt,
                    ReceiptAnswer::NotYet => tokio::task::yield_now().await,
                    ReceiptAnswer::Unknown => panic!("{place:?} is not known"),
                }
            }
        };
        self.flowing(signed).await
    }

    async fn tree(&self) -> Tree {
        let table: Arc<dyn Table> = self.store.clone();
        Receipts::new(table).tree(EVENT).await.unwrap()
    }

    async fn proven(&self) -> Sequence {
        self.tree().await.sequence
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_decided_is_proven_a_moment_later() {
    let world = proving().await;
    world.on_sale(EVENT, 1).await;
    let held = world.hold(EVENT, 1).await;
    let sold_out = world.hold(EVENT, 2).await;
    let again = world.hold(EVENT, 2).await;
    assert_eq!(refused(&again), refused(&sold_out), "the same request has the same receipt");
    let receipt = world.signed(refused(&sold_out)).await;
    assert_eq!((receipt.index, receipt.detail.as_str()), (3, "line=0 pool=0 remaining=0 may_return=true"));
    assert_eq!(world.signed(accepted(&held)).await.index, 2);
    let later = world.hold(EVENT, 3).await;
    assert_eq!(world.signed(refused(&later)).await.index, 4, "a turn without events is proven too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notary_that_panics_costs_nobody_a_sale_and_is_caught_up() {
    let world = proving().await;
    world.on_sale(EVENT, 30).await;
    let first = world.hold(EVENT, 0).await;
    world.signed(accepted(&first)).await;
    // Everything that follows the log fails; the writers need no table while they sell.
    world.store.table_panics.store(u32::MAX, Ordering::Release);
    let mut answers = Vec::new();
    for buyer in 1..40 {
        answers.push(world.hold(EVENT, buyer).await);
    }
    let stuck = || world.platform.status().stuck_followers.iter().any(|one| one.follower == "notary");
    world.flows_until("the notary is stuck", stuck).await;
    assert!(world.platform.status().is_ready());
    world.store.table_panics.store(0, Ordering::Release);
    assert_eq!(world.receipt(accepted(&answers[3])).await, ReceiptAnswer::NotYet);
    world.flowing(world.platform.drain(GIVE_UP)).await;
    // The next owner proves what was accepted; the refusals that were never signed are gone.
    let next = World::proving(world.store.clone(), world.clock.clone(), limits(), 2).await;
    next.router.activate(EVENT, GIVE_UP).await.unwrap();
    for answer in answers.iter().filter(|answer| matches!(answer, Answer::Accepted { .. })) {
        next.signed(accepted(answer)).await;
    }
    assert_eq!(next.receipt(refused(&answers[38])).await, ReceiptAnswer::Unknown);
}

/// The process ends without a drain, right after the reply.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_commit_and_signature_costs_no_acceptance_its_receipt() {
    let world = proving().await;
    world.on_sale(EVENT, 30).await;
    let mut places = Vec::new();
    for buyer in 0..20 {
        places.push(accepted(&world.hold(EVENT, buyer).await));
    }
    let (store, clock) = (world.store.clone(), world.clock.clone());
    drop(world);
    let next = World::proving(store, clock, limits(), 2).await;
    let repeated = next.hold(EVENT, 19).await;
    assert_eq!(accepted(&repeated), places[19], "the name survives");
    for place in places {
        next.signed(place).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_proves_what_is_waiting() {
    let world = proving().await;
    world.on_sale(EVENT, 1).await;
    let held = world.hold(EVENT, 1).await;
    let sold_out = world.hold(EVENT, 2).await;
    world.flowing(world.platform.drain(GIVE_UP)).await;
    for place in [accepted(&held), refused(&sold_out)] {
        assert!(matches!(world.receipt(place).await, ReceiptAnswer::Proven(_)), "{place:?}");
    }
}

/// More is refused than the notary, which cannot store anything, has room for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_backlog_of_the_notary_is_bounded() {
    let world = proving().await;
    world.on_sale(EVENT, 1).await;
    world.signed(accepted(&world.hold(EVENT, 0).await)).await;
    world.store.table_panics.store(u32::MAX, Ordering::Release);
    let beyond = REFUSED_WAITING_MAX as u64 + 500;
    let mut last = None;
    let mut asks = Vec::new();
    for buyer in 1..=beyond {
        asks.push(world.asking(EVENT, place_hold(buyer.into(), 1), GIVE_UP));
        if asks.len() == 1_000 || buyer == beyond {
            last = futures::future::join_all(asks.drain(..)).await.pop();
        }
    }
    let last = last.unwrap();
    assert_eq!(refused(&last), Place::Refused { epoch: 1, number: beyond }, "all were answered");
    world.store.table_panics.store(0, Ordering::Release);
    assert_eq!(world.receipt(refused(&last)).await, ReceiptAnswer::Unknown, "it is said that it is lost");
    let waiting = Place::Refused { epoch: 1, number: REFUSED_WAITING_MAX as u64 };
    assert_eq!(world.receipt(waiting).await, ReceiptAnswer::NotYet);
    assert!(world.proven().await >= Sequence(3));
}

/// Whoever asks for many pages of checkpoints waits for those who did before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_lists_of_checkpoints_are_read_at_once() {
    let world = World::start(limits()).await;
    world.store.holds_every_begin.store(true, Ordering::Release);
    let mut lists: Vec<_> = (0..20).map(|_| Box::pin(world.router.checkpoints(EVENT, 0, 200))).collect();
    for list in &mut lists {
        assert!(futures::poll!(list).is_pending());
    }
    assert_eq!(world.store.held_begins(), CHECKPOINTS_LISTED_AT_ONCE_MAX);
    world.store.holds_every_begin.store(false, Ordering::Release);
    world.store.release_begin();
    for list in futures::future::join_all(lists).await {
        assert_eq!(list.unwrap(), (Vec::new(), 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_signer_nothing_is_proven_and_nothing_is_promised() {
    let world = World::start(limits()).await;
    world.on_sale(EVENT, 1).await;
    let held = world.hold(EVENT, 1).await;
    let sold_out = world.hold(EVENT, 2).await;
    for place in [accepted(&held), refused(&sold_out)] {
        assert_eq!(world.receipt(place).await, ReceiptAnswer::Unknown);
    }
    world.flowing(world.platform.drain(GIVE_UP)).await;
    assert_eq!(world.proven().await, Sequence::ZERO);
}

/// A turn that comes while a page is on its way waits for the next, which it shares with those that come until then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn turns_share_a_page_however_steadily_they_come() {
    let pause_ms = 100;
    let limits = Limits { follower_pause_ms: pause_ms, ..Limits::default() };
    let world = World::proving(Arc::default(), TestClock::new(), limits, 1).await;
    world.on_sale(EVENT, 1_000).await;
    let began = world.clock.monotonic();
    let selling = async {
        let mut last = None;
        for buyer in 0..300 {
            last = Some(world.hold(EVENT, buyer).await);
        }
        last.unwrap()
    };
    let last = world.flowing(selling).await;
    world.signed(accepted(&last)).await;
    let passes = (world.clock.monotonic().0 - began.0) / (pause_ms * 1_000) + 2;
    let pages = world.tree().await.pages;
    assert!(pages <= passes, "{pages} pages in {passes} passes");
}
