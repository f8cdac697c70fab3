//! Refund runs: many orders of an event are refunded one after the other.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_inventory::{Config, EventId, RefundReason, RefundedUnits};
use tessera_money::refund_runs::{Began, PER_SECOND, PER_SECOND_MAX, Progress, RefundRun, State};
use tessera_store::keys::RefundRunKey;
use utoipa::ToSchema;

use super::names;
use super::orders::{ReasonBody, UnitsBody};
use crate::call::Call;
use crate::caller::{OrdersWrite, Organizer};
use crate::code::Code;
use crate::ids::{self, IdText, Kind};
use crate::instant::Rfc3339;
use crate::json;
use crate::problem::{self, Problem};
use crate::render::changes::{reason_name, refunded_name};
use crate::render::{self, Money};
use crate::router::Answer;

/// What is to be refunded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunRequest<'a> {
    /// Names of ticket types; absent: all.
    #[serde(borrow, default)]
    #[schema(value_type = Option<Vec<String>>)]
    ticket_types: Option<Vec<Cow<'a, str>>>,
    units: UnitsBody,
    #[serde(default)]
    reason: ReasonBody,
    /// Orders a second.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 500)]
    per_second: Option<u32>,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunState {
    Running,
    Paused,
    Done,
}

/// A run and how far it has come.
#[derive(Serialize, ToSchema)]
#[schema(as = RefundRun)]
pub(crate) struct RunReply<'a> {
    id: IdText,
    state: RunState,
    /// Names of ticket types; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ticket_types: Option<Vec<&'a str>>,
    #[schema(value_type = UnitsBody)]
    units: &'static str,
    #[schema(value_type = ReasonBody)]
    reason: &'static str,
    per_second: u32,
    /// Orders up to this sequence are refunded.
    through: u64,
    begun_at: Rfc3339,
    /// Orders that were gone through.
    asked: u64,
    /// Orders of which something is given back by it.
    refunded: u64,
    /// Orders that could not be refunded: their payment is disputed, for example.
    failed: u64,
    amount: Money<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ended_at: Option<Rfc3339>,
}

/// The runs of an event.
#[derive(Serialize, ToSchema)]
#[schema(as = RefundRunList)]
pub(crate) struct RunList<'a> {
    items: Vec<RunReply<'a>>,
}

