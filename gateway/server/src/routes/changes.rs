//! The change feed: pages, long polls, Server-Sent Events and WebSockets.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_actors::Published;
use tessera_inventory::{Config, Event, EventId, Sequence};
use utoipa::ToSchema;

use super::stream;
use crate::accept;
use crate::call::Call;
use crate::caller::Reader;
use crate::code::Code;
use crate::follow::Pages;
use crate::limits::LONG_POLL_MS_MAX;
use crate::problem::{self, Problem};
use crate::render;
use crate::render::changes::{Item, Renderer};
use crate::router::Answer;
use crate::sockets::{self, Feed, Source};

/// Where a stream goes on.
const LAST_EVENT_ID: &str = "last-event-id";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangesQuery {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
    #[serde(default)]
    wait_ms: u64,
}

/// A page of the change feed.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangePage)]
pub(crate) struct Page<'a> {
    items: Vec<Item<'a>>,
    /// Ask for what follows with this `after`.
    next: u64,
    /// The last durable sequence.
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
    let socket = sockets::is_wanted(&call);
    let streams = socket || accept::prefers(&call.request, "text/event-stream");
    let last_seen = last_event_id(&call)?.filter(|_| streams);
    let after = Sequence(last_seen.unwrap_or(query.after));
    let beyond = || beyond_the_log(if last_seen.is_some() { LAST_EVENT_ID } else { "after" });
    if owns && !streams && call.opened(event).await?.is_none() {
        call.card(event).await?;
        if after > Sequence::ZERO {
            return Err(beyond());
        }
        return render::json(StatusCode::OK, &Page { items: Vec::new(), next: 0, head: 0 });
    }
    let published = call.published(event, owns).await?;
    if !is_durable(&call, event, after, &published).await? {
        return Err(beyond());
    }
    if streams {
        if call.is_head() {
            return Ok(stream::head());
        }
        let permit = call.stream_permit(reader.principal(), owns)?;
        let pages = Pages::new(reader.watching(&call, event), owns, after);
        if socket {
            return sockets::open(&call, Source::Feed(Feed(pages)), permit);
        }
        return Ok(stream::open(&call, pages, permit));
    }
    let mut head = published.availability.sequence;
    if head <= after && query.wait_ms > 0 && !call.is_head() {
        let _permit = call.stream_permit(reader.principal(), owns)?;
        head = wait(&call, event, after, Duration::from_millis(query.wait_ms)).await.max(head);
        reader.is_still_known(&call).await?;
    }
    let mut changes =
        call.inventory().changes(event, after, limit).await.map_err(|error| problem::store(&error))?;
    let newest = call.inventory().published(event).unwrap_or(published);
    keep_published(&mut changes, &newest);
    let last = changes.last().map_or(after, |(sequence, _)| *sequence);
    let renderer = Renderer { tag: call.tag(event), config: &configuration(&newest), organizer: owns };
    let items = changes.iter().map(|(sequence, event)| renderer.item(*sequence, event)).collect();
    let page = Page { items, next: last.0, head: head.max(last).0 };
    render::json(StatusCode::OK, &page)
}

/// Whether the log has come as far as `after`. What a client was told of may be published a moment later.
async fn is_durable(
    call: &Call,
    event: EventId,
    after: Sequence,
    published: &Published,
) -> Result<bool, Problem> {
    if after <= published.availability.sequence {
        return Ok(true);
    }
    let found = call.inventory().changes(event, Sequence(after.0 - 1), 1).await;
    Ok(!found.map_err(|error| problem::store(&error))?.is_empty())
}

fn beyond_the_log(path: &str) -> Problem {
    Problem::field(Code::OutOfRange, path, "the log has not come so far; send the next that a page gave")
}

/// What the items take their names from. An event may have been cancelled before it was ever configured: it has none.
pub(crate) fn configuration(published: &Published) -> Arc<Config> {
    published.config.as_ref().map_or_else(|| Arc::new(Config::empty()), |(_, config)| Arc::clone(config))
}

/// Leaves out what is durable but not published yet: it may use names that only the next view has. It comes with the next
/// page.
pub(crate) fn keep_published(changes: &mut Vec<(Sequence, Arc<Event>)>, published: &Published) {
    let known = changes.partition_point(|(sequence, _)| *sequence <= published.availability.sequence);
    changes.truncate(known);
}

fn last_event_id(call: &Call) -> Result<Option<u64>, Problem> {
    let Some(value) = call.headers().get(LAST_EVENT_ID) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let sequence = digits.and_then(|text| text.parse().ok());
    sequence
        .map(Some)
        .ok_or_else(|| Problem::new(Code::InvalidHeader, "Last-Event-ID is the sequence of an item"))
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
