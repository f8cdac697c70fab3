//! Two runs beside each other: what got better, what got worse, and what is within the noise.

use std::fmt;

use serde::{Deserialize, Serialize};
use tessera_demo::report::table;

use self::noise::{BEYOND, Interval};
use crate::recording::{Environment, Recording, Second};
use crate::silence::{answers, is_silent};
use crate::verdict::Verdict;

mod facts;
mod latencies;
mod noise;

/// Fewest seconds of load from which noise can be estimated.
pub const SECONDS_MIN: usize = 12;
/// Smallest change that is called one unless told otherwise, as a share: two runs of one build on one machine differ by as much, which the
/// noise between the seconds of a run does not show.
pub const BEYOND_DEFAULT: f64 = 0.2;

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What was recorded.
    pub recording: &'a Recording,
    /// What was judged.
    pub verdict: &'a Verdict,
}

/// What differs between two runs. `Display` renders it as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Why the two are not like for like; empty when they are.
    pub differences: Vec<String>,
    /// What was measured second by second, each with its noise.
    pub changes: Vec<Change>,
    /// What has no noise: verdicts, guarantees, objectives, silences.
    pub facts: Vec<Fact>,
    /// Smallest change that is called one, as a share.
    pub beyond: f64,
}

/// One measure of two runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What is measured.
    pub name: String,
    /// Of the first run.
    pub first: f64,
    /// Of the second run.
    pub second: f64,
    /// Both, as people read them.
    pub shown: [String; 2],
    /// From the first to the second, between what and what it lies: with 95 % confidence, of latencies all of them together; none where the runs are too short to
    /// tell, and of what only a few requests decide.
    pub interval: Option<Interval>,
    /// What to make of it.
    pub outcome: Outcome,
}

/// What to make of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Better, beyond the noise.
    Better,
    /// Worse, beyond the noise.
    Worse,
    /// The noise within the runs explains it.
    WithinNoise,
    /// The runs are too short to tell.
    TooShort,
}

impl Outcome {
    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Outcome::Better => "better",
            Outcome::Worse => "WORSE",
            Outcome::WithinNoise => "within noise",
            Outcome::TooShort => "too short to tell",
        }
    }
}

/// Something that either is so or is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What, with both sides.
    pub text: String,
    /// What to make of it.
    pub outcome: Outcome,
}

/// Compare a run with one before it. A change of a smaller share than `beyond` is called none, however sure it is.
#[must_use]
pub fn compare(first: &Run<'_>, second: &Run<'_>, beyond: f64) -> Comparison {
    let seconds = paired(first.recording, second.recording);
    Comparison {
        differences: differences(first.recording, second.recording),
        changes: latencies::changes(first.recording, second.recording, beyond)
            .into_iter()
            .chain(MEASURES.iter().filter_map(|measure| change(measure, &seconds, beyond)))
            .collect(),
        facts: facts::facts(first, second),
        beyond,
    }
}

/// Something measured from the seconds of a run.
struct Measured {
    name: &'static str,
    less_is_better: bool,
    value: fn(&[&Second]) -> Option<f64>,
    shown: fn(f64) -> String,
}

const MEASURES: [Measured; 5] = [
    Measured {
        name: "seconds without an answer",
        less_is_better: true,
        value: |seconds| {
            noise::ratio(seconds, |second| f64::from(u8::from(is_silent(second))), |_| Some(1.0))
        },
        shown: |value| format!("{:.1} %", value * 100.0),
    },
    Measured {
        name: "answers a second",
        less_is_better: false,
        value: |seconds| noise::ratio(seconds, |second| f64::from(answers(second)), |_| Some(1.0)),
        shown: |value| format!("{value:.0}"),
    },
    Measured {
        name: "accepted a second",
        less_is_better: false,
        value: |seconds| noise::ratio(seconds, |second| f64::from(second.accepted), |_| Some(1.0)),
        shown: |value| format!("{value:.0}"),
    },
    Measured {
        name: "turned away, failed or unanswered",
        less_is_better: true,
        value: |seconds| {
            let failed = |second: &Second| f64::from(second.turned_away + second.failed + second.unanswered);
            noise::ratio(seconds, failed, |second| Some(f64::from(second.sent)))
        },
        shown: |value| format!("{:.2} %", value * 100.0),
    },
    Measured {
        name: "server processor time a reply",
        less_is_better: true,
        value: |seconds| {
            let used = |second: &Second| second.server_cpu.unwrap_or(0.0) * 1_000_000.0;
            let replies = |second: &Second| second.server_cpu.map(|_| f64::from(second.answered));
            noise::ratio(seconds, used, replies)
        },
        shown: |value| format!("{value:.0} µs"),
    },
];

fn latency(us: f64) -> String {
    if us >= 1_000_000.0 { format!("{:.2} s", us / 1_000_000.0) } else { format!("{:.2} ms", us / 1_000.0) }
}

/// The seconds of both runs in which something was due, side by side: of one scenario and seed, the same arrivals.
fn paired<'a>(first: &'a Recording, second: &'a Recording) -> Vec<(&'a Second, &'a Second)> {
    let both = first.seconds.iter().zip(&second.seconds);
    both.filter(|(one, other)| one.due > 0 && other.due > 0).collect()
}

