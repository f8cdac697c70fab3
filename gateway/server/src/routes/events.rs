//! Events: create, read, replace, list.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tessera_actors::{Published, Replaced};
use tessera_inventory::{EventBody, EventId, IdempotencyKey, Phase, Sequence};
use tessera_projections::catalogue::{CatalogueEvent, CatalogueRequest, Creation};
use tessera_proof::Place;
use utoipa::ToSchema;
use uuid::Builder;

use super::configuration::{self, Purpose};
use super::terms;
use crate::call::Call;
use crate::caller::{EventsRead, EventsWrite, Organizer, Reader, Tenant};
use crate::code::Code;
use crate::idempotency::RequestKey;
use crate::ids::{self, IdText, Kind};
use crate::instant::Rfc3339;
use crate::json;
use crate::limits::NAME_BYTES_MAX;
use crate::problem::{self, Problem};
use crate::render::{self, Mark};
use crate::router::Answer;
use crate::venue::Venue;
use crate::vocabulary::{PhaseName, phase_name};

/// An event to be created.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EventRequest)]
pub(crate) struct CreateRequest<'a> {
    #[serde(borrow)]
    #[schema(min_length = 1, max_length = 200)]
    name: Cow<'a, str>,
    starts_at: Rfc3339,
    #[serde(default)]
    ends_at: Option<Rfc3339>,
    /// An IANA time zone.
    #[serde(borrow)]
    zone: Cow<'a, str>,
    /// Where it is, as tickets and calendars show it.
    #[serde(borrow, default)]
    #[schema(min_length = 1, max_length = 200)]
    place: Option<Cow<'a, str>>,
    /// Version 1, where the event is configured at once.
    #[serde(borrow, default)]
    #[schema(value_type = Option<Venue>)]
    configuration: Option<&'a RawValue>,
}

/// What people are told of an event from now on. What is left out is removed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EventReplacement)]
pub(crate) struct ReplaceRequest<'a> {
    #[serde(borrow)]
    #[schema(min_length = 1, max_length = 200)]
    name: Cow<'a, str>,
    starts_at: Rfc3339,
    #[serde(default)]
    ends_at: Option<Rfc3339>,
    /// An IANA time zone.
    #[serde(borrow)]
    zone: Cow<'a, str>,
    /// Where it is, as tickets and calendars show it.
    #[serde(borrow, default)]
    #[schema(min_length = 1, max_length = 200)]
    place: Option<Cow<'a, str>>,
}

/// An event.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventReply<'a> {
    id: IdText,
    name: &'a str,
    starts_at: Rfc3339,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ends_at: Option<Rfc3339>,
    zone: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    place: Option<&'a str>,
    organizer: IdText,
    #[schema(value_type = PhaseName)]
    phase: &'static str,
    configuration_version: u32,
    sequence: u64,
}

