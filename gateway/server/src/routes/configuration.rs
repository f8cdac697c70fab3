//! The configuration of an event: replace and read it.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tessera_inventory::{
    Authority, Command, CommandBody, Config, EventBody, EventId, IdempotencyKey, Inventory, Sequence,
    Timestamp,
};
use tessera_money::terms::Terms;
use utoipa::ToSchema;

use super::terms;
use crate::call::{Call, Decided};
use crate::caller::{Access, EventsRead, EventsWrite, Organizer};
use crate::code::Code;
use crate::idempotency::RequestKey;
use crate::json;
use crate::limits::CONFIGURATION_BYTES_MAX;
use crate::problem::{self, Problem};
use crate::refusal;
use crate::render;
use crate::router::Answer;
use crate::venue::{self, Room, Venue};

/// A configuration in place of the one of `expected_version`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConfigurationRequest)]
pub(crate) struct ReplaceRequest<'a> {
    /// Zero before the first.
    #[schema(maximum = 4294967295usize)]
    expected_version: u32,
    #[serde(borrow)]
    #[schema(value_type = Venue)]
    configuration: &'a RawValue,
}

/// A configuration that was accepted.
#[derive(Serialize, ToSchema)]
#[schema(as = ReplacedConfiguration)]
pub(crate) struct Replaced {
    version: u32,
    sequence: u64,
}

/// `PUT /v1/events/{event}/configuration`
pub(crate) async fn replace(call: Call, organizer: Organizer<EventsWrite>) -> Answer {
    let access = organizer.own_event(&call).await?;
    let (bytes, _room) = read_body(&call).await?;
    let request: ReplaceRequest<'_> = json::parse(&bytes)?;
    let text = bytes.slice_ref(request.configuration.get().as_bytes());
    let config = read_venue(&call, text.clone(), Purpose::Replace).await?;
    let key = call.key(&access, &bytes)?;
    let (version, decided) = configure(&call, &access, key, request.expected_version, config, &text).await?;
    let reply = Replaced { version, sequence: decided.sequence.0 };
    render::decision(StatusCode::OK, decided.mark, &reply)
}

/// The body of a request that may carry a configuration, and the room that it takes until it is answered.
pub(super) async fn read_body(call: &Call) -> Result<(Bytes, Room), Problem> {
    RequestKey::required(call.headers())?;
    let room = call.gateway().intake.admit(call.headers())?;
    let bytes = call.body_up_to(CONFIGURATION_BYTES_MAX).await?;
    Ok((bytes, room))
}

/// What a venue file is read for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// A new event: with what these terms add to it, it must suit an empty inventory, otherwise no event is created for it.
    Create(Terms),
    /// An event that there is, whose writer decides.
    Replace,
}

/// Reads a venue file into the engine's configuration, off the threads that serve: it may be large.
pub(super) async fn read_venue(call: &Call, text: Bytes, purpose: Purpose) -> Result<Arc<Config>, Problem> {
    let (keys, now) = (call.keys().clone(), call.gateway().now());
    let turn = call.gateway().intake.turn().await?;
    let read = move || {
        // Given back when it is read, also where nobody waits for it any more.
        let _turn = turn;
        let venue = json::parse_at::<Venue>("configuration", &text)?;
        let config = venue::resolve(&keys, &venue).map(Arc::new).map_err(|errors| {
            Problem::fields(Code::InvalidConfiguration, "correct what errors names", errors)
        })?;
        if let Purpose::Create(terms) = &purpose {
            suits_an_empty_event(&terms::added(terms, &[], Arc::clone(&config)), now)?;
        }
        Ok(config)
    };
    actix_web::web::block(read).await.map_err(|error| problem::internal(error.to_string()))?
}

fn suits_an_empty_event(config: &Arc<Config>, now: Timestamp) -> Result<(), Problem> {
    let body = CommandBody::Configure { expected_version: 0, config: Arc::clone(config) };
    let command = Command { authority: Authority::Organizer, key: None, body };
    match Inventory::new(EventId(0)).decide(now, &command) {
        Ok(_) => Ok(()),
        Err(rejection) => Err(refusal::problem(Sequence::ZERO, &rejection, Some(config))),
    }
}

/// Has the configuration accepted, then keeps its text. A retry with the same key keeps the text again, so that a crash
/// between the two is mended by the client that was not answered.
pub(super) async fn configure(
    call: &Call,
    access: &Access,
    key: IdempotencyKey,
    expected_version: u32,
    config: Arc<Config>,
    text: &[u8],
) -> Result<(u32, Decided), Problem> {
    let event = access.event();
    let organizer = call.card(event).await?.organizer;
    let config = terms::with_terms(call, (event, organizer), expected_version, config).await?;
    let body = CommandBody::Configure { expected_version, config };
    let decided = call.decide_under(key, access, body).await?;
    let EventBody::Configured { version, .. } = decided.event.body else {
        return Err(problem::another_event());
    };
    let kept = call.gateway().catalogue.repository.put_venue_file(event, version, text).await;
    if let Err(error) = kept {
        tracing::error!(%error, ?event, version, "a venue file could not be kept");
        return Err(problem::outcome_unknown(0));
    }
    call.settled(event, decided.sequence).await;
    Ok((version, decided))
}

/// The configuration of an event as it was sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct Configuration<'a> {
    version: u32,
    /// Null before the first.
    #[schema(value_type = Option<Venue>, required)]
    configuration: Option<&'a RawValue>,
    sequence: u64,
}

/// `GET /v1/events/{event}/configuration`
pub(crate) async fn read(call: Call, organizer: Organizer<EventsRead>) -> Answer {
    let event = organizer.own_event(&call).await?.event();
    let repository = &call.gateway().catalogue.repository;
    let file = repository.venue_file(event).await.map_err(|error| problem::store(&error))?;
    let text = file.as_ref().map(|file| serde_json::from_slice::<&RawValue>(&file.bytes));
    let configuration = text.transpose().map_err(|error| problem::internal(error.to_string()))?;
    let published = call.opened(event).await?;
    let sequence = published.map_or(Sequence::ZERO, |published| published.availability.sequence).0;
    let reply =
        Configuration { version: file.as_ref().map_or(0, |file| file.version), configuration, sequence };
    render::read(call.headers(), &reply)
}
