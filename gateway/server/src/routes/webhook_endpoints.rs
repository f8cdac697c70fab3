//! Webhook endpoints: where an organizer wants to be told, and of what.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::num::NonZeroU128;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_inventory::{EventId, Timestamp};
use tessera_outbound::{Target, is_public};
use tessera_projections::webhooks::{Creation, Disabled, Endpoint, EndpointId, Secret, Standing, Why};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::Call;
use crate::caller::{EventsRead, Organizer, Tenant, WebhooksWrite};
use crate::code::Code;
use crate::ids::{self, IdText, Kind};
use crate::instant::Rfc3339;
use crate::json;
use crate::limits::{WEBHOOK_EVENTS_MAX, WEBHOOK_OVERLAP_S, WEBHOOK_OVERLAP_S_MAX, WEBHOOK_SECRET_BYTES};
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;
use crate::webhooks::{self, MESSAGE_TYPES, TypeName};

/// An endpoint to be made, or as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookEndpointRequest)]
pub(crate) struct EndpointRequest<'a> {
    /// `https://` or `http://`, without user and fragment.
    #[serde(borrow)]
    #[schema(min_length = 8, max_length = 2048, pattern = "^https?://[^#]+$")]
    url: Cow<'a, str>,
    /// Types of messages that are wanted, each once; none: all.
    #[serde(borrow, default)]
    #[schema(value_type = Vec<TypeName>, required = false, max_items = 17)]
    types: Vec<Cow<'a, str>>,
    /// Events of which messages are wanted; none: all of the organizer's.
    #[serde(borrow, default)]
    #[schema(value_type = Vec<IdText>, required = false, max_items = 100)]
    events: Vec<Cow<'a, str>>,
    /// Whether messages are sent to it.
    #[serde(default = "yes")]
    #[schema(default = true)]
    enabled: bool,
}

const fn yes() -> bool {
    true
}

/// An endpoint.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub(crate) struct EndpointItem<'a> {
    id: IdText,
    /// Whose it is, and of whose events it is told.
    organizer: IdText,
    url: &'a str,
    /// A later release may have others.
    #[schema(value_type = Vec<String>)]
    types: &'a [String],
    events: Vec<IdText>,
    enabled: bool,
    /// Since when and why nothing is sent to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    disabled: Option<DisabledItem>,
    created_at: Rfc3339,
    /// Since when it is told of what happens; absent while it is not. What happened within the minute before may come, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    told_since: Option<Rfc3339>,
    /// Messages that wait.
    pending: u64,
    /// It was disabled, and is sent what waits; it is told of what happens again when at most 50,000 wait.
    catching_up: bool,
    /// When the first attempt failed since the last that succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    failing_since: Option<Rfc3339>,
    /// Until when nothing is sent to it: it failed, or asked for the pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    paused_until: Option<Rfc3339>,
    /// Secrets that sign, the newest first; the texts are shown once, when they are made.
    secrets: Vec<SecretItem>,
}

/// Since when and why nothing is sent to an endpoint.
#[derive(Serialize, ToSchema)]
pub(crate) struct DisabledItem {
    at: Rfc3339,
    #[schema(pattern = "^(organizer|gone|failing|backlog)$")]
    reason: &'static str,
}

/// A secret that signs.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretItem {
    /// Until when; null: until another one is made.
    #[schema(required)]
    valid_until: Option<Rfc3339>,
}

/// An endpoint that was made, or whose secret was: with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = MadeWebhookEndpoint)]
pub(crate) struct Made<'a> {
    #[serde(flatten)]
    endpoint: EndpointItem<'a>,
    #[schema(pattern = "^whsec_")]
    secret: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// A page of endpoints.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookEndpointList<'a> {
    items: Vec<EndpointItem<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required)]
    next: Option<String>,
}

/// How the new secret follows the old one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookSecretRequest)]
pub(crate) struct SecretRequest {
    /// How long the old one signs beside it, in seconds.
    #[serde(default = "overlap")]
    #[schema(maximum = 604_800, default = 86_400)]
    overlap_s: u64,
}

const fn overlap() -> u64 {
    WEBHOOK_OVERLAP_S
}

/// `POST /v1/webhook-endpoints`
pub(crate) async fn make(call: Call, who: Organizer<WebhooksWrite>) -> Answer {
    let bytes = call.body().await?;
    let wanted = Wanted::read(&call, &bytes)?;
    let (random, now) = (&call.gateway().environment.random, call.gateway().now());
    let endpoint = Uuid::new_v8(random.bits().to_be_bytes()).as_u128();
    let secret = fresh_secret(&call);
    let endpoint = Endpoint {
        id: EndpointId { organizer: who.tenant.number(), endpoint },
        url: wanted.url,
        types: wanted.types,
        events: wanted.events,
        secrets: vec![Secret { bytes: secret.clone(), valid_until: None }],
        created_at: now,
        told_from: now,
        disabled: (!wanted.enabled).then_some(Disabled { at: now, why: Why::Organizer }),
        catches_up: false,
    };
    let created = call.gateway().webhook_endpoints.create(&endpoint).await;
    match created.map_err(|error| problem::store(&error))? {
        Creation::Created => made(&endpoint, Standing::default(), now, &secret),
        Creation::TooMany => {
            let detail = "an organizer has at most 16 webhook endpoints; remove one, or change it";
            Err(Problem::new(Code::InvalidRequest, detail).with("reason", "too_many_endpoints"))
        }
    }
}

