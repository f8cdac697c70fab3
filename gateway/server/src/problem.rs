//! The one mapping from the domain to HTTP problems (RFC 9457). Nothing else in the gateway chooses a status for an error.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::{Map, Value};
use tessera_actors::{ActivateError, NotExecuted};
use tessera_store::StoreError;
use utoipa::ToSchema;

use crate::code::Code;
use crate::limits::{ECHO_BYTES_MAX, FIELD_ERRORS_MAX, RECONCILED_AFTER_S, RETRY_AFTER_S};

/// A text that may repeat what a request sent, cut at [`ECHO_BYTES_MAX`].
#[must_use]
pub(crate) fn echoed(text: impl Into<String>) -> String {
    let mut text = text.into();
    if text.len() > ECHO_BYTES_MAX {
        text.truncate(text.floor_char_boundary(ECHO_BYTES_MAX));
        text.push('…');
    }
    text
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where, such as `lines[0].quantity`.
    pub path: String,
    /// What, and what to do.
    pub message: String,
}

/// A problem as it is sent to the client.
#[derive(Debug)]
pub struct Problem(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: Code,
    detail: Cow<'static, str>,
    members: Map<String, Value>,
    errors: Vec<FieldError>,
    retry_after_s: Option<u32>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// For the log only.
    cause: Option<Cow<'static, str>>,
}

impl Problem {
    /// A problem of this code; `detail` tells a person what to do.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem(Box::new(Inner {
            code,
            detail: detail.into(),
            members: Map::new(),
            errors: Vec::new(),
            retry_after_s: None,
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// A problem with one field of the request.
    #[must_use]
    pub fn field(code: Code, path: impl Into<String>, message: impl Into<String>) -> Problem {
        let (path, message) = (echoed(path), echoed(message));
        let mut problem = Problem::new(code, message.clone());
        problem.0.errors.push(FieldError { path, message });
        problem
    }

    /// A problem with several fields; at most [`FIELD_ERRORS_MAX`] are named.
    #[must_use]
    pub fn fields(code: Code, detail: &'static str, mut errors: Vec<FieldError>) -> Problem {
        errors.truncate(FIELD_ERRORS_MAX);
        for FieldError { path, message } in &mut errors {
            *path = echoed(std::mem::take(path));
            *message = echoed(std::mem::take(message));
        }
        let mut problem = Problem::new(code, detail);
        problem.0.errors = errors;
        problem
    }

    /// Adds a member beside the standard ones.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Problem {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a header to the reply.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.0.headers.push((name, value));
        self
    }

    /// Says when to try again, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Problem {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// A member that is a number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.0.members.get(name)?.as_u64()
    }

    /// Logs a defect of our own, so that the request id that a client reports leads to its cause. Everything else is an
    /// answer, and is not logged.
    pub(crate) fn report(&self, route: &str, request_id: &str) {
        if self.0.code.status() == StatusCode::INTERNAL_SERVER_ERROR {
            let cause = self.0.cause.as_deref().unwrap_or("not known");
            tracing::error!(request_id, route, code = self.0.code.text(), cause, "a request met a defect");
        }
    }

    /// The reply.
    #[must_use]
    pub fn response(self) -> HttpResponse {
        let Inner { code, detail, members, errors, retry_after_s, headers, cause: _ } = *self.0;
        let body = Body {
            problem_type: format_args!("/docs/errors/{}", code.text()),
            title: code.title(),
            status: code.status_number(),
            code: code.text(),
            detail: &detail,
            retry_after: retry_after_s,
            errors: &errors,
            members: &members,
        };
        // A problem holds only strings, numbers and lists of them: serializing it into memory cannot fail.
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        let mut builder = HttpResponse::build(code.status());
        builder.insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json")));
        builder.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
        if let Some(seconds) = retry_after_s {
            builder.insert_header((header::RETRY_AFTER, HeaderValue::from(seconds)));
        }
        if code.status() == StatusCode::UNAUTHORIZED {
            builder.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        for pair in headers {
            builder.insert_header(pair);
        }
        builder.body(bytes)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    problem_type: fmt::Arguments<'a>,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(flatten)]
    members: &'a Map<String, Value>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.text(), self.0.detail)
    }
}

/// Something was certainly not executed.
#[must_use]
pub(crate) fn not_executed(reason: NotExecuted, retry_after_ms: u64) -> Problem {
    let detail = match reason {
        NotExecuted::QueueFull => {
            "more is asked of this event than can be answered; try again with the same key"
        }
        NotExecuted::Draining => "this server is shutting down; try again with the same key",
        NotExecuted::Quarantined => {
            "this event is set aside after repeated failures; an operator must repair it"
        }
        NotExecuted::StoreWentBack => return store_went_back(),
        NotExecuted::StoreAway => "the store does not answer; try again with the same key",
        NotExecuted::TooManyActivations => "too many events are being opened; try again with the same key",
        NotExecuted::GaveUp => "the request could not be decided in time; try again with the same key",
        NotExecuted::Restarting => "this event restarts after a failure; try again with the same key",
        NotExecuted::Elsewhere => {
            "the node that has this event cannot be reached; try again with the same key"
        }
    };
    Problem::new(Code::NotExecuted, detail)
        .with("reason", reason.name())
        .retry_after(whole_seconds(retry_after_ms))
}

/// The store lacks what was acknowledged of the event.
#[must_use]
pub(crate) fn store_went_back() -> Problem {
    let detail =
        "the store lacks what was acknowledged of this event; nothing is sold until an operator reconciles";
    Problem::new(Code::StoreWentBack, detail).retry_after(RECONCILED_AFTER_S)
}

