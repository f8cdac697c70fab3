//! Deliveries to a webhook endpoint: what became of them, and to have them made again.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_inventory::{EventId, Sequence, Timestamp};
use tessera_projections::webhooks::{Asked, Attempt, Batch, Delivery, Endpoint, Finished};
use tessera_store::keys::WebhookPlace;
use utoipa::ToSchema;

use super::changes::{configuration, keep_published};
use super::webhook_endpoints::find;
use crate::call::Call;
use crate::caller::{EventsRead, Organizer, WebhooksWrite};
use crate::code::Code;
use crate::ids::{self, IdText};
use crate::instant::Rfc3339;
use crate::json;
use crate::limits::{WEBHOOK_REPLAY_BYTES, WEBHOOK_REPLAY_MAX};
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;
use crate::webhooks;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    #[serde(default)]
    state: Listed,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// Which deliveries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Listed {
    /// Those that have ended, the youngest first.
    #[default]
    Finished,
    /// Those that wait, the oldest first.
    Pending,
}

/// A delivery.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub(crate) struct DeliveryItem {
    /// The `webhook-id` of its message.
    message: String,
    #[serde(rename = "type")]
    kind: String,
    /// The event that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    event: Option<IdText>,
    /// The sequence that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sequence: Option<u64>,
    #[schema(pattern = "^(pending|delivered|given_up)$")]
    state: &'static str,
    /// When it began to wait.
    since: Rfc3339,
    attempts: u32,
    /// When it is tried next, if its endpoint does not fail then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_attempt_at: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_attempt: Option<AttemptItem>,
}

/// An attempt to deliver.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookAttempt)]
pub(crate) struct AttemptItem {
    at: Rfc3339,
    /// The status that was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status: Option<u16>,
    /// What went wrong, where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<String>,
}

/// A page of deliveries.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookDeliveryList)]
pub(crate) struct DeliveryList {
    items: Vec<DeliveryItem>,
    /// Where the next page begins; null at the end.
    #[schema(required)]
    next: Option<String>,
}

/// `GET /v1/webhook-endpoints/{endpoint}/deliveries`
pub(crate) async fn list(call: Call, who: Organizer<EventsRead>) -> Answer {
    let Endpoint { id, .. } = find(&call, who.tenant).await?;
    let query: ListQuery = call.query()?;
    let limit = super::list_limit(query.limit)?;
    let cursor = super::cursor(query.cursor.as_deref(), read_place)?;
    let deliveries = &call.gateway().webhook_deliveries;
    let (items, last): (Vec<_>, Option<WebhookPlace>) = match query.state {
        Listed::Finished => {
            let found = deliveries.finished(id.endpoint, cursor, limit).await;
            let found = found.map_err(|error| problem::store(&error))?;
            let last = found.last().map(|last| last.place);
            (found.into_iter().map(|one| finished(id.endpoint, one)).collect(), last)
        }
        Listed::Pending => {
            let found = deliveries.pending(id.endpoint, cursor, limit).await;
            let found = found.map_err(|error| problem::store(&error))?;
            let standing = deliveries.standing(id.endpoint).await.map_err(|error| problem::store(&error))?;
            let last = found.last().map(|last| last.place);
            (found.into_iter().map(|one| pending(id.endpoint, one, standing.paused_until)).collect(), last)
        }
    };
    let next = last.filter(|_| items.len() == limit).map(place_text);
    render::read(call.headers(), &DeliveryList { items, next })
}

/// What is to be sent again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookReplayRequest)]
pub(crate) struct ReplayRequest<'a> {
    /// One message, by its `webhook-id`.
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    /// Messages about this event.
    #[serde(borrow)]
    #[schema(value_type = Option<IdText>)]
    event: Option<Cow<'a, str>>,
    /// Of the event, what follows this sequence.
    after: Option<u64>,
    /// Of the event, what happened from then on.
    since: Option<Rfc3339>,
}

/// What is sent again.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookReplay)]
pub(crate) struct Replay {
    /// How many messages.
    messages: usize,
    /// Where to go on, as `after`; null: there is nothing more.
    #[schema(required)]
    next: Option<u64>,
}

