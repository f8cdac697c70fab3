//! What was found: plain data, written beside the recording.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::recording::{Measure, Operation};

/// Most examples that one finding shows.
pub const EXAMPLES_MAX: usize = 5;

/// The verdict on one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether all that must hold held.
    pub passed: bool,
    /// Why, in a sentence.
    pub reason: String,
    /// What must hold, whatever the load.
    pub findings: Vec<Finding>,
    /// Whether refusals were fair.
    pub fairness: Fairness,
    /// Whether the clients' histories fit one order in time.
    pub linearizability: Linearizability,
    /// What the scenario asks for.
    pub objectives: Vec<Judged>,
    /// Whether the generator kept up.
    pub generator: Generator,
    /// Accepted commands, by operation.
    pub accepted: BTreeMap<String, u64>,
    /// Operations whose outcome their clients never learned.
    pub unknown: u64,
    /// Requests that were cut off half-way.
    #[serde(default)]
    pub half_sent: HalfSent,
}

/// Requests that an unlucky client's own network cut off while they were sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HalfSent {
    /// Requests, each with all of its tries.
    pub requests: u64,
    /// Of them those that were sent as a whole in the end, under the same key.
    pub taken_up_again: u64,
}

impl HalfSent {
    /// Those of a history.
    #[must_use]
    pub fn of(history: &[Operation]) -> Self {
        let cut_off = || history.iter().filter(|operation| operation.half_sent > 0);
        let again = cut_off().filter(|operation| operation.sent > 0);
        HalfSent { requests: cut_off().count() as u64, taken_up_again: again.count() as u64 }
    }
}

impl Verdict {
    /// Whether the server did nothing wrong, however fast it was.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(Finding::held)
            && self.fairness.total().unfair == 0
            && self.linearizability.violations == 0
    }
}

/// One thing that must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The guarantee it belongs to, such as `G1`.
    pub guarantee: String,
    /// What must hold, in words.
    pub name: String,
    /// The numbers behind it.
    pub numbers: String,
    /// How often it was broken.
    pub broken: u64,
    /// A few of the cases, in words.
    pub examples: Vec<String>,
}

impl Finding {
    /// A finding over everything that breaks it.
    #[must_use]
    pub fn new(guarantee: &str, name: &str, numbers: String, mut broken: Vec<String>) -> Self {
        let count = broken.len() as u64;
        broken.truncate(EXAMPLES_MAX);
        Finding {
            guarantee: guarantee.to_owned(),
            name: name.to_owned(),
            numbers,
            broken: count,
            examples: broken,
        }
    }

    /// Whether it held.
    #[must_use]
    pub fn held(&self) -> bool {
        self.broken == 0
    }
}

/// Whether refusals were fair.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fairness {
    /// Refusals by code.
    pub codes: BTreeMap<String, RefusalFigures>,
    /// A few unfair refusals, in words.
    pub unfair_examples: Vec<String>,
    /// A few refusals that stock which returned later would have served, in words.
    pub lucky_examples: Vec<String>,
}

impl Fairness {
    /// Everything together.
    #[must_use]
    pub fn total(&self) -> RefusalFigures {
        let mut total = RefusalFigures::default();
        for figures in self.codes.values() {
            total.right += figures.right;
            total.unjudged += figures.unjudged;
            total.unfair += figures.unfair;
            total.lucky_later += figures.lucky_later;
        }
        total
    }
}

/// Refusals of one code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalFigures {
    /// They had to be, on the state that they name.
    pub right: u64,
    /// It cannot be told from outside.
    pub unjudged: u64,
    /// What was asked for was there.
    pub unfair: u64,
    /// Of the right ones: stock that returned later would have served them.
    pub lucky_later: u64,
}

/// Whether the clients' histories fit one order in time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linearizability {
    /// Operations that took part.
    pub operations: u64,
    /// Operations and refusals that say nothing which could be checked so.
    pub left_out: u64,
    /// Histories that were checked, by kind: seats, pools, holds.
    pub seats: u64,
    /// Pools.
    pub pools: u64,
    /// Holds.
    pub holds: u64,
    /// Steps that the search took.
    pub steps: u64,
    /// What was not decided within the budget.
    pub undecided: Vec<String>,
    /// How many histories fit no order.
    pub violations: u64,
    /// A few of them, in words.
    pub examples: Vec<String>,
}

/// An objective, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// What is measured.
    pub measure: Measure,
    /// The bound, in the measure's unit.
    pub bound: f64,
    /// What was measured; none where the run has nothing to measure.
    pub measured: Option<f64>,
    /// Whether it was met; none when the run cannot tell.
    pub met: Option<bool>,
    /// Whether it was left out: a full crowd must meet it, and fewer buyers came than the scenario asks for.
    #[serde(default)]
    pub left_out: bool,
}

/// Whether the generator kept up with what was due.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// Requests that were due.
    pub due: u64,
    /// Requests that were sent.
    pub sent: u64,
    /// Most that it was late, in microseconds.
    pub lag_max_us: u64,
    /// Seconds in which it was later than is bearable.
    pub late_seconds: u64,
    /// Whether it, and not the server, was the bottleneck: then the figures say nothing about the server.
    pub was_bottleneck: bool,
}