/// `POST /v1/events`
pub(crate) async fn create(call: Call, organizer: Organizer<EventsWrite>) -> Answer {
    let (bytes, _room) = configuration::read_body(&call).await?;
    let request: CreateRequest<'_> = json::parse(&bytes)?;
    let times = (request.starts_at, request.ends_at);
    check(&request.name, times, &request.zone, request.place.as_deref())?;
    let venue = match request.configuration.map(|raw| bytes.slice_ref(raw.get().as_bytes())) {
        Some(text) => {
            let terms = terms::agreed_now(&call, organizer.tenant.number()).await?;
            Some((configuration::read_venue(&call, text.clone(), Purpose::Create(terms)).await?, text))
        }
        None => None,
    };
    let principal = organizer.principal();
    let fingerprint = call.keys().fingerprint(call.request.path(), &bytes);
    let key = RequestKey::required(call.headers())?.on_catalogue(call.keys(), principal.0, fingerprint);
    let now = call.gateway().now();
    let fresh = CatalogueEvent {
        event: EventId(mint(&call)),
        organizer: organizer.tenant.number(),
        name: request.name.clone().into_owned(),
        starts_at: request.starts_at.0,
        ends_at: request.ends_at.map(|ends_at| ends_at.0),
        zone: request.zone.clone().into_owned(),
        place: request.place.clone().unwrap_or_default().into_owned(),
        created_at: now,
        changed_at: now,
        changes: 0,
    };
    let request = CatalogueRequest { digest: key.digest, fingerprint };
    let created = call.gateway().catalogue.repository.create(&fresh, request).await;
    let (card, mut replayed) = match created.map_err(|error| problem::store(&error))? {
        Creation::Created(card) => (card, false),
        Creation::Repeated(card) => (card, true),
        Creation::KeyReused => {
            return Err(Problem::new(
                Code::KeyReused,
                "this key came with another request before; use a fresh key",
            ));
        }
    };
    let (mut configuration_version, mut sequence) = (0, Sequence::ZERO);
    if let Some((config, text)) = venue {
        // The key is remembered as long as the event, so that its age says nothing: the catalogue knows what came under it.
        let access = organizer.own(&card)?;
        let key = IdempotencyKey { minted_at: None, ..call.key(&access, &bytes)? };
        let configured = configuration::configure(&call, &access, key, 0, config, &text).await;
        (configuration_version, sequence) = match configured {
            Ok((version, decided)) => {
                replayed &= decided.mark.replayed;
                (version, decided.sequence)
            }
            Err(refused) if replayed => first_configuration(&call, card.event, refused).await?,
            Err(refused) => return Err(refused),
        };
    }
    let reply = EventReply { configuration_version, sequence: sequence.0, ..card_reply(&card) };
    let place = Place::Accepted { sequence: sequence.0 };
    let receipt = if sequence > Sequence::ZERO { call.receipt(card.event, place) } else { None };
    render::decision(StatusCode::CREATED, Mark { replayed, receipt }, &reply)
}

/// What an event was created with, for a retry so late that its writer has forgotten the key: its log begins with it.
async fn first_configuration(
    call: &Call,
    event: EventId,
    refused: Problem,
) -> Result<(u32, Sequence), Problem> {
    if ![Code::StaleVersion, Code::WrongPhase].contains(&refused.code()) {
        return Err(refused);
    }
    let first = call.inventory().changes(event, Sequence::ZERO, 1).await;
    match first.map_err(|error| problem::store(&error))?.first() {
        Some((sequence, first)) => match first.body {
            EventBody::Configured { version, .. } => Ok((version, *sequence)),
            _ => Err(refused),
        },
        None => Err(refused),
    }
}

fn check(
    name: &str,
    (starts_at, ends_at): (Rfc3339, Option<Rfc3339>),
    zone: &str,
    place: Option<&str>,
) -> Result<(), Problem> {
    if name.trim().is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(Problem::field(Code::InvalidValue, "name", "a name has 1 to 200 bytes"));
    }
    if jiff::tz::TimeZone::get(zone).is_err() {
        let message = "not an IANA time zone such as Europe/Berlin";
        return Err(Problem::field(Code::InvalidValue, "zone", message));
    }
    if ends_at.is_some_and(|ends_at| ends_at.0 <= starts_at.0) {
        return Err(Problem::field(Code::InvalidValue, "ends_at", "an event ends after it starts"));
    }
    let is_place = |place: &str| !place.trim().is_empty() && place.len() <= NAME_BYTES_MAX;
    if place.is_some_and(|place| !is_place(place)) {
        return Err(Problem::field(Code::InvalidValue, "place", "a place has 1 to 200 bytes"));
    }
    Ok(())
}

/// A fresh UUIDv7.
pub(super) fn mint(call: &Call) -> u128 {
    let environment = &call.gateway().environment;
    let mut random = [0; 10];
    random.copy_from_slice(&environment.random.bits().to_be_bytes()[..10]);
    Builder::from_unix_timestamp_millis(environment.clock.wall().0, &random).into_uuid().as_u128()
}

/// An event that has no log yet.
fn card_reply(card: &CatalogueEvent) -> EventReply<'_> {
    EventReply {
        id: ids::event(card.event),
        name: &card.name,
        starts_at: Rfc3339(card.starts_at),
        ends_at: card.ends_at.map(Rfc3339),
        zone: &card.zone,
        place: (!card.place.is_empty()).then_some(card.place.as_str()),
        organizer: IdText::new(Kind::Organizer, card.organizer),
        phase: phase_name(Phase::Draft),
        configuration_version: 0,
        sequence: 0,
    }
}

