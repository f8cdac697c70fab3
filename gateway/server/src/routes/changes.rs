//! The change feed: pages, long polls, and Server-Sent Events.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header;
use serde::{Deserialize, Serialize};
use tessera_actors::Published;
use tessera_inventory::{Config, EventId, Sequence};
use tokio::sync::OwnedSemaphorePermit;

use super::stream;
use crate::call::Call;
use crate::caller::Reader;
use crate::code::Code;
use crate::limits::LONG_POLL_MS_MAX;
use crate::problem::{self, Problem};
use crate::render;
use crate::render::changes::{Item, Renderer};
use crate::router::Answer;

/// `Retry-After` when all streams are taken, in seconds.
const STREAMS_RETRY_AFTER_S: u32 = 5;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangesQuery {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
    #[serde(default)]
    wait_ms: u64,
}

#[derive(Serialize)]
struct Page<'a> {
    items: Vec<Item<'a>>,
    next: u64,
    head: u64,
}

/// `GET /v1/events/{event}/changes`
pub(crate) async fn read(call: Call, reader: Reader) -> Answer {
    let event = call.event()?;
    let query: ChangesQuery = call.query()?;
    let limit = super::list_limit(query.limit)?;
    if query.wait_ms > LONG_POLL_MS_MAX {
        return Err(Problem::field(Code::OutOfRange, "wait_ms", "a poll waits 0 to 30000 milliseconds"));
    }
    let owns = reader.owns(&call, event).await?;
    let published = call.published(event, owns).await?;
    if wants_stream(&call) {
        let after = last_event_id(&call)?.unwrap_or(query.after);
        let permit = permit(&call)?;
        return Ok(stream::open(&call, event, owns, Sequence(after), permit));
    }
    let after = Sequence(query.after);
    let mut head = published.availability.sequence;
    if head <= after && query.wait_ms > 0 {
        let _permit = permit(&call)?;
        head = wait(&call, event, after, Duration::from_millis(query.wait_ms)).await.max(head);
    }
    let changes =
        call.inventory().changes(event, after, limit).await.map_err(|error| problem::store(&error))?;
    let last = changes.last().map_or(after, |(sequence, _)| *sequence);
    let config = newest_config(&call, event, &published)?;
    let renderer = Renderer { tag: call.tag(event), config: &config, organizer: owns };
    let items = changes.iter().map(|(sequence, event)| renderer.item(*sequence, event)).collect();
    let page = Page { items, next: last.0, head: head.max(last).0 };
    render::json(StatusCode::OK, &page)
}

/// The configuration as it is now, with at least the names that durable events use.
pub(super) fn newest_config(
    call: &Call,
    event: EventId,
    published: &Arc<Published>,
) -> Result<Arc<Config>, Problem> {
    let newest = call.inventory().published(event);
    let newest = newest.as_ref().unwrap_or(published);
    newest.config.as_ref().map(|(_, config)| Arc::clone(config)).ok_or_else(super::not_configured)
}

fn wants_stream(call: &Call) -> bool {
    let mut accepted = call.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.split([',', ';']).any(|one| one.trim() == "text/event-stream"))
}

fn last_event_id(call: &Call) -> Result<Option<u64>, Problem> {
    let Some(value) = call.headers().get("last-event-id") else { return Ok(None) };
    let sequence = value.to_str().ok().and_then(|text| text.parse().ok());
    sequence
        .map(Some)
        .ok_or_else(|| Problem::new(Code::InvalidHeader, "Last-Event-ID is the sequence of an item"))
}

fn permit(call: &Call) -> Result<OwnedSemaphorePermit, Problem> {
    Arc::clone(&call.gateway().streams).try_acquire_owned().map_err(|_| {
        Problem::new(Code::TooManyStreams, "this server serves as many streams as it may; try again later")
            .retry_after(STREAMS_RETRY_AFTER_S)
    })
}

/// Waits until something follows `after`, the wait is over, or the server closes; answers the durable sequence.
async fn wait(call: &Call, event: EventId, after: Sequence, longest: Duration) -> Sequence {
    let Some(mut moved) = call.inventory().subscribe(event) else { return after };
    let mut closing = call.gateway().closing.subscribe();
    tokio::select! {
        _ = moved.wait_for(|sequence| *sequence > after) => {}
        _ = closing.wait_for(|closing| *closing) => {}
        () = tokio::time::sleep(longest) => {}
    }
    *moved.borrow()
}
