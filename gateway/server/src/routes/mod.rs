//! Controllers: one module per resource. Each reads a request, asks, and renders the reply.

pub(crate) mod api_keys;
pub(crate) mod availability;
pub(crate) mod buyer_tokens;
pub(crate) mod changes;
pub(crate) mod channels;
pub(crate) mod check_ins;
pub(crate) mod configuration;
pub(crate) mod docs;
pub(crate) mod events;
pub(crate) mod holds;
pub(crate) mod names;
pub(crate) mod nodes;
pub(crate) mod offers;
pub(crate) mod operations;
pub(crate) mod orders;
pub(crate) mod phases;
pub(crate) mod probes;
pub(crate) mod receipts;
pub(crate) mod seats;
pub(crate) mod stream;
pub(crate) mod tickets;
pub(crate) mod tickets_shown;
pub(crate) mod units;
pub(crate) mod webhook_deliveries;
pub(crate) mod webhook_endpoints;

use serde::Deserialize;
use tessera_inventory::{ClaimNumber, CommandBody, EventBody, EventId, Line, Sequence, Subject};
use utoipa::ToSchema;

use crate::call::{Call, Decided};
use crate::caller::Access;
use crate::code::Code;
use crate::limits::{BUYER_REFERENCE_BYTES_MAX, LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX};
use crate::problem::{self, Problem};

/// The body of a command that needs none: absent, or an empty object.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// Decides a command on a hold or an order; answers with its lines, which come with the decision: nothing needs another
/// turn of the writer. A repeated command may concern what has ended since: that stands in the log only, and where the log
/// does not answer, the outcome is unknown, never "not executed".
pub(crate) async fn decide_on_claim(
    call: &Call,
    number: ClaimNumber,
    access: &Access,
    body: CommandBody,
    bytes: &[u8],
) -> Result<(Decided, Vec<Line>), Problem> {
    let mut decided = call.decide(access, body, bytes).await?;
    let lines = match decided.claim.take() {
        Some(view) => view.lines,
        None => lines_in_log(call, access.event(), number).await?,
    };
    Ok((decided, lines))
}

async fn lines_in_log(call: &Call, event: EventId, number: ClaimNumber) -> Result<Vec<Line>, Problem> {
    let before = Sequence(number.0.saturating_sub(1));
    let found = call.inventory().changes(event, before, 1).await.map_err(|error| {
        tracing::error!(%error, "the lines of what was decided could not be read");
        problem::outcome_unknown(0)
    })?;
    match found.first().map(|(_, event)| &event.body) {
        Some(EventBody::HoldPlaced(placed)) => Ok(placed.lines.clone()),
        _ => Err(problem::internal("the log has no hold where one was decided on")),
    }
}

/// The buyer whom an organizer knows by this reference, which stands at `path` of the request.
pub(crate) fn known_buyer(
    call: &Call,
    organizer: u128,
    reference: &str,
    path: impl FnOnce() -> String,
) -> Result<Subject, Problem> {
    if reference.is_empty() || reference.len() > BUYER_REFERENCE_BYTES_MAX {
        return Err(Problem::field(Code::InvalidValue, path(), "a buyer reference has 1 to 128 bytes"));
    }
    Ok(call.keys().subject(organizer, reference))
}

/// How many items a list may have.
pub(crate) fn list_limit(limit: Option<usize>) -> Result<usize, Problem> {
    match limit.unwrap_or(LIST_LIMIT_DEFAULT) {
        limit @ 1..=LIST_LIMIT_MAX => Ok(limit),
        _ => Err(Problem::field(Code::OutOfRange, "limit", "a list has 1 to 200 items")),
    }
}

/// The last item of the page before: every list goes on after the identifier that it gave as `next`.
pub(crate) fn cursor<T>(
    text: Option<&str>,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let wrong = || Problem::field(Code::InvalidValue, "cursor", "send the cursor that the list gave as next");
    text.map(|text| read(text).ok_or_else(wrong)).transpose()
}
