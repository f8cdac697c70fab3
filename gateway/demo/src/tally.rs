//! What clients were told, and how long it took: one tally for each connection, merged when the sale is over.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::client::{Effort, Reply};
use crate::wire::Asked;

/// Most examples of one surprise that are kept for the report.
pub const EXAMPLES_MAX: usize = 5;
/// Significant digits of a latency.
const LATENCY_DIGITS: u8 = 3;

/// What a client asks, for the latency table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Place hold.
    PlaceHold,
    /// Renew hold.
    RenewHold,
    /// Release hold.
    ReleaseHold,
    /// Begin payment.
    BeginPayment,
    /// Payment failed, as its organizer reports it.
    FailPayment,
    /// Ask where to pay.
    AskPage,
    /// Pay at the page of the provider.
    PayAtPage,
    /// From there until the order is decided, as its buyer hears it.
    HearDecided,
    /// Confirm.
    Confirm,
    /// Refund tickets.
    Refund,
    /// Transfer a ticket.
    Transfer,
    /// Check in or out.
    CheckIn,
}

impl Operation {
    /// Every operation, in the order of the table.
    pub const ALL: [Operation; 12] = [
        Operation::PlaceHold,
        Operation::RenewHold,
        Operation::ReleaseHold,
        Operation::BeginPayment,
        Operation::FailPayment,
        Operation::AskPage,
        Operation::PayAtPage,
        Operation::HearDecided,
        Operation::Confirm,
        Operation::Refund,
        Operation::Transfer,
        Operation::CheckIn,
    ];

    /// Its name in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Operation::PlaceHold => "place hold",
            Operation::RenewHold => "renew hold",
            Operation::ReleaseHold => "release hold",
            Operation::BeginPayment => "begin payment",
            Operation::FailPayment => "payment failed",
            Operation::AskPage => "ask where to pay",
            Operation::PayAtPage => "pay at the page",
            Operation::HearDecided => "hear it is paid",
            Operation::Confirm => "confirm",
            Operation::Refund => "refund",
            Operation::Transfer => "transfer",
            Operation::CheckIn => "check in or out",
        }
    }
}

/// An accepted command, as its client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The decision.
    pub sequence: u64,
    /// Who was told; `None`: the organizer or the door.
    pub buyer: Option<u32>,
    /// What was accepted.
    pub what: Accepted,
}

/// What was accepted, named as the change feed names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the same as crate::feed::Change
pub enum Accepted {
    Configured,
    PhaseChanged { to: String },
    HoldPlaced { hold: String, lines: Vec<(String, u16, Vec<u32>)> },
    HoldRenewed { hold: String },
    HoldReleased { hold: String },
    PaymentBegun { order: String },
    PaymentFailed { order: String },
    Confirmed { order: String },
    TicketsRefunded { order: String },
    UnitsKilled,
    UnitsRestored,
    TicketTransferred { ticket: String },
    CheckedIn { ticket: String },
    CheckedOut { ticket: String },
}

/// A refused hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The sequence it was decided on.
    pub sequence: Option<u64>,
    /// Who was refused.
    pub buyer: u32,
    /// The reason.
    pub code: String,
    /// What was asked for.
    pub asked: Asked,
    /// Seats that the refusal calls taken.
    pub seats: Vec<u32>,
    /// The seat that it says would be left alone.
    pub stranded: Option<u32>,
    /// The limit it names.
    pub limit: Option<u32>,
    /// How much of the limit it calls used.
    pub used: Option<u32>,
}

/// Decisions in one second of the sale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Second {
    /// Replies of every kind.
    pub replies: u32,
    /// Accepted holds.
    pub accepted: u32,
    /// Refused holds.
    pub refused: u32,
}

/// A paid order, for what happens after the sale.
#[derive(Clone, Debug)]
pub struct PaidOrder {
    /// Its identifier.
    pub order: String,
    /// Its buyer.
    pub buyer: u32,
    /// Its tickets, with their codes.
    pub tickets: Vec<(String, String)>,
    /// What it paid, in minor units.
    pub total: i64,
}

