//! Messages of an organizer to everybody who has tickets of an event.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_correspondence::{Begun, Broadcast, BroadcastState, Kind};
use tessera_inventory::EventId;
use utoipa::ToSchema;

use super::checkout::is_line;
use crate::call::Call;
use crate::caller::{EventsRead, EventsWrite, Organizer};
use crate::code::Code;
use crate::idempotency::RequestKey;
use crate::instant::Rfc3339;
use crate::json;
use crate::limits::{BROADCAST_TEXT_BYTES_MAX, NAME_BYTES_MAX};
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;
use crate::routes::Nothing;

/// A message to everybody who has tickets of the event.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BroadcastRequest)]
pub(crate) struct BroadcastRequest<'a> {
    /// `emergency`: before everything else, and nobody can opt out. `announcement`: when there is room.
    #[serde(borrow)]
    #[schema(pattern = "^(emergency|announcement)$")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    #[schema(min_length = 1, max_length = 200)]
    title: Cow<'a, str>,
    /// Plain text.
    #[serde(borrow)]
    #[schema(min_length = 1, max_length = 4000)]
    text: Cow<'a, str>,
}

/// A broadcast, and how far it is.
#[derive(Serialize, ToSchema)]
#[schema(as = Broadcast)]
pub(crate) struct BroadcastItem {
    /// Its number in the event.
    run: u64,
    kind: &'static str,
    #[schema(pattern = "^(running|paused|done)$")]
    state: &'static str,
    created_at: Rfc3339,
    /// It does not begin before.
    not_before: Rfc3339,
    /// Orders that it has looked at.
    orders: u64,
    /// People whom it was written to.
    recipients: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    title: Option<String>,
}

/// The broadcasts of an event, the oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = BroadcastList)]
pub(crate) struct BroadcastList {
    items: Vec<BroadcastItem>,
    /// Where the next page begins; null at the end.
    #[schema(required)]
    next: Option<u64>,
}

impl BroadcastItem {
    fn of(broadcast: &Broadcast) -> BroadcastItem {
        let title = broadcast.variables.iter().find(|(name, _)| name == "title");
        BroadcastItem {
            run: broadcast.run,
            kind: broadcast.kind.name(),
            state: match broadcast.state {
                BroadcastState::Running => "running",
                BroadcastState::Paused => "paused",
                BroadcastState::Done => "done",
            },
            created_at: Rfc3339(broadcast.created_at),
            not_before: Rfc3339(broadcast.not_before),
            orders: broadcast.orders,
            recipients: broadcast.recipients,
            title: title.map(|(_, text)| text.clone()),
        }
    }
}

/// `POST /v1/events/{event}/broadcasts`
pub(crate) async fn begin(call: Call, organizer: Organizer<EventsWrite>) -> Answer {
    let access = organizer.own_event(&call).await?;
    let bytes = call.command_body().await?;
    let request: BroadcastRequest<'_> = json::parse(&bytes)?;
    let kind = check(&call, &request)?;
    let fingerprint = call.keys().fingerprint(call.request.path(), &bytes);
    let key = RequestKey::required(call.headers())?;
    let key = key.on_event(call.keys(), access.principal().0, access.event(), fingerprint);
    let now = call.gateway().now();
    let broadcast = Broadcast {
        event: access.event(),
        run: 0,
        kind,
        variables: vec![
            ("title".to_owned(), request.title.into_owned()),
            ("text".to_owned(), request.text.into_owned()),
        ],
        request: key.digest,
        created_at: now,
        not_before: now,
        expires_at: None,
        state: BroadcastState::Running,
        cursor: None,
        orders: 0,
        recipients: 0,
    };
    let begun = call.gateway().people.broadcasts.begin(&broadcast).await;
    let begun = match begun.map_err(|error| problem::store(&error))? {
        Begun::Runs(begun) if begun.variables != broadcast.variables || begun.kind != kind => {
            let detail = "this key came with another request before; use a fresh key";
            return Err(Problem::new(Code::KeyReused, detail));
        }
        Begun::Runs(begun) => begun,
        Begun::TooMany => {
            let detail = "the event has had as many broadcasts as one may have";
            return Err(Problem::new(Code::InvalidRequest, detail).with("reason", "too_many_broadcasts"));
        }
    };
    call.gateway().platform.run_broadcast(begun.event, begun.run);
    render::json(StatusCode::ACCEPTED, &BroadcastItem::of(&begun))
}

fn check(call: &Call, request: &BroadcastRequest<'_>) -> Result<Kind, Problem> {
    let wrong = |field: &str, message: &str| Problem::field(Code::InvalidValue, field, message);
    let kind = Kind::named(&request.kind).filter(|kind| matches!(kind, Kind::Emergency | Kind::Announcement));
    let kind = kind.ok_or_else(|| wrong("kind", "emergency or announcement"))?;
    if !is_line(&request.title, NAME_BYTES_MAX) {
        return Err(wrong("title", "one line of 1 to 200 bytes"));
    }
    let is_clean = |letter: char| !letter.is_control() || letter == '\n';
    let text = &request.text;
    if text.is_empty() || text.len() > BROADCAST_TEXT_BYTES_MAX || !text.chars().all(is_clean) {
        return Err(wrong("text", "1 to 4000 bytes of plain text"));
    }
    if !call.gateway().settings.messages.enabled {
        let detail = "this server writes to nobody: messages.enabled is off";
        return Err(Problem::new(Code::InvalidRequest, detail).with("reason", "messages_off"));
    }
    Ok(kind)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    cursor: Option<u64>,
    limit: Option<usize>,
}

/// `GET /v1/events/{event}/broadcasts`
pub(crate) async fn list(call: Call, organizer: Organizer<EventsRead>) -> Answer {
    let event = organizer.own_event(&call).await?.event();
    let query: ListQuery = call.query()?;
    let limit = super::list_limit(query.limit)?;
    let after = query.cursor.map(|run| (event, run));
    let found = call.gateway().people.broadcasts.list(Some(event), after, limit).await;
    let found = found.map_err(|error| problem::store(&error))?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| last.run);
    let items = found.iter().map(BroadcastItem::of).collect();
    render::read(call.headers(), &BroadcastList { items, next })
}

/// `POST /v1/events/{event}/broadcasts/{broadcast}/pause`
pub(crate) async fn pause(call: Call, organizer: Organizer<EventsWrite>) -> Answer {
    turn(call, organizer, true).await
}

/// `POST /v1/events/{event}/broadcasts/{broadcast}/resume`
pub(crate) async fn resume(call: Call, organizer: Organizer<EventsWrite>) -> Answer {
    turn(call, organizer, false).await
}

async fn turn(call: Call, organizer: Organizer<EventsWrite>, is_paused: bool) -> Answer {
    let event: EventId = organizer.own_event(&call).await?.event();
    let bytes = call.body().await?;
    json::parse::<Nothing>(&bytes)?;
    let absent = || Problem::new(Code::BroadcastNotFound, "the event has no broadcast of this number");
    let run: u64 = call.parameter(1).parse().map_err(|_| absent())?;
    let found = call.gateway().people.broadcasts.pause(event, run, is_paused).await;
    let found = found.map_err(|error| problem::store(&error))?.ok_or_else(absent)?;
    call.gateway().platform.run_broadcast(event, run);
    render::json(StatusCode::OK, &BroadcastItem::of(&found))
}
