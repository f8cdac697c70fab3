//! Tickets: transfer, re-issue.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_inventory::{CommandBody, EventBody, Subject};
use utoipa::ToSchema;

use crate::auth::{BuyerToken, Scope};
use crate::call::Call;
use crate::caller::Access;
use crate::code::Code;
use crate::ids::IdText;
use crate::json;
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;
use crate::routes::Nothing;

/// Who receives a ticket.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransferRequest<'a> {
    /// A buyer token, or a reference of the organizer.
    #[serde(borrow)]
    #[schema(min_length = 1)]
    to: Cow<'a, str>,
}

/// A ticket that was handed on.
#[derive(Serialize, ToSchema)]
pub(crate) struct Transferred {
    id: IdText,
    generation: u8,
    sequence: u64,
}

/// `POST /v1/events/{event}/tickets/{ticket}/transfer`
pub(crate) async fn transfer(call: Call) -> Answer {
    let event = call.event()?;
    let ticket = call.tag(event).parse_ticket(call.parameter(1)).ok_or_else(problem::ticket_not_found)?;
    let access = Access::to(&call, event, ticket.order, None, problem::ticket_not_found).await?;
    let bytes = call.command_body().await?;
    let request: TransferRequest<'_> = json::parse(&bytes)?;
    call.published(event, false).await?;
    let organizer = call.card(event).await?.organizer;
    let to = receiver(&call, organizer, &request.to)?;
    let body = CommandBody::TransferTicket { ticket, to };
    let decided = call.decide(&access, body, &bytes).await?;
    let EventBody::TicketTransferred { generation, .. } = decided.event.body else {
        return Err(problem::another_event());
    };
    let reply = Transferred { id: call.tag(event).ticket(ticket), generation, sequence: decided.sequence.0 };
    render::decision(StatusCode::OK, decided.mark, &reply)
}

/// A ticket with a new code.
#[derive(Serialize, ToSchema)]
pub(crate) struct Reissued {
    id: IdText,
    generation: u8,
    sequence: u64,
}

/// `POST /v1/events/{event}/tickets/{ticket}/reissue`
pub(crate) async fn reissue(call: Call) -> Answer {
    let event = call.event()?;
    let ticket = call.tag(event).parse_ticket(call.parameter(1)).ok_or_else(problem::ticket_not_found)?;
    let absent = problem::ticket_not_found;
    let access = Access::to(&call, event, ticket.order, Some(Scope::OrdersWrite), absent).await?;
    let bytes = call.command_body().await?;
    json::parse::<Nothing>(&bytes)?;
    call.published(event, access.is_organizer()).await?;
    let decided = call.decide(&access, CommandBody::ReissueTicket { ticket }, &bytes).await?;
    let EventBody::TicketReissued { generation, .. } = decided.event.body else {
        return Err(problem::another_event());
    };
    let reply = Reissued { id: call.tag(event).ticket(ticket), generation, sequence: decided.sequence.0 };
    render::decision(StatusCode::OK, decided.mark, &reply)
}

/// Who receives a ticket: the buyer of a genuine token (its time does not matter), or one known by reference.
fn receiver(call: &Call, organizer: u128, to: &str) -> Result<Subject, Problem> {
    if !BuyerToken::is_claimed_by(to) {
        return super::known_buyer(call, organizer, to, || "to".to_owned());
    }
    let invalid = |_| Problem::field(Code::InvalidValue, "to", "the buyer token is not valid");
    BuyerToken::read(call.keys(), to).map(|token| token.subject).map_err(invalid)
}
