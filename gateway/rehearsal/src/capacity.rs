//! The search for the capacity: short runs at one rate each, doubling until an objective breaks, then halving the gap.

use std::fmt;

use tessera_verdict::recording::{Measure, Objective};
use tessera_verdict::verdict::{Judged, Verdict};

pub use self::load::{Load, Saturated};
use crate::arrivals::Profile;
use crate::error::RehearsalError;
use crate::scenario::event::Event;
use crate::scenario::{BUYERS_MAX, Scenario, objectives};

mod load;

/// The search ends when the rates that hold and that do not are this close, one to the other.
const CLOSE: f64 = 1.1;
/// Highest rate that is tried, in buyers a second.
const RATE_MAX: f64 = 50_000.0;
/// Lowest rate that is tried.
const RATE_MIN: f64 = 1.0;
/// Where the first rate holds, the next is so many times as high; where it does not, so many times as low.
const STRIDE: f64 = 2.0;
/// How often a rate is tried again at which the generator was the bottleneck.
const REPEATS_MAX: u32 = 2;

/// How a rate went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    /// Every objective was met, and the server did nothing wrong.
    Holds,
    /// An objective was missed, or the server did wrong: it sold twice, failed, refused unfairly.
    Breaks,
    /// The run cannot tell: the generator was the bottleneck, or there was nothing to measure by.
    Unclear,
}

impl Went {
    /// What a run at a rate came to.
    #[must_use]
    pub fn of(verdict: &Verdict) -> Self {
        let met = |known: Option<bool>| move |judged: &Judged| judged.met == known;
        let objectives = &verdict.objectives;
        if !verdict.is_sound() || objectives.iter().any(met(Some(false))) {
            Went::Breaks
        } else if objectives.iter().all(met(Some(true))) {
            Went::Holds
        } else {
            Went::Unclear
        }
    }
}

/// What a search is to hold: the objectives that were named, or those of the scenario that a search can use; and what it leaves out of these.
///
/// # Errors
/// [`RehearsalError::Usage`] when one that was named cannot be used, or none is left: of what is to be *at least* so much there is less at lower rates,
/// so that a search that goes down would never end at one that holds.
pub fn sought(
    named: Vec<Objective>,
    scenario: &[Objective],
) -> Result<(Vec<Objective>, Vec<Measure>), RehearsalError> {
    let usable = |objective: &Objective| objective.measure.less_is_better();
    if let Some(unusable) = named.iter().find(|objective| !usable(objective)) {
        return Err(RehearsalError::Usage(format!(
            "a search for the capacity cannot use {}: fewer buyers bring less of it, so that no lower rate would ever hold; name latencies or error_share",
            objectives::name(unusable.measure)
        )));
    }
    let (wanted, left_out): (Vec<Objective>, Vec<Objective>) =
        if named.is_empty() { scenario.iter().cloned().partition(usable) } else { (named, Vec::new()) };
    if wanted.is_empty() {
        let said = "say what must hold: --objective hold_p99_ms=100, or [objectives] in the scenario (latencies or error_share)";
        return Err(RehearsalError::Usage(said.to_owned()));
    }
    Ok((wanted, left_out.into_iter().map(|objective| objective.measure).collect()))
}

/// A search by halving.
#[derive(Clone, Debug)]
pub struct Search {
    first: f64,
    rate_max: f64,
    /// The highest rate that held.
    holds: Option<f64>,
    /// The lowest rate that did not.
    breaks: Option<f64>,
    /// The lowest rate at which nothing can be told, however often it is tried.
    unclear: Option<f64>,
    /// The rate that is tried again, and how often it was unclear.
    again: Option<(f64, u32)>,
    probes_left: u32,
}

/// What a search found, in buyers a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Capacity {
    /// Between the highest rate that holds and the lowest that does not.
    Between {
        /// It holds.
        holds: f64,
        /// It does not.
        breaks: f64,
    },
    /// At least this rate; beyond it nothing was tried that could be told.
    AtLeast {
        /// It holds.
        holds: f64,
        /// Where this machine's generator was the bottleneck.
        unclear: Option<f64>,
    },
    /// No rate that was tried holds.
    None,
}

impl Search {
    /// A search that begins at a rate and takes so many runs at most, each of so many seconds.
    #[must_use]
    pub fn new(first: f64, probes_max: u32, seconds: u32) -> Self {
        // A rate that is reported is one that was offered.
        let rate_max = RATE_MAX.min(f64::from(BUYERS_MAX) / f64::from(seconds.max(1)));
        let first = first.clamp(RATE_MIN, rate_max);
        Search {
            first,
            rate_max,
            holds: None,
            breaks: None,
            unclear: None,
            again: None,
            probes_left: probes_max,
        }
    }

