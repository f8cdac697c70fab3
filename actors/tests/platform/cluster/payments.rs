//! Payments among nodes: one looks after a lane, whichever owns the event and whichever hears the provider.

use std::time::{Duration, Instant};

use tessera_actors::Clock;
use tessera_inventory::{ClaimNumber, CommandBody, Phase};
use tessera_payments::Status;

use super::*;
use crate::payments::provider::Scripted;
use crate::payments::shop::{accepted, begins, holds, keep, prepare, priced};
use crate::world::organizer;

/// Desks look at their rows by themselves less often than this, in milliseconds: what is sooner, they were told.
const SOON_MS: u64 = 5_000;

/// Real time in which a virtual millisecond passes: what needs no time has it.
const PACE: Duration = Duration::from_millis(5);

/// Wait for a state that is reached before any desk looks by itself.
async fn soon(node: &World, what: &str, reached: impl Fn() -> bool) {
    for _ in 0..SOON_MS {
        if reached() {
            return;
        }
        node.clock.advance_ms(1);
        let began = Instant::now();
        while began.elapsed() < PACE {
            tokio::task::yield_now().await;
        }
    }
    panic!("{what}, and nothing came of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_node_hears_of_a_payment_its_lane_is_driven_by_the_one_that_keeps_it() {
    let provider = Arc::<Scripted>::default();
    let mut trio = Trio::over(TestStore::default());
    prepare(trio.table()).await;
    trio.providers = vec![provider.clone()];
    for name in ["a", "b", "c"] {
        trio.join(name).await;
    }
    trio.all_see(3).await;
    let any = trio.any();
    any.flowing(any.configured(EVENT, priced())).await;
    let to = Phase::OnSale;
    accepted(any.flowing(any.ask(EVENT, organizer(CommandBody::ChangePhase { to }))).await);
    for (buyer, (name, node)) in (1..).zip(&trio.nodes) {
        let order = ClaimNumber(accepted(node.flowing(node.ask(EVENT, holds(buyer, 1))).await).0);
        accepted(node.flowing(node.ask(EVENT, begins(buyer, order, 1))).await);
        soon(node, &format!("{name} began it"), || provider.reference(order, 1).is_some()).await;
        let body = provider.happens(order, 1, Status::Authorised);
        let till = node.platform.till();
        let event = node.flowing(keep(&till, 1 + order.0, node.clock.wall(), body)).await;
        let heard = provider.read(&event.body);
        till.was_told(event, heard);
        let is_captured = || provider.paid(order, 1).status == Status::Captured;
        soon(node, &format!("{name} heard of it"), is_captured).await;
    }
}
