//! One round of a lane: what is due is sent, and what became of it is kept.

use std::sync::Arc;

use futures::future::join_all;
use tessera_inventory::Timestamp;
use tessera_projections::webhooks::{
    Attempt, Deliveries, Delivery, Endpoint, EndpointId, Outcome, Verdict, WebhookEndpoints,
};
use tessera_store::StoreError;

use super::{
    ASKED_PAUSE_S_MAX, ENDPOINT_IN_FLIGHT_MAX, GONE, PROBE_AFTER_S, Posted, Postman, RETRY_AFTER_S,
    RETRY_JITTER_SHARE, is_success, note_disabled,
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
    let (outcomes, asked): (Vec<_>, Vec<_>) = join_all(posts).await.into_iter().unzip();
    let now = shared.environment.clock.wall();
    let delivered = outcomes.iter().any(|outcome| outcome.verdict == Verdict::Delivered);
    let failures = (!delivered).then_some(due.standing.failures);
    let asked = asked.into_iter().flatten().max();
    let paused_until = paused_until(failures, asked, now, &*shared.environment.random);
    let disabled = deliveries.record(id, &outcomes, paused_until, now).await?;
    count(shared, &outcomes);
    if let Some(why) = disabled {
        note_disabled(shared, id, why);
    }
    Ok(Rest { next: Next::AtOnce, oldest: due.oldest })
}

/// Sends one message: what became of it, and until when the endpoint asks to be left alone.
async fn post(
    shared: &Shared,
    postman: &dyn Postman,
    endpoint: &Endpoint,
    delivery: Delivery,
) -> (Outcome, Option<Timestamp>) {
    // The semaphore is never closed: without a turn it would be sent all the same.
    let _turn = shared.webhooks_in_flight.acquire().await;
    let Posted { attempt, not_before } = postman.post(endpoint, &delivery).await;
    let now = shared.environment.clock.wall();
    let verdict = verdict(&attempt, delivery.attempts, now, &*shared.environment.random);
    (Outcome { delivery, attempt, verdict }, not_before)
}

/// Until when nothing is sent after a round: if it failed, the longer the more have failed before it, and as long as the endpoint asks.
fn paused_until(
    failures: Option<u32>,
    asked: Option<Timestamp>,
    now: Timestamp,
    random: &dyn Random,
) -> Option<Timestamp> {
    let probe = failures.map(|before| {
        let at = usize::try_from(before).unwrap_or(usize::MAX).min(PROBE_AFTER_S.len() - 1);
        later(now, PROBE_AFTER_S[at], random)
    });
    let asked = asked.map(|until| until.min(now.plus_ms(ASKED_PAUSE_S_MAX * 1_000)));
    probe.max(asked)
}

/// After a pause, and up to a share of it more.
fn later(now: Timestamp, pause_s: u64, random: &dyn Random) -> Timestamp {
    let pause_ms = pause_s * 1_000;
    let jitter_ms =
        u64::try_from(random.bits() % u128::from(pause_ms / RETRY_JITTER_SHARE)).unwrap_or_default();
    now.plus_ms(pause_ms).plus_ms(jitter_ms)
}

/// What follows from an attempt before which there were so many.
fn verdict(attempt: &Attempt, before: u32, now: Timestamp, random: &dyn Random) -> Verdict {
    if is_success(attempt) {
        return Verdict::Delivered;
    }
    let pause_s = usize::try_from(before).ok().and_then(|at| RETRY_AFTER_S.get(at));
    let Some(pause_s) = pause_s else { return Verdict::GivenUp };
    let again_at = later(now, *pause_s, random);
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

    #[test]
    fn an_endpoint_is_left_alone_the_longer_the_longer_it_fails_and_as_it_asks_within_a_bound() {
        let now = Timestamp(1_000_000);
        let pause_ms = |failures, asked_ms: Option<u64>| {
            let until = paused_until(failures, asked_ms.map(|ms| now.plus_ms(ms)), now, &Most);
            until.map(|until| until.0 - now.0)
        };
        assert_eq!(pause_ms(None, None), None, "it took something");
        for (before, seconds) in (0..).zip(PROBE_AFTER_S).chain([(7, 300), (u32::MAX, 300)]) {
            let pause_ms = pause_ms(Some(before), None).unwrap_or_default();
            assert!((seconds * 1_000..=seconds * 1_100).contains(&pause_ms), "{pause_ms} after {before}");
        }
        assert_eq!(pause_ms(None, Some(7_000)), Some(7_000), "also where it took something");
        assert_eq!(pause_ms(Some(0), Some(60_000)), Some(60_000));
        assert!(pause_ms(Some(6), Some(60_000)) >= Some(300_000), "the longer of the two");
        assert_eq!(pause_ms(Some(0), Some(u64::MAX / 2)), Some(ASKED_PAUSE_S_MAX * 1_000));
    }
}
