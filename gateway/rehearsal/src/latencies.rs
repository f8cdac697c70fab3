//! Latencies of one kind of operation.

use hdrhistogram::Histogram;
use tessera_verdict::recording::OperationLatency;

/// Longest latency that is told apart, in microseconds: ten minutes.
const LATENCY_US_MAX: u64 = 600_000_000;
/// Significant digits of a latency over the whole run.
const DIGITS: u8 = 3;
/// Percentiles of the report, in hundredths of a percent.
const PERCENTILES: [u32; 14] =
    [0, 1_000, 2_500, 5_000, 7_500, 9_000, 9_500, 9_800, 9_900, 9_950, 9_980, 9_990, 9_999, 10_000];
/// One hundred percent, in the same unit.
const WHOLE: f64 = 10_000.0;

/// How long operations of one kind took, from the moment at which each was first due.
#[derive(Clone, Debug)]
pub(crate) struct Latencies {
    pub(crate) histogram: Histogram<u64>,
    /// Those that ended without an answer.
    pub(crate) unanswered: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Latencies { histogram: histogram(DIGITS), unanswered: 0 }
    }
}

impl Latencies {
    /// One more.
    pub(crate) fn record(&mut self, waited_us: u64, answered: bool) {
        self.unanswered += u64::from(!answered);
        // A histogram that grows by itself takes every value that fits into memory.
        let _ = self.histogram.record(latency_us(waited_us));
    }

    /// Add those of another thread.
    pub(crate) fn merge(&mut self, other: &Latencies) {
        self.unanswered += other.unanswered;
        // Histograms that grow by themselves take every value of each other.
        let _ = self.histogram.add(&other.histogram);
    }

    /// As they are recorded.
    pub(crate) fn finished(&self, name: &str) -> OperationLatency {
        let at = |percentile: &u32| {
            (*percentile, self.histogram.value_at_quantile(f64::from(*percentile) / WHOLE))
        };
        OperationLatency {
            operation: name.to_owned(),
            count: self.histogram.len(),
            unanswered: self.unanswered,
            percentiles: PERCENTILES.iter().map(at).collect(),
        }
    }
}

/// A time as a histogram takes it.
pub(crate) fn latency_us(waited_us: u64) -> u64 {
    waited_us.clamp(1, LATENCY_US_MAX)
}

/// An empty histogram that grows by itself.
#[allow(clippy::expect_used)]
pub(crate) fn histogram(digits: u8) -> Histogram<u64> {
    // It is refused for more than five digits only, and all constants are below.
    Histogram::new(digits).expect("at most five digits")
}