/// `GET /v1/webhook-endpoints`
pub(crate) async fn list(call: Call, who: Organizer<EventsRead>) -> Answer {
    let query: ListQuery = call.query()?;
    let limit = super::list_limit(query.limit)?;
    let after = super::cursor(query.cursor.as_deref(), read_id)?;
    let (gateway, organizer) = (call.gateway(), who.tenant.organizer().map(NonZeroU128::get));
    let found = gateway.webhook_endpoints.list(organizer, after, limit).await;
    let found = found.map_err(|error| problem::store(&error))?;
    let mut items = Vec::with_capacity(found.len());
    for endpoint in &found {
        items.push(item(endpoint, standing(&call, endpoint).await?, gateway.now()));
    }
    let next = found.last().filter(|_| found.len() == limit).map(|last| id_text(last.id));
    render::read(call.headers(), &WebhookEndpointList { items, next })
}

/// `GET /v1/webhook-endpoints/{endpoint}`
pub(crate) async fn read(call: Call, who: Organizer<EventsRead>) -> Answer {
    let endpoint = find(&call, who.tenant).await?;
    let standing = standing(&call, &endpoint).await?;
    render::read(call.headers(), &item(&endpoint, standing, call.gateway().now()))
}

/// `PUT /v1/webhook-endpoints/{endpoint}`
pub(crate) async fn replace(call: Call, who: Organizer<WebhooksWrite>) -> Answer {
    let Endpoint { id, .. } = find(&call, who.tenant).await?;
    let bytes = call.body().await?;
    let wanted = Wanted::read(&call, &bytes)?;
    let (gateway, now) = (call.gateway(), call.gateway().now());
    let changed = gateway.webhook_endpoints.update(id, |endpoint, standing| {
        endpoint.url.clone_from(&wanted.url);
        endpoint.types.clone_from(&wanted.types);
        endpoint.events.clone_from(&wanted.events);
        if wanted.enabled {
            endpoint.enable(standing, now);
        } else {
            endpoint.disabled.get_or_insert(Disabled { at: now, why: Why::Organizer });
        }
    });
    let changed = changed.await.map_err(|error| problem::store(&error))?;
    let (endpoint, standing) = changed.ok_or_else(not_found)?;
    if wanted.enabled {
        gateway.platform.send_webhooks(id);
    }
    render::json(StatusCode::OK, &item(&endpoint, standing, now))
}

/// `DELETE /v1/webhook-endpoints/{endpoint}`
pub(crate) async fn remove(call: Call, who: Organizer<WebhooksWrite>) -> Answer {
    let Endpoint { id, .. } = find(&call, who.tenant).await?;
    let removed = call.gateway().webhook_endpoints.remove(id).await;
    if removed.map_err(|error| problem::store(&error))? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(not_found())
    }
}

/// `POST /v1/webhook-endpoints/{endpoint}/secrets`
pub(crate) async fn rotate(call: Call, who: Organizer<WebhooksWrite>) -> Answer {
    let Endpoint { id, .. } = find(&call, who.tenant).await?;
    let bytes = call.body().await?;
    let request: SecretRequest = json::parse(&bytes)?;
    if request.overlap_s > WEBHOOK_OVERLAP_S_MAX {
        let detail = "an old secret signs for at most 604800 seconds beside a new one";
        return Err(Problem::field(Code::OutOfRange, "overlap_s", detail));
    }
    let (secret, now) = (fresh_secret(&call), call.gateway().now());
    let until = Timestamp(now.0.saturating_add(request.overlap_s * 1_000));
    let endpoints = &call.gateway().webhook_endpoints;
    let rotated = endpoints.update(id, |endpoint, _| {
        // Run again, it finds what an attempt of unknown outcome has done.
        if endpoint.secrets.first().is_none_or(|newest| newest.bytes != secret) {
            endpoint.rotate(secret.clone(), now, until);
        }
    });
    let rotated = rotated.await.map_err(|error| problem::store(&error))?;
    let (endpoint, standing) = rotated.ok_or_else(not_found)?;
    made(&endpoint, standing, now, &secret)
}

