//! What happens to every request, before and after its controller. There is no other middleware.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use futures::FutureExt;
use tracing::Instrument;

use crate::call::Call;
use crate::client_address;
use crate::code::Code;
use crate::elsewhere;
use crate::gateway::Worker;
use crate::limits::{HEADERS_BYTES_MAX, TARGET_BYTES_MAX};
use crate::problem::{self, Problem};
use crate::rate_limit::Left;
use crate::request_id;
use crate::router::{self, Answer, Matched, Route};
use crate::traces::Answered;

/// Replies are data: browsers shall neither guess their type nor run anything in them.
const SECURITY_HEADERS: [(HeaderName, HeaderValue); 2] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
];

/// Answers one request.
pub(crate) async fn answer(
    worker: Rc<Worker>,
    request: ServiceRequest,
) -> Result<ServiceResponse, actix_web::Error> {
    let started_at = worker.gateway.environment.clock.monotonic();
    let _in_flight = worker.in_flight.begin();
    let (request, payload) = request.into_parts();
    let request_id = worker.request_ids.of(request.headers());
    let traces = worker.gateway.traces.as_ref();
    let wall = || worker.gateway.now();
    let traced = traces.and_then(|traces| Some((traces, traces.of(request.headers(), started_at, wall)?)));
    let left = Rc::new(Cell::new(None));
    let (route, answer) = match admit(&worker, &request, &left) {
        Ok(matched) => {
            let trace = traced.as_ref().map(|(_, trace)| Rc::clone(trace));
            let shared = (Rc::clone(&left), trace);
            let call = Call::new(Rc::clone(&worker), request.clone(), payload, matched, shared);
            (matched.route, run(call, &request, &request_id).await)
        }
        Err(problem) => (Route::NotFound, Err(problem)),
    };
    if let Err(problem) = &answer {
        worker.metrics.count_problem(problem.code());
    }
    let mut response = answer.unwrap_or_else(Problem::response);
    let finished_at = worker.gateway.environment.clock.monotonic();
    if let Some((traces, trace)) = &traced {
        let request_id = request_id.to_str().unwrap_or_default();
        let status = response.status();
        traces.answered(trace, &Answered { route, request_id, status, at: finished_at });
    }
    finish(&worker, &mut response, request_id, left.get());
    elsewhere::write(&request, finished_at, response.headers_mut());
    let took = Duration::from_micros(finished_at.0.saturating_sub(started_at.0));
    worker.metrics.record(route, response.status().as_u16(), took);
    Ok(ServiceResponse::new(request, response))
}

/// What is checked before anything is read or looked up.
fn admit(worker: &Worker, request: &HttpRequest, left: &Cell<Option<Left>>) -> Result<Matched, Problem> {
    let trusted = &worker.gateway.settings.http.trusted_proxies;
    left.set(worker.gateway.rate_limits.address(client_address::of(request, trusted))?);
    let target_bytes = request.path().len() + request.query_string().len();
    if target_bytes > TARGET_BYTES_MAX || headers_bytes(request.headers()) > HEADERS_BYTES_MAX {
        return Err(Problem::new(Code::HeaderTooLarge, "send shorter headers, or a shorter path"));
    }
    router::find(request.method(), request.path())
}

fn headers_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// Runs the controller. A panic is a defect of ours: it costs one reply, never the worker.
async fn run(call: Call, request: &HttpRequest, request_id: &HeaderValue) -> Answer {
    let (route, request_id) = (call.route.template(), request_id.to_str().unwrap_or_default());
    let method = request.method().as_str();
    // A span costs a tenth of the work of placing a hold: only who traces its request pays for it.
    let span = match trace(request.headers()) {
        Some(trace) => tracing::info_span!("request", method, route, request_id, trace),
        None => tracing::debug_span!("request", method, route, request_id),
    };
    let answering = async {
        let answer = AssertUnwindSafe(router::run(call)).catch_unwind().await;
        let answer = answer.unwrap_or_else(|_| Err(problem::internal("a controller panicked")));
        let status = match &answer {
            Ok(response) => response.status(),
            Err(problem) => {
                problem.report(route, request_id);
                problem.code().status()
            }
        };
        tracing::debug!(status = status.as_u16(), "answered");
        answer
    };
    answering.instrument(span).await
}

/// The trace that a W3C `traceparent` names: version, trace, parent, flags, each in lower-case hexadecimal digits. A version
/// after `00` may add fields; `ff` is none, and neither trace nor parent is zero.
fn trace(headers: &HeaderMap) -> Option<&str> {
    let mut fields = headers.get("traceparent")?.to_str().ok()?.split('-');
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let mut field =
        |digits| fields.next().filter(|text| text.len() == digits && text.bytes().all(hexadecimal));
    let (version, trace, parent, _flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
    let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    let as_its_version = version != "ff" && (version != "00" || fields.next().is_none());
    (as_its_version && !is_zero(trace) && !is_zero(parent)).then_some(trace)
}

fn finish(worker: &Worker, response: &mut HttpResponse, request_id: HeaderValue, left: Option<Left>) {
    let closing = worker.gateway.is_closing();
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static(request_id::HEADER), request_id);
    for (name, value) in SECURITY_HEADERS {
        // A page for people says itself what it needs.
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
    if let Some(left) = left
        && response.status() != StatusCode::TOO_MANY_REQUESTS
    {
        // A refusal tells of the limit that refused it.
        for (name, value) in worker.gateway.rate_limits.headers(left) {
            response.headers_mut().insert(name, value);
        }
    }
    if closing {
        // A header of this name would be left out: the library writes its own, by this.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_traceparent_is_honoured() {
        const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static("traceparent"), HeaderValue::from_str(value).unwrap());
            trace(&headers).map(ToOwned::to_owned)
        };
        for honoured in [
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes-later",
        ] {
            assert_eq!(of(honoured).as_deref(), Some(TRACE), "{honoured}");
        }
        for ignored in [
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
            "nonsense",
        ] {
            assert_eq!(of(ignored), None, "{ignored}");
        }
    }
}
