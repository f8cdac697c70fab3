//! What one generator thread has seen: second by second, by operation, by behaviour, and every request that asked for a decision.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use tessera_demo::tally::Operation as Command;
use tessera_verdict::recording::{BehaviourFigures, Operation, OperationLatency, Second};

use crate::latencies::{Latencies, histogram, latency_us};

/// Significant digits of a latency within one second.
const DIGITS_OF_SECOND: u8 = 2;
/// Longest run that is counted second by second; what comes later counts in the last second.
const SECONDS_MAX: usize = 200_000;
/// Statuses that say *later*.
const LATER: [u16; 2] = [429, 503];

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    /// A decision.
    Command(Command),
    /// The availability document.
    Availability,
    /// The seat map.
    SeatMap,
    /// Where an order is paid.
    Payment,
    /// A paid order.
    Order,
}

impl Request {
    /// Its name in the report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Request::Command(command) => command.name(),
            Request::Availability => "read availability",
            Request::SeatMap => "read seat map",
            Request::Payment => "ask where to pay",
            Request::Order => "read order",
        }
    }
}

/// How a buyer's session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ended {
    /// Without an answer in the end.
    Unanswered,
    /// Refused for good.
    Refused,
    /// On its own account.
    Left,
    /// With tickets.
    Bought,
}

/// What became of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reception {
    Accepted,
    Refused,
    TurnedAway,
    /// The server failed (5xx other than 503): neither a refusal nor *later*.
    Failed,
    Read,
    Unanswered,
    /// Dropped by a network that is unlucky on purpose: nobody's failure.
    Dropped,
    /// Cut off half-way by such a network.
    HalfSent,
}

impl Reception {
    /// What a reply with this status is.
    pub(crate) fn of(request: Request, status: u16) -> Self {
        match status {
            status if LATER.contains(&status) => Reception::TurnedAway,
            500.. => Reception::Failed,
            _ if !matches!(request, Request::Command(_)) => Reception::Read,
            200..=299 => Reception::Accepted,
            _ => Reception::Refused,
        }
    }
}

/// Counters since the run began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Sessions that began.
    pub arrived: u64,
    /// Sessions that ended.
    pub left: u64,
    /// Requests sent.
    pub sent: u64,
    /// Replies.
    pub answered: u64,
    /// Accepted commands.
    pub accepted: u64,
    /// Refused commands.
    pub refused: u64,
    /// 429 and 503.
    pub turned_away: u64,
    /// 5xx other than 503.
    pub failed: u64,
    /// Requests without an answer.
    pub unanswered: u64,
    /// Requests that a network which is unlucky on purpose cut off half-way.
    pub half_sent: u64,
}

/// One second, with its latencies.
#[derive(Clone, Debug)]
pub(crate) struct SecondNotes {
    pub(crate) counts: Second,
    pub(crate) latencies: Histogram<u64>,
}

/// Everything that one thread has seen.
#[derive(Clone, Debug)]
pub struct Notes {
    pub(crate) seconds: Vec<SecondNotes>,
    pub(crate) latencies: BTreeMap<Request, Latencies>,
    /// Refusals by code.
    pub refusals: BTreeMap<String, u64>,
    /// Replies that say *later*, by their code.
    pub turned_away: BTreeMap<String, u64>,
    /// Replies that no right server gives, by what they are.
    pub defects: BTreeMap<String, u64>,
    /// By position of the behaviour.
    pub behaviours: Vec<BehaviourFigures>,
    /// Requests that asked for a decision.
    pub history: Vec<Operation>,
    /// Counters since the run began.
    pub totals: Totals,
}

fn count(counts: &mut BTreeMap<String, u64>, code: &str) {
    match counts.get_mut(code) {
        Some(count) => *count += 1,
        None => drop(counts.insert(code.to_owned(), 1)),
    }
}

fn index(at_us: u64) -> usize {
    usize::try_from(at_us / 1_000_000).unwrap_or(SECONDS_MAX).min(SECONDS_MAX)
}

impl SecondNotes {
    fn new() -> Self {
        SecondNotes { counts: Second::default(), latencies: histogram(DIGITS_OF_SECOND) }
    }

    /// Add what another thread saw in the same second.
    pub(crate) fn merge(&mut self, other: &SecondNotes) {
        let (mine, theirs) = (&mut self.counts, &other.counts);
        mine.due += theirs.due;
        mine.sent += theirs.sent;
        mine.answered += theirs.answered;
        mine.accepted += theirs.accepted;
        mine.refused += theirs.refused;
        mine.turned_away += theirs.turned_away;
        mine.failed += theirs.failed;
        mine.unanswered += theirs.unanswered;
        mine.half_sent += theirs.half_sent;
        mine.sockets += theirs.sockets;
        mine.buyers += theirs.buyers;
        mine.lag_us = mine.lag_us.max(theirs.lag_us);
        // Histograms that grow by themselves take every value of each other.
        let _ = self.latencies.add(&other.latencies);
    }

