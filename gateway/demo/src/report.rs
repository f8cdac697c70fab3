//! The report: throughput, latencies, stock, refusals and every invariant, as tables of plain text.

use std::fmt;
use std::time::Duration;

use crate::check::{Checked, Finding};
use crate::mix::Wave;
use crate::sale::WaveFigures;
use crate::tally::{Operation, Second, Tally, shown};
use crate::venue::Venue;
use crate::wire::{Availability, Counters};

/// Everything the demo has to say when it is over. `Display` prints it.
#[derive(Clone, Debug)]
pub struct Report {
    parts: Vec<String>,
    /// Every invariant.
    pub findings: Vec<Finding>,
}

/// What a report is made of.
#[derive(Debug)]
pub struct Figures<'a> {
    /// The event.
    pub event: &'a str,
    /// The seed.
    pub seed: u64,
    /// Connections.
    pub connections: usize,
    /// From the first call to the last.
    pub took: Duration,
    /// The venue.
    pub venue: &'a Venue,
    /// The waves, in their order.
    pub waves: &'a [WaveFigures],
    /// What clients were told.
    pub tally: &'a Tally,
    /// What the check found.
    pub checked: &'a Checked,
    /// The last availability document.
    pub last: &'a Availability,
    /// Items of the feed.
    pub items: usize,
}

impl Report {
    /// Render the figures.
    #[must_use]
    pub fn new(figures: &Figures<'_>) -> Self {
        let parts = vec![
            heading(figures),
            throughput(figures),
            latencies(figures.tally),
            stock(figures),
            types(figures),
            refusals(figures),
            repetitions(figures.tally),
        ];
        Report { parts, findings: figures.checked.findings.clone() }
    }

    /// Whether every invariant held.
    #[must_use]
    pub fn all_held(&self) -> bool {
        self.findings.iter().all(Finding::held)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            writeln!(f, "{part}")?;
        }
        writeln!(f, "Checked from the outside, through the API:")?;
        let width = self.findings.iter().map(|finding| finding.name.chars().count()).max().unwrap_or(0);
        for finding in &self.findings {
            let mark = if finding.held() { '✓' } else { '✗' };
            writeln!(f, "  {mark} {:<width$}  {}", finding.name, finding.numbers)?;
            for broken in &finding.broken {
                writeln!(f, "      {broken}")?;
            }
        }
        Ok(())
    }
}

fn heading(figures: &Figures<'_>) -> String {
    let buyers: u64 = figures.waves.iter().map(|wave| u64::from(wave.buyers)).sum();
    format!(
        "Event {}: {} buyers over {} connections, seed {}; {} seats, {} pools; {} items in its log; {:.1} s in all.\n",
        figures.event,
        number(buyers),
        figures.connections,
        figures.seed,
        number(figures.venue.seats.len() as u64),
        figures.venue.pools.len(),
        number(figures.items as u64),
        figures.took.as_secs_f64(),
    )
}

fn throughput(figures: &Figures<'_>) -> String {
    let name = |wave| match wave {
        Wave::Presale => "presale",
        Wave::Abandoning => "on sale: abandon",
        Wave::Rush => "on sale: flash",
        Wave::Late => "returned units",
    };
    let mut rows: Vec<Vec<String>> = figures
        .waves
        .iter()
        .map(|wave| {
            let seconds = wave.took.as_secs_f64();
            let rate = |count| per_second(count, wave.took);
            vec![
                name(wave.wave).into(),
                number(u64::from(wave.buyers)),
                format!("{seconds:.2}"),
                number(wave.accepted),
                number(wave.refused),
                rate(wave.accepted),
                rate(wave.refused),
                rate(wave.replies),
            ]
        })
        .collect();
    let peak = |of: fn(&Second) -> u32| figures.tally.seconds.iter().map(of).max().map_or(0, u64::from);
    rows.push(vec![
        "best second".into(),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        number(peak(|second| second.accepted)),
        number(peak(|second| second.refused)),
        number(peak(|second| second.replies)),
    ]);
    let header = ["wave", "buyers", "seconds", "accepted", "refused", "accepted/s", "refused/s", "replies/s"];
    table(&header, &rows)
}

fn latencies(tally: &Tally) -> String {
    let rows: Vec<Vec<String>> = Operation::ALL
        .into_iter()
        .filter_map(|operation| {
            let histogram = tally.latencies.get(&operation)?;
            let at = |quantile| shown(Duration::from_micros(histogram.value_at_quantile(quantile)));
            let max = shown(Duration::from_micros(histogram.max()));
            Some(vec![operation.name().into(), number(histogram.len()), at(0.5), at(0.99), at(0.999), max])
        })
        .collect();
    table(&["operation", "replies", "p50", "p99", "p99.9", "max"], &rows)
}

