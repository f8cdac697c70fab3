//! Phases: schedule, open, pause, resume, close, cancel.

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_inventory::{CommandBody, EventBody, Phase};
use utoipa::ToSchema;

use crate::call::Call;
use crate::caller::{EventsWrite, Organizer};
use crate::json;
use crate::problem;
use crate::render;
use crate::router::Answer;
use crate::vocabulary::{PhaseName, phase_name};

/// Which phase comes next.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhaseRequest {
    to: PhaseBody,
}

/// A phase that may be asked for.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = NextPhase)]
pub(crate) enum PhaseBody {
    Scheduled,
    Presale,
    OnSale,
    Paused,
    Closed,
    Cancelled,
}

impl PhaseBody {
    const fn phase(self) -> Phase {
        match self {
            PhaseBody::Scheduled => Phase::Scheduled,
            PhaseBody::Presale => Phase::Presale,
            PhaseBody::OnSale => Phase::OnSale,
            PhaseBody::Paused => Phase::Paused,
            PhaseBody::Closed => Phase::Closed,
            PhaseBody::Cancelled => Phase::Cancelled,
        }
    }
}

/// The phase that an event is in.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangedPhase)]
pub(crate) struct Changed {
    #[schema(value_type = PhaseName)]
    phase: &'static str,
    sequence: u64,
}

/// `POST /v1/events/{event}/phase-changes`
pub(crate) async fn change(call: Call, organizer: Organizer<EventsWrite>) -> Answer {
    let access = organizer.own_event(&call).await?;
    let bytes = call.command_body().await?;
    let request: PhaseRequest = json::parse(&bytes)?;
    let body = CommandBody::ChangePhase { to: request.to.phase() };
    let decided = call.decide(&access, body, &bytes).await?;
    let EventBody::PhaseChanged { to } = decided.event.body else { return Err(problem::another_event()) };
    call.settled(access.event(), decided.sequence).await;
    let reply = Changed { phase: phase_name(to), sequence: decided.sequence.0 };
    render::decision(StatusCode::OK, decided.mark, &reply)
}
