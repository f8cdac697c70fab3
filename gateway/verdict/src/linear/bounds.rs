//! Two bounds on a stock that need no search. What is surely held at some moment may not exceed the capacity; and where even what may
//! possibly be held leaves enough, nobody may be refused.

use super::DEADLINE_SLACK_US;
use super::parts::Part;
use super::search::NEVER;
use super::stock::Act;

/// What is beyond a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// More was held than there is.
    TooMuch {
        /// When, in microseconds since the run began.
        at: i64,
        /// Units that were surely held.
        held: u64,
    },
    /// A refusal, although enough was there during all of it.
    Refused {
        /// Position of the call.
        call: usize,
        /// Most units that may have been held meanwhile.
        held: u64,
    },
}

/// When a claim has units.
#[derive(Clone, Copy)]
struct Span {
    units: u64,
    /// From here at the latest, and from here at the earliest.
    surely_from: i64,
    perhaps_from: i64,
    /// Until here at the earliest, and until here at the latest.
    surely_until: i64,
    perhaps_until: i64,
}

/// What is broken; the first moment of too much, and every wrong refusal.
#[must_use]
pub fn broken(part: &Part) -> Vec<Broken> {
    let spans = spans(part);
    let capacity = u64::from(part.stock.free);
    let mut broken = Vec::new();
    let surely = Steps::new(spans.iter().map(|span| (span.surely_from, span.surely_until, span.units)));
    if let Some((at, held)) = surely.first_above(capacity) {
        broken.push(Broken::TooMuch { at, held });
    }
    let perhaps = Steps::new(spans.iter().map(|span| (span.perhaps_from, span.perhaps_until, span.units)));
    for (position, call) in part.calls.iter().enumerate() {
        let Act::Lacks(units) = call.act else { continue };
        let held = perhaps.most(call.invoked, call.returned);
        if held + u64::from(units) <= capacity {
            broken.push(Broken::Refused { call: position, held });
        }
    }
    broken
}

fn spans(part: &Part) -> Vec<Span> {
    let none =
        Span { units: 0, surely_from: NEVER, perhaps_from: NEVER, surely_until: NEVER, perhaps_until: NEVER };
    let mut spans = vec![none; part.stock.claims.len()];
    let mut lasts_until: Vec<i64> = part.stock.claims.iter().map(|claim| claim.deadline).collect();
    for call in &part.calls {
        let Some(claim) = call.act.claim() else { continue };
        let span = &mut spans[claim];
        match call.act {
            Act::Place(_) => {
                span.units = u64::from(part.stock.claims[claim].units);
                span.perhaps_from = call.invoked;
                span.surely_from = if call.must { call.returned } else { NEVER };
            }
            Act::Release(_) => {
                span.surely_until = span.surely_until.min(call.invoked);
                if call.must {
                    span.perhaps_until = span.perhaps_until.min(call.returned);
                }
            }
            Act::Over(_) => span.perhaps_until = span.perhaps_until.min(call.returned),
            // While it was renewed, paid or confirmed it was there: it had not ended before.
            Act::Renew(_, until) | Act::Begin(_, until) if call.must => {
                lasts_until[claim] = lasts_until[claim].max(until).max(call.invoked);
            }
            Act::Fail(_) if call.must => lasts_until[claim] = lasts_until[claim].max(call.invoked),
            Act::Confirm(_) if call.must => lasts_until[claim] = NEVER,
            _ => {}
        }
    }
    for (span, until) in spans.iter_mut().zip(lasts_until) {
        let until = if until == NEVER { NEVER } else { until.saturating_sub(DEADLINE_SLACK_US) };
        span.surely_until = span.surely_until.min(until);
    }
    spans
}

/// How much is held, as a function of time that changes by steps. Spans include both of their ends.
struct Steps {
    /// Moments of change, ascending, and what is held from each on.
    at: Vec<i64>,
    held: Vec<u64>,
    /// The most over runs of 1, 2, 4 … steps.
    most: Vec<Vec<u64>>,
}

impl Steps {
    fn new(spans: impl Iterator<Item = (i64, i64, u64)>) -> Self {
        let mut changes: Vec<(i64, bool, u64)> = Vec::new();
        for (from, until, units) in spans.filter(|(from, until, _)| from <= until && *from != NEVER) {
            changes.push((from, true, units));
            if until != NEVER {
                changes.push((until + 1, false, units));
            }
        }
        changes.sort_unstable();
        let (mut at, mut held, mut now) = (vec![i64::MIN], vec![0], 0_u64);
        for (moment, begins, units) in changes {
            now = if begins { now + units } else { now - units };
            if at.last() == Some(&moment) {
                *held.last_mut().unwrap_or(&mut now) = now;
            } else {
                at.push(moment);
                held.push(now);
            }
        }
        let mut most = vec![held.clone()];
        let mut width = 1;
        while 2 * width <= held.len() {
            let last = &most[most.len() - 1];
            let next = (0..=held.len() - 2 * width).map(|from| last[from].max(last[from + width])).collect();
            most.push(next);
            width *= 2;
        }
        Steps { at, held, most }
    }

    fn first_above(&self, capacity: u64) -> Option<(i64, u64)> {
        let found = self.held.iter().position(|held| *held > capacity)?;
        Some((self.at[found], self.held[found]))
    }

    /// The most that is held at any moment of an interval.
    fn most(&self, from: i64, until: i64) -> u64 {
        let first = self.at.partition_point(|at| *at <= from) - 1;
        let last = self.at.partition_point(|at| *at <= until) - 1;
        let level = (last - first + 1).ilog2() as usize;
        let width = 1 << level;
        self.most[level][first].max(self.most[level][last + 1 - width])
    }
}
