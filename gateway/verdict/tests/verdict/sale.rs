//! A small ticket office in memory, for recordings to judge: it decides as a sound server would, keeps the feed and the documents, and
//! knows nothing of the code that judges it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

/// When the run begins.
pub(crate) const BEGAN: &str = "2026-11-28T10:00:00Z";
/// How long a hold lasts.
pub(crate) const HOLD_US: u64 = 8_000_000;
/// How long a payment may take.
const GRACE_US: u64 = 20_000_000;
/// Seats of a row.
pub(crate) const ROW_SEATS: u32 = 20;

/// A hall of so many rows, front to back in two categories, and a floor.
pub(crate) fn venue(rows: u32, floor: u32) -> Value {
    let row = |row: u32| {
        let category = if row < rows.div_ceil(3) { "Parquet" } else { "Gallery" };
        json!({"section": "Hall", "label": (row + 1).to_string(), "blocks": [{"from": 1, "to": ROW_SEATS, "category": category}]})
    };
    json!({
        "currency": "EUR",
        "pools": [{"name": "Floor", "capacity": floor}],
        "categories": [{"name": "Parquet"}, {"name": "Gallery"}],
        "sections": ["Hall"],
        "rows": (0..rows).map(row).collect::<Vec<_>>(),
        "channels": [],
        "ticket_types": [
            {"name": "Standing", "price": 4500, "per_order_max": 4, "draws_on": ["Floor"]},
            {"name": "Parquet seat", "price": 9500, "per_order_max": 6, "category": "Parquet"},
            {"name": "Gallery seat", "price": 6500, "per_order_max": 6, "category": "Gallery"},
        ],
        "hold": {"duration_s": HOLD_US / 1_000_000, "renewals_max": 2},
        "seating": {"stranding_allowed": true},
    })
}

/// What a hold has: its type, units, seats.
pub(crate) type Lines = Vec<(String, u16, Vec<u32>)>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Held,
    Paying,
    Sold,
    Over,
}

struct Claim {
    lines: Lines,
    stage: Stage,
    deadline_us: u64,
    due_us: u64,
}

/// Why the office says no, with the rest of the problem.
pub(crate) struct No {
    pub(crate) code: &'static str,
    pub(crate) sequence: u64,
    pub(crate) problem: Value,
}

/// What the office accepts.
pub(crate) struct Yes {
    pub(crate) sequence: u64,
    pub(crate) id: String,
    pub(crate) lines: Lines,
    pub(crate) deadline_us: Option<i64>,
}

/// The office.
pub(crate) struct Office {
    pub(crate) venue: Value,
    pub(crate) feed: Vec<Value>,
    seats: Vec<u8>,
    rows: u32,
    floor: [u32; 4],
    claims: BTreeMap<u64, Claim>,
    due: BTreeSet<(u64, u64)>,
    orders: u32,
}

impl Office {
    /// An office whose sale is open.
    pub(crate) fn new(rows: u32, floor: u32) -> Self {
        let mut office = Office {
            venue: venue(rows, floor),
            feed: Vec::new(),
            seats: vec![0; (rows * ROW_SEATS) as usize],
            rows,
            floor: [floor, 0, 0, 0],
            claims: BTreeMap::new(),
            due: BTreeSet::new(),
            orders: 0,
        };
        office.log(0, json!({"type": "configured", "version": 1}));
        office.log(0, json!({"type": "phase_changed", "to": "on_sale"}));
        office
    }

    fn log(&mut self, at_us: u64, mut item: Value) -> u64 {
        let sequence = self.feed.len() as u64 + 1;
        item["sequence"] = sequence.into();
        item["at"] = time(at_us).into();
        self.feed.push(item);
        sequence
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.feed.len() as u64
    }

