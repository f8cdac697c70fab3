//! The search for the capacity: short runs at one rate each, doubling until an objective breaks, then halving the gap. And what a run had too little of.

use std::fmt;

use tessera_verdict::recording::{Objective, Second};
use tessera_verdict::verdict::Judged;

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
/// Share of a second in turns at which the writer is called saturated. There is one writer an event, and one turn at a time.
const WRITER_SHARE: f64 = 0.9;
/// A generator later than this had too little of a processor itself, in microseconds.
const LAG_US_MAX: u64 = 50_000;
/// An append that takes longer than this on average is slow, in milliseconds.
const APPEND_MS_MAX: f64 = 20.0;

/// How often a rate is tried again at which the generator was the bottleneck.
const REPEATS_MAX: u32 = 2;

/// How a rate went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    /// Every objective was met.
    Holds,
    /// One was missed.
    Breaks,
    /// The run cannot tell: the generator was the bottleneck, or there was nothing to measure by.
    Unclear,
}

impl Went {
    /// What a run at a rate came to.
    #[must_use]
    pub fn of(judged: &[Judged]) -> Self {
        match judged {
            _ if judged.iter().any(|judged| judged.met == Some(false)) => Went::Breaks,
            _ if judged.iter().all(|judged| judged.met == Some(true)) => Went::Holds,
            _ => Went::Unclear,
        }
    }
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

    /// What was found.
    #[must_use]
    pub fn found(&self) -> Capacity {
        // A rate whose repetition the number of runs did not allow is as unclear.
        let again = self.again.map(|(rate, _)| rate);
        let unclear = [self.unclear, again].into_iter().flatten().min_by(f64::total_cmp);
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
    /// The event's writer: one turn after the other took nearly all of the time.
    Writer {
        /// Its busiest second.
        busy: f64,
        /// Most that waited on average of a second, new and existing.
        queued_max: [u64; 2],
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
            Saturated::Writer { busy, queued_max: [new, existing] } => write!(
                f,
                "the event's writer: its turns took {:.0} % of its busiest second, with up to {new} new and {existing} existing requests waiting",
                busy * 100.0
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

/// What a run used of everything that it may have too little of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// Processors of the server in its busiest second.
    pub server: f64,
    /// Processors of the generator, on average.
    pub generator: f64,
    /// Processors of the machine that both share; none where the server has another, of which nothing is known.
    pub processors: Option<u32>,
    /// The largest share of a second in which the writer had a turn under way.
    pub writer_busy: f64,
    /// Most requests that a turn found waiting on average of a second, new and existing.
    pub queued_max: [u64; 2],
    /// Requests turned away.
    pub turned_away: u64,
    /// The slowest second of the store, as the mean of its appends in milliseconds.
    pub append_ms: f64,
    /// How late the generator was at worst, in microseconds.
    pub lag_us: u64,
}

impl Load {
    /// That of a run, by the server's own metrics and the generator's.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Self {
        let seconds = &outcome.recording.seconds;
        Load {
            server: seconds.iter().filter_map(|second| second.server_cpu).fold(0.0, f64::max),
            generator: outcome.generator_processors,
            processors: outcome.shares_machine.then_some(outcome.recording.environment.processors),
            writer_busy: outcome.writer_busy_max.unwrap_or(0.0),
            queued_max: queued_max(seconds),
            turned_away: seconds.iter().map(|second| u64::from(second.turned_away)).sum(),
            append_ms: outcome.append_ms_max.unwrap_or(0.0),
            lag_us: seconds.iter().map(|second| second.lag_us).max().unwrap_or(0),
        }
    }

    /// What it had too little of.
    #[must_use]
    pub fn saturated(&self) -> Vec<Saturated> {
        let Load { server, generator, writer_busy, queued_max, turned_away, append_ms, lag_us, .. } = *self;
        let mut found = Vec::new();
        if let Some(of) = self.processors {
            let enough = PROCESSORS_SHARE * f64::from(of);
            if server >= enough {
                found.push(Saturated::Processors { used: server, of });
            } else if server + generator >= enough {
                found.push(Saturated::SharedProcessors { server, generator, of });
            }
        }
        if writer_busy >= WRITER_SHARE {
            found.push(Saturated::Writer { busy: writer_busy, queued_max });
        }
        if turned_away > 0 {
            found.push(Saturated::Lanes { turned_away, queued_max });
        }
        if append_ms > APPEND_MS_MAX {
            found.push(Saturated::Store { append_ms });
        }
        if lag_us > LAG_US_MAX {
            found.push(Saturated::Generator { lag_us });
        }
        found
    }
}

fn queued_max(seconds: &[Second]) -> [u64; 2] {
    let queued = seconds.iter().filter_map(|second| second.queued);
    queued.fold([0, 0], |most, now| [most[0].max(now[0]), most[1].max(now[1])])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
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
    fn a_run_holds_breaks_or_cannot_tell() {
        let judged = |met| Judged {
            measure: tessera_verdict::recording::Measure::HoldP99Ms,
            bound: 1.0,
            measured: None,
            met,
        };
        assert_eq!(Went::of(&[judged(Some(true)), judged(Some(true))]), Went::Holds);
        assert_eq!(Went::of(&[judged(Some(true)), judged(None)]), Went::Unclear);
        assert_eq!(Went::of(&[judged(None), judged(Some(false))]), Went::Breaks);
    }

    #[test]
    fn what_a_run_had_too_little_of_is_named() {
        let idle = Load { processors: Some(4), append_ms: 3.0, ..Load::default() };
        assert_eq!(idle.saturated(), []);
        let server = Load { server: 3.5, generator: 0.4, ..idle };
        assert_eq!(server.saturated(), [Saturated::Processors { used: 3.5, of: 4 }]);
        let both = Load { server: 2.0, generator: 1.5, ..idle };
        assert_eq!(both.saturated(), [Saturated::SharedProcessors { server: 2.0, generator: 1.5, of: 4 }]);
        let elsewhere = Load { processors: None, ..server };
        assert_eq!(elsewhere.saturated(), [], "nobody knows how many processors another machine has");
        let writer = Load { writer_busy: 0.95, queued_max: [80, 2], ..idle };
        assert_eq!(writer.saturated(), [Saturated::Writer { busy: 0.95, queued_max: [80, 2] }]);
        assert!(writer.saturated()[0].to_string().contains("95 %"));
        let store = Load { append_ms: 25.0, turned_away: 7, ..idle };
        assert_eq!(store.saturated().len(), 2, "{:?}", store.saturated());
        let late = Load { lag_us: 60_000, ..idle };
        assert_eq!(late.saturated(), [Saturated::Generator { lag_us: 60_000 }]);
    }
}
