//! How much of a change the seconds of two runs explain by themselves.
//!
//! The method is the moving block bootstrap of H. R. Künsch, *The jackknife and the bootstrap for general stationary observations* (Annals of
//! Statistics 17(3), 1989), on pairs: neighbouring seconds resemble each other, so blocks of them are drawn, and a second of the one
//! run stays beside the same second of the other, in which the same arrivals were due, so that the shape of the load cancels out. Blocks have
//! n^(1/3) seconds, as P. Hall, J. Horowitz and B.-Y. Jing, *On blocking rules for the bootstrap with dependent data* (Biometrika
//! 82(3), 1995), advise. The interval is the one between the 2.5th and the 97.5th percentile of the drawn differences. The draws have a fixed
//! seed: the same two files always say the same.

use serde::{Deserialize, Serialize};

use crate::recording::Second;

/// How often seconds are drawn anew.
const DRAWS: usize = 1_000;
/// Draws beyond each end of the interval: 2.5 % of them.
const BEYOND: usize = DRAWS * 25 / 1_000;
/// Seed of the draws.
const SEED: u64 = 0x7e55_e7a0_5eed;

/// Between what and what a difference lies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub from: f64,
    /// The upper end.
    pub to: f64,
}

impl Interval {
    /// Whether there may be no difference.
    #[must_use]
    pub fn contains_zero(&self) -> bool {
        self.from <= 0.0 && self.to >= 0.0
    }
}

/// The interval of a difference over pairs of seconds; none where it cannot be measured.
pub(super) fn interval<'a>(
    pairs: &[(&'a Second, &'a Second)],
    difference: impl Fn(&[(&'a Second, &'a Second)]) -> Option<f64>,
) -> Option<Interval> {
    let count = pairs.len();
    let block = (1..=count).find(|length| length.pow(3) >= count)?;
    let starts = count - block + 1;
    let mut state = SEED;
    let mut drawn: Vec<f64> = Vec::with_capacity(DRAWS);
    let mut sample = Vec::with_capacity(count + block);
    for _ in 0..DRAWS {
        sample.clear();
        while sample.len() < count {
            let start = draw(&mut state, starts);
            sample.extend_from_slice(&pairs[start..start + block]);
        }
        sample.truncate(count);
        drawn.extend(difference(&sample));
    }
    drawn.sort_by(f64::total_cmp);
    let beyond = BEYOND.min(drawn.len() / 2);
    Some(Interval { from: *drawn.get(beyond)?, to: *drawn.get(drawn.len().checked_sub(beyond + 1)?)? })
}

/// A number below a bound (`SplitMix64`).
fn draw(state: &mut u64, below: usize) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    // The remainder is below a usize.
    usize::try_from(z % below.max(1) as u64).unwrap_or(0)
}

/// The median over the seconds that have a value.
pub(super) fn median(seconds: &[&Second], value: impl Fn(&Second) -> u64) -> Option<f64> {
    let mut values: Vec<u64> =
        seconds.iter().map(|second| value(second)).filter(|value| *value > 0).collect();
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let (_, median, _) = values.select_nth_unstable(middle);
    #[allow(clippy::cast_precision_loss)] // a latency has fewer than 2^52 µs
    Some(*median as f64)
}

/// The sum of one thing by the sum of another, over the seconds that have the other.
pub(super) fn ratio(
    seconds: &[&Second],
    above: impl Fn(&Second) -> f64,
    below: impl Fn(&Second) -> Option<f64>,
) -> Option<f64> {
    let mut sums = (0.0, 0.0);
    for second in seconds {
        if let Some(value) = below(second) {
            sums = (sums.0 + above(second), sums.1 + value);
        }
    }
    (sums.1 > 0.0).then(|| sums.0 / sums.1)
}
