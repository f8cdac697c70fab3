//! The search for the capacity: short runs at one rate each, doubling until an objective breaks, then halving the gap. And what a run had too little of.

use std::fmt;

use tessera_verdict::recording::{Objective, Second};

use crate::arrivals::Profile;
use crate::dashboard::shown;
use crate::error::RehearsalError;
use crate::run::Outcome;
use crate::scenario::event::Event;
use crate::scenario::{BUYERS_MAX, Scenario};

/// The search ends when the rates that hold and that do not are this close, one to the other.
const CLOSE: f64 = 1.1;
/// Highest rate that is tried, in buyers a second.
const RATE_MAX: f64 = 50_000.0;
/// Lowest rate that is tried.
const RATE_MIN: f64 = 1.0;
/// Where the first rate holds, the next is so many times as high; where it does not, so many times as low.
const STRIDE: f64 = 2.0;
/// Share of the processors at which they are called saturated.
const PROCESSORS_SHARE: f64 = 0.85;
/// A generator later than this had too little of a processor itself, in microseconds.
const LAG_US_MAX: u64 = 50_000;
/// An append that takes longer than this on average is slow, in milliseconds.
const APPEND_MS_MAX: f64 = 20.0;

/// A search by halving.
#[derive(Clone, Debug)]
pub struct Search {
    first: f64,
    /// The highest rate that held.
    holds: Option<f64>,
    /// The lowest rate that did not.
    breaks: Option<f64>,
    probes_left: u32,
}

impl Search {
    /// A search that begins at a rate and takes so many runs at most.
    #[must_use]
    pub fn new(first: f64, probes_max: u32) -> Self {
        let first = first.clamp(RATE_MIN, RATE_MAX);
        Search { first, holds: None, breaks: None, probes_left: probes_max }
    }

    /// The rate to try next; none when the search is over.
    #[must_use]
    pub fn next_rate(&self) -> Option<f64> {
        if self.probes_left == 0 {
            return None;
        }
        match (self.holds, self.breaks) {
            (None, None) => Some(self.first),
            (Some(holds), None) => Some((holds * STRIDE).min(RATE_MAX)).filter(|rate| *rate > holds),
            (None, Some(breaks)) => Some((breaks / STRIDE).max(RATE_MIN)).filter(|rate| *rate < breaks),
            (Some(holds), Some(breaks)) => Some((holds * breaks).sqrt()).filter(|_| breaks / holds > CLOSE),
        }
    }

    /// Note how a rate went.
    pub fn note(&mut self, rate: f64, held: bool) {
        self.probes_left = self.probes_left.saturating_sub(1);
        if held {
            self.holds = Some(self.holds.map_or(rate, |known| known.max(rate)));
        } else {
            self.breaks = Some(self.breaks.map_or(rate, |known| known.min(rate)));
        }
    }

    /// The highest rate that held, and the lowest that did not.
    #[must_use]
    pub fn found(&self) -> (Option<f64>, Option<f64>) {
        (self.holds, self.breaks)
    }
}

/// The scenario of one run of a search: its event and its behaviours, and arrivals at one rate.
///
/// # Errors
/// [`RehearsalError::Usage`] for an event that is there already: each run needs a fresh one.
pub fn probe(
    scenario: &Scenario,
    rate: f64,
    seconds: u32,
    objectives: &[Objective],
) -> Result<Scenario, RehearsalError> {
    let mut probe = scenario.clone();
    match &mut probe.event {
        Event::Created { presale_s, .. } => *presale_s = None,
        Event::Existing { .. } => {
            let said = "a search for the capacity sells a fresh event in each run: give the scenario a venue or a hall";
            return Err(RehearsalError::Usage(said.to_owned()));
        }
    }
    let duration_s = f64::from(seconds.max(1));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 1 and the most there may be
    let buyers = (rate * duration_s).clamp(1.0, f64::from(BUYERS_MAX)) as u32;
    (probe.crowd.buyers, probe.crowd.duration_s) = (buyers, duration_s);
    probe.crowd.profile = Profile::steady(duration_s);
    probe.behaviours.iter_mut().for_each(|behaviour| behaviour.arrives_s = None);
    probe.objectives = objectives.to_vec();
    Ok(probe)
}

