//! The charts of the report.

use super::chart::{Plot, Series, Style, Unit, svg};
use crate::recording::{OperationLatency, Recording, Second};
use crate::silence::is_silent;

/// Nines of the largest value of a table, where its percentile would be infinitely far to the right.
const NINES_MAX: f64 = 4.0;
/// Colours of the page.
const COLOURS: usize = 8;
/// All of a distribution, in hundredths of a percent.
const WHOLE: u32 = 10_000;

/// A chart with what stands around it.
#[derive(Debug)]
pub(super) struct Figure {
    /// What it shows.
    pub(super) title: &'static str,
    /// How to read it, in a sentence.
    pub(super) note: &'static str,
    /// Number of the colour and name of each series.
    pub(super) legend: Vec<(usize, String)>,
    /// The drawing; empty where there is nothing to draw.
    pub(super) drawing: String,
}

fn figure(title: &'static str, note: &'static str, style: Style, y: Unit, series: Vec<Series>) -> Figure {
    drawn(note, &Plot { series, style, x: Unit::Time, y, label: title, shaded: Vec::new() })
}

/// A plot with what stands around it.
fn drawn(note: &'static str, plot: &Plot) -> Figure {
    let legend = plot.series.iter().map(|series| (series.colour, series.name.clone())).collect();
    Figure { title: plot.label, note, legend, drawing: svg(plot) }
}

/// A line over the seconds of the run.
fn over_time(
    recording: &Recording,
    name: &str,
    colour: usize,
    value: impl Fn(&Second) -> Option<f64>,
) -> Series {
    let seconds = (0_u32..).zip(&recording.seconds);
    let points = seconds.map(|(at, second)| (f64::from(at), value(second))).collect();
    Series { name: name.to_owned(), colour, points }
}

#[allow(clippy::cast_precision_loss)] // counts and latencies of a run are far below 2^52
fn float(value: u64) -> f64 {
    value as f64
}

/// Every chart, in the order of the page.
pub(super) fn all(recording: &Recording) -> Vec<Figure> {
    vec![
        requests(recording),
        latency(recording),
        percentiles(recording),
        stock(recording),
        queue(recording),
        processor(recording),
        sockets(recording),
        lag(recording),
    ]
}

fn requests(recording: &Recording) -> Figure {
    let of = |name, colour, value: fn(&Second) -> u32| {
        over_time(recording, name, colour, move |second| Some(f64::from(value(second))))
    };
    figure(
        "Requests a second",
        "What the crowd wanted to send, and what became of it. Where “due” leaves “answered” behind, people wait.",
        Style::Lines,
        Unit::Count,
        vec![
            of("due", 6, |second| second.due),
            of("sent", 5, |second| second.sent),
            of("answered", 1, |second| second.answered),
            of("accepted", 3, |second| second.accepted),
            of("refused", 2, |second| second.refused),
            of("turned away, failed or unanswered", 4, |second| {
                second.turned_away + second.failed + second.unanswered
            }),
        ],
    )
}

fn latency(recording: &Recording) -> Figure {
    let of = |name, colour, at: usize| {
        over_time(recording, name, colour, move |second| {
            (second.latency_us[at] > 0).then(|| float(second.latency_us[at]))
        })
    };
    drawn(
        "From the moment at which each sending of a request was due to its reply, on a logarithmic scale: each line up is ten times as long. Shaded: seconds in which requests were due and nothing was answered.",
        &Plot {
            series: vec![of("slowest", 4, 2), of("99 %", 2, 1), of("half", 1, 0)],
            style: Style::Logarithmic,
            x: Unit::Time,
            y: Unit::Latency,
            label: "Latency over time",
            shaded: silent(recording),
        },
    )
}

/// Each second without an answer, to shade.
fn silent(recording: &Recording) -> Vec<(f64, f64)> {
    let seconds = (0_u32..).zip(&recording.seconds).filter(|(_, second)| is_silent(second));
    seconds.map(|(at, _)| (f64::from(at) - 0.5, f64::from(at) + 0.5)).collect()
}

fn percentiles(recording: &Recording) -> Figure {
    let series = recording.latencies.iter().enumerate();
    let series = series.map(|(position, table)| of_percentiles(position % COLOURS + 1, table)).collect();
    drawn(
        "How long the slowest requests took, all retries included: at 99 %, one of a hundred took longer. The last point is the slowest of all.",
        &Plot {
            series,
            style: Style::Logarithmic,
            x: Unit::Nines,
            y: Unit::Latency,
            label: "Latency by percentile",
            shaded: Vec::new(),
        },
    )
}

fn of_percentiles(colour: usize, table: &OperationLatency) -> Series {
    let nines = |share: u32| {
        let rest = f64::from(WHOLE.saturating_sub(share)) / f64::from(WHOLE);
        (-rest.log10()).clamp(0.0, NINES_MAX)
    };
    let points =
        table.percentiles.iter().map(|(share, latency)| (nines(*share), Some(float((*latency).max(1)))));
    Series { name: table.operation.clone(), colour, points: points.collect() }
}

fn stock(recording: &Recording) -> Figure {
    let of = |name, colour, at: usize| {
        over_time(recording, name, colour, move |second| Some(float(second.units[at])))
    };
    figure(
        "Stock",
        "Every unit of the event: sold, in somebody's hold, withdrawn, or for sale.",
        Style::Stacked,
        Unit::Count,
        vec![of("sold", 3, 2), of("held", 2, 1), of("withdrawn", 6, 3), of("free", 1, 0)],
    )
}

fn queue(recording: &Recording) -> Figure {
    let of = |name, colour, at: usize| {
        over_time(recording, name, colour, move |second| second.queued.map(|queued| queued[at]))
    };
    figure(
        "Requests waiting in the server",
        "How many requests a turn of the event's writer found waiting in each of its two lanes: the mean of a second, by the server's own metrics. A lane that stays full turns people away.",
        Style::Lines,
        Unit::Fraction,
        vec![of("new holds", 2, 0), of("existing holds and orders", 1, 1)],
    )
}

fn processor(recording: &Recording) -> Figure {
    figure(
        "Processors used by the server",
        "Processor seconds a second: where it reaches what the machine has, that is the bottleneck.",
        Style::Lines,
        Unit::Fraction,
        vec![over_time(recording, "server", 5, |second| second.server_cpu)],
    )
}

fn sockets(recording: &Recording) -> Figure {
    figure(
        "Sockets and buyers",
        "Connections that were open, and buyers on their way.",
        Style::Lines,
        Unit::Count,
        vec![
            over_time(recording, "buyers", 5, |second| Some(f64::from(second.buyers))),
            over_time(recording, "sockets", 1, |second| Some(f64::from(second.sockets))),
        ],
    )
}

fn lag(recording: &Recording) -> Figure {
    figure(
        "How late the generator was",
        "The rehearsal's own delay before it sent a request. Where this is high, the machine that rehearses is the bottleneck.",
        Style::Logarithmic,
        Unit::Latency,
        vec![over_time(recording, "generator", 4, |second| {
            (second.lag_us > 0).then(|| float(second.lag_us))
        })],
    )
}
