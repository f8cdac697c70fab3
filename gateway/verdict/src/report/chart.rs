//! Charts as inline SVG, made by hand: their colours are variables of the page, so that they follow its dark and light sides, and their text is
//! the page's font. The values for the pointer stand in a `data-` attribute; without a script they are simply not read.

use std::fmt::Write as _;

/// Size of the drawing, in its own units.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 250.0;
/// Room for labels around the plot.
const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 28.0;
/// About half of the length of a label below.
const LABEL_HALF: f64 = 20.0;
/// Most points that the pointer can read of one line.
const READABLE_POINTS_MAX: usize = 900;
/// About how many ticks an axis has.
const TICKS: f64 = 4.0;
/// About how many ticks the axis of time has.
const TIME_TICKS: f64 = 6.0;

/// What the values of an axis are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Numbers of things.
    Count,
    /// Microseconds.
    Latency,
    /// Numbers with a fraction: means, processors.
    Fraction,
    /// Seconds since the first arrival was due.
    Time,
    /// Nines of a percentile: 1 is 90 %, 2 is 99 %.
    Nines,
}

impl Unit {
    /// A value as people read it.
    pub(super) fn shown(self, value: f64) -> String {
        match self {
            Unit::Count if value >= 1_000_000.0 => format!("{:.1} M", value / 1_000_000.0),
            Unit::Count if value >= 10_000.0 => format!("{:.0} k", value / 1_000.0),
            Unit::Count => format!("{value:.0}"),
            Unit::Latency if value >= 1_000_000.0 => format!("{} s", trimmed(value / 1_000_000.0)),
            Unit::Latency if value >= 1_000.0 => format!("{} ms", trimmed(value / 1_000.0)),
            Unit::Latency => format!("{value:.0} µs"),
            Unit::Fraction => trimmed(value),
            Unit::Time if value >= 120.0 => {
                format!("{:.0}:{:02.0} min", (value / 60.0).floor(), value % 60.0)
            }
            Unit::Time => format!("{value:.0} s"),
            Unit::Nines => format!("{} %", trimmed_long(100.0 - 100.0 / 10_f64.powf(value))),
        }
    }
}

/// At most two digits after the point, and no zeros at the end.
fn trimmed(value: f64) -> String {
    let text = if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn trimmed_long(value: f64) -> String {
    format!("{value:.4}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// One line, or one layer of a stack.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// Its name in the legend.
    pub(super) name: String,
    /// Number of its colour, from 1.
    pub(super) colour: usize,
    /// Its points, ascending; a gap where there is no value.
    pub(super) points: Vec<(f64, Option<f64>)>,
}

/// How series are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Lines.
    Lines,
    /// Lines over a logarithmic scale.
    Logarithmic,
    /// Layers on each other.
    Stacked,
}

/// A chart.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    pub(super) series: Vec<Series>,
    pub(super) style: Style,
    pub(super) x: Unit,
    pub(super) y: Unit,
    /// What it shows: its title, also for those who cannot see it.
    pub(super) label: &'static str,
    /// Stretches below that are shaded, each from and to.
    pub(super) shaded: Vec<(f64, f64)>,
}

/// From values to the drawing.
struct Frame {
    x: (f64, f64),
    y: (f64, f64),
    logarithmic: bool,
}

impl Frame {
    fn x(&self, value: f64) -> f64 {
        LEFT + (value - self.x.0) / (self.x.1 - self.x.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let (from, to) = self.y;
        let share = if self.logarithmic {
            (value.max(from).ln() - from.ln()) / (to.ln() - from.ln())
        } else {
            (value - from) / (to - from)
        };
        TOP + (1.0 - share.clamp(0.0, 1.0)) * (HEIGHT - TOP - BOTTOM)
    }
}

/// Draw a chart; empty when it has no value.
pub(super) fn svg(plot: &Plot) -> String {
    let series = if plot.style == Style::Stacked { stack(&plot.series) } else { plot.series.clone() };
    let points = || series.iter().flat_map(|series| &series.points);
    let values: Vec<f64> = points().filter_map(|(_, value)| *value).collect();
    if values.is_empty() {
        return String::new();
    }
    let (least, most) = extent(values.iter().copied());
    let logarithmic = plot.style == Style::Logarithmic;
    // There is no half of a thing.
    let step_min = if plot.y == Unit::Count { 1.0 } else { 0.0 };
    let (y, y_ticks) = if logarithmic { decades(least, most) } else { linear(most, step_min) };
    let (x_from, x_to) = extent(points().map(|(at, _)| *at));
    let frame = Frame { x: (x_from, x_to.max(x_from + 1.0)), y, logarithmic };
    let mut text = String::new();
    let label = escaped(plot.label);
    let _ = write!(
        text,
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\" "
    );
    let _ = write!(text, "data-readings=\"{}\">", escaped(&readings(plot, &frame)));
    plot.shaded.iter().for_each(|stretch| shade(&mut text, &frame, *stretch));
    grid(&mut text, &frame, &y_ticks);
    // The topmost layer of a stack reaches lowest, so it is drawn first.
    for series in series.iter().rev() {
        if plot.style == Style::Stacked {
            layer(&mut text, series, &frame);
        } else {
            line(&mut text, series, &frame);
        }
    }
    labels(&mut text, plot, &frame, &y_ticks);
    let bottom = HEIGHT - BOTTOM;
    let _ = write!(text, "<line class=\"cursor\" x1=\"0\" x2=\"0\" y1=\"{TOP}\" y2=\"{bottom}\"/></svg>");
    text
}

fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)))
}