    /// The counters, with the percentiles of its latencies.
    pub(crate) fn finished(&self) -> Second {
        let at = |quantile| self.latencies.value_at_quantile(quantile);
        let largest = if self.latencies.is_empty() { 0 } else { self.latencies.max() };
        Second { latency_us: [at(0.5), at(0.99), largest], ..self.counts.clone() }
    }
}

impl Notes {
    /// Nothing seen yet of behaviours with these names.
    pub(crate) fn new<'a>(behaviours: impl Iterator<Item = &'a str>) -> Self {
        let figures = |name: &str| BehaviourFigures {
            behaviour: name.to_owned(),
            buyers: 0,
            bought: 0,
            refused: 0,
            left: 0,
            unanswered: 0,
        };
        Notes {
            seconds: Vec::new(),
            latencies: BTreeMap::new(),
            refusals: BTreeMap::new(),
            turned_away: BTreeMap::new(),
            defects: BTreeMap::new(),
            behaviours: behaviours.map(figures).collect(),
            history: Vec::new(),
            totals: Totals::default(),
        }
    }

    fn second(&mut self, at_us: u64) -> &mut SecondNotes {
        let index = index(at_us);
        while self.seconds.len() <= index {
            // What is open and on its way stays so until somebody looks again.
            let last = self.seconds.last().map(|second| (second.counts.sockets, second.counts.buyers));
            let mut next = SecondNotes::new();
            (next.counts.sockets, next.counts.buyers) = last.unwrap_or_default();
            self.seconds.push(next);
        }
        &mut self.seconds[index]
    }

    /// A session begins.
    pub(crate) fn arrived(&mut self, behaviour: usize) {
        self.totals.arrived += 1;
        self.behaviours[behaviour].buyers += 1;
    }

    /// A session ends.
    pub(crate) fn left(&mut self, behaviour: usize, ended: Ended) {
        self.totals.left += 1;
        let figures = &mut self.behaviours[behaviour];
        match ended {
            Ended::Bought => figures.bought += 1,
            Ended::Refused => figures.refused += 1,
            Ended::Left => figures.left += 1,
            Ended::Unanswered => figures.unanswered += 1,
        }
    }

    /// A request was due then.
    pub(crate) fn due(&mut self, due_us: u64) {
        self.second(due_us).counts.due += 1;
    }

    /// A request goes out.
    pub(crate) fn sent(&mut self, at_us: u64) {
        self.totals.sent += 1;
        self.second(at_us).counts.sent += 1;
    }

    /// What became of one try, so long after it was due.
    pub(crate) fn received(&mut self, reception: Reception, at_us: u64, waited_us: u64) {
        let second = self.second(at_us);
        let counts = &mut second.counts;
        match reception {
            Reception::Accepted => counts.accepted += 1,
            Reception::Refused => counts.refused += 1,
            Reception::TurnedAway => counts.turned_away += 1,
            Reception::Failed => counts.failed += 1,
            Reception::Unanswered => counts.unanswered += 1,
            Reception::HalfSent => counts.half_sent += 1,
            Reception::Read | Reception::Dropped => {}
        }
        let answered = !matches!(reception, Reception::Unanswered | Reception::Dropped | Reception::HalfSent);
        if answered {
            counts.answered += 1;
            // A histogram that grows by itself takes every value that fits into memory.
            let _ = second.latencies.record(latency_us(waited_us));
        }
        let totals = &mut self.totals;
        totals.answered += u64::from(answered);
        match reception {
            Reception::Accepted => totals.accepted += 1,
            Reception::Refused => totals.refused += 1,
            Reception::TurnedAway => totals.turned_away += 1,
            Reception::Failed => totals.failed += 1,
            Reception::Unanswered => totals.unanswered += 1,
            Reception::HalfSent => totals.half_sent += 1,
            Reception::Read | Reception::Dropped => {}
        }
    }

    /// A command was accepted, as its client read elsewhere than in a reply to it.
    pub(crate) fn accepted_elsewhere(&mut self, at_us: u64) {
        self.second(at_us).counts.accepted += 1;
        self.totals.accepted += 1;
    }

    /// An operation has ended, so long after it was first due: with an answer, or (after every retry) without one.
    pub(crate) fn ended(&mut self, request: Request, waited_us: u64, answered: bool) {
        self.latencies.entry(request).or_default().record(waited_us, answered);
    }

    /// A reply that no right server gives.
    pub(crate) fn defect(&mut self, request: Request, what: &str) {
        *self.defects.entry(format!("{} was answered {what}", request.name())).or_default() += 1;
    }

    /// How late this thread was with something.
    pub(crate) fn late(&mut self, at_us: u64, lag_us: u64) {
        let counts = &mut self.second(at_us).counts;
        counts.lag_us = counts.lag_us.max(lag_us);
    }

    /// What is open and on its way.
    pub(crate) fn look(&mut self, at_us: u64, sockets: u32, buyers: u32) {
        let counts = &mut self.second(at_us).counts;
        (counts.sockets, counts.buyers) = (sockets, buyers);
    }

    /// A refusal with this code.
    pub(crate) fn refused(&mut self, code: &str) {
        count(&mut self.refusals, code);
    }

    /// A reply that says *later*, with this code.
    pub(crate) fn turned_away(&mut self, code: &str) {
        count(&mut self.turned_away, code);
    }

    /// Add what another thread saw of the same run.
    pub(crate) fn merge(&mut self, other: Notes) {
        while self.seconds.len() < other.seconds.len() {
            self.seconds.push(SecondNotes::new());
        }
        for (mine, theirs) in self.seconds.iter_mut().zip(&other.seconds) {
            mine.merge(theirs);
        }
        for (request, latencies) in &other.latencies {
            self.latencies.entry(*request).or_default().merge(latencies);
        }
        for (code, count) in other.refusals {
            *self.refusals.entry(code).or_default() += count;
        }
        for (code, count) in other.turned_away {
            *self.turned_away.entry(code).or_default() += count;
        }
        for (what, count) in other.defects {
            *self.defects.entry(what).or_default() += count;
        }
        for (mine, theirs) in self.behaviours.iter_mut().zip(other.behaviours) {
            mine.buyers += theirs.buyers;
            mine.bought += theirs.bought;
            mine.refused += theirs.refused;
            mine.left += theirs.left;
            mine.unanswered += theirs.unanswered;
        }
        self.history.extend(other.history);
        self.totals.add(&other.totals);
    }

    /// The seconds as they are recorded.
    #[must_use]
    pub fn finished_seconds(&self) -> Vec<Second> {
        self.seconds.iter().map(SecondNotes::finished).collect()
    }

    /// The latencies as they are recorded.
    #[must_use]
    pub fn operation_latencies(&self) -> Vec<OperationLatency> {
        self.latencies.iter().map(|(request, latencies)| latencies.finished(request.name())).collect()
    }
}

