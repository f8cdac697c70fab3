//! What a run had too little of.

use std::fmt;

use tessera_verdict::recording::Second;

use crate::dashboard::shown;
use crate::run::Outcome;

/// Share of the processors at which they are called saturated.
const PROCESSORS_SHARE: f64 = 0.85;
/// Share of a second in turns at which the writer is called saturated. There is one writer an event, and one turn at a time.
const WRITER_SHARE: f64 = 0.9;
/// A generator later than this had too little of a processor itself, in microseconds.
const LAG_US_MAX: u64 = 50_000;
/// An append that takes longer than this on average is slow, in milliseconds.
const APPEND_MS_MAX: f64 = 20.0;

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
        queued_max: [f64; 2],
    },
    /// The writer's lanes: requests were turned away.
    Lanes {
        /// How many.
        turned_away: u64,
        /// Most that waited on average of a second, new and existing.
        queued_max: [f64; 2],
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
                "the event's writer: its turns took {:.0} % of its busiest second, with up to {new:.0} new and {existing:.0} existing requests waiting",
                busy * 100.0
            ),
            Saturated::Lanes { turned_away, queued_max: [new, existing] } => write!(
                f,
                "the lanes: {turned_away} requests were turned away, with up to {new:.0} new and {existing:.0} existing ones waiting"
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
    pub queued_max: [f64; 2],
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

fn queued_max(seconds: &[Second]) -> [f64; 2] {
    let queued = seconds.iter().filter_map(|second| second.queued);
    queued.fold([0.0, 0.0], |most, now| [most[0].max(now[0]), most[1].max(now[1])])
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let writer = Load { writer_busy: 0.95, queued_max: [80.0, 2.0], ..idle };
        assert_eq!(writer.saturated(), [Saturated::Writer { busy: 0.95, queued_max: [80.0, 2.0] }]);
        assert!(writer.saturated()[0].to_string().contains("95 %"));
        let store = Load { append_ms: 25.0, turned_away: 7, ..idle };
        assert_eq!(store.saturated().len(), 2, "{:?}", store.saturated());
        let late = Load { lag_us: 60_000, ..idle };
        assert_eq!(late.saturated(), [Saturated::Generator { lag_us: 60_000 }]);
    }
}
