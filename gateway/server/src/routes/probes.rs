//! What is asked without a credential: health, readiness, metrics, and the pages of problems.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use serde_json::{Value, json};
use tessera_actors::StuckFollower;
use tessera_inventory::EventId;

use crate::call::Call;
use crate::caller::is_operator;
use crate::code::Code;
use crate::problem::Problem;
use crate::router::Answer;
use crate::telemetry;

/// `GET /healthz`: the process answers.
pub(crate) fn health() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}

/// `GET /readyz`: whether requests should be sent here, and if not, why. Which events need an operator is said to operators.
pub(crate) fn readiness(call: &Call) -> HttpResponse {
    let gateway = call.gateway();
    let status = gateway.platform.status();
    let ready = gateway.is_ready();
    let supervisors: Vec<_> = status
        .supervisors
        .iter()
        .map(|one| json!({"name": one.name, "running": one.running, "restarts": one.restarts}))
        .collect();
    let id = |event: &EventId| Value::from(crate::ids::event(*event).to_string());
    let stuck = |one: &StuckFollower| json!({"follower": one.follower, "event": id(&one.event), "reason": one.reason});
    let operator = is_operator(call);
    let concerned = |count: usize, events: Vec<Value>| {
        if operator { json!({"count": count, "events": events}) } else { json!({"count": count}) }
    };
    let (quarantined, stuck_followers) = (&status.quarantined, &status.stuck_followers);
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    HttpResponse::build(code).insert_header((header::CACHE_CONTROL, "no-store")).json(json!({
        "status": if ready { "ready" } else { "not_ready" },
        "draining": status.draining || gateway.is_closing(),
        "fatal": status.fatal,
        "supervisors": supervisors,
        "active_events": status.active_events,
        "quarantined": concerned(quarantined.len(), quarantined.iter().map(id).collect()),
        "doubted_clocks":
            concerned(status.doubted_clocks_count, status.doubted_clocks.iter().map(id).collect()),
        "stuck_followers": concerned(stuck_followers.len(), stuck_followers.iter().map(stuck).collect()),
    }))
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
