//! What an operator has the server do: repair an event, accept what the store has of it, vouch for the clock.

use actix_web::http::StatusCode;
use serde::Serialize;
use tessera_actors::ReconcileError;
use tessera_inventory::Sequence;
use utoipa::ToSchema;

use crate::call::Call;
use crate::code::Code;
use crate::ids::IdText;
use crate::instant::Rfc3339;
use crate::problem::{self, Problem};
use crate::router::Answer;

/// An event that serves again.
#[derive(Serialize, ToSchema)]
pub(crate) struct Repaired {
    event: IdText,
    /// `serving`
    state: &'static str,
    sequence: u64,
}

/// An event that goes on from what the store has.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReconciledReply {
    event: IdText,
    /// `serving`
    state: &'static str,
    /// Where it goes on.
    sequence: u64,
    /// How far it had been acknowledged.
    witnessed_sequence: u64,
    /// What was acknowledged and is not there; absent where as many sequences are there: then they are others.
    #[schema(required)]
    lost: Option<Lost>,
}

/// Sequences that are lost.
#[derive(Serialize, ToSchema)]
pub(crate) struct Lost {
    first: u64,
    last: u64,
}

/// What the clock says that was vouched for.
#[derive(Serialize, ToSchema)]
pub(crate) struct Acknowledged {
    at: Rfc3339,
}

/// `POST /v1/events/{event}/repairs`: sets a quarantined event going again; it is replayed from its log.
pub(crate) async fn repair(call: Call) -> Answer {
    let event = call.event()?;
    call.card(event).await?;
    let released = call.gateway().platform.release(event).await;
    if !released.map_err(|error| problem::store(&error))? {
        return Err(problem::store_went_back());
    }
    let published = call.opened(event).await?;
    let sequence = published.map_or(Sequence::ZERO, |published| published.availability.sequence).0;
    let reply = Repaired { event: crate::ids::event(event), state: "serving", sequence };
    crate::render::json(StatusCode::OK, &reply)
}

/// `POST /v1/events/{event}/reconciliations`: accepts what the store has of an event that went back, and gives up what it lacks. The
/// event need not be in the catalogue: that may have gone back, too.
pub(crate) async fn reconcile(call: Call) -> Answer {
    let event = call.event()?;
    let reconciled = call.gateway().platform.reconcile(event).await.map_err(|error| match error {
        ReconcileError::NotSetAside => {
            Problem::new(Code::InvalidRequest, "the store has all that was acknowledged of this event")
                .with("reason", "not_set_aside")
        }
        ReconcileError::Store(error) => problem::store(&error),
    })?;
    let reply = ReconciledReply {
        event: crate::ids::event(event),
        state: "serving",
        sequence: reconciled.sequence.0,
        witnessed_sequence: reconciled.witnessed.0,
        lost: reconciled.lost.map(|lost| Lost { first: lost.start().0, last: lost.end().0 }),
    };
    crate::render::json(StatusCode::OK, &reply)
}

/// `POST /v1/clock-acknowledgements`: the operator vouches for the wall clock; what it was doubted for happens now.
pub(crate) async fn acknowledge_clock(call: Call) -> Answer {
    let bytes = call.body().await?;
    crate::json::parse::<super::Nothing>(&bytes)?;
    call.gateway().platform.acknowledge_clock();
    crate::render::json(StatusCode::OK, &Acknowledged { at: Rfc3339(call.gateway().now()) })
}
