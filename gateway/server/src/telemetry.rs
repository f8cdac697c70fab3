//! Metrics and logs of the process.

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Counter, Histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::code::Code;
use crate::router::Route;
use crate::settings::{LogFormat, Settings};

/// Upper bounds of the latency buckets, in seconds.
const LATENCY_BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
const STATUS_MIN: u16 = 100;
const STATUSES: usize = 500;

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Installs the metrics recorder of the process, once. `None` when something else has installed another one.
pub(crate) fn recorder() -> Option<&'static PrometheusHandle> {
    RECORDER
        .get_or_init(|| {
            let builder = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCY_BUCKETS)
                .ok()?;
            builder.install_recorder().ok()
        })
        .as_ref()
}

/// Counts and times the requests of one worker; every handle is made once, so that a request builds no label.
pub(crate) struct RequestMetrics {
    routes: Vec<RouteMetrics>,
    /// All of them are made at once: an alert sees how much a counter grows, and one that begins with its first count has not grown.
    problems: Box<[Counter]>,
}

struct RouteMetrics {
    latency: Histogram,
    statuses: Box<[OnceLock<Counter>]>,
}

impl RequestMetrics {
    pub(crate) fn new() -> RequestMetrics {
        let _ = recorder();
        let route = |name: &'static str| RouteMetrics {
            latency: metrics::histogram!("tessera_http_request_seconds", "route" => name),
            statuses: (0..STATUSES).map(|_| OnceLock::new()).collect(),
        };
        RequestMetrics {
            routes: Route::ALL.iter().map(|one| route(one.template())).collect(),
            problems: Code::ALL
                .iter()
                .map(|code| metrics::counter!("tessera_problems_total", "code" => code.text()))
                .collect(),
        }
    }

    /// Counts one problem: refusals by their reason, and what is wrong with requests.
    pub(crate) fn count_problem(&self, code: Code) {
        if let Some(counter) = self.problems.get(code as usize) {
            counter.increment(1);
        }
    }

    /// Records one request.
    pub(crate) fn record(&self, route: Route, status: u16, took: Duration) {
        let Some(metrics) = self.routes.get(route as usize) else { return };
        metrics.latency.record(took.as_secs_f64());
        if let Some(slot) = metrics.statuses.get(usize::from(status.saturating_sub(STATUS_MIN))) {
            slot.get_or_init(|| {
                metrics::counter!("tessera_http_requests_total", "route" => route.template(),
                    "method" => route.method(), "status" => status.to_string())
            })
            .increment(1);
        }
    }
}

/// Why logging did not start.
#[derive(Debug, thiserror::Error)]
#[error("the setting log_level is not a filter such as info or tessera_actors=debug: {0}")]
pub struct LogLevelError(String);

/// Starts logging to standard error.
///
/// # Errors
/// A filter that cannot be read.
pub fn start_logging(settings: &Settings) -> Result<(), LogLevelError> {
    let filter = tracing_subscriber::EnvFilter::try_new(&settings.log_level)
        .map_err(|error| LogLevelError(error.to_string()))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A process that has started logging before keeps what it has.
    let _ = match settings.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    Ok(())
}