fn change(measure: &Measured, seconds: &[(&Second, &Second)], beyond: f64) -> Option<Change> {
    let sides = |pairs: &[(&Second, &Second)]| {
        let one: Vec<&Second> = pairs.iter().map(|(one, _)| *one).collect();
        let other: Vec<&Second> = pairs.iter().map(|(_, other)| *other).collect();
        Some(((measure.value)(&one)?, (measure.value)(&other)?))
    };
    let (first, second) = sides(seconds)?;
    let difference = |sample: &[usize]| {
        let sample: Vec<(&Second, &Second)> = sample.iter().map(|at| seconds[*at]).collect();
        sides(&sample).map(|(one, other)| [other - one])
    };
    let interval = match seconds.len() {
        SECONDS_MIN.. => noise::intervals(seconds.len(), BEYOND, difference).map(|[interval]| interval),
        _ => None,
    };
    let outcome = outcome(first, interval, measure.less_is_better, beyond);
    let shown = [(measure.shown)(first), (measure.shown)(second)];
    Some(Change { name: measure.name.to_owned(), first, second, shown, interval, outcome })
}

/// What to make of a change from a value, by the interval of the difference; none: the runs are too short to have one. It is one where even the
/// end that is nearest to no change is beyond.
fn outcome(first: f64, interval: Option<Interval>, less_is_better: bool, beyond: f64) -> Outcome {
    let least = beyond * first.abs();
    let less = match interval {
        None => return Outcome::TooShort,
        Some(Interval { from, .. }) if from > least => false,
        Some(Interval { to, .. }) if to < -least => true,
        Some(_) => return Outcome::WithinNoise,
    };
    if less == less_is_better { Outcome::Better } else { Outcome::Worse }
}

/// Why two runs are not like for like.
fn differences(first: &Recording, second: &Recording) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, one: &str, other: &str| {
        if one != other {
            found.push(format!("{what}: {one} against {other}"));
        }
    };
    compare("other scenarios", &first.scenario.name, &second.scenario.name);
    compare("other seeds", &first.scenario.seed.to_string(), &second.scenario.seed.to_string());
    let (one, other) = (&first.environment, &second.environment);
    let text = |of: fn(&Environment) -> String| (of(one), of(other));
    for (what, (one, other)) in [
        ("other versions of the server", text(|environment| environment.server_version.clone())),
        ("other versions of the rehearsal", text(|environment| environment.version.clone())),
        ("other systems", text(|environment| environment.system.clone())),
        ("other processors", text(|environment| environment.processor.clone())),
        ("other numbers of processors", text(|environment| environment.processors.to_string())),
        ("other memory", text(|environment| format!("{} bytes", environment.memory_bytes))),
        ("other threads of the generator", text(|environment| environment.threads.to_string())),
        ("the server's place", text(place)),
    ] {
        compare(what, &one, &other);
    }
    if first.scenario.name == second.scenario.name && first.scenario.toml != second.scenario.toml {
        found.push("the scenario files have one name and differ".to_owned());
    }
    if first.venue != second.venue {
        found.push("other venues were sold".to_owned());
    }
    let lengths = (first.seconds.len(), second.seconds.len());
    if lengths.0 != lengths.1 {
        found.push(format!("other lengths: {} s against {} s", lengths.0, lengths.1));
    }
    found
}

/// Where the server ran: nothing else is known of the machine of another target.
fn place(environment: &Environment) -> String {
    if environment.is_own_server {
        return "started by the rehearsal".to_owned();
    }
    let address = environment.target.trim_start_matches("http://");
    address.rsplit_once(':').map_or(address, |(host, _)| host).to_owned()
}

impl Comparison {
    /// Whether anything got worse beyond the noise.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        let changes = self.changes.iter().map(|change| change.outcome);
        changes.chain(self.facts.iter().map(|fact| fact.outcome)).any(|outcome| outcome == Outcome::Worse)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.differences.is_empty() {
            writeln!(f, "NOT LIKE FOR LIKE: what follows may come from what differs, not from the server.")?;
            for difference in &self.differences {
                writeln!(f, "  {difference}")?;
            }
            writeln!(f)?;
        }
        let rows: Vec<Vec<String>> = self.changes.iter().map(row).collect();
        writeln!(f, "{}", table(&["measured", "first", "second", "change", "noise (95 %)", ""], &rows))?;
        for fact in &self.facts {
            let mark = match fact.outcome {
                Outcome::Better | Outcome::Worse => format!("  {}", fact.outcome.word()),
                Outcome::WithinNoise | Outcome::TooShort => String::new(),
            };
            writeln!(f, "{}{mark}", fact.text)?;
        }
        let said =
            if self.is_worse() { "Something got worse." } else { "Nothing got worse beyond the noise." };
        writeln!(
            f,
            "\n{said} Changes count from {:.0} % on. The noise is that between the seconds of these two runs. What differs from one whole \
             run to the next (caches, neighbours on the machine) shows only when runs are repeated.",
            self.beyond * 100.0
        )
    }
}

fn row(change: &Change) -> Vec<String> {
    let Change { name, first, second, shown, interval, outcome } = change;
    let share = |difference: f64| {
        if *first == 0.0 { "–".to_owned() } else { format!("{:+.1} %", difference / first * 100.0) }
    };
    let noise = interval
        .map_or_else(String::new, |Interval { from, to }| format!("{} to {}", share(from), share(to)));
    let [one, other] = shown.clone();
    vec![name.clone(), one, other, share(second - first), noise, outcome.word().to_owned()]
}
