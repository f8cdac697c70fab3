//! The dashboard: one screen that an operator reads at a glance.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize as _};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, Paragraph};

use crate::live::{Glance, Live, SHOWN_S};

/// Refusals that are shown, the most frequent first.
const CODES_MAX: usize = 8;
/// A generator later than this is not to be believed, in microseconds.
const LAG_US_MAX: u64 = 20_000;
const DUE: Color = Color::Yellow;
const ANSWERED: Color = Color::Green;

/// Draw one look at a run.
pub(crate) fn draw(frame: &mut Frame<'_>, live: &Live, glance: &Glance) {
    let [head, chart, middle, stock, foot] = Layout::vertical([
        Constraint::Length(3),
        Constraint::Min(8),
        Constraint::Length(11),
        Constraint::Length(3),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    header(frame, head, live, glance);
    arrivals(frame, chart, glance);
    let [numbers, latency, codes] = Layout::horizontal([
        Constraint::Percentage(34),
        Constraint::Percentage(33),
        Constraint::Percentage(33),
    ])
    .areas(middle);
    table(frame, numbers, " crowd ", &crowd(glance));
    table(frame, latency, " latency and load ", &load(glance));
    table(frame, codes, " refusals ", &refusals(glance));
    gauge(frame, stock, glance);
    frame.render_widget(Paragraph::new(" q or Ctrl-C: stop ").dark_gray(), foot);
}

fn header(frame: &mut Frame<'_>, area: Rect, live: &Live, glance: &Glance) {
    let come = ratio(glance.totals.arrived, live.buyers);
    let label = format!("{} of {} buyers came · {}", glance.totals.arrived, live.buyers, glance.phase);
    let title = Line::from(vec![
        " tessera simulate · ".into(),
        live.name.clone().bold(),
        format!(" · {} s ", glance.elapsed_s).into(),
    ]);
    let gauge = Gauge::default().block(Block::bordered().title(title)).ratio(come).label(label);
    frame.render_widget(gauge.gauge_style(Style::new().fg(Color::Blue)), area);
}

/// Requests due against requests answered, second by second.
fn arrivals(frame: &mut Frame<'_>, area: Rect, glance: &Glance) {
    let points = |series: &[u64]| -> Vec<(f64, f64)> {
        let first = glance.elapsed_s.saturating_sub(series.len() as u64);
        series.iter().enumerate().map(|(index, count)| (float(first + index as u64), float(*count))).collect()
    };
    let (due, answered) = (points(&glance.due), points(&glance.answered));
    let most = glance.due.iter().chain(&glance.answered).max().copied().unwrap_or(0).max(10);
    let dataset = |name: &'static str, color, data| {
        let line = Dataset::default().name(name).marker(Marker::Braille).graph_type(GraphType::Line);
        line.style(Style::new().fg(color)).data(data)
    };
    let begin = glance.elapsed_s.saturating_sub(SHOWN_S as u64);
    let end = begin + SHOWN_S as u64;
    let seconds =
        Axis::default().bounds([float(begin), float(end)]).labels([format!("{begin} s"), format!("{end} s")]);
    let rate = Axis::default().bounds([0.0, float(most)]).labels([
        "0".to_owned(),
        format!("{}", most / 2),
        format!("{most}/s"),
    ]);
    let datasets = vec![dataset("due", DUE, &due), dataset("answered", ANSWERED, &answered)];
    let chart = Chart::new(datasets).x_axis(seconds).y_axis(rate);
    frame.render_widget(chart.block(Block::bordered().title(" requests due against answered ")), area);
}

type Rows = Vec<(String, String, Color)>;

fn table(frame: &mut Frame<'_>, area: Rect, title: &'static str, rows: &Rows) {
    let width = usize::from(area.width.saturating_sub(2));
    let line = |(name, value, color): &(String, String, Color)| {
        let room = width.saturating_sub(name.chars().count() + 1);
        Line::from(vec![format!("{name} ").into(), format!("{value:>room$}").fg(*color)])
    };
    let text: Vec<Line<'_>> = rows.iter().map(line).collect();
    frame.render_widget(Paragraph::new(text).block(Block::bordered().title(title)), area);
}

fn row(name: &str, value: &impl ToString, color: Color) -> (String, String, Color) {
    (name.to_owned(), value.to_string(), color)
}

fn crowd(glance: &Glance) -> Rows {
    let totals = &glance.totals;
    let alarm = |count: u64| if count == 0 { Color::Reset } else { Color::Red };
    vec![
        row("on their way", &glance.buyers, Color::Cyan),
        row("gone", &totals.left, Color::Reset),
        row("requests sent", &totals.sent, Color::Reset),
        row("accepted", &totals.accepted, ANSWERED),
        row("refused", &totals.refused, Color::Reset),
        row("turned away", &totals.turned_away, alarm(totals.turned_away)),
        row("failed", &totals.failed, alarm(totals.failed)),
        row("unanswered", &totals.unanswered, alarm(totals.unanswered)),
        row("sockets", &glance.sockets, Color::Cyan),
    ]
}

fn load(glance: &Glance) -> Rows {
    let [p50, p99, most] = glance.latency_us.map(shown);
    let lanes = glance
        .queued
        .map_or(["–".to_owned(), "–".to_owned()], |queued| queued.map(|mean| format!("{mean:.1}")));
    let processor = glance.processors.map_or("–".to_owned(), |seconds| format!("{:.0} %", seconds * 100.0));
    let lag = if glance.lag_us > LAG_US_MAX { Color::Red } else { Color::Reset };
    vec![
        row("due", &glance.due.last().map_or("–".into(), |rate| format!("{rate}/s")), DUE),
        row("answered", &glance.answered.last().map_or("–".into(), |rate| format!("{rate}/s")), ANSWERED),
        row("p50 / p99", &format!("{p50} / {p99}"), Color::Reset),
        row("slowest", &most, Color::Reset),
        row("queued: new", &lanes[0], Color::Reset),
        row("queued: existing", &lanes[1], Color::Reset),
        row("server's processor", &processor, Color::Reset),
        row("generator late by", &shown(glance.lag_us), lag),
    ]
}

fn refusals(glance: &Glance) -> Rows {
    let mut codes: Vec<(&String, &u64)> = glance.refusals.iter().collect();
    codes.sort_by_key(|(code, count)| (std::cmp::Reverse(**count), *code));
    codes.into_iter().take(CODES_MAX).map(|(code, count)| row(code, count, Color::Reset)).collect()
}

fn gauge(frame: &mut Frame<'_>, area: Rect, glance: &Glance) {
    let [free, held, sold, killed] = glance.units;
    let all = free + held + sold;
    let label = format!("{sold} sold · {held} held · {free} free · {killed} withdrawn");
    let gauge = Gauge::default().block(Block::bordered().title(" stock sold or held "));
    let gauge = gauge.ratio(ratio(sold + held, all)).label(label);
    frame.render_widget(gauge.gauge_style(Style::new().fg(Color::Magenta)), area);
}

/// A part of a whole, as a gauge takes it.
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (float(part) / float(whole)).min(1.0) }
}

