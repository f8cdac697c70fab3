//! What has no noise in two runs beside each other: verdicts, guarantees, objectives, and the longest silence.

use super::{Fact, Outcome, Run};
use crate::objectives::measured;
use crate::recording::Measure;
use crate::silence::{NOTABLE_S, longest};

/// What has no noise: it is so, or it is not.
pub(super) fn facts(first: &Run<'_>, second: &Run<'_>) -> Vec<Fact> {
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
    if first.verdict.passed != second.verdict.passed {
        let word = |run: &Run<'_>| if run.verdict.passed { "passed" } else { "failed" };
        let outcome = if second.verdict.passed { Outcome::Better } else { Outcome::Worse };
        facts.push(Fact { text: format!("verdict: {} → {}", word(first), word(second)), outcome });
    }
    facts.extend(silence(first, second));
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

/// The longest time without an answer; none where there was none in either run. No drawing of seconds decides about it: a stall that happened once, in
/// one piece, is missed by most draws.
fn silence(first: &Run<'_>, second: &Run<'_>) -> Option<Fact> {
    let of = |run: &Run<'_>| longest(&run.recording.seconds).map_or(0, |silence| silence.seconds);
    let (one, other) = (of(first), of(second));
    let outcome = match (one, other) {
        (one, other) if other >= one + NOTABLE_S => Outcome::Worse,
        (one, other) if one >= other + NOTABLE_S => Outcome::Better,
        _ => Outcome::WithinNoise,
    };
    let text = format!("longest time without an answer: {one} s → {other} s");
    (one + other > 0).then_some(Fact { text, outcome })
}