    /// The type of a seat.
    pub(crate) fn type_of(&self, seat: u32) -> &'static str {
        if seat / ROW_SEATS < self.rows.div_ceil(3) { "Parquet seat" } else { "Gallery seat" }
    }

    pub(crate) fn is_free(&self, seat: u32) -> bool {
        self.seats[seat as usize] == 0
    }

    /// Everything that is over by now ends.
    pub(crate) fn advance(&mut self, now: u64) {
        let over: Vec<(u64, u64)> = self.due.range(..=(now, u64::MAX)).copied().collect();
        let Some((due, last)) = over.last().copied() else { return };
        for (_, number) in &over {
            self.end(*number);
        }
        let through = json!({"deadline_at": time(due), "hold": hold(last)});
        self.log(now, json!({"type": "expired", "through": through, "count": over.len()}));
    }

    fn end(&mut self, number: u64) {
        let claim = self.claims.get_mut(&number).unwrap();
        self.due.remove(&(claim.due_us, number));
        claim.stage = Stage::Over;
        let lines = claim.lines.clone();
        self.shift(&lines, 1, 0);
    }

    fn shift(&mut self, lines: &Lines, from: usize, to: usize) {
        for (_, quantity, seats) in lines {
            if seats.is_empty() {
                self.floor[from] -= u32::from(*quantity);
                self.floor[to] += u32::from(*quantity);
            }
            seats.iter().for_each(|seat| self.seats[*seat as usize] = u8::try_from(to).unwrap());
        }
    }

    fn no(&self, code: &'static str, problem: Value) -> No {
        No { code, sequence: self.sequence(), problem }
    }

    /// Place a hold of standing units.
    pub(crate) fn stand(&mut self, now: u64, quantity: u16) -> Result<Yes, No> {
        self.advance(now);
        if self.floor[0] < u32::from(quantity) {
            let conflicts = json!([{"line": 0, "pool": "Floor", "reason": "sold_out"}]);
            return Err(self.no("sold_out", json!({"conflicts": conflicts, "remaining": self.floor[0]})));
        }
        Ok(self.place(now, vec![("Standing".into(), quantity, Vec::new())]))
    }

    /// Place a hold of exact seats.
    pub(crate) fn sit(&mut self, now: u64, seats: &[u32]) -> Result<Yes, No> {
        self.advance(now);
        let taken: Vec<u32> = seats.iter().copied().filter(|seat| !self.is_free(*seat)).collect();
        if !taken.is_empty() {
            return Err(self.no("seats_taken", json!({"seats": taken})));
        }
        let ticket_type = self.type_of(seats[0]).to_owned();
        Ok(self.place(now, vec![(ticket_type, u16::try_from(seats.len()).unwrap(), seats.to_vec())]))
    }

    /// Place a hold of seats beside each other.
    pub(crate) fn sit_together(&mut self, now: u64, ticket_type: &str, quantity: u16) -> Result<Yes, No> {
        self.advance(now);
        let wanted = u32::from(quantity);
        for row in 0..self.rows {
            let from = row * ROW_SEATS;
            for first in from..=from + ROW_SEATS - wanted {
                let seats: Vec<u32> = (first..first + wanted).collect();
                if self.type_of(first) == ticket_type && seats.iter().all(|seat| self.is_free(*seat)) {
                    return Ok(self.place(now, vec![(ticket_type.to_owned(), quantity, seats)]));
                }
            }
        }
        let conflicts = json!([{"line": 0, "pool": null, "reason": "sold_out"}]);
        Err(self.no("sold_out", json!({"conflicts": conflicts})))
    }

    fn place(&mut self, now: u64, lines: Lines) -> Yes {
        // Deadlines have whole milliseconds.
        let deadline_us = (now + HOLD_US) / 1_000 * 1_000;
        let shown: Vec<Value> = lines
            .iter()
            .map(|(name, quantity, seats)| json!({"ticket_type": name, "quantity": quantity, "seats": seats}))
            .collect();
        let number = self.sequence() + 1;
        self.log(
            now,
            json!({"type": "hold_placed", "hold": hold(number), "deadline_at": time(deadline_us), "channel": null, "lines": shown}),
        );
        self.shift(&lines, 0, 1);
        self.due.insert((deadline_us, number));
        let claim = Claim { lines: lines.clone(), stage: Stage::Held, deadline_us, due_us: deadline_us };
        self.claims.insert(number, claim);
        Yes { sequence: number, id: hold(number), lines, deadline_us: i64::try_from(deadline_us).ok() }
    }

    fn in_stage(&mut self, now: u64, id: &str, stage: Stage) -> Result<u64, No> {
        self.advance(now);
        let number = number_of(id);
        match self.claims.get(&number).map(|claim| claim.stage) {
            Some(found) if found == stage => Ok(number),
            Some(Stage::Over) | None => Err(self.no("hold_expired", json!({}))),
            Some(_) => Err(self.no("wrong_state", json!({}))),
        }
    }

    fn last(&mut self, number: u64, due_us: u64) {
        let claim = self.claims.get_mut(&number).unwrap();
        self.due.remove(&(claim.due_us, number));
        claim.due_us = due_us;
        self.due.insert((due_us, number));
    }

    fn done(&self, id: String, deadline_us: Option<u64>) -> Yes {
        let deadline_us = deadline_us.map(|deadline| i64::try_from(deadline).unwrap());
        Yes { sequence: self.sequence(), id, lines: Vec::new(), deadline_us }
    }

    pub(crate) fn renew(&mut self, now: u64, id: &str) -> Result<Yes, No> {
        let number = self.in_stage(now, id, Stage::Held)?;
        let deadline_us = (now + HOLD_US) / 1_000 * 1_000;
        self.last(number, deadline_us);
        self.claims.get_mut(&number).unwrap().deadline_us = deadline_us;
        self.log(now, json!({"type": "hold_renewed", "hold": id, "deadline_at": time(deadline_us)}));
        Ok(self.done(id.to_owned(), Some(deadline_us)))
    }

    pub(crate) fn release(&mut self, now: u64, id: &str) -> Result<Yes, No> {
        let number = self.in_stage(now, id, Stage::Held)?;
        self.end(number);
        self.log(now, json!({"type": "hold_released", "hold": id}));
        Ok(self.done(id.to_owned(), None))
    }

    pub(crate) fn begin(&mut self, now: u64, id: &str) -> Result<Yes, No> {
        let number = self.in_stage(now, id, Stage::Held)?;
        let grace_us = (now + GRACE_US) / 1_000 * 1_000;
        self.last(number, grace_us);
        self.claims.get_mut(&number).unwrap().stage = Stage::Paying;
        let order = order(number);
        self.log(
            now,
            json!({"type": "payment_begun", "order": order, "hold": id, "grace_until": time(grace_us), "attempt": 1}),
        );
        Ok(self.done(order, Some(grace_us)))
    }

    pub(crate) fn confirm(&mut self, now: u64, id: &str) -> Result<Yes, No> {
        let number = self.in_stage(now, id, Stage::Paying)?;
        let claim = self.claims.get_mut(&number).unwrap();
        claim.stage = Stage::Sold;
        self.due.remove(&(claim.due_us, number));
        let lines = claim.lines.clone();
        self.shift(&lines, 1, 2);
        self.orders += 1;
        self.log(now, json!({"type": "confirmed", "order": id, "hold": hold(number), "payment": "offline"}));
        Ok(self.done(id.to_owned(), None))
    }

    /// Free, held, sold, killed: of everything.
    pub(crate) fn units(&self) -> [u64; 4] {
        let mut units = self.floor.map(u64::from);
        self.seats.iter().for_each(|state| units[usize::from(*state)] += 1);
        units
    }

    pub(crate) fn availability(&self) -> Value {
        let counters = |name: &str, [free, held, sold, killed]: [u32; 4]| json!({"name": name, "free": free, "held": held, "sold": sold, "killed": killed});
        let category = |name: &str, ticket_type: &str| {
            let mut count = [0; 4];
            for (seat, state) in (0_u32..).zip(&self.seats) {
                if self.type_of(seat) == ticket_type {
                    count[usize::from(*state)] += 1;
                }
            }
            counters(name, count)
        };
        json!({
            "sequence": self.sequence(), "phase": "on_sale", "pools": [counters("Floor", self.floor)],
            "categories": [category("Parquet", "Parquet seat"), category("Gallery", "Gallery seat")],
            "live_holds": self.due.len(), "orders": self.orders,
        })
    }

    pub(crate) fn seat_map(&self) -> Value {
        use base64::Engine as _;
        let packed: Vec<u8> = self
            .seats
            .chunks(4)
            .map(|seats| seats.iter().enumerate().map(|(at, state)| state << (2 * at)).sum())
            .collect();
        let states = base64::engine::general_purpose::STANDARD.encode(packed);
        json!({"sequence": self.sequence(), "seats": self.seats.len(), "states": states})
    }
}

pub(crate) fn hold(number: u64) -> String {
    format!("hld_{number}")
}

fn order(number: u64) -> String {
    format!("ord_{number}")
}

fn number_of(id: &str) -> u64 {
    id.split('_').next_back().unwrap().parse().unwrap()
}

fn time(us: u64) -> String {
    let began: Timestamp = BEGAN.parse().unwrap();
    (began + jiff::SignedDuration::from_micros(i64::try_from(us).unwrap())).to_string()
}