#[allow(clippy::cast_precision_loss)] // for a drawing
fn float(number: u64) -> f64 {
    number as f64
}

/// A time in microseconds as people read it.
pub(crate) fn shown(micros: u64) -> String {
    tessera_demo::tally::shown(std::time::Duration::from_micros(micros))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn drawn(width: u16, height: u16, glance: &Glance) -> String {
        let live = Live::new("Stadium", 1_000, &crate::live::Interrupt::new());
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, &live, glance)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn an_operator_sees_the_crowd_the_stock_and_what_is_wrong() {
        let mut glance = Glance {
            phase: "the crowd is there".into(),
            elapsed_s: 12,
            due: vec![100; 12],
            answered: vec![90; 12],
            latency_us: [1_500, 42_000, 99_000],
            lag_us: 700,
            sockets: 321,
            buyers: 77,
            units: [60, 15, 25, 3],
            queued: Some([17.25, 2.0]),
            processors: Some(1.5),
            ..Glance::default()
        };
        glance.totals.arrived = 500;
        glance.totals.turned_away = 9;
        glance.refusals.insert("sold_out".into(), 123);
        let screen = drawn(110, 36, &glance);
        let shown = [
            "Stadium",
            "500 of 1000 buyers came",
            "321",
            "77",
            "sold_out",
            "123",
            "42.0 ms",
            "17.2",
            "150 %",
            "25 sold · 15 held · 60 free",
            "turned away",
            "700 µs",
            "100/s",
        ];
        for word in shown {
            assert!(screen.contains(word), "no {word:?} in\n{screen}");
        }
    }

    #[test]
    fn a_small_or_empty_screen_is_drawn_too() {
        for (width, height) in [(1, 1), (20, 5), (80, 24), (200, 60)] {
            drawn(width, height, &Glance::default());
        }
    }
}
