//! A run in a few lines, for the terminal.

use std::fmt;

use tessera_demo::report::number;
use tessera_verdict::recording::{Recording, Second};
use tessera_verdict::silence::{NOTABLE_S, Silence, longest};
use tessera_verdict::verdict::HalfSent;

use crate::dashboard::shown;

/// Percentiles of the table, in hundredths of a percent.
const PERCENTILES: [u32; 4] = [5_000, 9_900, 9_990, 10_000];

/// A recording, to be shown.
#[derive(Clone, Copy, Debug)]
pub struct Summary<'a>(pub &'a Recording);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recording = self.0;
        let sum = |of: fn(&Second) -> u32| {
            number(recording.seconds.iter().map(|second| u64::from(of(second))).sum())
        };
        writeln!(f, "{} (seed {})", recording.scenario.name, recording.scenario.seed)?;
        writeln!(
            f,
            "requests      {} due, {} sent, {} answered; {} accepted, {} refused, {} turned away, {} failed, {} unanswered",
            sum(|second| second.due),
            sum(|second| second.sent),
            sum(|second| second.answered),
            sum(|second| second.accepted),
            sum(|second| second.refused),
            sum(|second| second.turned_away),
            sum(|second| second.failed),
            sum(|second| second.unanswered),
        )?;
        let HalfSent { requests, taken_up_again } = HalfSent::of(&recording.history);
        if requests > 0 {
            let [cut_off, again] = [requests, taken_up_again].map(number);
            writeln!(f, "networks      {cut_off} requests cut off half-way, {again} of them taken up again")?;
        }
        let silence = longest(&recording.seconds).filter(|silence| silence.seconds >= NOTABLE_S);
        if let Some(Silence { from, seconds }) = silence {
            writeln!(f, "silence       {seconds} s in a row without an answer, from second {from} on")?;
        }
        let lag_us = recording.seconds.iter().map(|second| second.lag_us).max().unwrap_or(0);
        writeln!(
            f,
            "generator     at most {} sockets open, at worst {} late",
            number(u64::from(recording.environment.sockets_max)),
            shown(lag_us)
        )?;
        if let Some([free, held, sold, killed]) = recording.seconds.last().map(|second| second.units) {
            let counts = [sold, held, free, killed].map(number);
            let [sold, held, free, killed] = counts;
            writeln!(f, "stock         {sold} sold, {held} held, {free} free, {killed} withdrawn")?;
        }
        writeln!(f, "change feed   {} items", number(recording.feed.len() as u64))?;
        self.latencies(f)?;
        writeln!(
            f,
            "\n{:<24}{:>10}{:>10}{:>10}{:>10}{:>12}",
            "buyers", "came", "bought", "refused", "left", "unanswered"
        )?;
        for figures in &recording.behaviours {
            let counts = [figures.buyers, figures.bought, figures.refused, figures.left, figures.unanswered];
            let [came, bought, refused, left, unanswered] = counts.map(number);
            let name = &figures.behaviour;
            writeln!(f, "{name:<24}{came:>10}{bought:>10}{refused:>10}{left:>10}{unanswered:>12}")?;
        }
        for (title, counts) in [
            ("refusals", &recording.refusals),
            ("turned away", &recording.turned_away),
            ("failures of the server", &recording.defects),
        ] {
            if !counts.is_empty() {
                writeln!(f, "\n{title:<24}{:>10}", "count")?;
            }
            for (what, count) in counts {
                writeln!(f, "{what:<24}{:>10}", number(*count))?;
            }
        }
        Ok(())
    }
}

impl Summary<'_> {
    fn latencies(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<24}{:>10}{:>10}{:>10}{:>10}{:>12}",
            "latency from due", "count", "p50", "p99", "p99.9", "slowest"
        )?;
        for latency in &self.0.latencies {
            let at = |wanted: u32| {
                let found = latency.percentiles.iter().find(|(percentile, _)| *percentile == wanted);
                found.map_or(String::new(), |(_, micros)| shown(*micros))
            };
            let [p50, p99, p999, most] = PERCENTILES.map(at);
            let (name, count) = (&latency.operation, number(latency.count));
            writeln!(f, "{name:<24}{count:>10}{p50:>10}{p99:>10}{p999:>10}{most:>12}")?;
        }
        Ok(())
    }
}