    /// The rate to try next; none when the search is over.
    #[must_use]
    pub fn next_rate(&self) -> Option<f64> {
        if self.probes_left == 0 {
            return None;
        }
        if let Some((rate, _)) = self.again {
            return Some(rate);
        }
        match (self.holds, self.ceiling()) {
            (None, None) => Some(self.first),
            (Some(holds), None) => Some((holds * STRIDE).min(self.rate_max)).filter(|rate| *rate > holds),
            (None, Some(ceiling)) => Some((ceiling / STRIDE).max(RATE_MIN)).filter(|rate| *rate < ceiling),
            (Some(holds), Some(ceiling)) => {
                Some((holds * ceiling).sqrt()).filter(|_| ceiling / holds > CLOSE)
            }
        }
    }

    /// The lowest rate that did not hold for certain.
    fn ceiling(&self) -> Option<f64> {
        [self.breaks, self.unclear].into_iter().flatten().min_by(f64::total_cmp)
    }

    /// Note how a rate went.
    pub fn note(&mut self, rate: f64, went: Went) {
        self.probes_left = self.probes_left.saturating_sub(1);
        let tried = self.again.take().map_or(0, |(_, tried)| tried);
        match went {
            Went::Holds => self.holds = Some(self.holds.map_or(rate, |known| known.max(rate))),
            Went::Breaks => self.breaks = Some(self.breaks.map_or(rate, |known| known.min(rate))),
            Went::Unclear if tried < REPEATS_MAX => self.again = Some((rate, tried + 1)),
            Went::Unclear => self.unclear = Some(self.unclear.map_or(rate, |known| known.min(rate))),
        }
    }

    /// The lowest rate of which nothing could be told: one whose repetition the number of runs did not allow is as unclear.
    fn unclear(&self) -> Option<f64> {
        let again = self.again.map(|(rate, _)| rate);
        [self.unclear, again].into_iter().flatten().min_by(f64::total_cmp)
    }

    /// The lowest rate above the capacity that was tried: what it was short of bounds the capacity.
    #[must_use]
    pub fn beyond(&self) -> Option<f64> {
        let beyond = [self.breaks, self.unclear()].into_iter().flatten();
        beyond.filter(|rate| self.holds.is_none_or(|holds| *rate > holds)).min_by(f64::total_cmp)
    }

    /// What was found.
    #[must_use]
    pub fn found(&self) -> Capacity {
        let unclear = self.unclear();
        match (self.holds, self.breaks) {
            (Some(holds), Some(breaks)) if unclear.is_none_or(|unclear| unclear > breaks) => {
                Capacity::Between { holds, breaks }
            }
            (Some(holds), _) => Capacity::AtLeast { holds, unclear },
            (None, _) => Capacity::None,
        }
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Capacity::Between { holds, breaks } => {
                write!(f, "{holds:.0} buyers a second hold, {breaks:.0} do not")
            }
            Capacity::AtLeast { holds, unclear: None } => {
                write!(f, "at least {holds:.0} buyers a second; nothing broke")
            }
            Capacity::AtLeast { holds, unclear: Some(unclear) } => write!(
                f,
                "at least {holds:.0} buyers a second; at {unclear:.0} the run could not tell (a generator that is late measures nothing)"
            ),
            Capacity::None => write!(f, "no rate that was tried holds"),
        }
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
    let buyers = (rate * duration_s).round().clamp(1.0, f64::from(BUYERS_MAX)) as u32;
    (probe.crowd.buyers, probe.crowd.duration_s) = (buyers, duration_s);
    probe.crowd.profile = Profile::steady(duration_s);
    probe.behaviours.iter_mut().for_each(|behaviour| behaviour.arrives_s = None);
    probe.objectives = objectives.to_vec();
    Ok(probe)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::collections::BTreeMap;

    use tessera_verdict::verdict::{Fairness, Finding, Generator, HalfSent, Linearizability};

    use super::*;

    /// Search a server that bears so much, beginning at a rate, with a generator that can tell up to another one.
    fn searched(bears: f64, tells: f64, first: f64, probes: u32) -> (Capacity, u32) {
        let mut search = Search::new(first, probes, 10);
        let mut runs = 0;
        while let Some(rate) = search.next_rate() {
            let went = match rate {
                rate if rate > tells => Went::Unclear,
                rate if rate <= bears => Went::Holds,
                _ => Went::Breaks,
            };
            search.note(rate, went);
            runs += 1;
        }
        (search.found(), runs)
    }

