//! Controllers: one module per resource. Each reads a request, asks, and renders the reply.

pub(crate) mod api_keys;
pub(crate) mod availability;
pub(crate) mod broadcasts;
pub(crate) mod buyer_tokens;
pub(crate) mod changes;
pub(crate) mod channels;
pub(crate) mod check_ins;
pub(crate) mod checkout;
pub(crate) mod configuration;
pub(crate) mod contacts;
pub(crate) mod dead_letters;
pub(crate) mod discord;
pub(crate) mod docs;
pub(crate) mod entry;
pub(crate) mod events;
pub(crate) mod holds;
pub(crate) mod inbox;
pub(crate) mod names;
pub(crate) mod nodes;
pub(crate) mod offers;
pub(crate) mod operations;
pub(crate) mod opt_outs;
pub(crate) mod orders;
pub(crate) mod organizer_contact;
pub(crate) mod payments;
pub(crate) mod payouts;
pub(crate) mod phases;
pub(crate) mod platform_fees;
pub(crate) mod probes;
pub(crate) mod promotion_codes;
pub(crate) mod push_subscriptions;
pub(crate) mod quotes;
pub(crate) mod receipts;
pub(crate) mod refund_runs;
pub(crate) mod scan;
pub(crate) mod seats;
pub(crate) mod statements;
pub(crate) mod stream;
pub(crate) mod telegram;
pub(crate) mod templates;
pub(crate) mod terms;
pub(crate) mod tickets;
pub(crate) mod tickets_shown;
pub(crate) mod units;
pub(crate) mod unsettled;
pub(crate) mod waitlist;
pub(crate) mod webhook_deliveries;
pub(crate) mod webhook_endpoints;

use serde::Deserialize;
use tessera_inventory::{
    ClaimNumber, ClaimView, CommandBody, Config, EventBody, EventId, HoldPlaced, Line, Sequence, Subject,
};
use tessera_pricing::Quote;
use utoipa::ToSchema;

use crate::call::{Call, Decided};
use crate::caller::Access;
use crate::code::Code;
use crate::limits::{BUYER_REFERENCE_BYTES_MAX, LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX};
use crate::problem::{self, Problem};
use crate::render::claim::Lines;

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
) -> Result<(Decided, Held), Problem> {
    let mut decided = call.decide(access, body, bytes).await?;
    let held = match decided.claim.take() {
        Some(view) => Held::of(call, access.event(), &view).await?,
        None => held_in_log(call, access.event(), number).await?,
    };
    Ok((decided, held))
}

/// What a hold, or the order that it became, holds and costs.
pub(crate) struct Held {
    lines: Vec<Line>,
    quote: Option<Box<Quote>>,
}

impl Held {
    /// What a claim holds. Its state knows the total only: the lines of a quote stand in the log.
    pub(crate) async fn of(call: &Call, event: EventId, view: &ClaimView) -> Result<Held, Problem> {
        match view.quoted_minor {
            Some(_) => held_in_log(call, event, view.number).await,
            None => Ok(Held { lines: view.lines.clone(), quote: None }),
        }
    }

    /// What a hold held when it was placed.
    pub(crate) fn placed(placed: HoldPlaced) -> Held {
        Held { lines: placed.lines, quote: placed.quote }
    }

    /// The lines, with the names of `config`.
    pub(crate) fn lines<'a>(&'a self, config: &'a Config) -> Lines<'a> {
        Lines { lines: &self.lines, quote: self.quote.as_deref(), config }
    }
}

async fn held_in_log(call: &Call, event: EventId, number: ClaimNumber) -> Result<Held, Problem> {
    placed_in_log(call, event, number).await.map(Held::placed)
}

/// A hold as it was placed: the state knows neither the lines of its quote nor the entry that it is offered to.
pub(crate) async fn placed_in_log(
    call: &Call,
    event: EventId,
    number: ClaimNumber,
) -> Result<HoldPlaced, Problem> {
    let before = Sequence(number.0.saturating_sub(1));
    let found = call.inventory().changes(event, before, 1).await.map_err(|error| {
        tracing::error!(%error, "the lines of what was decided could not be read");
        problem::outcome_unknown(0)
    })?;
    match found.first().map(|(_, event)| &event.body) {
        Some(EventBody::HoldPlaced(placed)) => Ok(placed.clone()),
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

/// People are not reached through a channel of this name here.
fn channel_off(channel: &'static str) -> Problem {
    let detail = format!("this server reaches nobody through {channel}: it is not set");
    Problem::new(Code::InvalidRequest, detail).with("reason", "channel_off")
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
