//! The history, cut into the objects that are checked each for itself.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use tessera_demo::venue::Venue;

use super::DEADLINE_SLACK_US;
use super::search::{Call, NEVER};
use super::stock::{Act, Claim, Stock};
use crate::evidence::{may_have_happened, units};
use crate::recording::{Asked, AskedLine, Operation, Outcome, Recording};

/// One object with everything that happened to it.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its name, such as `seat 17`.
    pub name: String,
    /// The object before the first call.
    pub stock: Stock,
    /// Its calls, in the order in which they were sent.
    pub calls: Vec<Call>,
    /// The operation that placed each claim.
    pub placed_by: Vec<usize>,
}

/// A hold as its clients know it.
#[derive(Debug)]
struct Thread {
    /// The operation that placed it.
    operation: usize,
    must: bool,
    deadline: i64,
    /// What it was given, or (where it was never answered) what it asked for exactly.
    lines: Vec<(Option<usize>, u32, Vec<u32>)>,
    /// What else was done with it; the claim in the act is filled in later.
    acts: Vec<Call>,
}

/// A refusal that says something about one object.
#[derive(Clone, Copy, Debug)]
struct Look {
    operation: usize,
    units: u32,
}

/// All objects of a history.
#[derive(Debug)]
pub struct Parts<'a> {
    history: &'a [Operation],
    venue: &'a Venue,
    threads: Vec<Thread>,
    seat_looks: BTreeMap<u32, Vec<Look>>,
    pool_looks: BTreeMap<usize, Vec<Look>>,
    /// Operations that say something about some object.
    pub operations: u64,
    /// Operations that do not.
    pub left_out: u64,
}

impl<'a> Parts<'a> {
    /// Cut a history up.
    #[must_use]
    pub fn new(recording: &'a Recording, venue: &'a Venue) -> Self {
        let mut parts = Parts {
            history: &recording.history,
            venue,
            threads: Vec::new(),
            seat_looks: BTreeMap::new(),
            pool_looks: BTreeMap::new(),
            operations: 0,
            left_out: 0,
        };
        let mut holds = HashMap::new();
        let mut used = vec![false; parts.history.len()];
        parts.place(&mut holds, &mut used);
        parts.follow(&holds, &mut used);
        parts.look(&Blind::new(recording, venue), &mut used);
        parts.operations = used.iter().filter(|used| **used).count() as u64;
        parts.left_out = used.len() as u64 - parts.operations;
        parts
    }

    /// A thread for each hold that was placed, and for each that may have been.
    fn place(&mut self, holds: &mut HashMap<&'a str, usize>, used: &mut [bool]) {
        for (position, operation) in self.history.iter().enumerate() {
            let Asked::PlaceHold { lines: asked, .. } = &operation.asked else { continue };
            let (must, deadline, lines) = match &operation.outcome {
                Outcome::Accepted { id, lines, deadline_us, .. } => {
                    // One hold that was given to two clients is found elsewhere.
                    if holds.insert(id, self.threads.len()).is_some() {
                        continue;
                    }
                    let line = |(name, quantity, seats): &(String, u16, Vec<u32>)| {
                        (self.venue.ticket_type(name), u32::from(*quantity), seats.clone())
                    };
                    (true, deadline_us.unwrap_or(i64::MIN), lines.iter().map(line).collect())
                }
                _ if may_have_happened(operation) => (false, i64::MIN, self.exact(asked)),
                _ => continue,
            };
            used[position] = true;
            self.threads.push(Thread { operation: position, must, deadline, lines, acts: Vec::new() });
        }
    }

    /// What an unanswered request has if it has anything: exact seats, and units of standing types.
    fn exact(&self, asked: &[AskedLine]) -> Vec<(Option<usize>, u32, Vec<u32>)> {
        let exact = |line: &AskedLine| {
            let ticket_type = self.venue.ticket_type(line.ticket_type.as_ref()?)?;
            let is_seated = self.venue.ticket_types[ticket_type].category.is_some();
            let is_exact = !is_seated || !line.seats.is_empty();
            is_exact.then(|| (Some(ticket_type), u32::from(units(line)), line.seats.clone()))
        };
        asked.iter().filter_map(exact).collect()
    }

