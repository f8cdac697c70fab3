//! Messages that were tried in vain, and to have them sent again.

use std::borrow::Cow;
use std::cmp::Reverse;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_correspondence::{Finished, Medium, Replayed};
use tessera_store::StoreError;
use utoipa::ToSchema;

use crate::call::Call;
use crate::code::Code;
use crate::ids::{self, IdText};
use crate::instant::Rfc3339;
use crate::json;
use crate::limits::LIST_LIMIT_MAX;
use crate::messages::{CHANNELS, channel_named, lanes, place_text, read_place};
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    channel: Option<String>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// A message that was tried in vain.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub(crate) struct DeadLetter {
    id: String,
    channel: &'static str,
    kind: &'static str,
    event: IdText,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    order: Option<IdText>,
    /// When it began to wait.
    since: Rfc3339,
    /// When it was given up.
    ended_at: Rfc3339,
    attempts: u32,
    /// What went wrong the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<String>,
}

/// A page of dead letters, the youngest first.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetterList)]
pub(crate) struct DeadLetterList {
    items: Vec<DeadLetter>,
    /// Where the next page begins; null at the end.
    #[schema(required)]
    next: Option<String>,
}

/// `GET /v1/dead-letters`
pub(crate) async fn list(call: Call) -> Answer {
    let query: ListQuery = call.query()?;
    let limit = super::list_limit(query.limit)?;
    let of = channel_of(query.channel.as_deref())?;
    let before = super::cursor(query.cursor.as_deref(), read_place)?;
    let mut found = Vec::new();
    for (medium, lane) in lanes(of) {
        let dead = call.gateway().people.messages.finished(&lane, true, before, limit).await;
        found.extend(dead.map_err(|error| problem::store(&error))?.into_iter().map(|one| (medium, one)));
    }
    found.sort_by_key(|(medium, one)| (Reverse(one.want.place), medium.number()));
    // The next page begins after a place: what two channels gave up there at once stands on one page.
    let page = found.get(limit - 1).map(|(_, last)| last.want.place);
    let items: Vec<_> = match page {
        Some(last) => found.into_iter().take_while(|(_, one)| one.want.place >= last).collect(),
        None => found,
    };
    let items = items.into_iter().map(|(medium, one)| dead_letter(&call, medium, one)).collect();
    render::read(call.headers(), &DeadLetterList { items, next: page.map(place_text) })
}

fn channel_of(name: Option<&str>) -> Result<Option<Medium>, Problem> {
    let wrong = || Problem::field(Code::InvalidValue, "channel", CHANNELS);
    name.map(|name| channel_named(name).ok_or_else(wrong)).transpose()
}

fn dead_letter(call: &Call, medium: Medium, finished: Finished) -> DeadLetter {
    let Finished { want, since, .. } = finished;
    let tag = call.tag(want.place.event);
    DeadLetter {
        id: place_text(want.place),
        channel: medium.name(),
        kind: want.kind.name(),
        event: ids::event(want.place.event),
        order: want.order.map(|order| tag.order(order)),
        since: Rfc3339(since),
        ended_at: Rfc3339(want.place.at),
        attempts: want.attempts,
        error: want.last_error,
    }
}

/// Which are to be sent again: these, or those that were given up since then.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeadLetterReplayRequest)]
pub(crate) struct ReplayRequest<'a> {
    #[serde(borrow, default)]
    #[schema(min_items = 1, max_items = 200)]
    messages: Option<Vec<Cow<'a, str>>>,
    #[serde(default)]
    since: Option<Rfc3339>,
    /// Of this channel only.
    #[serde(borrow, default)]
    channel: Option<Cow<'a, str>>,
}

/// How many are going to be sent.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetterReplay)]
pub(crate) struct ReplayReply {
    messages: usize,
    /// Whether there may be more: ask again.
    more: bool,
}

/// `POST /v1/dead-letters/replays`
pub(crate) async fn replay(call: Call) -> Answer {
    let bytes = call.body().await?;
    let request: ReplayRequest<'_> = json::parse(&bytes)?;
    let (messages, now) = (&call.gateway().people.messages, call.gateway().now());
    let lanes = lanes(channel_of(request.channel.as_deref())?);
    let store = |error: StoreError| problem::store(&error);
    let mut all = Replayed::default();
    match (request.messages, request.since) {
        (Some(names), None) => {
            if names.is_empty() || names.len() > LIST_LIMIT_MAX {
                return Err(Problem::field(Code::InvalidValue, "messages", "name 1 to 200 dead letters"));
            }
            let mut places = Vec::with_capacity(names.len());
            for (at, name) in names.iter().enumerate() {
                let path = format!("messages[{at}]");
                let wrong = || Problem::field(Code::InvalidValue, path, "not the id of a dead letter");
                places.push(read_place(name).ok_or_else(wrong)?);
            }
            for (_, lane) in &lanes {
                all.messages += messages.replay(lane, &places, now).await.map_err(store)?;
            }
        }
        (None, Some(Rfc3339(since))) => {
            for (_, lane) in &lanes {
                let Replayed { messages, is_more } =
                    messages.replay_since(lane, since, now).await.map_err(store)?;
                all = Replayed { messages: all.messages + messages, is_more: all.is_more || is_more };
            }
        }
        _ => {
            let detail = "say which: messages, or since when";
            return Err(Problem::new(Code::InvalidRequest, detail).with("reason", "messages_or_since"));
        }
    }
    let Replayed { messages, is_more } = all;
    call.gateway().platform.send_messages();
    render::json(StatusCode::ACCEPTED, &ReplayReply { messages, more: is_more })
}
