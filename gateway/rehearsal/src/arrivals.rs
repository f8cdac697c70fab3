//! When buyers come: a density over the run, made of straight pieces, that does not depend on what the server does.

use serde::Deserialize;
use tessera_demo::random::Random;

use crate::error::ScenarioError;
use crate::scenario::Place;

/// The `[crowd.arrivals]` table.
#[derive(Debug, Deserialize)]
#[serde(tag = "profile", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ArrivalsFile {
    /// One rate, and chance.
    Poisson {},
    /// Rates of intervals of the same length, one to another.
    Step { rates: Vec<f64> },
    /// From one rate to another.
    Ramp { from: f64, to: f64 },
    /// A share of all comes in a rush that falls to nothing in that time; the others come all along.
    Spike { share: f64, within_s: f64 },
    /// As it was recorded.
    Replay { file: String },
}

/// A row of a recording: so many buyers came from then on until the time of the next row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    at_s: f64,
    buyers: f64,
}

/// How arrivals are spread over the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pieces: Vec<Piece>,
    /// Whether the gaps are left to chance, or as even as the density allows.
    is_random: bool,
}

/// A straight piece of the density.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    from_s: f64,
    to_s: f64,
    /// Density at both ends, in units of its own.
    ends: [f64; 2],
}

impl Piece {
    fn mass(&self) -> f64 {
        (self.ends[0] + self.ends[1]) / 2.0 * (self.to_s - self.from_s)
    }

    /// How much of the mass lies before a time in the piece.
    fn mass_before(&self, at_s: f64) -> f64 {
        let (length, into) = (self.to_s - self.from_s, at_s - self.from_s);
        self.ends[0] * into + (self.ends[1] - self.ends[0]) * into * into / (2.0 * length)
    }

    /// The time before which so much of the mass lies.
    fn time_of(&self, mass: f64) -> f64 {
        let slope = (self.ends[1] - self.ends[0]) / (self.to_s - self.from_s);
        let root = (self.ends[0] * self.ends[0] + 2.0 * slope * mass).max(0.0).sqrt();
        let divisor = self.ends[0] + root;
        if divisor > 0.0 { (self.from_s + 2.0 * mass / divisor).min(self.to_s) } else { self.from_s }
    }
}

impl Profile {
    pub(crate) fn read(
        file: &ArrivalsFile,
        duration_s: f64,
        place: &Place<'_>,
    ) -> Result<Self, ScenarioError> {
        let wrong = |detail: String| Err(place.wrong("arrivals", detail));
        let piece = |from_s, to_s, ends| Piece { from_s, to_s, ends };
        let pieces = match file {
            ArrivalsFile::Poisson {} => vec![piece(0.0, duration_s, [1.0, 1.0])],
            ArrivalsFile::Step { rates } => {
                if rates.is_empty() {
                    return wrong("a step profile needs rates, such as rates = [1, 4, 2]".into());
                }
                even_pieces(rates, duration_s)
            }
            ArrivalsFile::Ramp { from, to } => vec![piece(0.0, duration_s, [*from, *to])],
            ArrivalsFile::Spike { share, within_s } => {
                if !((0.0..=1.0).contains(share) && *within_s > 0.0 && *within_s < duration_s) {
                    return wrong(format!(
                        "a spike needs a share of 0 to 1 and within_s of more than 0 and less than {duration_s}"
                    ));
                }
                let base = (1.0 - share) / duration_s;
                let rush = piece(0.0, *within_s, [base + 2.0 * share / within_s, base]);
                vec![rush, piece(*within_s, duration_s, [base, base])]
            }
            ArrivalsFile::Replay { file } => recorded(&place.beside("arrivals", file)?, duration_s)
                .map_err(|detail| place.wrong("arrivals", format!("{file}: {detail}")))?,
        };
        let sound = |piece: &Piece| piece.ends.iter().all(|rate| rate.is_finite() && *rate >= 0.0);
        if !pieces.iter().all(sound) || pieces.iter().map(Piece::mass).sum::<f64>() <= 0.0 {
            return wrong("rates are numbers from 0 on, and not all of them 0".into());
        }
        Ok(Profile { pieces, is_random: matches!(file, ArrivalsFile::Poisson {}) })
    }

