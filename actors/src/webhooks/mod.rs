//! Webhooks: the follower keeps a message for each endpoint that wants to be told (`outbox`), and the courier sends what waits, one lane
//! for each endpoint.

mod courier;
mod outbox;
mod round;

use futures::future::BoxFuture;
use tessera_inventory::{Config, Event, EventBody, EventId, Sequence, Timestamp};
use tessera_projections::webhooks::{Attempt, Delivery, Endpoint, EndpointId, Why};

pub(crate) use courier::{Courier, CourierMessage};
pub(crate) use outbox::{Outbox, told};

use crate::shared::Shared;

/// How messages look, and how they are sent. The composition root has both.
pub trait Postman: Send + Sync + 'static {
    /// The type of the message about an event of the log.
    fn kind(&self, body: &EventBody) -> &'static str;

    /// The message about an event of the log, as it is sent. `config` has its names.
    fn message(&self, event: EventId, config: &Config, sequence: Sequence, logged: &Event) -> Vec<u8>;

    /// What people call an endpoint and its organizer.
    fn names(&self, id: EndpointId) -> Names;

    /// One attempt to deliver. It ends by itself within a bounded time.
    fn post(&self, endpoint: &Endpoint, delivery: &Delivery) -> BoxFuture<'static, Posted>;
}

/// What people call an endpoint and its organizer: what the API takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The endpoint.
    pub endpoint: String,
    /// Whose it is.
    pub organizer: String,
}

/// What came of one attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The attempt.
    pub attempt: Attempt,
    /// Until when the endpoint asks to be left alone.
    pub not_before: Option<Timestamp>,
}

/// Pauses before the second attempt and those that follow, in seconds: the schedule that Standard Webhooks recommends. After the last the
/// message is given up.
pub const RETRY_AFTER_S: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// Pauses before an endpoint that fails is tried again, with whichever message is due first, in seconds; the last, again and again. The
/// others wait meanwhile: an outage costs each of them no more than its turn.
pub const PROBE_AFTER_S: [u64; 7] = [5, 10, 20, 40, 80, 160, 300];
/// Longest pause that an endpoint may ask for (`Retry-After`), in seconds.
pub const ASKED_PAUSE_S_MAX: u64 = 3_600;
/// A pause is longer by up to a so-many-th of itself, so that what failed together is not tried together.
pub const RETRY_JITTER_SHARE: u64 = 10;
/// Messages of one endpoint that are under way at once; one while it fails.
pub const ENDPOINT_IN_FLIGHT_MAX: usize = 8;
/// Messages of all endpoints that are under way at once; others wait their turn.
pub const IN_FLIGHT_MAX: usize = 256;
/// An endpoint is told of what happened up to so long before it was made or enabled, in milliseconds, where the follower has not passed
/// it: the clock of a log may be behind that of the request.
pub const TOLD_BEFORE_MS: u64 = 60_000;
/// The status by which an endpoint says that it is gone.
pub const GONE: u16 = 410;

/// An endpoint is disabled now: operators see it in the log and in the metrics, its organizer where it is read.
fn note_disabled(shared: &Shared, id: EndpointId, why: Why) {
    let Names { endpoint, organizer } = names(shared, id);
    tracing::warn!(endpoint, organizer, ?why, "a webhook endpoint is disabled");
    shared.meters.webhooks_disabled.increment(1);
}

/// How a line of the log names an endpoint. Without a postman nothing is sent, and no line written.
fn names(shared: &Shared, id: EndpointId) -> Names {
    shared.postman.as_ref().map(|postman| postman.names(id)).unwrap_or_default()
}

/// Whether an attempt succeeded.
#[must_use]
pub(crate) fn is_success(attempt: &Attempt) -> bool {
    attempt.status.is_some_and(|status| (200..300).contains(&status))
}