/// `POST /v1/webhook-endpoints/{endpoint}/replays`
pub(crate) async fn replay(call: Call, who: Organizer<WebhooksWrite>) -> Answer {
    let endpoint = find(&call, who.tenant).await?;
    let bytes = call.body().await?;
    let request: ReplayRequest<'_> = json::parse(&bytes)?;
    let (event, after, limit) = match (&request.message, &request.event) {
        (Some(message), None) if request.after.is_none() && request.since.is_none() => {
            let absent = || Problem::field(Code::InvalidValue, "message", "no message to this endpoint");
            let (event, sequence) = ids::parse_message(endpoint.id.endpoint, message).ok_or_else(absent)?;
            (event, Sequence(sequence.0.checked_sub(1).ok_or_else(absent)?), 1)
        }
        (None, Some(event)) => {
            let absent = || Problem::field(Code::InvalidValue, "event", "not the id of an event");
            let event = ids::parse_event(event).ok_or_else(absent)?;
            told_of(&call, &endpoint, event).await?;
            let after = match (request.after, request.since) {
                (Some(after), None) => Sequence(after),
                (None, Some(since)) => before(&call, event, since.0).await?,
                _ => return Err(Problem::field(Code::InvalidValue, "after", "say either after or since")),
            };
            (event, after, WEBHOOK_REPLAY_MAX)
        }
        _ => return Err(Problem::field(Code::InvalidValue, "", "say either message or event")),
    };
    told_of(&call, &endpoint, event).await?;
    let replay = again(&call, &endpoint, event, (after, limit)).await?;
    render::json(StatusCode::ACCEPTED, &replay)
}

/// An endpoint is told of the events of its organizer, whoever asks.
async fn told_of(call: &Call, endpoint: &Endpoint, event: EventId) -> Result<(), Problem> {
    let card = call.card(event).await?;
    if card.organizer == endpoint.id.organizer { Ok(()) } else { Err(problem::event_not_found()) }
}

/// The message that tests an endpoint.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookPing)]
pub(crate) struct Ping {
    /// Its `webhook-id`.
    message: String,
}

/// `POST /v1/webhook-endpoints/{endpoint}/pings`
pub(crate) async fn ping(call: Call, who: Organizer<WebhooksWrite>) -> Answer {
    let endpoint = find(&call, who.tenant).await?;
    let bytes = call.body().await?;
    json::parse::<super::Nothing>(&bytes)?;
    let now = call.gateway().now();
    let place =
        WebhookPlace { at: now, event: EventId(0), sequence: Sequence::ZERO, copy: fresh_copy(&call) };
    let message = ids::message(endpoint.id.endpoint, &place);
    let delivery = waiting(place, webhooks::PING, webhooks::ping(now));
    enqueue(&call, &endpoint, vec![delivery]).await?;
    render::json(StatusCode::ACCEPTED, &Ping { message })
}

/// Has what the log says after `after` told again, as far as the endpoint wants it.
async fn again(
    call: &Call,
    endpoint: &Endpoint,
    event: EventId,
    (after, limit): (Sequence, usize),
) -> Result<Replay, Problem> {
    let published = call.published(event, true).await?;
    let found = call.inventory().changes(event, after, limit).await;
    let mut changes = found.map_err(|error| problem::store(&error))?;
    keep_published(&mut changes, &published);
    let mut next = changes.last().filter(|_| changes.len() == limit && limit > 1).map(|(last, _)| last.0);
    let (postman, config) = (&call.gateway().postman, configuration(&published));
    let (at, copy) = (call.gateway().now(), fresh_copy(call));
    let (mut deliveries, mut bytes) = (Vec::new(), 0);
    for (sequence, logged) in changes {
        let kind = postman.kind(&logged.body);
        if !endpoint.wants(event, kind) {
            continue;
        }
        let place = WebhookPlace { at, event, sequence, copy };
        let message = postman.message(event, &config, sequence, &logged);
        bytes += message.len();
        deliveries.push(waiting(place, kind, message));
        if bytes > WEBHOOK_REPLAY_BYTES {
            next = Some(sequence.0);
            break;
        }
    }
    let messages = deliveries.len();
    if messages > 0 {
        enqueue(call, endpoint, deliveries).await?;
    }
    Ok(Replay { messages, next })
}

/// The last sequence that was before `since`: times in a log never go back.
async fn before(call: &Call, event: EventId, since: Timestamp) -> Result<Sequence, Problem> {
    let head = call.published(event, true).await?.availability.sequence;
    let (mut low, mut high) = (0, head.0);
    while low < high {
        let middle = low + (high - low) / 2;
        let found = call.inventory().changes(event, Sequence(middle), 1).await;
        let found = found.map_err(|error| problem::store(&error))?;
        match found.first() {
            Some((_, logged)) if logged.at < since => low = middle + 1,
            Some(_) | None => high = middle,
        }
    }
    Ok(Sequence(low))
}