/// Something may or may not have been executed.
#[must_use]
pub(crate) fn outcome_unknown(retry_after_ms: u64) -> Problem {
    Problem::new(
        Code::OutcomeUnknown,
        "the request may have been executed; try again with the same key, and it has one effect only",
    )
    .retry_after(whole_seconds(retry_after_ms))
}

/// Failures of the store since the log was last told of some: while it is away every request meets one.
static STORE_FAILURES: AtomicU64 = AtomicU64::new(0);

/// The store did not answer a read, or a write outside of an event. The first failure is logged at once, those that follow
/// together by [`log_store_failures`].
#[must_use]
pub(crate) fn store(error: &StoreError) -> Problem {
    if STORE_FAILURES.fetch_add(1, Ordering::Relaxed) == 0 {
        tracing::error!(%error, "the store did not answer");
    }
    match error {
        StoreError::Unavailable { .. }
        | StoreError::Outdated { .. }
        | StoreError::Fatal { .. }
        | StoreError::Locked { .. } => not_executed(NotExecuted::StoreAway, u64::from(RETRY_AFTER_S) * 1_000),
        StoreError::Damaged { .. } | StoreError::FormatTooNew { .. } => {
            not_executed(NotExecuted::Quarantined, u64::from(RETRY_AFTER_S) * 1_000)
        }
        StoreError::OutcomeUnknown { .. } => outcome_unknown(u64::from(RETRY_AFTER_S) * 1_000),
        StoreError::TooLarge { .. } => internal(error.to_string()),
    }
}

/// Logs how many failures followed the first one; called from time to time.
pub(crate) fn log_store_failures() {
    let more = STORE_FAILURES.swap(0, Ordering::Relaxed).saturating_sub(1);
    if more > 0 {
        tracing::error!(requests = more, "the store did not answer other requests either");
    }
}

/// An event could not be opened.
#[must_use]
pub(crate) fn activation(error: &ActivateError) -> Problem {
    match error {
        ActivateError::NotFound => event_not_found(),
        ActivateError::NotNow { reason } => not_executed(*reason, u64::from(RETRY_AFTER_S) * 1_000),
        ActivateError::Store(error) => store(error),
    }
}

/// There is no such event, or it is not the caller's to see.
#[must_use]
pub(crate) fn event_not_found() -> Problem {
    Problem::new(Code::EventNotFound, "there is no event of this id that you may see")
}

/// The event has no configuration yet.
#[must_use]
pub(crate) fn not_configured() -> Problem {
    Problem::new(Code::InvalidRequest, "configure the event first").with("reason", "not_configured")
}

/// There is no such hold, or it is not the caller's.
#[must_use]
pub(crate) fn hold_not_found() -> Problem {
    Problem::new(Code::HoldNotFound, "there is no live hold of this id that you may see")
}

/// There is no such entry of the waitlist, it waits no more, or it is not the caller's.
#[must_use]
pub(crate) fn entry_not_found() -> Problem {
    Problem::new(Code::EntryNotFound, "there is no entry of this id that waits, and that you may see")
}

/// There is no such order, or it is not the caller's.
#[must_use]
pub(crate) fn order_not_found() -> Problem {
    Problem::new(Code::OrderNotFound, "there is no order of this id that you may see")
}

/// There is no such ticket, or it is not the caller's.
#[must_use]
pub(crate) fn ticket_not_found() -> Problem {
    Problem::new(Code::TicketNotFound, "there is no ticket of this id that you may see")
}

/// A defect of our own; what it was goes to the log with the request's id, not to the client.
#[must_use]
pub(crate) fn internal(cause: impl Into<Cow<'static, str>>) -> Problem {
    let mut problem =
        Problem::new(Code::InternalError, "the server found a defect of its own; report the request id");
    problem.0.cause = Some(cause.into());
    problem
}

/// A controller met another event than its command makes.
#[must_use]
pub(crate) fn another_event() -> Problem {
    internal("the decision is another event than the command makes")
}

fn whole_seconds(ms: u64) -> u32 {
    u32::try_from(ms.div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was logged.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(problem: &Problem) -> String {
        lines(|| problem.report("/v1/x/{y}", "abc-123"))
    }

    /// What is logged meanwhile.
    fn lines(work: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, work);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn no_cache_keeps_a_problem() {
        for code in Code::ALL {
            let response = Problem::new(*code, "…").response();
            assert_eq!(response.headers().get(header::CACHE_CONTROL).unwrap(), "no-store", "{}", code.text());
        }
    }

    #[test]
    fn while_the_store_is_away_the_log_is_told_once_and_then_how_often() {
        let lines = lines(|| {
            for _ in 0..1_000 {
                let _ = store(&StoreError::Unavailable { reason: "unplugged".to_owned() });
            }
            log_store_failures();
            log_store_failures();
        });
        assert_eq!(lines.lines().count(), 2, "{lines}");
        assert!(lines.contains("unplugged") && lines.contains("requests=999"), "{lines}");
    }

    #[test]
    fn a_defect_is_logged_with_the_request_that_met_it_and_a_refusal_is_not() {
        let line = logged(&internal("the disk is upside down"));
        for part in ["ERROR", "abc-123", "/v1/x/{y}", "internal_error", "the disk is upside down"] {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert_eq!(logged(&event_not_found()), "");
        let body = internal("the disk is upside down");
        assert!(!format!("{body}").contains("disk"), "it is not for the client");
    }
}
