//! How much of a change the seconds of two runs explain by themselves.
//!
//! The method is the moving block bootstrap of H. R. Künsch, *The jackknife and the bootstrap for general stationary observations* (Annals of
//! Statistics 17(3), 1989), on pairs: neighbouring seconds resemble each other, so blocks of them are drawn, and a second of the one
//! run stays beside the same second of the other, in which the same arrivals were due, so that the shape of the load cancels out. Blocks have
//! n^(1/3) seconds, as P. Hall, J. Horowitz and B.-Y. Jing, *On blocking rules for the bootstrap with dependent data* (Biometrika
//! 82(3), 1995), advise. An interval leaves the same share of the drawn differences beyond
//! each of its ends. The draws have a fixed
//! seed: the same two files always say the same.

use serde::{Deserialize, Serialize};

use crate::recording::Second;

/// How often seconds are drawn anew.
const DRAWS: usize = 1_000;
/// Draws beyond each end of an interval of 95 %.
pub(super) const BEYOND: usize = DRAWS * 25 / 1_000;
/// Draws beyond each end of an interval that is one of at most some twenty: with 99.8 % each, all of them hold with 95 % together (Bonferroni).
pub(super) const BEYOND_OF_MANY: usize = DRAWS / 1_000;
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

/// The intervals of differences over pairs of seconds, which are drawn by their positions; `beyond` draws lie beyond each end. None where the
/// differences cannot be measured.
pub(super) fn intervals<const N: usize>(
    seconds: usize,
    beyond: usize,
    differences: impl Fn(&[usize]) -> Option<[f64; N]>,
) -> Option<[Interval; N]> {
    let block = (1..=seconds).find(|length| length.pow(3) >= seconds)?;
    let starts = seconds - block + 1;
    let mut state = SEED;
    let mut drawn: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(DRAWS));
    let mut sample = Vec::with_capacity(seconds + block);
    for _ in 0..DRAWS {
        sample.clear();
        while sample.len() < seconds {
            let start = draw(&mut state, starts);
            sample.extend(start..start + block);
        }
        sample.truncate(seconds);
        for (drawn, difference) in drawn.iter_mut().zip(differences(&sample).into_iter().flatten()) {
            drawn.push(difference);
        }
    }
    let mut found = [Interval { from: 0.0, to: 0.0 }; N];
    for (found, drawn) in found.iter_mut().zip(&mut drawn) {
        drawn.sort_by(f64::total_cmp);
        let beyond = beyond.min(drawn.len() / 2);
        *found =
            Interval { from: *drawn.get(beyond)?, to: *drawn.get(drawn.len().checked_sub(beyond + 1)?)? };
    }
    Some(found)
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