    /// One rate all along, left to chance: what a search for the capacity offers.
    #[must_use]
    pub fn steady(duration_s: f64) -> Self {
        Profile { pieces: vec![Piece { from_s: 0.0, to_s: duration_s, ends: [1.0, 1.0] }], is_random: true }
    }

    /// Times of so many arrivals between two times of the run, in microseconds, ascending.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // times of a run are far below 2^52 µs
    pub fn draw(&self, count: u32, window_s: Option<[f64; 2]>, random: &mut Random) -> Vec<u64> {
        let whole = [0.0, self.pieces.last().map_or(0.0, |piece| piece.to_s)];
        let window = window_s.unwrap_or(whole);
        let [mut least, mut most] = window.map(|at_s| self.mass_before(at_s));
        // Nobody would come in this window by the profile: then they come evenly.
        let even = most <= least;
        if even {
            [least, most] = window;
        }
        let mut times: Vec<u64> = (0..count)
            .map(|index| {
                let chance = (random.draw() >> 11) as f64 / (1_u64 << 53) as f64;
                let part =
                    if self.is_random { chance } else { (f64::from(index) + chance) / f64::from(count) };
                let mass = least + part * (most - least);
                ((if even { mass } else { self.time_of(mass) }) * 1e6) as u64
            })
            .collect();
        times.sort_unstable();
        times
    }

    fn mass_before(&self, at_s: f64) -> f64 {
        let part = |piece: &Piece| {
            if at_s >= piece.to_s {
                piece.mass()
            } else if at_s <= piece.from_s {
                0.0
            } else {
                piece.mass_before(at_s)
            }
        };
        self.pieces.iter().map(part).sum()
    }

    fn time_of(&self, mut mass: f64) -> f64 {
        for piece in &self.pieces {
            if mass < piece.mass() {
                return piece.time_of(mass);
            }
            mass -= piece.mass();
        }
        self.pieces.last().map_or(0.0, |piece| piece.to_s)
    }
}

/// Flat pieces of the same length.
fn even_pieces(rates: &[f64], duration_s: f64) -> Vec<Piece> {
    let length = duration_s / f64::from(u32::try_from(rates.len()).unwrap_or(u32::MAX));
    let mut from_s = 0.0;
    let piece = |rate: &f64| {
        let piece = Piece { from_s, to_s: from_s + length, ends: [*rate, *rate] };
        from_s += length;
        piece
    };
    rates.iter().map(piece).collect()
}

