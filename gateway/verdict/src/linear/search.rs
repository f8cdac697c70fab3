//! The search for an order: Wing and Gong's, depth first, with Lowe's memory of what was tried.
//!
//! At each step, what may come next is every call that was sent before the first of the remaining answers came. Three things keep the search
//! short, and none of them loses an order. A call that only looks, and sees what it must, is taken at once: it changes nothing, so that whatever
//! order there is stays one with the look moved here. What is most urgent is tried first. And a set of calls that led nowhere is not tried
//! again: what a stock holds follows from which calls are done (what is held is what was placed and not given back, a deadline is the latest that
//! was granted), not from their order, so the set is all there is to remember. Sets are remembered by 128 bits of a hash.

use std::collections::{BTreeSet, HashSet};

use super::stock::{Act, State, Stock, Undo};

/// No entry of a list.
const NONE: u32 = u32::MAX;
/// How many of the last calls are looked through for claims that are in the way.
const STUCK_CALLS_MAX: usize = 1_000;
/// When a call returns that was never answered.
pub const NEVER: i64 = i64::MAX;

/// One call on an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Sent, in microseconds since the run began.
    pub invoked: i64,
    /// Answered; [`NEVER`] if not.
    pub returned: i64,
    /// Whether it happened for certain.
    pub must: bool,
    /// What it does.
    pub act: Act,
    /// The operation of the history; none for what time does.
    pub operation: Option<usize>,
}

/// What the search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is an order.
    Linearizable,
    /// There is none. It got no further than this.
    NotLinearizable(Stuck),
    /// Not within the budget.
    Undecided,
}

/// Where the furthest attempt ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stuck {
    /// Position of the call that no order can place.
    pub call: usize,
    /// Units that were free then.
    pub free: u32,
    /// Claims that had units then, the last first, as far as they were placed lately.
    pub claims: Vec<usize>,
}

/// Remaining calls in the order in which they were sent: a linked list through an array, whose entries can be put back in reverse.
#[derive(Debug)]
struct Remaining {
    first: u32,
    next: Vec<u32>,
    previous: Vec<u32>,
}

impl Remaining {
    fn new(calls: usize, members: &[u32]) -> Self {
        let mut list = Remaining { first: NONE, next: vec![NONE; calls], previous: vec![NONE; calls] };
        for member in members.iter().rev() {
            list.next[*member as usize] = list.first;
            if list.first != NONE {
                list.previous[list.first as usize] = *member;
            }
            list.first = *member;
        }
        list
    }

    fn remove(&mut self, call: u32) {
        let (previous, next) = (self.previous[call as usize], self.next[call as usize]);
        match previous {
            NONE => self.first = next,
            previous => self.next[previous as usize] = next,
        }
        if next != NONE {
            self.previous[next as usize] = previous;
        }
    }

    fn put_back(&mut self, call: u32) {
        let (previous, next) = (self.previous[call as usize], self.next[call as usize]);
        match previous {
            NONE => self.first = call,
            previous => self.next[previous as usize] = call,
        }
        if next != NONE {
            self.previous[next as usize] = call;
        }
    }
}

/// A point at which there was more than one way on.
#[derive(Debug)]
struct Choice {
    /// Calls that were taken before it.
    at: usize,
    /// What was tried first.
    first: Option<u32>,
    /// The other ways, last first; none while nobody looked.
    others: Option<Vec<u32>>,
}

/// A search over the calls on one object.
#[derive(Debug)]
pub struct Search<'a> {
    stock: Stock,
    calls: &'a [Call],
    changing: Remaining,
    looking: Remaining,
    /// Calls that must happen, by their answer.
    due: BTreeSet<(i64, u32)>,
    taken: Vec<(u32, Undo)>,
    set: u128,
    tried: HashSet<u128>,
    choices: Vec<Choice>,
    furthest: Option<(usize, Stuck)>,
    steps: u64,
    steps_max: u64,
}

impl<'a> Search<'a> {
    /// A search that takes at most so many steps. Calls are sorted by when they were sent.
    #[must_use]
    pub fn new(stock: Stock, calls: &'a [Call], steps_max: u64) -> Self {
        let numbered = || (0_u32..).zip(calls);
        let members = |looks: bool| -> Vec<u32> {
            numbered().filter(|(_, call)| call.act.observes() == looks).map(|(number, _)| number).collect()
        };
        Search {
            stock,
            calls,
            changing: Remaining::new(calls.len(), &members(false)),
            looking: Remaining::new(calls.len(), &members(true)),
            due: numbered()
                .filter(|(_, call)| call.must)
                .map(|(number, call)| (call.returned, number))
                .collect(),
            taken: Vec::new(),
            set: 0,
            tried: HashSet::new(),
            choices: Vec::new(),
            furthest: None,
            steps: 0,
            steps_max,
        }
    }

    /// Steps that were taken: calls that were tried.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Look for an order.
    pub fn run(&mut self) -> Found {
        loop {
            let Some((bound, urgent)) = self.due.first().copied() else { return Found::Linearizable };
            if self.steps >= self.steps_max {
                return Found::Undecided;
            }
            if self.advance(bound, urgent) {
                continue;
            }
            if !self.go_back() {
                let stuck = self.furthest.take().map(|(_, stuck)| stuck).unwrap_or_default();
                return Found::NotLinearizable(stuck);
            }
        }
    }