async fn enqueue(call: &Call, endpoint: &Endpoint, deliveries: Vec<Delivery>) -> Result<(), Problem> {
    let gateway = call.gateway();
    let batch = Batch { endpoint: endpoint.id, deliveries };
    let asked = gateway.webhook_deliveries.enqueue(&batch).await;
    let refused = |detail, reason| Problem::new(Code::InvalidRequest, detail).with("reason", reason);
    match asked.map_err(|error| problem::store(&error))? {
        Asked::Waits => {
            gateway.platform.send_webhooks(endpoint.id);
            Ok(())
        }
        Asked::NoRoom { pending } => {
            let detail = "more than 50000 messages would wait for this endpoint; ask again when fewer do";
            Err(refused(detail, "no_room").with("pending", pending))
        }
        Asked::Disabled => {
            Err(refused("nothing is sent to this endpoint; enable it first", "endpoint_disabled"))
        }
    }
}

/// Tells a delivery from the others of its message; the first has zero.
fn fresh_copy(call: &Call) -> u64 {
    let half = call.gateway().environment.random.bits() >> u64::BITS;
    u64::try_from(half).unwrap_or_default().max(1)
}

fn waiting(place: WebhookPlace, kind: &str, payload: Vec<u8>) -> Delivery {
    Delivery { place, kind: kind.to_owned(), payload, due_at: place.at, attempts: 0, last: None }
}

fn pending(endpoint: u128, delivery: Delivery, paused_until: Option<Timestamp>) -> DeliveryItem {
    let Delivery { place, kind, due_at, attempts, last, .. } = delivery;
    let next_attempt_at = Some(Rfc3339(paused_until.map_or(due_at, |until| until.max(due_at))));
    let item = item(endpoint, place, kind, ("pending", attempts, last));
    DeliveryItem { next_attempt_at, ..item }
}

fn finished(endpoint: u128, ended: Finished) -> DeliveryItem {
    let Finished { place, kind, since, attempts, delivered, last } = ended;
    let state = if delivered { "delivered" } else { "given_up" };
    let item = item(endpoint, place, kind, (state, attempts, Some(last)));
    DeliveryItem { since: Rfc3339(since), ..item }
}

fn item(
    endpoint: u128,
    place: WebhookPlace,
    kind: String,
    (state, attempts, last): (&'static str, u32, Option<Attempt>),
) -> DeliveryItem {
    let is_about_the_log = place.event != EventId(0);
    let attempt = |Attempt { at, status, error }| AttemptItem { at: Rfc3339(at), status, error };
    DeliveryItem {
        message: ids::message(endpoint, &place),
        kind,
        event: is_about_the_log.then(|| ids::event(place.event)),
        sequence: is_about_the_log.then_some(place.sequence.0),
        state,
        since: Rfc3339(place.at),
        attempts,
        next_attempt_at: None,
        last_attempt: last.map(attempt),
    }
}

/// A place as a cursor.
fn place_text(place: WebhookPlace) -> String {
    format!("{:x}-{:x}-{:x}-{:x}", place.at.0, place.event.0, place.sequence.0, place.copy)
}

fn read_place(text: &str) -> Option<WebhookPlace> {
    let mut parts = text.split('-');
    let mut number = || u128::from_str_radix(parts.next()?, 16).ok();
    let (at, event, sequence, copy) = (number()?, number()?, number()?, number()?);
    let place = WebhookPlace {
        at: Timestamp(u64::try_from(at).ok()?),
        event: EventId(event),
        sequence: Sequence(u64::try_from(sequence).ok()?),
        copy: u64::try_from(copy).ok()?,
    };
    (place_text(place) == text).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_given() {
        let place = WebhookPlace {
            at: Timestamp(7),
            event: EventId(u128::MAX),
            sequence: Sequence(12),
            copy: u64::MAX,
        };
        assert_eq!(read_place(&place_text(place)), Some(place));
        for wrong in ["", "1-2-3", "1-2-3-4-5", "g-2-3-4", "01-2-3-4", "-1-2-3-4"] {
            assert_eq!(read_place(wrong), None, "{wrong}");
        }
    }
}