/// A recording, stretched to the length of the run. Its last row lasts as long as the one before it.
fn recorded(text: &str, duration_s: f64) -> Result<Vec<Piece>, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for row in reader.deserialize() {
        let row: Recorded =
            row.map_err(|error| format!("{error}; the columns are at_s and buyers, with this header"))?;
        rows.push(row);
    }
    let ascending = rows.windows(2).all(|pair| pair[0].at_s < pair[1].at_s);
    let [.., before, last] = rows.as_slice() else {
        return Err("a recording needs two rows at least".to_owned());
    };
    if !ascending {
        return Err("at_s must ascend from row to row".to_owned());
    }
    let (begin, end) = (rows[0].at_s, last.at_s + (last.at_s - before.at_s));
    let stretched = |at_s: f64| (at_s - begin) / (end - begin) * duration_s;
    let ends = rows[1..].iter().map(|row| row.at_s).chain([end]);
    let piece = |(row, end): (&Recorded, f64)| {
        let (from_s, to_s) = (stretched(row.at_s), stretched(end));
        let rate = row.buyers / (to_s - from_s);
        Piece { from_s, to_s, ends: [rate, rate] }
    };
    Ok(rows.iter().zip(ends).map(piece).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::Scenario;

    /// Arrivals of a profile over 100 s, counted by ten seconds.
    fn by_tens(profile: &str, seed: u64) -> Vec<u32> {
        let text = format!(
            "name='n'\ndescription='d'\n[event]\nvenue='arena'\n[crowd]\nbuyers=1\nduration_s=100\n[crowd.arrivals]\n{profile}\n\
             [[behaviours]]\nkind='decisive'\nshare=1\n"
        );
        let scenario = Scenario::read(&text, Path::new("test.toml")).unwrap();
        let mut tens = vec![0; 10];
        for at_us in scenario.crowd.profile.draw(10_000, None, &mut Random::new(seed, 1)) {
            tens[usize::try_from(at_us / 10_000_000).unwrap().min(9)] += 1;
        }
        tens
    }

    /// Within so many of what is expected.
    fn near(found: &[u32], expected: &[u32], by: u32) {
        let close = |(found, expected): (&u32, &u32)| found.abs_diff(*expected) <= by;
        assert!(found.iter().zip(expected).all(close), "{found:?}, not about {expected:?}");
    }

    #[test]
    fn arrivals_follow_their_profile() {
        near(&by_tens("profile='step'\nrates=[1,3]", 1), &[500, 500, 500, 500, 500, 1500, 1500], 2);
        let ramp = [100, 300, 500, 700, 900, 1100, 1300, 1500, 1700, 1900];
        near(&by_tens("profile='ramp'\nfrom=0\nto=10", 1), &ramp, 3);
        // 60 of 100 in a rush of 20 s, three quarters of them in its first half; the others all along.
        let spike = [4_900, 1_900, 400, 400, 400, 400, 400, 400, 400, 400];
        near(&by_tens("profile='spike'\nshare=0.6\nwithin_s=20", 1), &spike, 3);
        // Chance: three deviations of a binomial of 10,000 at a tenth are 90.
        let poisson = by_tens("profile='poisson'", 1);
        near(&poisson, &[1_000; 10], 120);
        assert!(poisson.iter().any(|count| count.abs_diff(1_000) > 5), "{poisson:?} is no chance");
    }

    #[test]
    fn a_seed_decides_every_arrival() {
        let profile = Profile::steady(30.0);
        let draw = |seed| profile.draw(1_000, None, &mut Random::new(seed, 1));
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn a_window_takes_its_part_of_the_profile() {
        let times = Profile::steady(100.0).draw(1_000, Some([20.0, 30.0]), &mut Random::new(1, 1));
        assert!(times.iter().all(|at_us| (20_000_000..=30_000_000).contains(at_us)));
    }

    #[test]
    fn a_recording_is_replayed_and_stretched() {
        let pieces = recorded("at_s, buyers\n0, 10\n1, 30\n3, 0\n", 50.0).unwrap();
        let profile = Profile { pieces, is_random: false };
        let times = profile.draw(40, None, &mut Random::new(1, 1));
        // 5 s recorded become 50 s: 10 buyers until 10 s, 30 until 30 s, nobody after that.
        assert_eq!(times.iter().filter(|at_us| **at_us <= 10_000_000).count(), 10);
        assert!(times.last().is_some_and(|last| *last <= 30_000_000), "{times:?}");
    }

    #[test]
    fn a_bad_recording_is_told_with_its_line() {
        let table = [
            ("time,buyers\n1,2\n2,3\n", "at_s and buyers"),
            ("at_s,buyers\n1,2\n2,many\n", "line: 3"),
            ("at_s,buyers\n2,2\n1,3\n", "ascend"),
            ("at_s,buyers\n2,2\n", "two rows"),
        ];
        for (text, said) in table {
            let error = recorded(text, 10.0).unwrap_err();
            assert!(error.contains(said), "{text:?}: {error}");
        }
    }
}
