//! The tables of the report: rows of text, ready for the page.

use std::time::Duration;

use tessera_demo::report::number;
use tessera_demo::tally::shown;

use crate::objectives::milliseconds;
use crate::recording::{Environment, OperationLatency, Recording};
use crate::verdict::{Judged, Verdict};

/// Bytes of a gibibyte.
const GIBIBYTE: u64 = 1 << 30;

/// One figure in large letters.
#[derive(Debug)]
pub(super) struct Tile {
    pub(super) value: String,
    pub(super) label: &'static str,
}

/// One objective.
#[derive(Debug)]
pub(super) struct ObjectiveRow {
    pub(super) name: &'static str,
    pub(super) bound: String,
    pub(super) measured: String,
    /// Class and word of the outcome.
    pub(super) mark: &'static str,
    pub(super) word: &'static str,
}

/// The latency of one operation.
#[derive(Debug)]
pub(super) struct OperationRow {
    pub(super) name: String,
    pub(super) count: String,
    /// p50, p90, p99, p99.9, largest.
    pub(super) latencies: [String; 5],
}

/// A bar with its number.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) count: String,
    /// Its length, in percent of the longest.
    pub(super) percent: u64,
}

/// Refusals of one code.
#[derive(Debug)]
pub(super) struct FairnessRow {
    pub(super) code: String,
    pub(super) right: String,
    pub(super) unjudged: String,
    pub(super) unfair: String,
    pub(super) is_unfair: bool,
    pub(super) lucky_later: String,
}

/// How one kind of buyer fared.
#[derive(Debug)]
pub(super) struct BehaviourRow {
    pub(super) name: String,
    pub(super) counts: [String; 5],
}

pub(super) fn tiles(recording: &Recording, verdict: &Verdict) -> Vec<Tile> {
    let buyers: u64 = recording.behaviours.iter().map(|behaviour| behaviour.buyers).sum();
    let holds = verdict.accepted.get("place hold").copied().unwrap_or(0);
    let orders = verdict.accepted.get("confirm").copied().unwrap_or(0);
    let busiest = recording.seconds.iter().map(|second| second.answered).max().unwrap_or(0);
    let slow = crate::objectives::measured(recording, crate::recording::Measure::HoldP99Ms);
    let slow = slow.map_or_else(|| "–".into(), |value| crate::recording::Measure::HoldP99Ms.shown(value));
    let tile = |value: String, label| Tile { value, label };
    vec![
        tile(number(buyers), "buyers"),
        tile(number(verdict.generator.sent), "requests sent"),
        tile(number(u64::from(busiest)), "answers in the busiest second"),
        tile(slow, "for 99 % of the holds"),
        tile(number(holds), "holds given"),
        tile(number(orders), "orders paid"),
    ]
}

pub(super) fn objectives(verdict: &Verdict) -> Vec<ObjectiveRow> {
    let row = |judged: &Judged| {
        let limit = if judged.measure.less_is_better() { "at most" } else { "at least" };
        let (mark, word) = match judged.met {
            Some(true) => ("good", "met"),
            Some(false) => ("bad", "missed"),
            None => ("open", "not judged"),
        };
        ObjectiveRow {
            name: judged.measure.name(),
            bound: format!("{limit} {}", judged.measure.shown(judged.bound)),
            measured: judged.measured.map_or_else(|| "–".into(), |value| judged.measure.shown(value)),
            mark,
            word,
        }
    };
    verdict.objectives.iter().map(row).collect()
}

/// The least latency of a table that is at least at this percentile.
pub(super) fn at(table: &OperationLatency, share: u32) -> Option<u64> {
    table.percentiles.iter().find(|(known, _)| *known >= share).map(|(_, latency)| *latency)
}

pub(super) fn operations(recording: &Recording) -> Vec<OperationRow> {
    let row = |table: &OperationLatency| OperationRow {
        name: table.operation.clone(),
        count: number(table.count),
        latencies: [5_000, 9_000, 9_900, 9_990, 10_000].map(|share| {
            at(table, share).map_or_else(|| "–".into(), |latency| shown(Duration::from_micros(latency)))
        }),
    };
    recording.latencies.iter().map(row).collect()
}

pub(super) fn refusals(recording: &Recording) -> Vec<Bar> {
    let mut codes: Vec<(&String, u64)> =
        recording.refusals.iter().map(|(code, count)| (code, *count)).collect();
    codes.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
    let longest = codes.first().map_or(1, |(_, count)| (*count).max(1));
    let bar = |(code, count): (&String, u64)| Bar {
        name: code.clone(),
        count: number(count),
        percent: count.saturating_mul(100) / longest,
    };
    codes.into_iter().map(bar).collect()
}

pub(super) fn fairness(verdict: &Verdict) -> Vec<FairnessRow> {
    let rows = verdict.fairness.codes.iter().map(|(code, figures)| (code.clone(), *figures));
    let total = [("all".to_owned(), verdict.fairness.total())];
    rows.chain(total)
        .map(|(code, figures)| FairnessRow {
            code,
            right: number(figures.right),
            unjudged: number(figures.unjudged),
            unfair: number(figures.unfair),
            is_unfair: figures.unfair > 0,
            lucky_later: number(figures.lucky_later),
        })
        .collect()
}

pub(super) fn behaviours(recording: &Recording) -> Vec<BehaviourRow> {
    let rows = recording.behaviours.iter().map(|figures| BehaviourRow {
        name: figures.behaviour.clone(),
        counts: [figures.buyers, figures.bought, figures.refused, figures.left, figures.unanswered]
            .map(number),
    });
    rows.collect()
}

pub(super) fn environment(recording: &Recording) -> Vec<(&'static str, String)> {
    let Environment {
        started_at,
        target,
        is_own_server,
        version,
        server_version,
        system,
        processor,
        processors,
        memory_bytes,
        event,
        sockets_max,
    } = &recording.environment;
    let own = if *is_own_server { ", started by the rehearsal on the same machine" } else { "" };
    vec![
        ("started", started_at.clone()),
        ("target", format!("{target}{own}")),
        ("event", event.clone()),
        ("version of the server", server_version.clone()),
        ("version of the rehearsal", version.clone()),
        ("system", system.clone()),
        ("processor", format!("{processors} × {processor}")),
        ("memory", format!("{} GiB", memory_bytes.div_ceil(GIBIBYTE))),
        ("most sockets at once", number(u64::from(*sockets_max))),
        ("most that the generator was late", shown(Duration::from_micros(lag(recording)))),
        ("seed", recording.scenario.seed.to_string()),
    ]
}

fn lag(recording: &Recording) -> u64 {
    recording.seconds.iter().map(|second| second.lag_us).max().unwrap_or(0)
}

/// How long the run took, as people say it.
pub(super) fn length(recording: &Recording) -> String {
    let seconds = recording.seconds.len();
    if seconds < 120 {
        format!("{seconds} seconds")
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

/// The slowest answer of all, in milliseconds.
pub(super) fn slowest(recording: &Recording) -> String {
    let slowest = recording.seconds.iter().map(|second| second.latency_us[2]).max().unwrap_or(0);
    format!("{:.1} ms", milliseconds(slowest))
}