/// Each layer on top of those before it.
fn stack(series: &[Series]) -> Vec<Series> {
    let mut below: Vec<f64> = Vec::new();
    let layer = |series: &Series| {
        below.resize(series.points.len(), 0.0);
        let points = series.points.iter().zip(&mut below).map(|((at, value), below)| {
            *below += value.unwrap_or(0.0);
            (*at, Some(*below))
        });
        Series { points: points.collect(), ..series.clone() }
    };
    series.iter().map(layer).collect()
}

/// Round ticks from zero to above a value, no closer than this.
fn linear(most: f64, step_min: f64) -> ((f64, f64), Vec<f64>) {
    let step = round_step(if most > 0.0 { most } else { 1.0 } / TICKS).max(step_min);
    let mut ticks = vec![0.0, step];
    let mut last = step;
    while last < most {
        last += step;
        ticks.push(last);
    }
    ((0.0, last), ticks)
}

/// 1, 2 or 5 times a power of ten, at least this.
fn round_step(raw: f64) -> f64 {
    let power = 10_f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= raw).unwrap_or(raw)
}

/// Powers of ten around the values.
fn decades(least: f64, most: f64) -> ((f64, f64), Vec<f64>) {
    let from = 10_f64.powf(least.max(1.0).log10().floor());
    let to = 10_f64.powf(most.max(2.0).log10().ceil()).max(from * 10.0);
    let mut ticks = vec![from];
    while ticks.last().is_some_and(|last| last * 10.0 <= to * 1.01) {
        ticks.push(ticks.last().copied().unwrap_or(to) * 10.0);
    }
    ((from, to), ticks)
}

fn shade(text: &mut String, frame: &Frame, (from, to): (f64, f64)) {
    let within = |x: f64| x.clamp(LEFT, WIDTH - RIGHT);
    let (from, to) = (within(frame.x(from)), within(frame.x(to)));
    let (width, height) = (to - from, HEIGHT - TOP - BOTTOM);
    let _ = write!(
        text,
        "<rect class=\"shade\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{height}\"/>"
    );
}

fn grid(text: &mut String, frame: &Frame, y_ticks: &[f64]) {
    let right = WIDTH - RIGHT;
    for tick in y_ticks {
        let y = frame.y(*tick);
        let _ =
            write!(text, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>");
    }
}

fn labels(text: &mut String, plot: &Plot, frame: &Frame, y_ticks: &[f64]) {
    let right = WIDTH - RIGHT;
    for tick in y_ticks {
        let (x, y, label) = (LEFT - 7.0, frame.y(*tick) + 4.0, plot.y.shown(*tick));
        let _ = write!(text, "<text class=\"y\" x=\"{x}\" y=\"{y:.1}\">{label}</text>");
    }
    for (position, tick) in x_ticks(plot, frame).into_iter().enumerate() {
        let (x, label) = (frame.x(tick), plot.x.shown(tick));
        // A narrow page shows every other label; one at the edge ends there.
        let class = match (position % 2 == 1, x > right - LABEL_HALF) {
            (_, true) => "x last odd",
            (true, false) => "x odd",
            (false, false) => "x",
        };
        let x = x.min(right + RIGHT / 2.0);
        let y = HEIGHT - 8.0;
        let _ = write!(text, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y}\">{label}</text>");
    }
}

fn x_ticks(plot: &Plot, frame: &Frame) -> Vec<f64> {
    let (from, to) = frame.x;
    let step = if plot.x == Unit::Nines { 1.0 } else { time_step((to - from) / TIME_TICKS) };
    let mut ticks = Vec::new();
    let mut tick = (from / step).ceil() * step;
    while tick <= to {
        ticks.push(tick);
        tick += step;
    }
    ticks
}