    /// What was done with the holds.
    fn follow(&mut self, holds: &HashMap<&'a str, usize>, used: &mut [bool]) {
        let mut orders: HashMap<&str, &str> = HashMap::new();
        for operation in self.history {
            if let (Asked::BeginPayment { hold }, Outcome::Accepted { id, .. }) =
                (&operation.asked, &operation.outcome)
            {
                orders.insert(id, hold);
            }
        }
        for (position, operation) in self.history.iter().enumerate() {
            let hold = match &operation.asked {
                Asked::PlaceHold { .. } | Asked::CheckIn { .. } => continue,
                Asked::RenewHold { hold } | Asked::ReleaseHold { hold } | Asked::BeginPayment { hold } => {
                    Some(hold.as_str())
                }
                Asked::FailPayment { order } | Asked::Confirm { order } => {
                    orders.get(order.as_str()).copied()
                }
            };
            let Some(thread) = hold.and_then(|hold| holds.get(hold)) else { continue };
            let Some((act, must)) = act(operation) else { continue };
            used[position] = true;
            let call = self.call(position, must, act);
            self.threads[*thread].acts.push(call);
        }
    }

    fn call(&self, position: usize, must: bool, act: Act) -> Call {
        let operation = &self.history[position];
        let returned = operation.returned_us.filter(|_| must).map_or(NEVER, micros);
        Call { invoked: micros(operation.invoked_us), returned, must, act, operation: Some(position) }
    }

    /// Refusals that say that one object had too little.
    fn look(&mut self, blind: &Blind, used: &mut [bool]) {
        for (position, operation) in self.history.iter().enumerate() {
            let Asked::PlaceHold { lines, .. } = &operation.asked else { continue };
            let Outcome::Refused { code, problem, .. } = &operation.outcome else { continue };
            let Some(returned) = operation.returned_us.map(micros) else { continue };
            match (code.as_str(), lines.as_slice()) {
                ("seats_taken", lines) => {
                    let asked: Vec<u32> = lines.iter().flat_map(|line| &line.seats).copied().collect();
                    for seat in numbers(problem, "seats").filter(|seat| asked.contains(seat)) {
                        if blind.sees_seat(self.venue, seat, returned) {
                            let look = Look { operation: position, units: 1 };
                            self.seat_looks.entry(seat).or_default().push(look);
                            used[position] = true;
                        }
                    }
                }
                ("sold_out", [line]) => {
                    let Some(pool) = self.lacking_pool(line, problem) else { continue };
                    if blind.sees_pool(pool, returned) {
                        let look = Look { operation: position, units: u32::from(units(line)) };
                        self.pool_looks.entry(pool).or_default().push(look);
                        used[position] = true;
                    }
                }
                _ => {}
            }
        }
    }

    /// The pool that a refusal names, or the only one that it can mean.
    fn lacking_pool(&self, line: &AskedLine, problem: &Value) -> Option<usize> {
        let conflicts = problem.get("conflicts").and_then(Value::as_array);
        if let Some(conflicts) = conflicts {
            let name = conflicts.iter().find_map(|conflict| conflict.get("pool")?.as_str())?;
            return self.venue.pool(name).ok();
        }
        let ticket_type = &self.venue.ticket_types[self.venue.ticket_type(line.ticket_type.as_ref()?)?];
        match (ticket_type.category, ticket_type.draws_on.as_slice()) {
            (None, [pool]) => Some(*pool),
            _ => None,
        }
    }

    /// Every seat that a hold had or was called taken.
    pub fn seats(&self) -> impl Iterator<Item = Part> {
        let mut claims: BTreeMap<u32, Vec<(usize, u32)>> =
            self.seat_looks.keys().map(|seat| (*seat, Vec::new())).collect();
        for (position, thread) in self.threads.iter().enumerate() {
            for seat in thread.lines.iter().flat_map(|(_, _, seats)| seats) {
                claims.entry(*seat).or_default().push((position, 1));
            }
        }
        claims.into_iter().map(|(seat, claims)| {
            let looks = self.seat_looks.get(&seat).map_or(&[][..], Vec::as_slice);
            self.part(format!("seat {seat}"), 1, &claims, looks)
        })
    }

