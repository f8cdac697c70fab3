//! The tables of the report: rows of text, ready for the page.

use std::time::Duration;

use jiff::Timestamp;
use tessera_demo::report::number;
use tessera_demo::tally::shown;

use crate::objectives::share;
use crate::recording::{Environment, OperationLatency, Recording, Second};
use crate::silence::{NOTABLE_S, Silence, longest};
use crate::verdict::{Judged, Verdict};

/// All of a distribution, in hundredths of a percent.
const WHOLE: u32 = 10_000;
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
    /// Of them those without an answer.
    pub(super) unanswered: String,
    /// p50, p90, p99, p99.9, largest.
    pub(super) latencies: [String; 5],
}

/// What became of some of the requests.
#[derive(Debug)]
pub(super) struct RequestRow {
    pub(super) name: &'static str,
    pub(super) count: String,
    /// Of those that were sent, in percent.
    pub(super) share: String,
    pub(super) meaning: &'static str,
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
            None if judged.left_out => ("open", "left out"),
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

/// What became of the requests, each sending counted.
pub(super) fn requests(recording: &Recording) -> Vec<RequestRow> {
    let sum =
        |of: fn(&Second) -> u32| recording.seconds.iter().map(|second| u64::from(of(second))).sum::<u64>();
    let sent = sum(|second| second.sent);
    let [accepted, refused] = [sum(|second| second.accepted), sum(|second| second.refused)];
    let [turned_away, failed] = [sum(|second| second.turned_away), sum(|second| second.failed)];
    let answered = sum(|second| second.answered);
    let read = answered.saturating_sub(accepted + refused + turned_away + failed);
    let row = |name, count, meaning| {
        let share = share(count, sent).map_or_else(String::new, |share| format!("{:.2} %", share * 100.0));
        RequestRow { name, count: number(count), share, meaning }
    };
    vec![
        row("due", sum(|second| second.due), "what the crowd wanted to send, every retry included"),
        row("sent", sent, "the others gave up before a socket was free"),
        row("answered", answered, "with anything at all: the five lines that follow"),
        row("accepted", accepted, "commands that were carried out"),
        row("refused", refused, "by a rule: see Refusals"),
        row("read", read, "documents: availability and seat maps"),
        row("turned away", turned_away, "told to come back later (429, 503)"),
        row("failed", failed, "the server failed (5xx other than 503)"),
        row("unanswered", sum(|second| second.unanswered), "timed out, or the connection broke"),
    ]
}

/// What those were told who were turned away, or met a failure of the server, with how often.
pub(super) fn told(recording: &Recording) -> Vec<(String, String)> {
    let told = recording.turned_away.iter().chain(&recording.defects);
    told.map(|(what, count)| (what.clone(), number(*count))).collect()
}

/// The longest time without an answer, in a sentence.
pub(super) fn silence(recording: &Recording) -> Option<String> {
    let Silence { from, seconds } =
        longest(&recording.seconds).filter(|silence| silence.seconds >= NOTABLE_S)?;
    Some(format!(
        "For {seconds} seconds in a row, from second {from} on, requests were due and nothing was answered."
    ))
}

/// The least latency of a table that is at least at this percentile.
pub(super) fn at(table: &OperationLatency, share: u32) -> Option<u64> {
    table.percentiles.iter().find(|(known, _)| *known >= share).map(|(_, latency)| *latency)
}

pub(super) fn operations(recording: &Recording) -> Vec<OperationRow> {
    let row = |table: &OperationLatency| OperationRow {
        name: table.operation.clone(),
        count: number(table.count),
        unanswered: number(table.unanswered),
        latencies: [5_000, 9_000, 9_900, 9_990, WHOLE].map(|share| {
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
    let environment = &recording.environment;
    let Environment { target, is_own_server, is_here, sockets_max, sockets_allowed, .. } = environment;
    let own = if *is_own_server { ", started by the rehearsal" } else { "" };
    let machine = if *is_own_server || *is_here { "the rehearsing machine" } else { "not known" };
    let (processors, processor) = (environment.processors, &environment.processor);
    let most = number(u64::from(*sockets_max));
    let sockets = match sockets_allowed {
        0 => most,
        allowed => format!("{most} of {} allowed", number(u64::from(*allowed))),
    };
    vec![
        ("started", started(recording)),
        ("target", format!("{target}{own}")),
        ("event", environment.event.clone()),
        ("version of the server", environment.server_version.clone()),
        ("the server's machine", machine.to_owned()),
        ("rehearsing machine", environment.system.clone()),
        ("its processors", format!("{processors} × {processor}")),
        ("its memory", format!("{} GiB", environment.memory_bytes.div_ceil(GIBIBYTE))),
        ("version of the rehearsal", environment.version.clone()),
        ("threads of the generator", number(u64::from(environment.threads))),
        ("most sockets at once", sockets),
        ("most that the generator was late", shown(Duration::from_micros(lag(recording)))),
        ("seed", recording.scenario.seed.to_string()),
    ]
}

/// When the run began, to the second.
pub(super) fn started(recording: &Recording) -> String {
    let written = &recording.environment.started_at;
    let began: Option<Timestamp> = written.parse().ok();
    began.map_or_else(|| written.clone(), |began| began.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
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

/// The slowest request of all, its retries included.
pub(super) fn slowest(recording: &Recording) -> String {
    let slowest = recording.latencies.iter().filter_map(|table| at(table, WHOLE)).max();
    shown(Duration::from_micros(slowest.unwrap_or(0)))
}