impl<'a> RunReply<'a> {
    fn of(run: &RefundRun, config: &'a Config) -> RunReply<'a> {
        let name = |id: &u16| config.ticket_types.get(usize::from(*id)).map_or("", |one| &*one.name);
        let Progress { asked, refunded, failed, amount_minor, .. } = run.progress;
        RunReply {
            id: IdText::new(Kind::RefundRun, run.key.run),
            state: match run.state {
                State::Runs => RunState::Running,
                State::Paused => RunState::Paused,
                State::Done => RunState::Done,
            },
            ticket_types: (!run.ticket_types.is_empty()).then(|| run.ticket_types.iter().map(name).collect()),
            units: refunded_name(run.units),
            reason: reason_name(run.reason),
            per_second: run.per_second,
            through: run.through.0,
            begun_at: Rfc3339(run.begun_at),
            asked,
            refunded,
            failed,
            amount: Money::new(amount_minor, config),
            ended_at: run.ended_at.map(Rfc3339),
        }
    }
}

/// `POST /v1/events/{event}/refund-runs`
pub(crate) async fn begin(call: Call, organizer: Organizer<OrdersWrite>) -> Answer {
    let access = organizer.own_event(&call).await?;
    let event = access.event();
    let bytes = call.command_body().await?;
    let request: RunRequest<'_> = json::parse(&bytes)?;
    let published = call.published(event, true).await?;
    let (_, config) = published.config.as_ref().ok_or_else(problem::not_configured)?;
    let named = request.ticket_types.iter().flatten();
    let ticket_types = named.map(|name| names::ticket_type(config, name).map(|id| id.0));
    let per_second = request.per_second.unwrap_or(PER_SECOND);
    if !(1..=PER_SECOND_MAX).contains(&per_second) {
        let range = format!("1 to {PER_SECOND_MAX}");
        return Err(Problem::field(Code::OutOfRange, "per_second", range));
    }
    if request.ticket_types.as_ref().is_some_and(Vec::is_empty) {
        let message = "name at least one, or leave it out for all";
        return Err(Problem::field(Code::InvalidValue, "ticket_types", message));
    }
    let key = call.key(&access, &bytes)?;
    let run = RefundRun {
        key: RefundRunKey { event, run: key.digest },
        organizer: call.card(event).await?.organizer,
        ticket_types: ticket_types.collect::<Result<_, Problem>>()?,
        units: match request.units {
            UnitsBody::Restock => RefundedUnits::Restock,
            UnitsBody::Kill => RefundedUnits::Kill,
        },
        reason: RefundReason::from(request.reason),
        per_second,
        through: published.availability.sequence,
        begun_at: call.gateway().environment.clock.wall(),
        fingerprint: key.fingerprint,
        state: State::Runs,
        progress: Progress::default(),
        ended_at: None,
    };
    let till = call.gateway().platform.till();
    let begun = till.refund_runs().begin(&run).await.map_err(|error| problem::store(&error))?;
    till.run_goes_on();
    match begun {
        Began::Now => render::json(StatusCode::CREATED, &RunReply::of(&run, config)),
        Began::Before(known) if known.fingerprint == key.fingerprint => {
            render::json(StatusCode::CREATED, &RunReply::of(&known, config))
        }
        Began::Before(_) => {
            Err(Problem::new(Code::KeyReused, "this key came with another request before; use a fresh key"))
        }
        Began::TooMany => Err(Problem::new(Code::InvalidRequest, "this event has a thousand runs already")
            .with("reason", "too_many_runs")),
    }
}

/// The run of the path, of the organizer's own event.
async fn addressed(
    call: &Call,
    organizer: Organizer<OrdersWrite>,
) -> Result<(EventId, RefundRunKey), Problem> {
    let event = organizer.own_event(call).await?.event();
    let run = ids::parse(Kind::RefundRun, call.parameter(1)).ok_or_else(not_found)?;
    Ok((event, RefundRunKey { event, run }))
}

fn not_found() -> Problem {
    Problem::new(Code::RefundRunNotFound, "there is no such refund run of this event")
}

async fn reply(call: &Call, event: EventId, run: Option<RefundRun>) -> Answer {
    let run = run.ok_or_else(not_found)?;
    let published = call.published(event, true).await?;
    let (_, config) = published.config.as_ref().ok_or_else(not_found)?;
    render::json(StatusCode::OK, &RunReply::of(&run, config))
}

/// `GET /v1/events/{event}/refund-runs`
pub(crate) async fn list(call: Call, organizer: Organizer<OrdersWrite>) -> Answer {
    let event = organizer.own_event(&call).await?.event();
    let runs = call.gateway().platform.till().refund_runs();
    let mut runs = runs.list(event).await.map_err(|error| problem::store(&error))?;
    runs.sort_by_key(|run| (run.begun_at, run.key));
    let published = call.published(event, true).await?;
    let items = match &published.config {
        Some((_, config)) => runs.iter().map(|run| RunReply::of(run, config)).collect(),
        None => Vec::new(),
    };
    render::read(call.headers(), &RunList { items })
}

/// `GET /v1/events/{event}/refund-runs/{run}`
pub(crate) async fn read(call: Call, organizer: Organizer<OrdersWrite>) -> Answer {
    let (event, key) = addressed(&call, organizer).await?;
    let runs = call.gateway().platform.till().refund_runs();
    let run = runs.load(key).await.map_err(|error| problem::store(&error))?;
    let run = run.ok_or_else(not_found)?;
    let published = call.published(event, true).await?;
    let (_, config) = published.config.as_ref().ok_or_else(not_found)?;
    render::read(call.headers(), &RunReply::of(&run, config))
}

/// `POST /v1/events/{event}/refund-runs/{run}/pause`
pub(crate) async fn pause(call: Call, organizer: Organizer<OrdersWrite>) -> Answer {
    let (event, key) = addressed(&call, organizer).await?;
    let runs = call.gateway().platform.till().refund_runs();
    let run = runs.set_paused(key, true).await.map_err(|error| problem::store(&error))?;
    reply(&call, event, run).await
}

/// `POST /v1/events/{event}/refund-runs/{run}/resume`
pub(crate) async fn resume(call: Call, organizer: Organizer<OrdersWrite>) -> Answer {
    let (event, key) = addressed(&call, organizer).await?;
    let till = call.gateway().platform.till();
    let run = till.refund_runs().set_paused(key, false).await.map_err(|error| problem::store(&error))?;
    till.run_goes_on();
    reply(&call, event, run).await
}
