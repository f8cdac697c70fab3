//! One round of a lane: what is due is sent, and what became of it is kept.

use std::sync::Arc;

use futures::future::join_all;
use tessera_inventory::Timestamp;
use tessera_projections::webhooks::{
    Attempt, Deliveries, Delivery, Endpoint, EndpointId, Outcome, Verdict, WebhookEndpoints,
};
use tessera_store::StoreError;

use super::{
    ENDPOINT_IN_FLIGHT_MAX, GONE, Postman, RETRY_AFTER_S, RETRY_JITTER_SHARE, is_success, note_disabled,
};
use crate::Random;
use crate::shared::Shared;

/// What a lane does after a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// There may be more that is due.
    AtOnce,
    /// The next is due then.
    At(Timestamp),
    /// Nothing waits, or nothing may be sent.
    Nothing,
}

/// What a round found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) next: Next,
    /// Since when the oldest waits.
    pub(crate) oldest: Option<Timestamp>,
}

const NOTHING: Rest = Rest { next: Next::Nothing, oldest: None };

/// Send what is due to one endpoint.
pub(crate) async fn run(shared: &Shared, id: EndpointId) -> Result<Rest, StoreError> {
    let Some(postman) = shared.postman.clone() else { return Ok(NOTHING) };
    let found = WebhookEndpoints::new(Arc::clone(&shared.table)).get(id).await?;
    let Some(endpoint) = found.filter(|endpoint| endpoint.disabled.is_none()) else { return Ok(NOTHING) };
    let deliveries = Deliveries::new(Arc::clone(&shared.table));
    let now = shared.environment.clock.wall();
    let due = deliveries.due(id.endpoint, now, ENDPOINT_IN_FLIGHT_MAX).await?;
    if due.deliveries.is_empty() {
        let next = due.next_at.map_or(Next::Nothing, Next::At);
        return Ok(Rest { next, oldest: due.oldest });
    }
    let posts = due.deliveries.into_iter().map(|delivery| post(shared, &*postman, &endpoint, delivery));
    let outcomes = join_all(posts).await;
    let disabled = deliveries.record(id, &outcomes, shared.environment.clock.wall()).await?;
    count(shared, &outcomes);
    if let Some(why) = disabled {
        note_disabled(shared, id, why);
    }
    Ok(Rest { next: Next::AtOnce, oldest: due.oldest })
}

async fn post(shared: &Shared, postman: &dyn Postman, endpoint: &Endpoint, delivery: Delivery) -> Outcome {
    // The semaphore is never closed: without a turn it would be sent all the same.
    let _turn = shared.webhooks_in_flight.acquire().await;
    let attempt = postman.post(endpoint, &delivery).await;
    let now = shared.environment.clock.wall();
    let verdict = verdict(&attempt, delivery.attempts, now, &*shared.environment.random);
    Outcome { delivery, attempt, verdict }
}

/// What follows from an attempt before which there were so many.
fn verdict(attempt: &Attempt, before: u32, now: Timestamp, random: &dyn Random) -> Verdict {
    if is_success(attempt) {
        return Verdict::Delivered;
    }
    let pause_s = usize::try_from(before).ok().and_then(|at| RETRY_AFTER_S.get(at));
    let Some(pause_ms) = pause_s.map(|seconds| seconds * 1_000) else { return Verdict::GivenUp };
    let jitter_ms =
        u64::try_from(random.bits() % u128::from(pause_ms / RETRY_JITTER_SHARE)).unwrap_or_default();
    let again_at = Timestamp(now.0.saturating_add(pause_ms).saturating_add(jitter_ms));
    if attempt.status == Some(GONE) { Verdict::Gone(again_at) } else { Verdict::Again(again_at) }
}

fn count(shared: &Shared, outcomes: &[Outcome]) {
    for outcome in outcomes {
        let counter = match outcome.verdict {
            Verdict::Delivered => &shared.meters.webhooks_delivered,
            Verdict::Again(_) | Verdict::Gone(_) => &shared.meters.webhooks_failed,
            Verdict::GivenUp => &shared.meters.webhooks_given_up,
        };
        counter.increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Most;

    impl Random for Most {
        fn bits(&self) -> u128 {
            u128::MAX
        }
    }

    #[test]
    fn pauses_grow_as_standard_webhooks_says_and_end() {
        let attempt = |status| Attempt { at: Timestamp(0), status, error: None };
        let now = Timestamp(1_000_000);
        for (before, seconds) in (0..).zip(RETRY_AFTER_S) {
            let Verdict::Again(at) = verdict(&attempt(Some(500)), before, now, &Most) else {
                panic!("attempt {before} was the last");
            };
            let pause_ms = at.0 - now.0;
            assert!((seconds * 1_000..=seconds * 1_100).contains(&pause_ms), "{pause_ms} after {before}");
        }
        assert_eq!(verdict(&attempt(None), 9, now, &Most), Verdict::GivenUp);
        assert_eq!(verdict(&attempt(Some(204)), 9, now, &Most), Verdict::Delivered);
        assert!(
            matches!(verdict(&attempt(Some(301)), 0, now, &Most), Verdict::Again(_)),
            "no redirect is followed"
        );
        assert!(matches!(verdict(&attempt(Some(GONE)), 0, now, &Most), Verdict::Gone(_)));
    }
}
