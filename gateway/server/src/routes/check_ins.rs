//! The door: let tickets in and out.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_inventory::{CommandBody, EventBody};
use utoipa::ToSchema;

use crate::auth::TicketCode;
use crate::call::{Call, Decided};
use crate::caller::{CheckInsWrite, Organizer};
use crate::ids::IdText;
use crate::instant::Rfc3339;
use crate::json;
use crate::problem;
use crate::render;
use crate::router::Answer;

/// A ticket at a gate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScanRequest<'a> {
    #[serde(borrow)]
    #[schema(value_type = IdText)]
    ticket: Cow<'a, str>,
    #[serde(borrow)]
    code: Cow<'a, str>,
    #[schema(maximum = 65535)]
    gate: u16,
}

/// A ticket that was let in or out.
#[derive(Serialize, ToSchema)]
pub(crate) struct Scanned {
    ticket: IdText,
    gate: u16,
    at: Rfc3339,
    sequence: u64,
}

/// `POST /v1/events/{event}/check-ins`
pub(crate) async fn check_in(call: Call, door: Organizer<CheckInsWrite>) -> Answer {
    scan(call, door, true).await
}

/// `POST /v1/events/{event}/check-outs`
pub(crate) async fn check_out(call: Call, door: Organizer<CheckInsWrite>) -> Answer {
    scan(call, door, false).await
}

async fn scan(call: Call, door: Organizer<CheckInsWrite>, inwards: bool) -> Answer {
    let access = door.own_event(&call).await?.at_the_door();
    let bytes = call.command_body().await?;
    let request: ScanRequest<'_> = json::parse(&bytes)?;
    let tag = call.tag(access.event());
    let ticket = tag.parse_ticket(&request.ticket).ok_or_else(problem::ticket_not_found)?;
    let generation = TicketCode::read(call.keys(), access.event(), ticket, &request.code);
    let (generation, gate) = (generation.ok_or_else(problem::ticket_not_found)?, request.gate);
    let body = if inwards {
        CommandBody::CheckIn { ticket, generation, gate }
    } else {
        CommandBody::CheckOut { ticket, generation, gate }
    };
    let Decided { sequence, event, mark, .. } = call.decide(&access, body, &bytes).await?;
    match event.body {
        EventBody::CheckedIn { ticket, gate } | EventBody::CheckedOut { ticket, gate } => {
            let reply =
                Scanned { ticket: tag.ticket(ticket), gate, at: Rfc3339(event.at), sequence: sequence.0 };
            render::decision(StatusCode::OK, mark, &reply)
        }
        _ => Err(problem::another_event()),
    }
}