fn stock(figures: &Figures<'_>) -> String {
    let row = |kind: &str, counters: &Counters| {
        let counts = [counters.sold, counters.held, counters.killed, counters.free]
            .map(|count| number(u64::from(count)));
        let mut row = vec![format!("{kind} {}", counters.name), number(counters.total())];
        row.extend(counts);
        row
    };
    let seats = figures.last.categories.iter().map(|counters| row("seats:", counters));
    let pools = figures.last.pools.iter().map(|counters| row("pool:", counters));
    table(&["stock", "capacity", "sold", "held", "killed", "free"], &seats.chain(pools).collect::<Vec<_>>())
}

fn types(figures: &Figures<'_>) -> String {
    let rows: Vec<Vec<String>> = figures
        .venue
        .ticket_types
        .iter()
        .zip(&figures.checked.sold_by_type)
        .map(|(ticket_type, sold)| {
            let revenue = ticket_type.price * i64::from(*sold);
            let price = |minor: i64| {
                let whole = number(u64::try_from(minor / 100).unwrap_or(0));
                format!("{whole}.{:02} {}", minor % 100, figures.venue.currency)
            };
            vec![ticket_type.name.clone(), price(ticket_type.price), number(u64::from(*sold)), price(revenue)]
        })
        .collect();
    table(&["ticket type", "price", "sold", "revenue"], &rows)
}

fn refusals(figures: &Figures<'_>) -> String {
    let mut reasons: Vec<(&String, &[u64; 3])> = figures.checked.refusals.iter().collect();
    reasons.sort_by_key(|(reason, counts)| (std::cmp::Reverse(counts.iter().sum::<u64>()), *reason));
    let mut rows: Vec<Vec<String>> = reasons
        .into_iter()
        .map(|(reason, counts)| {
            let mut row = vec!["place hold".into(), reason.clone(), number(counts.iter().sum())];
            row.extend(counts.map(number));
            row
        })
        .collect();
    rows.extend(figures.tally.other_refusals.iter().map(|((operation, reason), count)| {
        vec![
            operation.name().into(),
            reason.clone(),
            number(*count),
            String::new(),
            String::new(),
            String::new(),
        ]
    }));
    table(&["refused", "reason", "times", "rightly", "not judged", "wrongly"], &rows)
}

fn repetitions(tally: &Tally) -> String {
    format!(
        "Repeated under the same key: {} replies identical to the first, {} refused again, {} overtaken by returning units, {} different.\n",
        number(tally.identical),
        number(tally.refused_twice),
        number(tally.diverged),
        number(tally.differing.len() as u64),
    )
}

fn per_second(count: u64, took: Duration) -> String {
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    number(count.saturating_mul(1_000) / millis)
}

/// A number with its thousands apart.
#[must_use]
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A table of plain text: names to the left, numbers to the right.
#[must_use]
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            let cells = rows.iter().chain([&header]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let is_number = |column: usize| {
        let starts =
            |row: &Vec<String>| row.get(column).is_none_or(|cell| !cell.starts_with(char::is_alphabetic));
        rows.iter().all(starts)
    };
    let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    let mut text = String::new();
    for row in [&header, &rule].into_iter().chain(rows) {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if is_number(column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_thousands_apart() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn tables_align_names_left_and_numbers_right() {
        let rows = vec![vec!["Floor".into(), "5,000".into()], vec!["Überall".into(), "7".into()]];
        assert_eq!(
            table(&["pool", "sold"], &rows),
            "\
pool      sold
───────  ─────
Floor    5,000
Überall      7
"
        );
    }

    #[test]
    fn a_broken_invariant_is_shown_with_its_evidence() {
        let finding = |name: &str, broken: Vec<String>| Finding {
            name: name.into(),
            numbers: "5 seats".into(),
            count: broken.len() as u64,
            broken,
        };
        let report = Report {
            parts: Vec::new(),
            findings: vec![finding("I1", Vec::new()), finding("I2 longer", vec!["seat 4 twice".into()])],
        };
        assert!(!report.all_held());
        assert_eq!(
            report.to_string(),
            "\
Checked from the outside, through the API:
  ✓ I1         5 seats
  ✗ I2 longer  5 seats
      seat 4 twice
"
        );
    }
}