/// A step of time that people count in, at least this many seconds.
fn time_step(raw: f64) -> f64 {
    let steps = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0];
    steps.into_iter().find(|step| *step >= raw).unwrap_or_else(|| (raw / 3_600.0).ceil() * 3_600.0)
}

fn line(text: &mut String, series: &Series, frame: &Frame) {
    let mut path = String::new();
    let mut pen = 'M';
    for (at, value) in &series.points {
        match value {
            Some(value) => {
                let _ = write!(path, "{pen}{:.1} {:.1}", frame.x(*at), frame.y(*value));
                pen = 'L';
            }
            None => pen = 'M',
        }
    }
    let _ = write!(text, "<path class=\"line c{}\" d=\"{path}\"/>", series.colour);
}

fn layer(text: &mut String, series: &Series, frame: &Frame) {
    let (Some(first), Some(last)) = (series.points.first(), series.points.last()) else { return };
    let floor = HEIGHT - BOTTOM;
    let mut path = format!("M{:.1} {floor}", frame.x(first.0));
    for (at, value) in &series.points {
        let _ = write!(path, "L{:.1} {:.1}", frame.x(*at), frame.y(value.unwrap_or(0.0)));
    }
    let _ = write!(path, "L{:.1} {floor}Z", frame.x(last.0));
    let _ = write!(text, "<path class=\"layer c{}\" d=\"{path}\"/>", series.colour);
}

/// What the pointer reads: for some points the place in the drawing and the values in words.
fn readings(plot: &Plot, frame: &Frame) -> String {
    let Some(longest) = plot.series.iter().max_by_key(|series| series.points.len()) else {
        return String::new();
    };
    let every = longest.points.len().div_ceil(READABLE_POINTS_MAX).max(1);
    let reading = |(position, (at, _)): (usize, &(f64, Option<f64>))| {
        let values: Vec<String> = plot
            .series
            .iter()
            .map(|series| {
                let value = series.points.get(position).and_then(|(_, value)| *value);
                value.map_or_else(|| "–".to_owned(), |value| plot.y.shown(value))
            })
            .collect();
        serde_json::json!([frame.x(*at).round(), plot.x.shown(*at), values])
    };
    let readings: Vec<_> = longest.points.iter().enumerate().step_by(every).map(reading).collect();
    serde_json::Value::from(readings).to_string()
}

/// Text that may stand in an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn values_read_well() {
        let check = |unit: Unit, value: f64, expect: &str| assert_eq!(unit.shown(value), expect);
        check(Unit::Count, 950.0, "950");
        check(Unit::Count, 12_000.0, "12 k");
        check(Unit::Latency, 250.0, "250 µs");
        check(Unit::Latency, 2_500.0, "2.5 ms");
        check(Unit::Latency, 1_000_000.0, "1 s");
        check(Unit::Time, 185.0, "3:05 min");
        check(Unit::Nines, 0.0, "0 %");
        check(Unit::Nines, 1.0, "90 %");
        check(Unit::Nines, 3.0, "99.9 %");
    }

    #[test]
    fn ticks_are_round_and_reach_above_the_values() {
        assert_eq!(linear(83.0, 1.0), ((0.0, 100.0), vec![0.0, 50.0, 100.0]));
        assert_eq!(linear(2.0, 1.0), ((0.0, 2.0), vec![0.0, 1.0, 2.0]), "no label stands twice");
        assert_eq!(linear(0.25, 0.0).1.len(), 4, "a mean has fractions");
        assert!(linear(0.0, 1.0).0.1 > 0.0);
        assert_eq!(decades(150.0, 40_000.0), ((100.0, 100_000.0), vec![100.0, 1_000.0, 10_000.0, 100_000.0]));
        assert_eq!(time_step(7_000.0), 7_200.0);
    }

    #[test]
    fn a_chart_without_values_is_not_drawn_and_gaps_stay_gaps() {
        let plot = |points: Vec<(f64, Option<f64>)>| Plot {
            series: vec![Series { name: "a".into(), colour: 1, points }],
            style: Style::Lines,
            x: Unit::Time,
            y: Unit::Count,
            label: "<b>&\"",
            shaded: vec![(0.5, 1.5)],
        };
        assert_eq!(svg(&plot(vec![(0.0, None)])), "");
        let drawn = svg(&plot(vec![(0.0, Some(1.0)), (1.0, None), (2.0, Some(2.0))]));
        assert_eq!(drawn.matches("class=\"line").count(), 1);
        assert!(drawn.contains("&lt;b&gt;&amp;&quot;") && !drawn.contains("NaN"), "{drawn}");
        let path = drawn.split(" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(path.matches('M').count(), 2, "{path}");
        assert!(drawn.contains("<rect class=\"shade\" x=\"200.0\""), "{drawn}");
    }
}
