//! The door: let tickets in and out.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_inventory::{ClaimNumber, CommandBody, EventBody, EventId, TicketRef};
use tessera_tickets::{Refused, verify};
use utoipa::ToSchema;

use crate::auth::TicketCode;
use crate::call::{Call, Decided};
use crate::caller::{CheckInsWrite, Organizer};
use crate::code::Code;
use crate::ids::IdText;
use crate::instant::Rfc3339;
use crate::json;
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;

/// A ticket at a gate: by `scan`, or by `ticket` and `code`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScanRequest<'a> {
    /// The text of its QR.
    #[serde(borrow, default)]
    scan: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    #[schema(value_type = Option<IdText>)]
    ticket: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    code: Option<Cow<'a, str>>,
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

/// Which ticket was shown, in which generation of its code.
fn shown(call: &Call, event: EventId, request: &ScanRequest<'_>) -> Result<(TicketRef, u8), Problem> {
    let missing = |name: &str| Problem::field(Code::MissingField, name, "send scan, or ticket and code");
    match (&request.scan, &request.ticket, &request.code) {
        (Some(text), None, None) => scanned(call, event, text),
        (Some(_), _, _) => Err(Problem::new(Code::InvalidRequest, "send scan, or ticket and code, not both")
            .with("reason", "scan_and_code")),
        (None, None, _) => Err(missing("ticket")),
        (None, _, None) => Err(missing("code")),
        (None, Some(ticket), Some(code)) => {
            let ticket = call.tag(event).parse_ticket(ticket).ok_or_else(problem::ticket_not_found)?;
            let generation = TicketCode::read(call.keys(), event, ticket, code);
            Ok((ticket, generation.ok_or_else(problem::ticket_not_found)?))
        }
    }
}

/// What a genuine QR says.
fn scanned(call: &Call, event: EventId, text: &str) -> Result<(TicketRef, u8), Problem> {
    let gateway = call.gateway();
    let ring = gateway.ticket_keys.ring();
    let printed = verify(text, event.0, &ring.keys, gateway.now().0).map_err(|refused| match refused {
        Refused::RevokedKey => {
            Problem::new(Code::CodeRevoked, "its key was revoked: ask for the ticket to be shown again")
        }
        Refused::Expired => Problem::new(Code::TicketExpired, "it was good until a time that is over"),
        Refused::NotATicket | Refused::UnknownKey | Refused::Forged | Refused::OtherEvent => {
            Problem::new(Code::TicketNotFound, refused.to_string())
        }
    })?;
    let ticket = TicketRef { order: ClaimNumber(printed.order), index: printed.index.into() };
    Ok((ticket, printed.generation))
}

async fn scan(call: Call, door: Organizer<CheckInsWrite>, inwards: bool) -> Answer {
    let access = door.own_event(&call).await?.at_the_door();
    let bytes = call.command_body().await?;
    let request: ScanRequest<'_> = json::parse(&bytes)?;
    let tag = call.tag(access.event());
    let (ticket, generation) = shown(&call, access.event(), &request)?;
    let gate = request.gate;
    let body = if inwards {
        CommandBody::CheckIn { ticket, generation, gate }
    } else {
        CommandBody::CheckOut { ticket, generation, gate }
    };
    let Decided { sequence, event, mark, .. } = call.decide(&access, body, &bytes).await?;
    match event.body {
        EventBody::CheckedIn { ticket, gate, .. } | EventBody::CheckedOut { ticket, gate, .. } => {
            let reply =
                Scanned { ticket: tag.ticket(ticket), gate, at: Rfc3339(event.at), sequence: sequence.0 };
            render::decision(StatusCode::OK, mark, &reply)
        }
        _ => Err(problem::another_event()),
    }
}
