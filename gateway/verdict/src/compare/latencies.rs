//! Latencies of two runs beside each other: of each operation over the whole run, with the noise between its seconds. Each request counts in the
//! second in which it was due, so that a stall shows in all who had to wait for its end.

use std::collections::BTreeMap;

use super::noise::{self, BEYOND_OF_MANY};
use super::{Change, Outcome, SECONDS_MIN, latency, outcome};
use crate::judge::name;
use crate::recording::{self, Operation, Recording};

/// What is compared: its name, and the share of the requests that are at most as slow.
const MEASURES: [(&str, f64); 4] =
    [("half within", 0.5), ("99 % within", 0.99), ("99.9 % within", 0.999), ("slowest", 1.0)];
/// Of them the first so many have noise. The others hang on a few requests, which most draws of seconds leave out.
const WITH_NOISE: usize = 2;
/// A latency that is at least so many times as long, and at least [`SLOWER_US`] longer, is worse whatever the noise.
const SLOWER_TIMES: f64 = 3.0;
/// See [`SLOWER_TIMES`], in microseconds.
const SLOWER_US: f64 = 1_000_000.0;
/// Buckets for each doubling of a latency: one is at most 1.6 % wide.
const BUCKETS: u64 = 64;
/// The same, as a power of two.
const BUCKETS_LOG2: u32 = 6;
/// Buckets in all: latencies have at most 40 bits, which is twelve days.
const BUCKETS_ALL: usize = 64 * 36;
/// One second, in microseconds.
const SECOND_US: u64 = 1_000_000;

/// Buckets of one second with how many latencies fell into each.
type Counts = Vec<(usize, u32)>;

/// The latencies of one operation in both runs, second by second.
#[derive(Default)]
struct Pair {
    sides: [Vec<Counts>; 2],
}

/// How the latencies of each operation changed.
pub(super) fn changes(first: &Recording, second: &Recording, beyond: f64) -> Vec<Change> {
    let seconds = first.seconds.len().max(second.seconds.len());
    let mut pairs: BTreeMap<&str, Pair> = BTreeMap::new();
    for (side, recording) in [first, second].into_iter().enumerate() {
        // Who left after half a request has waited for no answer.
        for operation in
            recording.history.iter().filter(|operation| operation.outcome != recording::Outcome::HalfSent)
        {
            let pair = pairs.entry(name(&operation.asked)).or_default();
            pair.sides[side].resize(seconds, Vec::new());
            add(&mut pair.sides[side], operation);
        }
    }
    let changes = pairs.iter().filter_map(|(operation, pair)| of_operation(operation, pair, seconds, beyond));
    changes.flatten().collect()
}

fn add(seconds: &mut [Counts], operation: &Operation) {
    let due = usize::try_from(operation.due_us / SECOND_US).unwrap_or(usize::MAX);
    let last = seconds.len().saturating_sub(1);
    let Some(counts) = seconds.get_mut(due.min(last)) else { return };
    let bucket = bucket(operation.latency_us);
    match counts.iter_mut().find(|(known, _)| *known == bucket) {
        Some((_, count)) => *count += 1,
        None => counts.push((bucket, 1)),
    }
}

fn of_operation(operation: &str, pair: &Pair, seconds: usize, beyond: f64) -> Option<Vec<Change>> {
    let sides =
        |sample: &[usize]| Some((percentiles(&pair.sides[0], sample)?, percentiles(&pair.sides[1], sample)?));
    let all: Vec<usize> = (0..seconds).collect();
    let (first, second) = sides(&all)?;
    let difference = |sample: &[usize]| {
        let (one, other) = sides(sample)?;
        Some(std::array::from_fn::<f64, WITH_NOISE, _>(|at| other[at] - one[at]))
    };
    let intervals = match seconds {
        SECONDS_MIN.. => noise::intervals(seconds, BEYOND_OF_MANY, difference),
        _ => None,
    };
    let change = |(at, (measure, _)): (usize, &(&str, f64))| {
        let interval = intervals.and_then(|intervals| intervals.get(at).copied());
        let outcome = match by_a_lot([first[at], second[at]]) {
            Some(outcome) => outcome,
            None if at < WITH_NOISE => outcome(first[at], interval, true, beyond),
            None => Outcome::WithinNoise,
        };
        Change {
            name: format!("{operation}: {measure}"),
            first: first[at],
            second: second[at],
            shown: [latency(first[at]), latency(second[at])],
            interval,
            outcome,
        }
    };
    Some(MEASURES.iter().enumerate().map(change).collect())
}

/// What needs no noise to be told: many times as long, and by much.
fn by_a_lot([first, second]: [f64; 2]) -> Option<Outcome> {
    let is_slower = |from: f64, to: f64| to >= from * SLOWER_TIMES && to - from >= SLOWER_US;
    if is_slower(first, second) {
        Some(Outcome::Worse)
    } else {
        is_slower(second, first).then_some(Outcome::Better)
    }
}

/// The percentiles over some seconds, in microseconds; none where there is no latency.
fn percentiles(seconds: &[Counts], sample: &[usize]) -> Option<[f64; MEASURES.len()]> {
    let mut merged = [0_u64; BUCKETS_ALL];
    for second in sample {
        for (bucket, count) in seconds.get(*second).into_iter().flatten() {
            merged[*bucket] += u64::from(*count);
        }
    }
    let total: u64 = merged.iter().sum();
    if total == 0 {
        return None;
    }
    Some(MEASURES.map(|(_, share)| {
        #[allow(clippy::cast_precision_loss)] // requests of a run are far below 2^52
        let wanted = share * total as f64;
        let mut seen = 0;
        let reached = |count: &u64| {
            seen += *count;
            #[allow(clippy::cast_precision_loss)]
            let within = seen as f64;
            *count > 0 && within >= wanted
        };
        middle(merged.iter().position(reached).unwrap_or(0))
    }))
}

/// The bucket of a latency: below [`BUCKETS`] its own, and then as many for each doubling.
fn bucket(latency_us: u64) -> usize {
    let shift = (u64::BITS - latency_us.leading_zeros()).saturating_sub(BUCKETS_LOG2 + 1);
    let bucket = (latency_us >> shift) + BUCKETS * u64::from(shift);
    usize::try_from(bucket).unwrap_or(usize::MAX).min(BUCKETS_ALL - 1)
}

/// The latency in the middle of a bucket, in microseconds.
fn middle(bucket: usize) -> f64 {
    let bucket = bucket as u64;
    let shift = (bucket / BUCKETS).saturating_sub(1);
    let from = (bucket - shift * BUCKETS) << shift;
    #[allow(clippy::cast_precision_loss)] // at most 2^40
    let middle = from as f64 + ((1_u64 << shift) - 1) as f64 / 2.0;
    middle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_no_wider_than_its_share() {
        for latency_us in [1, 63, 64, 127, 128, 129, 1_000, 12_345, 999_999, 600_000_000] {
            #[allow(clippy::cast_precision_loss)]
            let latency = latency_us as f64;
            let off = (middle(bucket(latency_us)) - latency).abs() / latency;
            assert!(off <= 0.008, "{latency_us} µs: {off}");
            assert!(bucket(latency_us) <= bucket(latency_us + 1));
        }
    }
}