    /// Every pool.
    pub fn pools(&self) -> impl Iterator<Item = Part> {
        self.venue.pools.iter().enumerate().map(|(pool, facts)| {
            let claims: Vec<(usize, u32)> = self
                .threads
                .iter()
                .map(|thread| self.drawn(thread, pool))
                .enumerate()
                .filter(|(_, drawn)| *drawn > 0)
                .collect();
            let looks = self.pool_looks.get(&pool).map_or(&[][..], Vec::as_slice);
            self.part(format!("pool {}", facts.name), facts.capacity, &claims, looks)
        })
    }

    /// Units of a pool that a hold draws.
    fn drawn(&self, thread: &Thread, pool: usize) -> u32 {
        let draws = |ticket_type: usize| self.venue.ticket_types[ticket_type].draws_on.contains(&pool);
        let lines = thread.lines.iter().filter(|(ticket_type, _, _)| ticket_type.is_some_and(draws));
        lines.map(|(_, units, _)| units).sum()
    }

    /// Every hold that a client knows, by itself.
    pub fn holds(&self) -> impl Iterator<Item = Part> {
        let known = self.threads.iter().enumerate().filter(|(_, thread)| thread.must);
        known.map(|(position, thread)| {
            let name = match &self.history[thread.operation].outcome {
                Outcome::Accepted { id, .. } => format!("hold {id}"),
                _ => String::from("a hold"),
            };
            self.part(name, 1, &[(position, 1)], &[])
        })
    }

    fn part(&self, name: String, capacity: u32, claims: &[(usize, u32)], looks: &[Look]) -> Part {
        let mut calls = Vec::new();
        let mut stock = Stock { free: capacity, claims: Vec::with_capacity(claims.len()) };
        let mut placed_by = Vec::with_capacity(claims.len());
        for (claim, (thread, units)) in claims.iter().enumerate() {
            let thread = &self.threads[*thread];
            stock.claims.push(Claim::new(*units, thread.deadline));
            placed_by.push(thread.operation);
            let place = self.call(thread.operation, thread.must, Act::Place(claim));
            calls.push(place);
            calls.extend(thread.acts.iter().map(|call| Call { act: of_claim(call.act, claim), ..*call }));
            let lasts = |call: &Call| call.must && matches!(call.act, Act::Release(_) | Act::Confirm(_));
            if !thread.acts.iter().any(lasts) {
                let invoked = place.invoked.max(thread.deadline.saturating_sub(DEADLINE_SLACK_US));
                let act = Act::End(claim);
                calls.push(Call { invoked, returned: NEVER, must: false, act, operation: None });
            }
        }
        calls.extend(looks.iter().map(|look| self.call(look.operation, true, Act::Lacks(look.units))));
        calls.sort_by_key(|call| call.invoked);
        Part { name, stock, calls, placed_by }
    }
}

/// What an operation on a hold does, and whether it happened for certain; none if it says nothing.
fn act(operation: &Operation) -> Option<(Act, bool)> {
    let (must, deadline) = match &operation.outcome {
        Outcome::Accepted { deadline_us, .. } => (true, *deadline_us),
        Outcome::Refused { code, .. } if matches!(code.as_str(), "hold_expired" | "hold_not_found") => {
            return operation.returned_us.map(|_| (Act::Over(0), true));
        }
        _ if may_have_happened(operation) => (false, None),
        _ => return None,
    };
    let until = deadline.unwrap_or(i64::MIN);
    let act = match &operation.asked {
        Asked::PlaceHold { .. } | Asked::CheckIn { .. } => return None,
        Asked::RenewHold { .. } => Act::Renew(0, until),
        Asked::ReleaseHold { .. } => Act::Release(0),
        Asked::BeginPayment { .. } => Act::Begin(0, until),
        Asked::FailPayment { .. } => Act::Fail(0),
        Asked::Confirm { .. } => Act::Confirm(0),
    };
    Some((act, must))
}