    #[test]
    fn the_capacity_is_found_from_below_and_from_above() {
        for first in [10.0, 1_000.0, 40_000.0] {
            let (found, runs) = searched(3_000.0, f64::MAX, first, 30);
            let Capacity::Between { holds, breaks } = found else { panic!("{found:?}") };
            assert!(holds <= 3_000.0 && breaks > 3_000.0 && breaks / holds <= CLOSE, "{holds} {breaks}");
            assert!(runs < 20, "{runs} runs");
        }
    }

    #[test]
    fn a_search_is_bounded() {
        let most = Capacity::AtLeast { holds: RATE_MAX, unclear: None };
        assert_eq!(searched(f64::MAX, f64::MAX, 100.0, 30).0, most, "the highest rate held");
        assert_eq!(searched(0.0, f64::MAX, 100.0, 30).0, Capacity::None, "nothing held");
        assert_eq!(searched(3_000.0, f64::MAX, 100.0, 3).1, 3);
    }

    #[test]
    fn no_rate_is_reported_that_cannot_be_offered() {
        let mut search = Search::new(50_000.0, 30, 1_000);
        assert_eq!(search.next_rate(), Some(2_000.0), "two million buyers in a thousand seconds");
        search.note(2_000.0, Went::Holds);
        assert_eq!(search.next_rate(), None);
    }

    #[test]
    fn a_hiccup_of_the_generator_is_tried_again_and_breaks_nothing() {
        let mut search = Search::new(100.0, 30, 10);
        search.note(100.0, Went::Unclear);
        assert_eq!(search.next_rate(), Some(100.0), "the same again");
        search.note(100.0, Went::Holds);
        assert_eq!(search.next_rate(), Some(200.0));
        let (found, runs) = searched(f64::MAX, 1_000.0, 100.0, 40);
        let Capacity::AtLeast { holds, unclear: Some(unclear) } = found else { panic!("{found:?}") };
        assert!(holds <= 1_000.0 && unclear > 1_000.0 && unclear / holds <= CLOSE, "{found:?}");
        assert!(found.to_string().starts_with("at least"), "{found}");
        assert!(runs < 30, "{runs} runs");
    }

    #[test]
    fn what_was_short_beyond_the_capacity_is_that_of_a_rate_that_did_not_hold() {
        let mut search = Search::new(100.0, 30, 10);
        search.note(100.0, Went::Unclear);
        assert_eq!(search.beyond(), Some(100.0), "so far");
        search.note(100.0, Went::Holds);
        search.note(200.0, Went::Breaks);
        assert_eq!(search.beyond(), Some(200.0), "100 holds, and says nothing of what is beyond it");
    }

    fn verdict(met: &[Option<bool>]) -> Verdict {
        let judged = |met: &Option<bool>| Judged {
            measure: Measure::HoldP99Ms,
            bound: 1.0,
            measured: None,
            met: *met,
            left_out: false,
        };
        Verdict {
            passed: false,
            reason: String::new(),
            findings: Vec::new(),
            fairness: Fairness::default(),
            linearizability: Linearizability::default(),
            objectives: met.iter().map(judged).collect(),
            generator: Generator::default(),
            accepted: BTreeMap::new(),
            unknown: 0,
            half_sent: HalfSent::default(),
        }
    }

    #[test]
    fn a_run_holds_breaks_or_cannot_tell() {
        let went = |met: &[Option<bool>]| Went::of(&verdict(met));
        assert_eq!(went(&[Some(true), Some(true)]), Went::Holds);
        assert_eq!(went(&[Some(true), None]), Went::Unclear);
        assert_eq!(went(&[None, Some(false)]), Went::Breaks);
        let failed = Finding::new("G3", "no reply is a failure", String::new(), vec!["500".into()]);
        let wrong = Verdict { findings: vec![failed], ..verdict(&[Some(true)]) };
        assert_eq!(Went::of(&wrong), Went::Breaks, "fast, and wrong");
    }

    #[test]
    fn a_search_holds_only_what_lower_rates_can_meet() {
        let objective = |measure| Objective { measure, bound: 0.9 };
        let (latency, sold) = (objective(Measure::HoldP99Ms), objective(Measure::SoldShare));
        let (wanted, left_out) = sought(Vec::new(), &[latency.clone(), sold.clone()]).unwrap();
        assert_eq!((wanted, left_out), (vec![latency.clone()], vec![Measure::SoldShare]));
        let (wanted, left_out) = sought(vec![latency.clone()], std::slice::from_ref(&sold)).unwrap();
        assert_eq!((wanted, left_out), (vec![latency], Vec::new()));
        let refused = sought(vec![sold.clone()], &[]).unwrap_err().to_string();
        assert!(refused.contains("cannot use sold_share"), "{refused}");
        assert!(sought(Vec::new(), &[sold]).unwrap_err().to_string().contains("say what must hold"));
    }
}