/// `GET /v1/events/{event}`
pub(crate) async fn read(call: Call, reader: Reader) -> Answer {
    let event = call.event()?;
    let card = call.card(event).await?;
    let owns = reader.owns(&call, event).await?;
    let published = call.opened(event).await?;
    if phase_of(published.as_deref()) == Phase::Draft && !owns {
        return Err(problem::event_not_found());
    }
    render::read(call.headers(), &reply(&card, published.as_deref()))
}

/// `PUT /v1/events/{event}`
pub(crate) async fn replace(call: Call, organizer: Organizer<EventsWrite>) -> Answer {
    let event = organizer.own_event(&call).await?.event();
    let bytes = call.body().await?;
    let request: ReplaceRequest<'_> = json::parse(&bytes)?;
    let times = (request.starts_at, request.ends_at);
    check(&request.name, times, &request.zone, request.place.as_deref())?;
    let published = call.opened(event).await?;
    let now = call.gateway().now();
    let card = CatalogueEvent {
        event,
        // Whose it is and when it was created stay as they are, and changes are counted there.
        organizer: 0,
        created_at: now,
        changed_at: now,
        changes: 0,
        name: request.name.into_owned(),
        starts_at: request.starts_at.0,
        ends_at: request.ends_at.map(|ends_at| ends_at.0),
        zone: request.zone.into_owned(),
        place: request.place.unwrap_or_default().into_owned(),
    };
    // Who was told that it does not take place needs to hear no more; of a draft nobody knows.
    let is_told_of = !matches!(phase_of(published.as_deref()), Phase::Draft | Phase::Cancelled);
    let are_told = call.gateway().settings.messages.enabled && is_told_of;
    let replaced = call.gateway().platform.replace_card(&card, are_told).await;
    call.gateway().catalogue.look_again();
    match replaced.map_err(|error| problem::store(&error))? {
        Replaced::Card(card, _) => render::json(StatusCode::OK, &reply(&card, published.as_deref())),
        Replaced::NotFound => Err(problem::event_not_found()),
        Replaced::TooMany => {
            let detail =
                "nobody could be told of it: people have heard of as many changes as one event may have";
            Err(Problem::new(Code::InvalidRequest, detail).with("reason", "too_many_broadcasts"))
        }
    }
}

fn phase_of(published: Option<&Published>) -> Phase {
    published.map_or(Phase::Draft, |published| published.availability.phase)
}

/// An event as it stands.
fn reply<'a>(card: &'a CatalogueEvent, published: Option<&Published>) -> EventReply<'a> {
    let view = published.map(|published| &published.availability);
    EventReply {
        phase: phase_name(phase_of(published)),
        configuration_version: view.map_or(0, |view| view.config_version),
        sequence: view.map_or(0, |view| view.sequence.0),
        ..card_reply(card)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// An event as it is listed.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListedEvent<'a> {
    id: IdText,
    name: &'a str,
    starts_at: Rfc3339,
    zone: &'a str,
    organizer: IdText,
}

/// A page of events, oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventList<'a> {
    items: Vec<ListedEvent<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required)]
    next: Option<IdText>,
}

/// `GET /v1/events`
pub(crate) async fn list(call: Call, organizer: Organizer<EventsRead>) -> Answer {
    let query: ListQuery = call.query()?;
    let limit = super::list_limit(query.limit)?;
    let after = super::cursor(query.cursor.as_deref(), ids::parse_event)?;
    let repository = &call.gateway().catalogue.repository;
    let page = match organizer.tenant {
        Tenant::All => repository.list(after, limit).await,
        Tenant::Of(organizer) => repository.list_of(organizer.get(), after, limit).await,
    };
    let page = page.map_err(|error| problem::store(&error))?;
    let item = |card| {
        let EventReply { id, name, starts_at, zone, organizer, .. } = card_reply(card);
        ListedEvent { id, name, starts_at, zone, organizer }
    };
    let reply = EventList { items: page.events.iter().map(item).collect(), next: page.next.map(ids::event) };
    render::read(call.headers(), &reply)
}
