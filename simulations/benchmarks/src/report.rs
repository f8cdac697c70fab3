//! Printing of figures: one row each, aligned, with its unit.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Longest latency that is told apart, in nanoseconds (100 s).
const LATENCY_NS_MAX: u64 = 100_000_000_000;

/// Start a table.
pub fn title(text: &str) {
    println!("\n{text}");
}

/// Print one figure.
pub fn row(name: &str, figure: impl std::fmt::Display) {
    println!("  {name:<58} {figure}");
}

/// The number after a flag on the command line, where it is given.
#[must_use]
pub fn number_argument(flag: &str) -> Option<u64> {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|word| word == flag)?;
    arguments.get(at + 1)?.parse().ok()
}

/// The median of a few runs.
///
/// # Panics
/// Where there are no runs.
#[must_use]
pub fn median(mut runs: Vec<f64>) -> f64 {
    assert!(!runs.is_empty(), "no runs to take the median of");
    runs.sort_by(f64::total_cmp);
    runs[runs.len() / 2]
}

/// Latencies of many operations.
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        Latencies::new()
    }
}

impl Latencies {
    /// None yet.
    ///
    /// # Panics
    /// Never: the bounds are constants that the histogram accepts.
    #[must_use]
    #[allow(clippy::expect_used)]
    pub fn new() -> Self {
        Latencies(Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3).expect("constant bounds"))
    }

    /// Record one.
    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(LATENCY_NS_MAX));
    }

    /// The latency at a quantile of 0 to 1, in microseconds.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn us_at(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1000.0
    }

    /// How many were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Add those of another.
    ///
    /// # Panics
    /// Never: all have the same bounds.
    #[allow(clippy::expect_used)]
    pub fn merge(&mut self, other: &Latencies) {
        self.0.add(&other.0).expect("the same bounds");
    }

    /// As p50, p99, p99.9 and maximum in microseconds.
    #[must_use]
    pub fn summary(&self) -> String {
        format!(
            "p50 {:.1} µs, p99 {:.1} µs, p99.9 {:.1} µs, max {:.1} µs ({} samples)",
            self.us_at(0.5),
            self.us_at(0.99),
            self.us_at(0.999),
            self.us_at(1.0),
            self.0.len()
        )
    }
}