impl Totals {
    /// Add those of another thread.
    pub(crate) fn add(&mut self, other: &Totals) {
        self.arrived += other.arrived;
        self.left += other.left;
        self.sent += other.sent;
        self.answered += other.answered;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.turned_away += other.turned_away;
        self.failed += other.failed;
        self.unanswered += other.unanswered;
        self.half_sent += other.half_sent;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    const HOLD: Request = Request::Command(Command::PlaceHold);

    #[test]
    fn what_was_seen_by_two_threads_adds_up() {
        let mut all = Notes::new(["a"].into_iter());
        let mut other = all.clone();
        for (notes, latency_us) in [(&mut all, 1_000), (&mut other, 9_000)] {
            notes.arrived(0);
            notes.due(500_000);
            notes.sent(1_500_000);
            notes.received(Reception::Accepted, 2_500_000, latency_us);
            notes.ended(HOLD, latency_us, latency_us < 5_000);
            notes.turned_away("not_executed");
            notes.late(2_600_000, latency_us);
            notes.look(2_700_000, 3, 4);
            notes.left(0, Ended::Bought);
        }
        all.merge(other);
        let seconds = all.finished_seconds();
        assert_eq!(seconds.iter().map(|second| second.due).collect::<Vec<_>>(), [2, 0, 0]);
        assert_eq!((seconds[1].sent, seconds[2].accepted, seconds[2].lag_us), (2, 2, 9_000));
        assert_eq!((seconds[2].sockets, seconds[2].buyers), (6, 8));
        assert!((8_900..=9_100).contains(&seconds[2].latency_us[2]), "{:?}", seconds[2].latency_us);
        assert_eq!((all.behaviours[0].buyers, all.behaviours[0].bought), (2, 2));
        let latencies = all.operation_latencies();
        assert_eq!((latencies[0].operation.as_str(), latencies[0].count), ("place hold", 2));
        assert_eq!((latencies[0].unanswered, all.turned_away["not_executed"]), (1, 2));
    }

    #[test]
    fn a_failure_of_the_server_is_no_refusal_and_no_answer_of_later() {
        let of = |status| Reception::of(HOLD, status);
        assert_eq!([201, 409, 404].map(of), [Reception::Accepted, Reception::Refused, Reception::Refused]);
        assert_eq!([429, 503].map(of), [Reception::TurnedAway; 2]);
        assert_eq!([500, 501, 502, 504, 599].map(of), [Reception::Failed; 5]);
        let read = [200, 304, 500].map(|status| Reception::of(Request::SeatMap, status));
        assert_eq!(read, [Reception::Read, Reception::Read, Reception::Failed]);
        let mut notes = Notes::new(["a"].into_iter());
        notes.received(Reception::Failed, 0, 5);
        notes.defect(HOLD, "500 internal_error");
        assert_eq!((notes.totals.answered, notes.totals.failed, notes.totals.refused), (1, 1, 0));
        assert_eq!(notes.finished_seconds()[0].failed, 1);
        assert_eq!(notes.defects["place hold was answered 500 internal_error"], 1);
    }
}