    /// Keep where the furthest attempt stands, when its most urgent call cannot happen.
    fn note(&mut self, urgent: u32) {
        if self.furthest.as_ref().is_none_or(|(taken, _)| *taken < self.taken.len()) {
            self.furthest = Some((self.taken.len(), self.stuck(urgent)));
        }
    }

    fn stuck(&self, urgent: u32) -> Stuck {
        let lately = self.taken.iter().rev().take(STUCK_CALLS_MAX);
        let mut claims: Vec<usize> = lately
            .filter_map(|(call, _)| match self.calls[*call as usize].act {
                Act::Place(claim) => Some(claim),
                _ => None,
            })
            .collect();
        let has_units = |claim: &usize| {
            matches!(self.stock.claims[*claim].state, State::Held | State::InFlight | State::Sold)
        };
        claims.retain(has_units);
        Stuck { call: urgent as usize, free: self.stock.free, claims }
    }

    /// Go one step on, if there is a way.
    fn advance(&mut self, bound: i64, urgent: u32) -> bool {
        let act = self.calls[urgent as usize].act;
        if act.observes() && self.take(urgent, bound) {
            return true;
        }
        // Before units return, whoever saw that there were none must have looked.
        if (act.frees() || act.observes()) && self.look_around(bound) {
            return true;
        }
        if !self.tried.insert(self.set) {
            return false;
        }
        if !act.observes() && self.take(urgent, bound) {
            self.choices.push(Choice { at: self.taken.len() - 1, first: Some(urgent), others: None });
            return true;
        }
        self.note(urgent);
        self.choices.push(Choice { at: self.taken.len(), first: None, others: None });
        self.go_back()
    }

    /// Take every call that only looks and sees what it must; whether there was one.
    fn look_around(&mut self, bound: i64) -> bool {
        let before = self.taken.len();
        let mut call = self.looking.first;
        while call != NONE && self.calls[call as usize].invoked <= bound {
            let next = self.looking.next[call as usize];
            self.take(call, bound);
            call = next;
        }
        self.taken.len() > before
    }

    /// Take a call, if it can happen now.
    fn take(&mut self, call: u32, bound: i64) -> bool {
        self.steps += 1;
        let Call { act, must, returned, .. } = self.calls[call as usize];
        let Some(undo) = self.stock.apply(act, bound) else { return false };
        let list = if act.observes() { &mut self.looking } else { &mut self.changing };
        list.remove(call);
        if must {
            self.due.remove(&(returned, call));
        }
        self.set ^= mark(call);
        self.taken.push((call, undo));
        true
    }

    fn take_back(&mut self) {
        let Some((call, undo)) = self.taken.pop() else { return };
        let Call { act, must, returned, .. } = self.calls[call as usize];
        self.stock.undo(undo);
        let list = if act.observes() { &mut self.looking } else { &mut self.changing };
        list.put_back(call);
        if must {
            self.due.insert((returned, call));
        }
        self.set ^= mark(call);
    }

    /// Go back to the last choice that has another way, and take it; false when there is none.
    fn go_back(&mut self) -> bool {
        while let Some(mut choice) = self.choices.pop() {
            if self.steps >= self.steps_max {
                return true;
            }
            while self.taken.len() > choice.at {
                self.take_back();
            }
            let mut others = match choice.others.take() {
                Some(others) => others,
                None => self.other_ways(&mut choice),
            };
            let Some((bound, _)) = self.due.first().copied() else { return true };
            while let Some(call) = others.pop() {
                if self.take(call, bound) {
                    self.choices.push(Choice { others: Some(others), ..choice });
                    return true;
                }
            }
        }
        false
    }

    /// Every other call that may come next, the most promising last.
    fn other_ways(&mut self, choice: &mut Choice) -> Vec<u32> {
        // What looks and is content changes nothing, and stays taken whichever way goes on.
        while let Some((bound, _)) = self.due.first().copied() {
            if !self.look_around(bound) {
                break;
            }
        }
        choice.at = self.taken.len();
        let Some((bound, urgent)) = self.due.first().copied() else { return Vec::new() };
        let mut ways = Vec::new();
        let mut call = self.changing.first;
        while call != NONE && self.calls[call as usize].invoked <= bound {
            self.steps += 1;
            if choice.first != Some(call) {
                ways.push(call);
            }
            call = self.changing.next[call as usize];
        }
        let wanted = self.calls[urgent as usize].act;
        ways.sort_by_key(|way| {
            let call = self.calls[*way as usize];
            std::cmp::Reverse((!helps(call.act, wanted), call.returned, *way))
        });
        ways
    }
}

/// Whether an act may make way for another.
fn helps(act: Act, wanted: Act) -> bool {
    match wanted {
        Act::Place(_) => act.frees(),
        Act::Lacks(_) => matches!(act, Act::Place(_)),
        _ => act.claim() == wanted.claim(),
    }
}

/// 128 bits for one call: two rounds of `SplitMix64` (G. Steele and others, *Fast splittable pseudorandom number generators*, OOPSLA 2014).
fn mark(call: u32) -> u128 {
    let mix = |seed: u64| {
        let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let high = mix(u64::from(call));
    let low = mix(high ^ 0x5851_f42d_4c95_7f2d);
    (u128::from(high) << 64) | u128::from(low)
}
