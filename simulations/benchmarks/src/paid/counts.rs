//! Counters of the server, before and after a run.

use std::time::{Duration, Instant};

use crate::product::{Product, metric};

/// Time between two looks at the counters.
const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// How long the captures that are still to come may take.
const CAPTURES_WAIT: Duration = Duration::from_secs(60);
/// The histogram of the target.
const CONFIRMED: &str = "tessera_payment_confirmed_seconds_bucket{le=\"";
/// Its bucket that the target is about, in seconds.
const TARGET_S: f64 = 0.05;

/// Counters of the server.
pub(crate) struct Counts {
    pub(crate) sequence: u64,
    pub(crate) turns: f64,
    pub(crate) processor_us: f64,
    /// Calls to the sandbox, whatever came of them.
    pub(crate) calls: f64,
    /// Captures that were done.
    captures: f64,
    /// Orders by the time from their webhook to their sale: upper bound in seconds, and how many took at most that.
    confirmed: Vec<(f64, f64)>,
}

impl Counts {
    pub(crate) fn of(product: &Product) -> Counts {
        let metrics = product.metrics();
        let confirmed = metrics.lines().filter_map(|line| {
            let (bound, count) = line.strip_prefix(CONFIRMED)?.split_once("\"} ")?;
            Some((bound.replace("+Inf", "inf").parse().ok()?, count.parse().ok()?))
        });
        Counts {
            sequence: product.sequence(),
            turns: metric(&metrics, "tessera_turn_seconds_count", &[]),
            processor_us: product.processor_us(),
            calls: metric(&metrics, "tessera_payment_calls_total", &[]),
            captures: captures(&metrics),
            confirmed: confirmed.collect(),
        }
    }

    pub(crate) fn since(&self, before: &Counts) -> Counts {
        let earlier =
            |bound: f64| before.confirmed.iter().find(|one| one.0 == bound).map_or(0.0, |one| one.1);
        Counts {
            sequence: self.sequence - before.sequence,
            turns: self.turns - before.turns,
            processor_us: self.processor_us - before.processor_us,
            calls: self.calls - before.calls,
            captures: self.captures - before.captures,
            confirmed: self.confirmed.iter().map(|one| (one.0, one.1 - earlier(one.0))).collect(),
        }
    }

    /// Upper bounds of the median and of the 99th percentile, and the share that meets the target. Sales of which a provider told, but which
    /// follow from a look at the rows, are not among them.
    pub(crate) fn confirmed_in_words(&self) -> String {
        let all = self.confirmed.last().map_or(0.0, |last| last.1);
        let at = |quantile: f64| {
            let found = self.confirmed.iter().find(|(_, count)| *count >= all * quantile);
            found.map_or(f64::NAN, |found| found.0 * 1e3)
        };
        let within = self.confirmed.iter().find(|one| one.0 == TARGET_S).map_or(0.0, |one| one.1);
        let share = within / all * 100.0;
        format!("p50 ≤ {} ms, p99 ≤ {} ms, {share:.2} % within 50 ms ({all} orders)", at(0.5), at(0.99))
    }
}

fn captures(metrics: &str) -> f64 {
    metric(metrics, "tessera_payment_calls_total", &["operation=\"capture\"", "outcome=\"done\""])
}

/// Wait until as many captures are done as there were orders; how long that took.
pub(crate) fn wait_for_captures(product: &Product, before: &Counts, orders: u64) -> Duration {
    let began = Instant::now();
    #[allow(clippy::cast_precision_loss)] // a count
    let wanted = before.captures + orders as f64;
    while captures(&product.metrics()) < wanted {
        assert!(began.elapsed() < CAPTURES_WAIT, "not all sales were captured after {CAPTURES_WAIT:?}");
        std::thread::sleep(LOOK_PAUSE);
    }
    began.elapsed()
}
