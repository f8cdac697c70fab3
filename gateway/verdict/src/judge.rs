//! The verdict on a recording.

use std::collections::BTreeMap;

use tessera_demo::check::{Checked, Evidence, Finding as Invariant, check};
use tessera_demo::report::number;

use crate::evidence::{Understood, may_have_happened};
use crate::fairness;
use crate::linear;
use crate::objectives;
use crate::record;
use crate::recording::{Asked, Outcome, Recording};
use crate::refusals;
use crate::verdict::{Fairness, Finding, Generator, HalfSent, Judged, Linearizability, Verdict};

/// Judge a recording.
#[must_use]
pub fn judge(recording: &Recording) -> Verdict {
    let generator = objectives::generator(recording);
    let objectives = objectives::judge(recording, &generator);
    let (findings, fairness, linearizability) = match Understood::new(recording) {
        Ok(understood) => facts(&understood),
        Err(error) => {
            let broken = vec![error.to_string()];
            let finding = Finding::new("G1", "the venue can be read", String::new(), broken);
            (vec![finding], Fairness::default(), Linearizability::default())
        }
    };
    let mut verdict = Verdict {
        passed: false,
        reason: String::new(),
        findings,
        fairness,
        linearizability,
        objectives,
        generator,
        accepted: accepted(recording),
        unknown: recording.history.iter().filter(|operation| may_have_happened(operation)).count() as u64,
        half_sent: HalfSent::of(&recording.history),
    };
    (verdict.passed, verdict.reason) = conclusion(&verdict);
    verdict
}

fn facts(understood: &Understood<'_>) -> (Vec<Finding>, Fairness, Linearizability) {
    let checked = check(&Evidence {
        venue: &understood.venue,
        items: &understood.items,
        acknowledgements: &understood.acknowledgements,
        refusals: &understood.refusals,
        unacknowledged: &understood.unacknowledged,
        organizer_is_known: false,
        is_quiet: false,
        availabilities: &understood.availabilities,
        seat_map: understood.seat_map.as_ref(),
    });
    let mut findings = guarantees(&checked);
    findings.extend(record::findings(understood));
    findings.push(Finding::new(
        "G3",
        "every document is one that the API promises",
        format!("{} items and documents", number(documents(understood.recording))),
        understood.unreadable.clone(),
    ));
    findings.push(defects(understood.recording));
    findings.push(books(&understood.recording.books));
    findings.push(refusals::finding(understood));
    findings.push(refusals::recent(understood));
    findings.sort_by(|one, other| (&one.guarantee, &one.name).cmp(&(&other.guarantee, &other.name)));
    let fairness = fairness::judge(understood, &checked.verdicts);
    (findings, fairness, linear::check(understood.recording, &understood.venue))
}

/// A reply that says that the server failed is a defect of it, whatever the load: it is no refusal, and no way to say *later*.
fn defects(recording: &Recording) -> Finding {
    let told = recording.defects.iter().map(|(what, count)| format!("{what}, {} times", number(*count)));
    let replies: u64 = recording.seconds.iter().map(|second| u64::from(second.answered)).sum();
    let mut finding = Finding::new(
        "G3",
        "no reply is a failure of the server (5xx, or one that cannot be read)",
        format!("{} replies", number(replies)),
        told.collect(),
    );
    finding.broken = recording.defects.values().sum();
    finding
}

/// G4, from the outside: whatever was paid, kept and given back, the accounts of a currency sum to zero.
fn books(books: &BTreeMap<String, i64>) -> Finding {
    let open = books.iter().filter(|(_, sum)| **sum != 0);
    let broken = open.map(|(currency, sum)| format!("the accounts in {currency} sum to {sum}")).collect();
    let currencies: Vec<&str> = books.keys().map(String::as_str).collect();
    Finding::new("G4", "the ledger sums to zero in every currency", currencies.join(", "), broken)
}

fn documents(recording: &Recording) -> u64 {
    let count = recording.feed.len() + recording.availabilities.len() + recording.seat_map.iter().len();
    count as u64
}

/// The findings of the fold, each under the guarantee that it belongs to. Refusals are judged as fairness.
fn guarantees(checked: &Checked) -> Vec<Finding> {
    let under = |finding: &Invariant| {
        let guarantee = match finding.name.split_whitespace().next().unwrap_or_default() {
            "I1" | "I2" => "G1",
            "I3" => "I3",
            "I5" => "I5",
            "G2" => "G2",
            "feed" => "G3",
            _ => return None,
        };
        let name = finding.name.trim_start_matches(|first: char| first.is_ascii_uppercase());
        let name = name.trim_start_matches(|digit: char| digit.is_ascii_digit()).trim_start();
        Some(Finding {
            guarantee: guarantee.to_owned(),
            name: name.to_owned(),
            numbers: finding.numbers.clone(),
            broken: finding.count,
            examples: finding.broken.clone(),
        })
    };
    checked.findings.iter().filter_map(under).collect()
}

