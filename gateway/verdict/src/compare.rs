//! Two runs beside each other: what got better, what got worse, and what is within the noise.

use std::fmt;

use serde::{Deserialize, Serialize};
use tessera_demo::report::table;

use self::noise::{BEYOND, Interval};
use crate::objectives::measured;
use crate::recording::{Environment, Measure, Recording, Second};
use crate::verdict::Verdict;

mod latencies;
mod noise;

/// Fewest seconds of load from which noise can be estimated.
pub const SECONDS_MIN: usize = 12;
/// Smallest change that is called one, as a share: less is of no use to anybody, however sure it is.
pub const CHANGE_MIN: f64 = 0.02;

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
    /// What has no noise: verdicts, guarantees, objectives.
    pub facts: Vec<Fact>,
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
    /// From the first to the second, between what and what it lies: with 95 % confidence, of latencies all of them together; none when the runs are too short to tell.
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

/// Compare a run with one before it.
#[must_use]
pub fn compare(first: &Run<'_>, second: &Run<'_>) -> Comparison {
    let seconds = paired(first.recording, second.recording);
    Comparison {
        differences: differences(first.recording, second.recording),
        changes: latencies::changes(first.recording, second.recording)
            .into_iter()
            .chain(MEASURES.iter().filter_map(|measure| change(measure, &seconds)))
            .collect(),
        facts: facts(first, second),
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
            noise::ratio(seconds, |second| f64::from(u8::from(answers(second) == 0)), |_| Some(1.0))
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

fn change(measure: &Measured, seconds: &[(&Second, &Second)]) -> Option<Change> {
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
    let outcome = outcome(first, second, interval, measure.less_is_better);
    let shown = [(measure.shown)(first), (measure.shown)(second)];
    Some(Change { name: measure.name.to_owned(), first, second, shown, interval, outcome })
}

/// What to make of two values, and of the interval of their difference; none: the runs are too short to have one.
fn outcome(first: f64, second: f64, interval: Option<Interval>, less_is_better: bool) -> Outcome {
    match interval {
        None => Outcome::TooShort,
        Some(interval) if interval.contains_zero() => Outcome::WithinNoise,
        Some(_) if (second - first).abs() <= CHANGE_MIN * first.abs().max(second.abs()) => {
            Outcome::WithinNoise
        }
        Some(_) if (second < first) == less_is_better => Outcome::Better,
        Some(_) => Outcome::Worse,
    }
}

/// Decisions and documents: who was told to come later, or that the server failed, has no answer.
fn answers(second: &Second) -> u32 {
    second.answered.saturating_sub(second.turned_away + second.failed)
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
        ("the server's place", text(|environment| place(environment).to_owned())),
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

fn place(environment: &Environment) -> &'static str {
    if environment.is_own_server { "started by the rehearsal" } else { "elsewhere" }
}

fn facts(first: &Run<'_>, second: &Run<'_>) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut count = |what: &str, one: u64, other: u64| {
        let outcome = match one.cmp(&other) {
            std::cmp::Ordering::Equal => Outcome::WithinNoise,
            std::cmp::Ordering::Less => Outcome::Worse,
            std::cmp::Ordering::Greater => Outcome::Better,
        };
        if one + other > 0 {
            facts.push(Fact { text: format!("{what}: {one} → {other}"), outcome });
        }
    };
    let broken = |run: &Run<'_>| run.verdict.findings.iter().map(|finding| finding.broken).sum();
    count("broken guarantees", broken(first), broken(second));
    let unfair = |run: &Run<'_>| run.verdict.fairness.total().unfair;
    count("unfair refusals", unfair(first), unfair(second));
    let linear = |run: &Run<'_>| run.verdict.linearizability.violations;
    count("histories that fit no order", linear(first), linear(second));
    facts.extend(first.verdict.objectives.iter().filter_map(|judged| {
        let other = second.verdict.objectives.iter().find(|other| other.measure == judged.measure)?;
        let (one, two) = (judged.met?, other.met?);
        let word = |met: bool| if met { "met" } else { "missed" };
        let outcome = if two { Outcome::Better } else { Outcome::Worse };
        let text = format!("objective “{}”: {} → {}", judged.measure.name(), word(one), word(two));
        (one != two).then_some(Fact { text, outcome })
    }));
    let sold = |run: &Run<'_>| measured(run.recording, Measure::SoldShare);
    if let (Some(one), Some(two)) = (sold(first), sold(second)) {
        let shown = |value| Measure::SoldShare.shown(value);
        let text = format!("{}: {} → {}", Measure::SoldShare.name(), shown(one), shown(two));
        facts.push(Fact { text, outcome: Outcome::WithinNoise });
    }
    for (run, which) in [(first, "first"), (second, "second")] {
        if run.verdict.generator.was_bottleneck {
            let text =
                format!("in the {which} run the generator was the bottleneck: its figures say nothing");
            facts.push(Fact { text, outcome: Outcome::TooShort });
        }
    }
    facts
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
            "\n{said} The noise is that between the seconds of these two runs. What differs from one whole run to the next \
             (caches, neighbours on the machine) shows only when runs are repeated."
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
