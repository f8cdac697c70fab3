//! What the scenario asks for, measured.

use tessera_demo::tally::Operation as Name;

use crate::recording::{Asked, Measure, Objective, OperationLatency, Outcome, Recording};
use crate::verdict::{Generator, Judged};

/// Most that the generator may be late in a second without being noticed in the latencies, in microseconds.
pub const LAG_BEARABLE_US: u64 = 50_000;
/// Share of the seconds in which it may be later.
const LATE_SECONDS_SHARE_MAX: f64 = 0.05;
/// Seconds in which it may be later, however short the run is: one hiccup of the machine is no bottleneck.
const LATE_SECONDS_MAX: u64 = 1;
/// Share of what was due that must have been sent.
const SENT_SHARE_MIN: f64 = 0.98;
/// Over how many seconds the busiest time is looked for.
const BUSIEST_S: usize = 10;
/// One second, in microseconds.
const SECOND_US: u64 = 1_000_000;
/// All of a distribution, in hundredths of a percent.
const WHOLE: u32 = 10_000;

impl Measure {
    /// Every measure, in the order of the report.
    pub const ALL: [Measure; 7] = [
        Measure::HoldP50Ms,
        Measure::HoldP99Ms,
        Measure::HoldP999Ms,
        Measure::ExistingP99Ms,
        Measure::ErrorShare,
        Measure::SoldShare,
        Measure::AcceptedPerSecond,
    ];

    /// What is measured, in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Measure::HoldP50Ms => "half of the holds are answered within",
            Measure::HoldP99Ms => "99 % of the holds are answered within",
            Measure::HoldP999Ms => "99.9 % of the holds are answered within",
            Measure::ExistingP99Ms => "99 % of the commands on existing holds are answered within",
            Measure::ErrorShare => "requests that ended without an answer",
            Measure::SoldShare => "units sold or held at the end",
            Measure::AcceptedPerSecond => "accepted holds a second in the busiest ten seconds",
        }
    }

    /// Whether less is better: then the bound is the most that is allowed, else the least.
    #[must_use]
    pub const fn less_is_better(self) -> bool {
        !matches!(self, Measure::SoldShare | Measure::AcceptedPerSecond)
    }

    /// Whether it says something about time or load, which a generator that was late spoils.
    pub(crate) const fn needs_the_generator(self) -> bool {
        !matches!(self, Measure::SoldShare)
    }

    /// A value of it, as people read it.
    #[must_use]
    pub fn shown(self, value: f64) -> String {
        match self {
            Measure::HoldP50Ms | Measure::HoldP99Ms | Measure::HoldP999Ms | Measure::ExistingP99Ms => {
                if value >= 1_000.0 { format!("{:.2} s", value / 1_000.0) } else { format!("{value:.1} ms") }
            }
            Measure::ErrorShare | Measure::SoldShare => format!("{:.2} %", value * 100.0),
            Measure::AcceptedPerSecond => format!("{value:.0}/s"),
        }
    }
}

/// Judge every objective.
#[must_use]
pub fn judge(recording: &Recording, generator: &Generator) -> Vec<Judged> {
    recording.objectives.iter().map(|objective| judge_one(recording, generator, objective)).collect()
}

fn judge_one(recording: &Recording, generator: &Generator, objective: &Objective) -> Judged {
    let Objective { measure, bound } = *objective;
    let measured = measured(recording, measure);
    let met = measured.map(|value| if measure.less_is_better() { value <= bound } else { value >= bound });
    // What a late generator measured says nothing, whichever way it came out.
    let met = met.filter(|_| !(generator.was_bottleneck && measure.needs_the_generator()));
    // A smaller crowd sells less, and brings less load: that is no failure of the server.
    let left_out = recording.scenario.fewer_than.is_some() && !measure.less_is_better();
    Judged { measure, bound, measured, met: met.filter(|_| !left_out), left_out }
}

/// What a run has of a measure; none where there is nothing to measure.
#[must_use]
pub fn measured(recording: &Recording, measure: Measure) -> Option<f64> {
    let holds = |latency: &&OperationLatency| is(latency, Name::PlaceHold);
    let existing = |latency: &&OperationLatency| {
        let others = [
            Name::RenewHold,
            Name::ReleaseHold,
            Name::BeginPayment,
            Name::FailPayment,
            Name::Confirm,
            Name::CheckIn,
        ];
        others.into_iter().any(|name| is(latency, name))
    };
    let of_holds = || recording.latencies.iter().filter(holds).collect::<Vec<_>>();
    match measure {
        Measure::HoldP50Ms => percentile_ms(&of_holds(), 5_000),
        Measure::HoldP99Ms => percentile_ms(&of_holds(), 9_900),
        Measure::HoldP999Ms => percentile_ms(&of_holds(), 9_990),
        Measure::ExistingP99Ms => {
            percentile_ms(&recording.latencies.iter().filter(existing).collect::<Vec<_>>(), 9_900)
        }
        Measure::ErrorShare => error_share(recording),
        Measure::SoldShare => sold_share(recording),
        Measure::AcceptedPerSecond => accepted_per_second(recording),
    }
}

