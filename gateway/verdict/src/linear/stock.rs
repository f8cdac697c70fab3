//! The sequential object that histories are held against: a stock of units, and claims on them. A seat is a stock of one, a pool one of its
//! capacity, a hold one that is exactly as large as itself.

use super::DEADLINE_SLACK_US;

/// What happens at one point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A claim takes its units.
    Place(usize),
    /// A claim lasts until then, in microseconds since the run began.
    Renew(usize, i64),
    /// A claim gives its units back.
    Release(usize),
    /// The payment of a claim is begun; it does not end by itself before then.
    Begin(usize, i64),
    /// The payment of a claim failed.
    Fail(usize),
    /// A claim is sold.
    Confirm(usize),
    /// A claim ends by itself.
    End(usize),
    /// Nobody could take so many units.
    Lacks(u32),
    /// A claim was over.
    Over(usize),
}

impl Act {
    /// Whether it only looks.
    #[must_use]
    pub fn observes(self) -> bool {
        matches!(self, Act::Lacks(_) | Act::Over(_))
    }

    /// Whether it gives units back.
    #[must_use]
    pub fn frees(self) -> bool {
        matches!(self, Act::Release(_) | Act::End(_))
    }

    /// The claim it is about.
    #[must_use]
    pub fn claim(self) -> Option<usize> {
        match self {
            Act::Place(claim)
            | Act::Renew(claim, _)
            | Act::Release(claim)
            | Act::Begin(claim, _)
            | Act::Fail(claim)
            | Act::Confirm(claim)
            | Act::End(claim)
            | Act::Over(claim) => Some(claim),
            Act::Lacks(_) => None,
        }
    }
}

/// How far a claim has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not placed yet.
    Absent,
    /// Held.
    Held,
    /// Its payment is under way.
    InFlight,
    /// Sold.
    Sold,
    /// Given back, or over.
    Ended,
}

/// One claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Units it takes.
    pub units: u32,
    /// How far it has come.
    pub state: State,
    /// It does not end by itself before then, less the slack.
    pub deadline: i64,
    /// Nor before then, while its payment is under way.
    pub grace: i64,
}

impl Claim {
    /// A claim that is not placed yet.
    #[must_use]
    pub fn new(units: u32, deadline: i64) -> Self {
        Claim { units, state: State::Absent, deadline, grace: i64::MIN }
    }

    /// Whether it may be over at a time that is not after `bound`.
    fn may_end(&self, bound: i64) -> bool {
        let due = match self.state {
            State::Held => self.deadline,
            State::InFlight => self.deadline.max(self.grace),
            State::Absent | State::Sold | State::Ended => return false,
        };
        due.saturating_sub(DEADLINE_SLACK_US) <= bound
    }
}

/// A stock and the claims on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stock {
    /// Units that nobody has.
    pub free: u32,
    /// All claims.
    pub claims: Vec<Claim>,
}

/// What undoes an act.
#[derive(Clone, Copy, Debug)]
pub struct Undo {
    free: u32,
    claim: Option<(usize, Claim)>,
}

impl Stock {
    /// Let something happen at a time that is not after `bound`; none if it cannot.
    pub fn apply(&mut self, act: Act, bound: i64) -> Option<Undo> {
        let undo = Undo { free: self.free, claim: act.claim().map(|claim| (claim, self.claims[claim])) };
        let free = self.free;
        let Some(position) = act.claim() else {
            return matches!(act, Act::Lacks(units) if free < units).then_some(undo);
        };
        let claim = &mut self.claims[position];
        let fits = match (act, claim.state) {
            (Act::Place(_), State::Absent) => claim.units <= free,
            (Act::Renew(..) | Act::Release(_) | Act::Begin(..), State::Held)
            | (Act::Fail(_) | Act::Confirm(_), State::InFlight)
            | (Act::Over(_), State::Ended) => true,
            (Act::End(_), _) => claim.may_end(bound),
            _ => false,
        };
        if !fits {
            return None;
        }
        match act {
            Act::Place(_) => {
                claim.state = State::Held;
                self.free -= claim.units;
            }
            Act::Renew(_, deadline) => claim.deadline = claim.deadline.max(deadline),
            Act::Begin(_, grace) => {
                claim.state = State::InFlight;
                claim.grace = claim.grace.max(grace);
            }
            Act::Fail(_) => claim.state = State::Held,
            Act::Confirm(_) => claim.state = State::Sold,
            Act::Release(_) | Act::End(_) => {
                claim.state = State::Ended;
                self.free += claim.units;
            }
            Act::Lacks(_) | Act::Over(_) => {}
        }
        Some(undo)
    }

    /// Take back the last act.
    pub fn undo(&mut self, undo: Undo) {
        self.free = undo.free;
        if let Some((position, claim)) = undo.claim {
            self.claims[position] = claim;
        }
    }
}
