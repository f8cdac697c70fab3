//! Channels: give what is left of one to everyone.

use actix_web::http::StatusCode;
use serde::Serialize;
use tessera_inventory::CommandBody;
use utoipa::ToSchema;

use super::names;
use crate::call::Call;
use crate::caller::{EventsWrite, Organizer};
use crate::json;
use crate::problem;
use crate::render;
use crate::router::Answer;

/// A channel that was released.
#[derive(Serialize, ToSchema)]
#[schema(as = ReleasedChannel)]
pub(crate) struct Released<'a> {
    channel: &'a str,
    sequence: u64,
}

/// `POST /v1/events/{event}/channels/{channel}/release`
pub(crate) async fn release(call: Call, organizer: Organizer<EventsWrite>) -> Answer {
    let access = organizer.own_event(&call).await?;
    let bytes = call.command_body().await?;
    json::parse::<super::Nothing>(&bytes)?;
    let published = call.published(access.event(), true).await?;
    let (_, config) = published.config.as_ref().ok_or_else(problem::not_configured)?;
    let name = percent_encoding::percent_decode_str(call.parameter(1)).decode_utf8_lossy();
    let channel = names::channel(config, &name)?;
    let body = CommandBody::ReleaseChannel { channel };
    let decided = call.decide(&access, body, &bytes).await?;
    let reply = Released { channel: &name, sequence: decided.sequence.0 };
    render::decision(StatusCode::OK, decided.mark, &reply)
}