/// The endpoint that the path names: one of the organizer's own, for the administrator anybody's.
pub(super) async fn find(call: &Call, tenant: Tenant) -> Result<Endpoint, Problem> {
    let endpoint = ids::parse(Kind::WebhookEndpoint, call.parameter(0)).ok_or_else(not_found)?;
    let endpoints = &call.gateway().webhook_endpoints;
    let found = match tenant.organizer() {
        Some(organizer) => endpoints.get(EndpointId { organizer: organizer.get(), endpoint }).await,
        None => endpoints.find(endpoint).await,
    };
    found.map_err(|error| problem::store(&error))?.ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::new(Code::WebhookEndpointNotFound, "there is no webhook endpoint of this id")
}

/// What a request says, checked.
struct Wanted {
    url: String,
    types: Vec<String>,
    events: Vec<EventId>,
    enabled: bool,
}

impl Wanted {
    fn read(call: &Call, bytes: &[u8]) -> Result<Wanted, Problem> {
        let request: EndpointRequest<'_> = json::parse(bytes)?;
        let wrong = |path: String, detail: &str| Problem::field(Code::InvalidValue, path, detail);
        let target = Target::parse(&request.url).map_err(|detail| wrong("url".to_owned(), detail))?;
        let private_targets = call.gateway().settings.webhooks.private_targets;
        if !private_targets && target.address().is_some_and(|address| !is_public(address)) {
            return Err(wrong("url".to_owned(), "the address is not a public one"));
        }
        let mut known = BTreeSet::new();
        for (at, name) in request.types.iter().enumerate() {
            if !MESSAGE_TYPES.contains(&&**name) || !known.insert(name) {
                return Err(wrong(format!("types[{at}]"), "name types of messages, each once"));
            }
        }
        if request.events.len() > WEBHOOK_EVENTS_MAX {
            return Err(wrong("events".to_owned(), "name at most 100 events, or none for all"));
        }
        let mut events = Vec::with_capacity(request.events.len());
        for (at, text) in request.events.iter().enumerate() {
            let event = ids::parse_event(text);
            events.push(event.ok_or_else(|| wrong(format!("events[{at}]"), "not the id of an event"))?);
        }
        let types = request.types.iter().map(|name| name.clone().into_owned()).collect();
        Ok(Wanted { url: request.url.into_owned(), types, events, enabled: request.enabled })
    }
}

fn fresh_secret(call: &Call) -> Vec<u8> {
    let random = &call.gateway().environment.random;
    let mut bytes = random.bits().to_be_bytes().to_vec();
    while bytes.len() < WEBHOOK_SECRET_BYTES {
        bytes.extend(random.bits().to_be_bytes());
    }
    bytes.truncate(WEBHOOK_SECRET_BYTES);
    bytes
}

async fn standing(call: &Call, endpoint: &Endpoint) -> Result<Standing, Problem> {
    let standing = call.gateway().webhook_deliveries.standing(endpoint.id.endpoint).await;
    standing.map_err(|error| problem::store(&error))
}

fn made(endpoint: &Endpoint, standing: Standing, now: Timestamp, secret: &[u8]) -> Answer {
    let made = Made { endpoint: item(endpoint, standing, now), secret: webhooks::secret_text(secret) };
    render::json(StatusCode::CREATED, &made)
}

fn item(endpoint: &Endpoint, standing: Standing, now: Timestamp) -> EndpointItem<'_> {
    let disabled =
        |disabled: Disabled| DisabledItem { at: Rfc3339(disabled.at), reason: reason(disabled.why) };
    let secret = |secret: &Secret| SecretItem { valid_until: secret.valid_until.map(Rfc3339) };
    EndpointItem {
        id: IdText::new(Kind::WebhookEndpoint, endpoint.id.endpoint),
        organizer: IdText::new(Kind::Organizer, endpoint.id.organizer),
        url: &endpoint.url,
        types: &endpoint.types,
        events: endpoint.events.iter().map(|event| ids::event(*event)).collect(),
        enabled: endpoint.disabled.is_none(),
        disabled: endpoint.disabled.map(disabled),
        created_at: Rfc3339(endpoint.created_at),
        told_since: endpoint.listens().then_some(Rfc3339(endpoint.told_from)),
        pending: standing.pending,
        catching_up: endpoint.catches_up,
        failing_since: standing.failing_since.map(Rfc3339),
        paused_until: standing.paused_until.filter(|until| *until > now).map(Rfc3339),
        secrets: endpoint.valid_secrets(now).map(secret).collect(),
    }
}

const fn reason(why: Why) -> &'static str {
    match why {
        Why::Organizer => "organizer",
        Why::Gone => "gone",
        Why::Failing => "failing",
        Why::Backlog => "backlog",
    }
}

/// An endpoint as a cursor.
fn id_text(id: EndpointId) -> String {
    format!("{:x}-{:x}", id.organizer, id.endpoint)
}

fn read_id(text: &str) -> Option<EndpointId> {
    let (organizer, endpoint) = text.split_once('-')?;
    let number = |text| u128::from_str_radix(text, 16).ok();
    let id = EndpointId { organizer: number(organizer)?, endpoint: number(endpoint)? };
    (id_text(id) == text).then_some(id)
}