/// Everything that was heard over one connection, or over all.
#[derive(Debug)]
pub struct Tally {
    began: Instant,
    /// Accepted commands.
    pub acknowledgements: Vec<Acknowledgement>,
    /// Refused holds.
    pub refusals: Vec<Refusal>,
    /// Paid orders.
    pub paid: Vec<PaidOrder>,
    /// Refusals of other commands, by operation and code.
    pub other_refusals: BTreeMap<(Operation, String), u64>,
    /// By second since the on-sale.
    pub seconds: Vec<Second>,
    /// Latencies in microseconds.
    pub latencies: BTreeMap<Operation, Histogram<u64>>,
    /// Pairs of replies to one key that were both accepted, and equal.
    pub identical: u64,
    /// Pairs where one was accepted and the other refused.
    pub diverged: u64,
    /// Repeated commands that were refused both times: a refusal has no effect, and its key is free.
    pub refused_twice: u64,
    /// Replies to a request that was sent again after its reply, which carried no `Idempotency-Replayed`.
    pub unmarked: u64,
    /// Pairs that differ.
    pub differing: Vec<String>,
    /// Answers of *later* (429, 503) that were obeyed.
    pub postponed: u64,
    /// Connections that broke under a request, which was sent again under its key.
    pub broken: u64,
    /// Replies outside of the contract.
    pub surprises: Surprises,
}

/// Replies outside of the contract: how many, with a few examples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surprises {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub examples: Vec<String>,
}

impl Surprises {
    /// Note one.
    pub fn note(&mut self, detail: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(detail());
        }
    }

    fn merge(&mut self, other: Surprises) {
        self.count += other.count;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES_MAX);
    }
}

impl Tally {
    /// An empty tally of a sale that began then.
    #[must_use]
    pub fn new(began: Instant) -> Self {
        Tally {
            began,
            acknowledgements: Vec::new(),
            refusals: Vec::new(),
            paid: Vec::new(),
            other_refusals: BTreeMap::new(),
            seconds: Vec::new(),
            latencies: BTreeMap::new(),
            identical: 0,
            diverged: 0,
            refused_twice: 0,
            unmarked: 0,
            differing: Vec::new(),
            postponed: 0,
            broken: 0,
            surprises: Surprises::default(),
        }
    }

    /// Note a reply to an operation: its latency and its second. A repetition under the same key decides nothing anew.
    pub fn hear(&mut self, operation: Operation, reply: &Reply, effort: Effort, repeated: bool) {
        if let Ok(fresh) = Histogram::new(LATENCY_DIGITS) {
            let micros = u64::try_from(effort.latency.as_micros()).unwrap_or(u64::MAX);
            // A histogram that grows by itself takes every value that fits into memory.
            let _ = self.latencies.entry(operation).or_insert(fresh).record(micros);
        }
        self.postponed += u64::from(effort.postponed);
        self.broken += u64::from(effort.broken);
        let second = self.second();
        second.replies += 1;
        if operation == Operation::PlaceHold && !repeated {
            if reply.accepted() {
                second.accepted += 1;
            } else {
                second.refused += 1;
            }
        }
    }

    fn second(&mut self) -> &mut Second {
        let index = usize::try_from(self.began.elapsed().as_secs()).unwrap_or(0);
        if index >= self.seconds.len() {
            self.seconds.resize(index + 1, Second::default());
        }
        &mut self.seconds[index]
    }

    /// Note an accepted command.
    pub fn acknowledge(&mut self, sequence: u64, buyer: Option<u32>, what: Accepted) {
        self.acknowledgements.push(Acknowledgement { sequence, buyer, what });
    }

    /// Compare two replies to one key (invariant I7).
    pub fn compare(&mut self, first: &Reply, second: &Reply, at_once: bool) {
        match (first.accepted(), second.accepted()) {
            (true, true) if first.status == second.status && first.body == second.body => {
                self.identical += 1;
                // Of two in turn, the second is the repetition. Two at once may be decided together, and then neither came second.
                self.unmarked += u64::from(!at_once && !second.replayed);
            }
            (true, true) => self.differ(first, second),
            // In turn, what was accepted stays accepted. At once, a refusal may come before units return.
            (true, false) if !at_once => self.differ(first, second),
            (false, false) => self.refused_twice += 1,
            _ => self.diverged += 1,
        }
    }

    fn differ(&mut self, first: &Reply, second: &Reply) {
        let text = |reply: &Reply| format!("{} {}", reply.status, String::from_utf8_lossy(&reply.body));
        self.differing.push(format!("{} ≠ {}", text(first), text(second)));
    }