fn accepted(recording: &Recording) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for operation in &recording.history {
        if matches!(operation.outcome, Outcome::Accepted { .. }) {
            *counts.entry(name(&operation.asked).to_owned()).or_default() += 1;
        }
    }
    counts
}

/// The name of what is asked, as in the tables.
#[must_use]
pub fn name(asked: &Asked) -> &'static str {
    use tessera_demo::tally::Operation;
    let operation = match asked {
        Asked::PlaceHold { .. } => Operation::PlaceHold,
        Asked::RenewHold { .. } => Operation::RenewHold,
        Asked::ReleaseHold { .. } => Operation::ReleaseHold,
        Asked::BeginPayment { .. } => Operation::BeginPayment,
        Asked::FailPayment { .. } => Operation::FailPayment,
        Asked::Confirm { .. } => Operation::Confirm,
        Asked::CheckIn { .. } => Operation::CheckIn,
    };
    operation.name()
}

/// Whether the run passed, and why, in a sentence: what is worst comes first.
fn conclusion(verdict: &Verdict) -> (bool, String) {
    let example = |examples: &[String]| examples.first().cloned().unwrap_or_default();
    if let Some(finding) = verdict.findings.iter().find(|finding| !finding.held()) {
        let all: u64 = verdict.findings.iter().map(|finding| finding.broken).sum();
        let (guarantee, name) = (&finding.guarantee, &finding.name);
        let more = if all > 1 { format!(" ({} cases in all)", number(all)) } else { String::new() };
        return (false, format!("{guarantee} is broken, “{name}”: {}{more}.", example(&finding.examples)));
    }
    let fairness = verdict.fairness.total();
    if fairness.unfair > 0 {
        let example = example(&verdict.fairness.unfair_examples);
        let were = if fairness.unfair == 1 { "refusal was" } else { "refusals were" };
        return (false, format!("{} {were} unfair: {example}.", number(fairness.unfair)));
    }
    let linear = &verdict.linearizability;
    if linear.violations > 0 {
        let example = example(&linear.examples);
        let count = number(linear.violations);
        return (
            false,
            format!("No order in time explains what clients were told, {count} times: {example}."),
        );
    }
    if let Some(missed) = verdict.objectives.iter().find(|judged| judged.met == Some(false)) {
        return (false, missed_in_words(missed, &verdict.objectives));
    }
    let (left_out, objectives): (Vec<&Judged>, Vec<&Judged>) =
        verdict.objectives.iter().partition(|judged| judged.left_out);
    let is_spoilt = |judged: &&Judged| judged.met.is_none() && judged.measure.needs_the_generator();
    if verdict.generator.was_bottleneck && objectives.iter().any(is_spoilt) {
        return (false, bottleneck(&verdict.generator));
    }
    if let Some(judged) = objectives.iter().find(|judged| judged.met.is_none()) {
        return (false, format!("The run has nothing to measure “{}” by.", judged.measure.name()));
    }
    (true, passed_in_words(verdict, objectives.len(), left_out.len()))
}

/// What a run that passed proves.
fn passed_in_words(verdict: &Verdict, met: usize, left_out: usize) -> String {
    let fairness = verdict.fairness.total();
    let accepted: u64 = verdict.accepted.values().sum();
    let (accepted, refused) = (number(accepted), number(fairness.right));
    let unjudged = match fairness.unjudged {
        0 => String::new(),
        count => format!(", {} could not be judged from outside", number(count)),
    };
    let objectives = match met {
        0 => "there were no objectives to judge".to_owned(),
        1 => "the one objective was met".to_owned(),
        count => format!("all {count} objectives were met"),
    };
    let left_out = match left_out {
        0 => String::new(),
        count => format!(" ({count} of a full crowd left out: fewer buyers came than the scenario asks for)"),
    };
    let slow = if verdict.generator.was_bottleneck {
        format!(" {}", bottleneck(&verdict.generator))
    } else {
        String::new()
    };
    format!(
        "Every guarantee held over {accepted} accepted commands, no refusal was unfair ({refused} judged right{unjudged}), and {objectives}{left_out}.{slow}"
    )
}

fn missed_in_words(missed: &Judged, all: &[Judged]) -> String {
    let count = all.iter().filter(|judged| judged.met == Some(false)).count();
    let measure = missed.measure;
    let measured = missed.measured.map_or_else(String::new, |value| measure.shown(value));
    let limit = if measure.less_is_better() { "at most" } else { "at least" };
    let bound = measure.shown(missed.bound);
    let more = if count > 1 { format!(" ({count} of {} were missed)", all.len()) } else { String::new() };
    let name = measure.name();
    format!(
        "Every guarantee held, but an objective was missed: “{name}” should be {limit} {bound}, and was {measured}{more}."
    )
}

fn bottleneck(generator: &Generator) -> String {
    format!(
        "The generator, not the server, was the bottleneck ({} of {} due requests were sent, at worst {} ms late): the run proves nothing about the server's speed.",
        number(generator.sent),
        number(generator.due),
        number(generator.lag_max_us / 1_000)
    )
}
