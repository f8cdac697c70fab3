//! What an operator has the server do: repair an event, vouch for the clock.

use actix_web::http::StatusCode;
use serde::Serialize;
use tessera_inventory::Sequence;
use utoipa::ToSchema;

use crate::call::Call;
use crate::ids::IdText;
use crate::instant::Rfc3339;
use crate::router::Answer;

/// An event that serves again.
#[derive(Serialize, ToSchema)]
pub(crate) struct Repaired {
    event: IdText,
    /// `serving`
    state: &'static str,
    sequence: u64,
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
    call.gateway().platform.release(event).await.map_err(|error| crate::problem::store(&error))?;
    let published = call.opened(event).await?;
    let sequence = published.map_or(Sequence::ZERO, |published| published.availability.sequence).0;
    let reply = Repaired { event: crate::ids::event(event), state: "serving", sequence };
    crate::render::json(StatusCode::OK, &reply)
}

/// `POST /v1/clock-acknowledgements`: the operator vouches for the wall clock; what it was doubted for happens now.
pub(crate) async fn acknowledge_clock(call: Call) -> Answer {
    let bytes = call.body().await?;
    crate::json::parse::<super::Nothing>(&bytes)?;
    call.gateway().platform.acknowledge_clock();
    crate::render::json(StatusCode::OK, &Acknowledged { at: Rfc3339(call.gateway().now()) })
}