    /// Add what another connection heard.
    pub fn merge(&mut self, other: Tally) {
        self.acknowledgements.extend(other.acknowledgements);
        self.refusals.extend(other.refusals);
        self.paid.extend(other.paid);
        for (reason, count) in other.other_refusals {
            *self.other_refusals.entry(reason).or_default() += count;
        }
        if other.seconds.len() > self.seconds.len() {
            self.seconds.resize(other.seconds.len(), Second::default());
        }
        for (mine, theirs) in self.seconds.iter_mut().zip(other.seconds) {
            mine.replies += theirs.replies;
            mine.accepted += theirs.accepted;
            mine.refused += theirs.refused;
        }
        for (operation, histogram) in other.latencies {
            match self.latencies.get_mut(&operation) {
                Some(mine) => drop(mine.add(histogram)),
                None => drop(self.latencies.insert(operation, histogram)),
            }
        }
        self.identical += other.identical;
        self.diverged += other.diverged;
        self.refused_twice += other.refused_twice;
        self.unmarked += other.unmarked;
        self.differing.extend(other.differing);
        self.postponed += other.postponed;
        self.broken += other.broken;
        self.surprises.merge(other.surprises);
    }

    /// When its seconds began to count.
    #[must_use]
    pub fn began(&self) -> Instant {
        self.began
    }

    /// Replies of every kind.
    #[must_use]
    pub fn replies(&self) -> u64 {
        self.seconds.iter().map(|second| u64::from(second.replies)).sum()
    }
}

/// A latency as people read it.
#[must_use]
pub fn shown(latency: Duration) -> String {
    let micros = latency.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", latency.as_secs_f64() * 1_000.0),
        _ => format!("{:.2} s", latency.as_secs_f64()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn reply(status: u16, replayed: bool, body: &'static str) -> Reply {
        Reply::for_tests(status, replayed, body)
    }

    #[test]
    fn replies_to_one_key_are_compared_byte_by_byte() {
        let mut tally = Tally::new(Instant::now());
        tally.compare(&reply(201, false, "a"), &reply(201, true, "a"), false);
        assert_eq!((tally.identical, tally.unmarked, tally.differing.len()), (1, 0, 0));
        tally.compare(&reply(201, true, "a"), &reply(201, false, "a"), true);
        tally.compare(&reply(201, false, "a"), &reply(201, false, "a"), true);
        assert_eq!(
            (tally.identical, tally.unmarked),
            (3, 0),
            "of two at once, either is the first, or both are"
        );
        tally.compare(&reply(201, true, "a"), &reply(201, false, "a"), false);
        assert_eq!((tally.identical, tally.unmarked), (4, 1), "the second does not say that it repeats");
        tally.compare(&reply(201, false, "a"), &reply(201, true, "b"), false);
        assert_eq!((tally.identical, tally.differing.len()), (4, 1));
        tally.compare(&reply(201, false, "a"), &reply(409, false, "a"), false);
        assert_eq!(tally.differing.len(), 2, "what was accepted stays accepted");
        tally.compare(&reply(409, false, "a"), &reply(201, false, "a"), true);
        assert_eq!((tally.differing.len(), tally.diverged), (2, 1));
    }

    #[test]
    fn tallies_add_up() {
        let began = Instant::now();
        let (mut all, mut one) = (Tally::new(began), Tally::new(began));
        for tally in [&mut all, &mut one] {
            tally.hear(Operation::PlaceHold, &reply(201, false, ""), Effort::default(), false);
            tally.hear(Operation::PlaceHold, &reply(409, false, ""), Effort::default(), false);
        }
        all.merge(one);
        let sum = |of: fn(&Second) -> u32| all.seconds.iter().map(of).sum::<u32>();
        assert_eq!((sum(|second| second.accepted), sum(|second| second.refused), all.replies()), (2, 2, 4));
        assert_eq!(all.latencies[&Operation::PlaceHold].len(), 4);
    }

    #[test]
    fn latencies_are_kept_as_they_were() {
        let mut tally = Tally::new(Instant::now());
        for millis in [1, 50, 2_000] {
            let effort = Effort { latency: Duration::from_millis(millis), ..Effort::default() };
            tally.hear(Operation::Confirm, &reply(200, false, ""), effort, false);
        }
        let latencies = &tally.latencies[&Operation::Confirm];
        assert!((49_900..50_100).contains(&latencies.value_at_quantile(0.5)));
        assert!((1_998_000..2_002_000).contains(&latencies.max()));
    }

    #[test]
    fn latencies_read_well() {
        assert_eq!(shown(Duration::from_micros(250)), "250 µs");
        assert_eq!(shown(Duration::from_micros(1_250)), "1.2 ms");
        assert_eq!(shown(Duration::from_millis(2_500)), "2.50 s");
    }
}