fn of_claim(act: Act, claim: usize) -> Act {
    match act {
        Act::Place(_) => Act::Place(claim),
        Act::Renew(_, until) => Act::Renew(claim, until),
        Act::Release(_) => Act::Release(claim),
        Act::Begin(_, until) => Act::Begin(claim, until),
        Act::Fail(_) => Act::Fail(claim),
        Act::Confirm(_) => Act::Confirm(claim),
        Act::End(_) => Act::End(claim),
        Act::Over(_) => Act::Over(claim),
        Act::Lacks(units) => Act::Lacks(units),
    }
}

fn micros(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(NEVER - 1)
}

fn numbers<'v>(problem: &'v Value, field: &str) -> impl Iterator<Item = u32> + 'v {
    let values = problem.get(field).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    values.iter().filter_map(|value| u32::try_from(value.as_u64()?).ok())
}

/// What refusals cannot be believed to say, as somebody outside of the history may have the units.
struct Blind {
    /// From when on an unanswered request may have any seat of the category.
    categories: Vec<i64>,
    /// Pools of which a channel keeps units, or units are withdrawn.
    pools: Vec<bool>,
    /// From when on an unanswered request for any type may have units of the pool.
    pools_from: Vec<i64>,
}

impl Blind {
    fn new(recording: &Recording, venue: &Venue) -> Self {
        let mut blind = Blind {
            categories: vec![NEVER; venue.categories.len()],
            pools: vec![false; venue.pools.len()],
            pools_from: vec![NEVER; venue.pools.len()],
        };
        for (pool, _) in venue.channels.iter().flat_map(|channel| &channel.allotments) {
            blind.pools[*pool] = true;
        }
        for document in &recording.availabilities {
            for pool in withdrawn(document, "pools").filter_map(|name| venue.pool(name).ok()) {
                blind.pools[pool] = true;
            }
            for name in withdrawn(document, "categories") {
                if let Some(category) = venue.categories.iter().position(|known| known == name) {
                    blind.categories[category] = i64::MIN;
                }
            }
        }
        for operation in recording.history.iter().filter(|operation| may_have_happened(operation)) {
            let Asked::PlaceHold { lines, .. } = &operation.asked else { continue };
            for line in lines.iter().filter(|line| line.seats.is_empty()) {
                blind.by_request(venue, line, micros(operation.invoked_us));
            }
        }
        blind
    }

    /// An unanswered request that may have got any of several units.
    fn by_request(&mut self, venue: &Venue, line: &AskedLine, from: i64) {
        for ticket_type in &venue.ticket_types {
            if line.ticket_type.as_ref().is_some_and(|name| *name != ticket_type.name) {
                continue;
            }
            let Some(category) = ticket_type.category else { continue };
            let since = &mut self.categories[category];
            *since = from.min(*since);
            for pool in &ticket_type.draws_on {
                self.pools_from[*pool] = from.min(self.pools_from[*pool]);
            }
        }
    }

    fn sees_seat(&self, venue: &Venue, seat: u32, returned: i64) -> bool {
        venue
            .seats
            .get(seat as usize)
            .is_some_and(|facts| facts.public && returned < self.categories[facts.category])
    }

    fn sees_pool(&self, pool: usize, returned: i64) -> bool {
        !self.pools[pool] && returned < self.pools_from[pool]
    }
}

/// The pools or categories of which a document shows withdrawn units.
fn withdrawn<'v>(document: &'v Value, field: &str) -> impl Iterator<Item = &'v str> {
    let counters = document.get(field).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let some =
        |counters: &&Value| counters.get("killed").and_then(Value::as_u64).is_some_and(|killed| killed > 0);
    counters.iter().filter(some).filter_map(|counters| counters.get("name")?.as_str())
}
