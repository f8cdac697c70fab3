//! What is asked without a credential: health, readiness, metrics, and the pages of problems.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use serde::Serialize;
use tessera_actors::StuckFollower;
use tessera_inventory::EventId;
use utoipa::ToSchema;

use crate::call::Call;
use crate::caller::is_operator;
use crate::code::Code;
use crate::ids::{self, IdText};
use crate::problem::Problem;
use crate::router::Answer;
use crate::telemetry;

/// The process answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Healthy {
    /// `ok`
    status: &'static str,
}

/// `GET /healthz`: the process answers.
pub(crate) fn health() -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(Healthy { status: "ok" })
}

/// Whether requests should be sent here, and if not, why.
#[derive(Serialize, ToSchema)]
#[schema(as = Readiness)]
pub(crate) struct ReadinessReply {
    /// `ready` or `not_ready`
    status: &'static str,
    draining: bool,
    /// Of a node in a cluster: it has no lease, or could not renew it for its whole length.
    lacks_lease: bool,
    /// What failed for good.
    #[schema(required)]
    fatal: Option<String>,
    supervisors: Vec<SupervisorReply>,
    active_events: usize,
    quarantined: Concerned<IdText>,
    store_went_back: Concerned<IdText>,
    doubted_clocks: Concerned<IdText>,
    stuck_followers: Concerned<StuckReply>,
}

/// A supervisor of the tree.
#[derive(Serialize, ToSchema)]
#[schema(as = Supervisor)]
pub(crate) struct SupervisorReply {
    name: &'static str,
    running: bool,
    restarts: u64,
}

/// Events that need an operator: how many, and for operators which.
#[derive(Serialize, ToSchema)]
pub(crate) struct Concerned<T> {
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    events: Option<Vec<T>>,
}

/// A follower that does not get beyond an event.
#[derive(Serialize, ToSchema)]
#[schema(as = StuckFollower)]
pub(crate) struct StuckReply {
    follower: String,
    event: IdText,
    reason: String,
}

/// `GET /readyz`: whether requests should be sent here, and if not, why. Which events need an operator is said to operators.
pub(crate) fn readiness(call: &Call) -> HttpResponse {
    let gateway = call.gateway();
    let status = gateway.platform.status();
    let ready = gateway.is_ready();
    let operator = is_operator(call);
    let ids = |count: usize, events: &[EventId]| Concerned {
        count,
        events: operator.then(|| events.iter().copied().map(ids::event).collect()),
    };
    let stuck = |one: &StuckFollower| StuckReply {
        follower: one.follower.to_string(),
        event: ids::event(one.event),
        reason: one.reason.to_string(),
    };
    let supervisors = status.supervisors.iter().map(|one| SupervisorReply {
        name: one.name,
        running: one.running,
        restarts: one.restarts.into(),
    });
    let reply = ReadinessReply {
        status: if ready { "ready" } else { "not_ready" },
        draining: status.draining || gateway.is_closing(),
        lacks_lease: status.lacks_lease,
        supervisors: supervisors.collect(),
        active_events: status.active_events,
        quarantined: ids(status.quarantined.len(), &status.quarantined),
        store_went_back: ids(status.went_back.len(), &status.went_back),
        doubted_clocks: ids(status.doubted_clocks_count, &status.doubted_clocks),
        stuck_followers: Concerned {
            count: status.stuck_followers.len(),
            events: operator.then(|| status.stuck_followers.iter().map(stuck).collect()),
        },
        fatal: status.fatal,
    };
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    HttpResponse::build(code).insert_header((header::CACHE_CONTROL, "no-store")).json(reply)
}

/// `GET /metrics`: for the administrator, and for whoever is on this machine.
pub(crate) fn metrics(call: &Call) -> Answer {
    if !is_operator(call) {
        return Err(Problem::new(Code::Forbidden, "metrics are for loopback and the administrator"));
    }
    let status = call.gateway().platform.status();
    // Counts of things in memory: far below what a float holds exactly.
    metrics::gauge!("tessera_active_events").set(u32::try_from(status.active_events).unwrap_or(u32::MAX));
    metrics::gauge!("tessera_quarantined_events")
        .set(u32::try_from(status.quarantined.len()).unwrap_or(u32::MAX));
    metrics::gauge!("tessera_ready").set(u8::from(call.gateway().is_ready()));
    metrics_process::Collector::default().collect();
    let text =
        telemetry::recorder().map_or_else(String::new, metrics_exporter_prometheus::PrometheusHandle::render);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4")))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .body(text))
}

/// `GET /docs/errors/{code}`: what a code means and what to do.
pub(crate) fn problem_page(call: &Call) -> Answer {
    let code = Code::find(call.parameter(0))
        .ok_or_else(|| Problem::new(Code::RouteNotFound, "no problem has this code"))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("text/markdown; charset=utf-8")))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")))
        .body(code.page()))
}