/// What a run had too little of.
#[derive(Clone, Debug, PartialEq)]
pub enum Saturated {
    /// The server used nearly all processors.
    Processors {
        /// In its busiest second.
        used: f64,
        /// Of how many.
        of: u32,
    },
    /// Server and generator together used nearly all processors of this machine.
    SharedProcessors {
        /// The server, in its busiest second.
        server: f64,
        /// The generator, on average.
        generator: f64,
        /// Of how many.
        of: u32,
    },
    /// The writer's lanes: requests were turned away.
    Lanes {
        /// How many.
        turned_away: u64,
        /// Most that waited on average of a second, new and existing.
        queued_max: [u64; 2],
    },
    /// The store.
    Store {
        /// The slowest second, as the mean of its appends in milliseconds.
        append_ms: f64,
    },
    /// The generator: a stronger machine would find another capacity.
    Generator {
        /// How late it was at worst, in microseconds.
        lag_us: u64,
    },
}

impl fmt::Display for Saturated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Saturated::Processors { used, of } => {
                write!(f, "the processors: the server used {used:.1} of {of}")
            }
            Saturated::SharedProcessors { server, generator, of } => write!(
                f,
                "the processors, which the server ({server:.1}) and the generator ({generator:.1}) share: {of} in all"
            ),
            Saturated::Lanes { turned_away, queued_max: [new, existing] } => write!(
                f,
                "the lanes: {turned_away} requests were turned away, with up to {new} new and {existing} existing ones waiting"
            ),
            Saturated::Store { append_ms } => {
                write!(f, "the store: an append took {append_ms:.0} ms in its slowest second")
            }
            Saturated::Generator { lag_us } => {
                write!(
                    f,
                    "the generator: it was late by up to {}, so this is not the server's limit",
                    shown(*lag_us)
                )
            }
        }
    }
}

/// What a run had too little of, by the server's own metrics and the generator's.
#[must_use]
pub fn saturated(outcome: &Outcome) -> Vec<Saturated> {
    let seconds = &outcome.recording.seconds;
    let of = outcome.recording.environment.processors;
    let mut found = Vec::new();
    let server = seconds.iter().filter_map(|second| second.server_cpu).fold(0.0, f64::max);
    let generator = outcome.generator_processors;
    if server >= PROCESSORS_SHARE * f64::from(of) {
        found.push(Saturated::Processors { used: server, of });
    } else if outcome.recording.environment.is_own_server
        && server + generator >= PROCESSORS_SHARE * f64::from(of)
    {
        found.push(Saturated::SharedProcessors { server, generator, of });
    }
    let turned_away = seconds.iter().map(|second| u64::from(second.turned_away)).sum();
    if turned_away > 0 {
        found.push(Saturated::Lanes { turned_away, queued_max: queued_max(seconds) });
    }
    if let Some(append_ms) = outcome.append_ms_max.filter(|mean| *mean > APPEND_MS_MAX) {
        found.push(Saturated::Store { append_ms });
    }
    let lag_us = seconds.iter().map(|second| second.lag_us).max().unwrap_or(0);
    if lag_us > LAG_US_MAX {
        found.push(Saturated::Generator { lag_us });
    }
    found
}

fn queued_max(seconds: &[Second]) -> [u64; 2] {
    let queued = seconds.iter().filter_map(|second| second.queued);
    queued.fold([0, 0], |most, now| [most[0].max(now[0]), most[1].max(now[1])])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    /// Search a server that bears so much, beginning at a rate.
    fn searched(bears: f64, first: f64, probes: u32) -> (Option<f64>, Option<f64>, u32) {
        let mut search = Search::new(first, probes);
        let mut runs = 0;
        while let Some(rate) = search.next_rate() {
            search.note(rate, rate <= bears);
            runs += 1;
        }
        let (holds, breaks) = search.found();
        (holds, breaks, runs)
    }

    #[test]
    fn the_capacity_is_found_from_below_and_from_above() {
        for first in [10.0, 1_000.0, 40_000.0] {
            let (holds, breaks, runs) = searched(3_000.0, first, 30);
            let (holds, breaks) = (holds.unwrap(), breaks.unwrap());
            assert!(holds <= 3_000.0 && breaks > 3_000.0 && breaks / holds <= CLOSE, "{holds} {breaks}");
            assert!(runs < 20, "{runs} runs");
        }
    }

    #[test]
    fn a_search_is_bounded() {
        assert_eq!(searched(f64::MAX, 100.0, 30).0, Some(RATE_MAX), "the highest rate held");
        assert_eq!(searched(0.0, 100.0, 30).0, None, "nothing held");
        assert_eq!(searched(3_000.0, 100.0, 3).2, 3);
    }
}
