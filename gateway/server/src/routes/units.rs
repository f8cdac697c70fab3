//! Units: withdraw them from sale, and give them back.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_inventory::{CommandBody, Config, EventBody, SeatIndex, Units};
use utoipa::ToSchema;

use super::names;
use crate::call::Call;
use crate::caller::{EventsWrite, Organizer};
use crate::code::Code;
use crate::json;
use crate::limits::UNITS_SEATS_MAX;
use crate::problem::{self, Problem};
use crate::render;
use crate::render::changes::{UnitsReply, units_reply};
use crate::router::Answer;

/// Units of a pool, or seats: `pool` and `quantity`, or `seats`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnitsRequest<'a> {
    #[serde(borrow, default)]
    pool: Option<Cow<'a, str>>,
    #[serde(default)]
    #[schema(maximum = 4294967295usize)]
    quantity: Option<u32>,
    #[serde(default)]
    #[schema(max_items = 5000)]
    seats: Option<Vec<u32>>,
}

/// What was killed or restored.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangedUnits)]
pub(crate) struct Changed<'a> {
    #[serde(flatten)]
    units: UnitsReply<'a>,
    sequence: u64,
}

/// `POST /v1/events/{event}/kills`
pub(crate) async fn kill(call: Call, organizer: Organizer<EventsWrite>) -> Answer {
    change(call, organizer, CommandBody::Kill).await
}

/// `POST /v1/events/{event}/restores`
pub(crate) async fn restore(call: Call, organizer: Organizer<EventsWrite>) -> Answer {
    change(call, organizer, CommandBody::Restore).await
}

async fn change(call: Call, organizer: Organizer<EventsWrite>, command: fn(Units) -> CommandBody) -> Answer {
    let access = organizer.own_event(&call).await?;
    let bytes = call.command_body().await?;
    let request: UnitsRequest<'_> = json::parse(&bytes)?;
    let published = call.published(access.event(), true).await?;
    let (_, config) = published.config.as_ref().ok_or_else(problem::not_configured)?;
    let body = command(wanted(config, &request)?);
    let decided = call.decide(&access, body, &bytes).await?;
    match &decided.event.body {
        EventBody::UnitsKilled(units) | EventBody::UnitsRestored(units) => {
            let reply = Changed { units: units_reply(config, units), sequence: decided.sequence.0 };
            render::decision(StatusCode::OK, decided.mark, &reply)
        }
        _ => Err(problem::another_event()),
    }
}

fn wanted(config: &Config, request: &UnitsRequest<'_>) -> Result<Units, Problem> {
    match (&request.pool, request.quantity, &request.seats) {
        (Some(pool), Some(quantity), None) => Ok(Units::Pool { pool: names::pool(config, pool)?, quantity }),
        (None, None, Some(seats)) if seats.len() <= UNITS_SEATS_MAX => {
            Ok(Units::Seats(seats.iter().copied().map(SeatIndex).collect()))
        }
        (None, None, Some(_)) => {
            Err(Problem::field(Code::InvalidValue, "seats", "name at most 5000 seats at once"))
        }
        _ => Err(Problem::field(Code::InvalidValue, "", "say either pool and quantity, or seats")),
    }
}
