//! What was said to a buyer, in its inbox here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_correspondence::InboxItem;
use tessera_inventory::{EventId, TicketRef};
use utoipa::ToSchema;

use crate::call::Call;
use crate::caller::Buyer;
use crate::code::Code;
use crate::ids::{self, IdText};
use crate::instant::Rfc3339;
use crate::json;
use crate::limits::LIST_LIMIT_MAX;
use crate::messages::{place_text, read_place};
use crate::problem::{self, Problem};
use crate::render;
use crate::render::changes::dispute_name;
use crate::router::Answer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// A message in an inbox.
#[derive(Serialize, ToSchema)]
#[schema(as = InboxItem)]
pub(crate) struct Item {
    id: String,
    /// What it is about.
    kind: &'static str,
    at: Rfc3339,
    event: IdText,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    order: Option<IdText>,
    /// Tickets that it is about. None: all of the order that the buyer holds; of a `refund`, none: an amount is given back, and they stay
    /// valid. Of a `dispute`, those that are void by it.
    tickets: Vec<IdText>,
    /// How the dispute stands that it is about: `open`, `won`, `lost`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    dispute: Option<&'static str>,
    /// What a broadcast says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    title: Option<String>,
    /// What a broadcast says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    text: Option<String>,
    read: bool,
}

/// A page of an inbox.
#[derive(Serialize, ToSchema)]
#[schema(as = InboxPage)]
pub(crate) struct InboxPage {
    items: Vec<Item>,
    /// Where the next page begins; null at the end.
    #[schema(required)]
    next: Option<String>,
}

/// What a broadcast says, by name.
type Words = Vec<(String, String)>;

/// `GET /v1/inbox`
pub(crate) async fn list(call: Call, buyer: Buyer) -> Answer {
    let query: ListQuery = call.query()?;
    let limit = super::list_limit(query.limit)?;
    let before = super::cursor(query.cursor.as_deref(), read_place)?;
    let people = &call.gateway().people;
    let found = people.inbox.list(buyer.subject, before, limit).await;
    let found = found.map_err(|error| problem::store(&error))?;
    let mut broadcasts: BTreeMap<(EventId, u64), Words> = BTreeMap::new();
    for item in found.iter().filter(|item| is_broadcast(item)) {
        let id = (item.place.event, item.place.sequence.0);
        if let Entry::Vacant(place) = broadcasts.entry(id) {
            let broadcast = people.broadcasts.get(id.0, id.1).await;
            let broadcast = broadcast.map_err(|error| problem::store(&error))?;
            place.insert(broadcast.map(|broadcast| broadcast.variables).unwrap_or_default());
        }
    }
    let next = found.last().filter(|_| found.len() == limit).map(|last| place_text(last.place));
    let items = found.iter().map(|item| render_item(&call, item, &broadcasts)).collect();
    render::read(call.headers(), &InboxPage { items, next })
}

fn is_broadcast(item: &InboxItem) -> bool {
    use tessera_correspondence::Kind::{Announcement, Emergency};
    matches!(item.kind, Announcement | Emergency)
}

fn render_item(call: &Call, item: &InboxItem, broadcasts: &BTreeMap<(EventId, u64), Words>) -> Item {
    let (event, tag) = (item.place.event, call.tag(item.place.event));
    let words = broadcasts.get(&(event, item.place.sequence.0)).filter(|_| is_broadcast(item));
    let word = |wanted: &str| words?.iter().find(|(name, _)| name == wanted).map(|(_, text)| text.clone());
    let ticket = |order| item.tickets.iter().map(move |index| tag.ticket(TicketRef { order, index: *index }));
    Item {
        id: place_text(item.place),
        kind: item.kind.name(),
        at: Rfc3339(item.place.at),
        event: ids::event(event),
        order: item.order.map(|order| tag.order(order)),
        tickets: item.order.into_iter().flat_map(ticket).collect(),
        dispute: item.dispute.map(dispute_name),
        title: word("title"),
        text: word("text"),
        read: item.is_read,
    }
}

/// Messages that were read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InboxReadRequest)]
pub(crate) struct ReadRequest<'a> {
    #[serde(borrow)]
    #[schema(min_items = 1, max_items = 200)]
    items: Vec<Cow<'a, str>>,
}

/// How many of them there are.
#[derive(Serialize, ToSchema)]
#[schema(as = InboxRead)]
pub(crate) struct ReadReply {
    read: usize,
}

/// `POST /v1/inbox/reads`
pub(crate) async fn mark(call: Call, buyer: Buyer) -> Answer {
    let bytes = call.body().await?;
    let request: ReadRequest<'_> = json::parse(&bytes)?;
    if request.items.is_empty() || request.items.len() > LIST_LIMIT_MAX {
        return Err(Problem::field(Code::InvalidValue, "items", "name 1 to 200 messages"));
    }
    let mut places = Vec::with_capacity(request.items.len());
    for (at, text) in request.items.iter().enumerate() {
        let wrong = || Problem::field(Code::InvalidValue, format!("items[{at}]"), "not the id of a message");
        places.push(read_place(text).ok_or_else(wrong)?);
    }
    let read = call.gateway().people.inbox.mark(buyer.subject, &places).await;
    render::json(StatusCode::OK, &ReadReply { read: read.map_err(|error| problem::store(&error))? })
}