fn is(latency: &OperationLatency, name: Name) -> bool {
    latency.operation.replace('_', " ") == name.name()
}

/// A percentile over several operations together: the least latency within which at least that share of all replies certainly came.
/// Between two percentiles of a table, replies count for the later one.
fn percentile_ms(tables: &[&OperationLatency], hundredths: u32) -> Option<f64> {
    let total: u64 = tables.iter().map(|table| table.count).sum();
    if total == 0 {
        return None;
    }
    let mut latencies: Vec<u64> =
        tables.iter().flat_map(|table| table.percentiles.iter().map(|(_, latency)| *latency)).collect();
    latencies.sort_unstable();
    let within = |latency: u64| -> u128 {
        let of = |table: &&OperationLatency| {
            let reached = table.percentiles.iter().filter(|(_, at)| *at <= latency);
            u128::from(reached.map(|(share, _)| *share).max().unwrap_or(0)) * u128::from(table.count)
        };
        tables.iter().map(of).sum()
    };
    let wanted = u128::from(hundredths.min(WHOLE)) * u128::from(total);
    let at = latencies.partition_point(|latency| within(*latency) < wanted);
    latencies.get(at.min(latencies.len().saturating_sub(1))).map(|latency| milliseconds(*latency))
}

/// Microseconds as milliseconds.
#[must_use]
#[allow(clippy::cast_precision_loss)] // a latency has fewer than 2^52 µs
pub fn milliseconds(us: u64) -> f64 {
    us as f64 / 1_000.0
}

/// One count as a share of another.
#[must_use]
#[allow(clippy::cast_precision_loss)] // counts of a run are far below 2^52
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Requests by what they came to in the end, not by try: a retry that succeeds is no error.
fn error_share(recording: &Recording) -> Option<f64> {
    let sum = |of: fn(&OperationLatency) -> u64| recording.latencies.iter().map(of).sum();
    share(sum(|latency| latency.unanswered), sum(|latency| latency.count))
}

fn sold_share(recording: &Recording) -> Option<f64> {
    let [free, held, sold, _] = recording.seconds.last()?.units;
    share(held + sold, free + held + sold)
}

/// Accepted holds by the second of their answer.
#[must_use]
pub fn accepted_holds(recording: &Recording) -> Vec<u64> {
    let mut seconds = vec![0; recording.seconds.len()];
    for operation in &recording.history {
        let is_hold = matches!(operation.asked, Asked::PlaceHold { .. })
            && matches!(operation.outcome, Outcome::Accepted { .. });
        let Some(returned) = operation.returned_us.filter(|_| is_hold) else { continue };
        let second = usize::try_from(returned / SECOND_US).unwrap_or(usize::MAX);
        if let Some(count) = seconds.get_mut(second) {
            *count += 1;
        }
    }
    seconds
}

fn accepted_per_second(recording: &Recording) -> Option<f64> {
    let seconds = accepted_holds(recording);
    let width = BUSIEST_S.min(seconds.len());
    let busiest = seconds.windows(width.max(1)).map(|window| window.iter().sum::<u64>()).max()?;
    share(busiest, width as u64)
}

/// Whether the generator kept up.
#[must_use]
pub fn generator(recording: &Recording) -> Generator {
    let seconds = &recording.seconds;
    let due: u64 = seconds.iter().map(|second| u64::from(second.due)).sum();
    let sent: u64 = seconds.iter().map(|second| u64::from(second.sent)).sum();
    let late_seconds = seconds.iter().filter(|second| second.lag_us > LAG_BEARABLE_US).count() as u64;
    let often_late = late_seconds > LATE_SECONDS_MAX
        && share(late_seconds, seconds.len() as u64).is_some_and(|share| share > LATE_SECONDS_SHARE_MAX);
    let fell_behind = share(sent, due).is_some_and(|share| share < SENT_SHARE_MIN);
    Generator {
        due,
        sent,
        lag_max_us: seconds.iter().map(|second| second.lag_us).max().unwrap_or(0),
        late_seconds,
        was_bottleneck: often_late || fell_behind,
    }
}
