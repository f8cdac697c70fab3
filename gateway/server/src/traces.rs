//! Spans of requests that bring a sampled W3C trace context, exported over OTLP. Without an endpoint in the settings there is nothing of
//! this, and no request pays for it.
//!
//! A span is made when its request has been answered, from the times that its writer noted: the request, its wait in the queue, the turn
//! that served it, the store under that turn. One turn serves many requests: the spans of the same turn are linked.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{
    Link, Span, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId,
    TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tessera_actors::{Timeline, TracedTurn};
use tessera_inventory::Timestamp;
use tessera_writer::Monotonic;

use crate::router::Route;

/// Where a collector takes traces, below its address.
const TRACES_PATH: &str = "/v1/traces";

/// The exporter of the process.
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
}

/// One traced request that is being answered.
pub(crate) struct RequestTrace {
    /// The caller's span.
    parent: Context,
    began_at: Monotonic,
    began_wall: Timestamp,
    /// What it asked of writers.
    timelines: RefCell<Vec<Arc<Timeline>>>,
}

/// What is said about the span of a request.
pub(crate) struct Answered<'a> {
    pub(crate) route: Route,
    pub(crate) request_id: &'a str,
    pub(crate) status: StatusCode,
    pub(crate) at: Monotonic,
}

impl Traces {
    /// Exports to the collector at `endpoint`, such as `http://127.0.0.1:4318`.
    pub(crate) fn start(endpoint: &str) -> Result<Traces, ExporterBuildError> {
        let address = format!("{}{TRACES_PATH}", endpoint.trim_end_matches('/'));
        let exporter = SpanExporter::builder().with_http().with_endpoint(address).build()?;
        Ok(Traces::over(SdkTracerProvider::builder().with_batch_exporter(exporter)))
    }

    fn over(provider: opentelemetry_sdk::trace::TracerProviderBuilder) -> Traces {
        // The caller decides what is sampled.
        let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
        let resource = Resource::builder().with_service_name("tessera").build();
        let provider = provider.with_sampler(sampler).with_resource(resource).build();
        let tracer = provider.tracer("tessera");
        Traces { provider, tracer, propagator: TraceContextPropagator::new() }
    }

    /// The trace of a request, if its caller samples it.
    pub(crate) fn of(
        &self,
        headers: &HeaderMap,
        began_at: Monotonic,
        wall: impl FnOnce() -> Timestamp,
    ) -> Option<Rc<RequestTrace>> {
        let parent = self.propagator.extract_with_context(&Context::new(), &Headers(headers));
        let is_sampled = parent.has_active_span() && parent.span().span_context().is_sampled();
        let trace = || RequestTrace { parent, began_at, began_wall: wall(), timelines: RefCell::default() };
        is_sampled.then(|| Rc::new(trace()))
    }

    /// Makes the spans of a request that has been answered.
    pub(crate) fn answered(&self, trace: &RequestTrace, answered: &Answered<'_>) {
        let Answered { route, request_id, status, at } = answered;
        let builder = SpanBuilder::from_name(format!("{} {}", route.method(), route.template()))
            .with_kind(SpanKind::Server)
            .with_start_time(trace.wall_at(trace.began_at))
            .with_attributes([
                KeyValue::new("http.request.method", route.method()),
                KeyValue::new("http.route", route.template()),
                KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
                KeyValue::new("tessera.request_id", (*request_id).to_owned()),
            ]);
        let mut span = self.tracer.build_with_context(builder, &trace.parent);
        if status.is_server_error() {
            span.set_status(Status::error(""));
        }
        let inside = Context::new().with_remote_span_context(span.span_context().clone());
        for timeline in trace.timelines.borrow().iter() {
            if let Some(turn) = timeline.turn() {
                self.turn(trace, timeline, turn, &inside);
            }
        }
        span.end_with_timestamp(trace.wall_at(*at));
    }

    fn turn(&self, trace: &RequestTrace, timeline: &Timeline, turn: &TracedTurn, inside: &Context) {
        let times = (timeline.asked_at, turn.began_at.max(timeline.asked_at));
        self.child(trace, inside, SpanBuilder::from_name("queue"), times);
        let requests = i64::try_from(turn.requests).unwrap_or(i64::MAX);
        let builder = SpanBuilder::from_name("turn")
            .with_attributes([KeyValue::new("tessera.turn.requests", requests)]);
        let builder = match turn.mark.get() {
            Some(first) => builder.with_links(vec![Link::with_context(span_context(*first))]),
            None => builder,
        };
        let made = self.child(trace, inside, builder, (times.1, turn.answered_at));
        // The first to come is the one that the others are linked to.
        let mark =
            (u128::from_be_bytes(made.trace_id().to_bytes()), u64::from_be_bytes(made.span_id().to_bytes()));
        let _ = turn.mark.set(mark);
        let name = if turn.appended { "append" } else { "read head" };
        let inside = Context::new().with_remote_span_context(made);
        self.child(trace, &inside, SpanBuilder::from_name(name), (turn.stored_at, turn.answered_at));
    }

    fn child(
        &self,
        trace: &RequestTrace,
        inside: &Context,
        builder: SpanBuilder,
        (began_at, ended_at): (Monotonic, Monotonic),
    ) -> SpanContext {
        let builder = builder.with_kind(SpanKind::Internal).with_start_time(trace.wall_at(began_at));
        let mut span = self.tracer.build_with_context(builder, inside);
        span.end_with_timestamp(trace.wall_at(ended_at));
        span.span_context().clone()
    }

    /// Exports what has been made so far, and ends. Blocks for at most `longest`.
    pub(crate) fn finish(&self, longest: Duration) {
        if let Err(error) = self.provider.shutdown_with_timeout(longest) {
            tracing::warn!(%error, "the last traces could not be exported");
        }
    }
}

impl RequestTrace {
    /// Something is asked of a writer now.
    pub(crate) fn ask(&self, now: Monotonic) -> Arc<Timeline> {
        let timeline = Timeline::begin(now);
        self.timelines.borrow_mut().push(Arc::clone(&timeline));
        timeline
    }

    /// Wall time at an instant of the process.
    fn wall_at(&self, at: Monotonic) -> SystemTime {
        let since = Duration::from_micros(at.0.saturating_sub(self.began_at.0));
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.began_wall.0) + since
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces").finish_non_exhaustive()
    }
}

fn span_context((trace, span): (u128, u64)) -> SpanContext {
    let (trace, span) = (TraceId::from(trace), SpanId::from(span));
    SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::default())
}

/// Headers of a request, as the propagator reads them.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}
