//! What happens to every request, before and after its controller. There is no other middleware.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use futures::FutureExt;
use tessera_writer::Monotonic;
use tracing::Instrument;

use crate::call::Call;
use crate::client_address;
use crate::code::Code;
use crate::gateway::Worker;
use crate::limits::{HEADERS_BYTES_MAX, TARGET_BYTES_MAX};
use crate::problem::{self, Problem};
use crate::request_id;
use crate::router::{self, Answer, Matched, Route};

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
    let (route, answer) = match admit(&worker, &request) {
        Ok(matched) => {
            let call = Call::new(Rc::clone(&worker), request.clone(), payload, matched);
            (matched.route, run(call, &request, &request_id).await)
        }
        Err(problem) => (Route::NotFound, Err(problem)),
    };
    let mut response = answer.unwrap_or_else(|problem| {
        problem.report(route.template(), request_id.to_str().unwrap_or_default());
        problem.response()
    });
    finish(&worker, &mut response, request_id);
    let Monotonic(finished_at) = worker.gateway.environment.clock.monotonic();
    let took = Duration::from_micros(finished_at.saturating_sub(started_at.0));
    worker.metrics.record(route, response.status().as_u16(), took);
    Ok(ServiceResponse::new(request, response))
}

/// What is checked before anything is read or looked up.
fn admit(worker: &Worker, request: &HttpRequest) -> Result<Matched, Problem> {
    let trusted = &worker.gateway.settings.http.trusted_proxies;
    worker.gateway.rate_limits.address(client_address::of(request, trusted))?;
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
    let span = tracing::debug_span!(
        "request",
        method = %request.method(),
        path = request.path(),
        request_id = request_id.to_str().unwrap_or_default(),
        trace = traceparent(request.headers()).unwrap_or_default(),
    );
    let answer = AssertUnwindSafe(router::run(call)).catch_unwind().instrument(span).await;
    answer.unwrap_or_else(|_| Err(problem::internal("a controller panicked")))
}

/// A well-formed W3C `traceparent`: version, trace, parent, flags.
fn traceparent(headers: &HeaderMap) -> Option<&str> {
    const LENGTHS: [usize; 4] = [2, 32, 16, 2];
    let text = headers.get("traceparent")?.to_str().ok()?;
    let hexadecimal =
        |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let well_formed = text.split('-').map(str::len).eq(LENGTHS) && text.split('-').all(hexadecimal);
    well_formed.then_some(text)
}

fn finish(worker: &Worker, response: &mut HttpResponse, request_id: HeaderValue) {
    let closing = worker.gateway.is_closing();
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static(request_id::HEADER), request_id);
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, value);
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
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static("traceparent"), HeaderValue::from_str(value).unwrap());
            traceparent(&headers).is_some()
        };
        assert!(of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        assert!(!of("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        assert!(!of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"));
        assert!(!of("nonsense"));
    }
}
