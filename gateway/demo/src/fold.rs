//! The sale as the change feed alone tells it: every item moves units, and a move that cannot be is a violation.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

pub use self::units::{Claim, ClaimState, SeatState};
use self::units::{To, transfer, unit_at};
use crate::feed::{Change, Item, Line, Units};
use crate::venue::Venue;
use crate::wire::Counters;

mod claims;
mod deadlines;
mod units;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant it breaks, such as `I2`.
    pub invariant: &'static str,
    /// The item that shows it.
    pub sequence: u64,
    /// What was found.
    pub detail: String,
}

/// The state of a sale, folded from its feed.
#[derive(Debug)]
pub struct Fold<'a> {
    venue: &'a Venue,
    /// Which buyer an outsider knows to have placed the hold of a sequence.
    owners: &'a HashMap<u64, u32>,
    /// The last item.
    pub sequence: u64,
    /// Logged time of the last item.
    pub at: Timestamp,
    /// Whether the configuration changed after the first hold: then the venue is no longer the one that decisions are made by.
    pub is_reconfigured: bool,
    /// Whether a type sells, where a sale window opened or closed.
    pub windows: HashMap<usize, bool>,
    /// The phase.
    pub phase: String,
    /// Counters of the pools.
    pub pools: Vec<Counters>,
    /// Counters of the categories.
    pub categories: Vec<Counters>,
    /// Every seat.
    pub seats: Vec<SeatState>,
    /// Live holds, payments in flight included.
    pub live_holds: u32,
    /// Orders with a ticket that is not refunded.
    pub orders: u32,
    /// Holds and payments that ended by themselves.
    pub expired: u64,
    /// Units of each buyer and type.
    pub usage: HashMap<(u32, usize), u32>,
    /// Channels whose share went to everyone.
    pub released: HashSet<usize>,
    /// What must not be.
    pub violations: Vec<Violation>,
    /// Units sold of each type, refunds taken off.
    pub sold_by_type: Vec<u32>,
    /// Seats that the last item put on sale again.
    pub freed: Vec<u32>,
    claims: HashMap<u64, Claim>,
    holds: HashMap<String, u64>,
    due: BTreeSet<(Timestamp, u64)>,
    /// The hold that was last found to live on after its time.
    overdue: Option<u64>,
    pool_debt: Vec<u32>,
    seat_debt: HashSet<u32>,
    /// Free units of each pool that an unreleased channel keeps, by (channel, pool).
    kept: BTreeMap<(usize, usize), u32>,
}

impl<'a> Fold<'a> {
    /// The state before the first item. `owners` tells which buyer was told of the hold of a sequence.
    #[must_use]
    pub fn new(venue: &'a Venue, owners: &'a HashMap<u64, u32>) -> Self {
        let counters = |name: &String, free| Counters { name: name.clone(), free, ..Counters::default() };
        let sizes = venue.category_sizes();
        Fold {
            venue,
            owners,
            sequence: 0,
            at: Timestamp::UNIX_EPOCH,
            is_reconfigured: false,
            windows: HashMap::new(),
            phase: "draft".into(),
            pools: venue.pools.iter().map(|pool| counters(&pool.name, pool.capacity)).collect(),
            categories: venue.categories.iter().zip(sizes).map(|(name, size)| counters(name, size)).collect(),
            seats: vec![SeatState::Free; venue.seats.len()],
            live_holds: 0,
            orders: 0,
            expired: 0,
            usage: HashMap::new(),
            released: HashSet::new(),
            violations: Vec::new(),
            sold_by_type: vec![0; venue.ticket_types.len()],
            freed: Vec::new(),
            claims: HashMap::new(),
            holds: HashMap::new(),
            due: BTreeSet::new(),
            overdue: None,
            pool_debt: vec![0; venue.pools.len()],
            seat_debt: HashSet::new(),
            kept: allotments(venue),
        }
    }

    /// The venue it was made for.
    #[must_use]
    pub fn venue(&self) -> &Venue {
        self.venue
    }

    /// Fold the next item.
    pub fn apply(&mut self, item: &Item) {
        if item.sequence != self.sequence + 1 {
            self.report("feed", item.sequence, format!("follows sequence {}", self.sequence));
        }
        (self.sequence, self.at) = (item.sequence, item.at);
        self.freed.clear();
        self.check_overdue(item);
        match &item.change {
            Change::PhaseChanged { to } => self.change_phase(to),
            Change::HoldPlaced { hold, deadline_at, life_ends_at, lines, channel } => {
                let channel = channel.as_deref().and_then(|name| self.channel_named(name));
                self.place(hold, (*deadline_at, *life_ends_at), lines, channel);
            }
            Change::HoldRenewed { hold, deadline_at } => self.renew(item.at, hold, *deadline_at),
            Change::HoldReleased { hold } => {
                if let Some(number) = self.claim_in(hold, &[ClaimState::Held]) {
                    self.end(number);
                }
            }
            Change::Expired { through, count } => {
                self.expire(item.at, through.deadline_at, &through.hold, *count)
            }
            Change::PaymentBegun { hold, grace_until, .. } => {
                self.begin_payment(item.at, hold, *grace_until);
            }
            Change::PaymentFailed { hold, .. } => self.fail_payment(hold),
            Change::Confirmed { hold, .. } => self.confirm(item.at, hold),
            Change::TicketsRefunded { hold, tickets, units, .. } => self.refund(hold, tickets, units),
            Change::SoldLate { hold, channel, lines, .. } => {
                let channel = channel.as_deref().and_then(|name| self.channel_named(name));
                self.sell_late(hold, lines, channel);
            }
            Change::OrderDisputed { hold, revoked, .. } => self.refund(hold, revoked, "restock"),
            Change::UnitsKilled(units) => self.kill(units),
            Change::UnitsRestored(units) => self.restore(units),
            Change::ChannelReleased { channel } => {
                if let Some(channel) = self.channel_named(channel) {
                    self.released.insert(channel);
                    self.kept.retain(|(of, _), _| *of != channel);
                }
            }
            Change::Configured { .. } => self.is_reconfigured = !self.claims.is_empty(),
            Change::SaleWindowChanged { ticket_type, open } => {
                self.windows.extend(self.venue.ticket_type(ticket_type).map(|known| (known, *open)));
            }
            Change::TicketTransferred { .. }
            | Change::TicketReissued { .. }
            | Change::CheckedIn { .. }
            | Change::CheckedOut { .. }
            | Change::ScansRecorded {}
            | Change::WaitlistJoined {}
            | Change::WaitlistLeft {}
            | Change::WaitlistPatienceEnded {} => {}
        }
    }

    /// Note something that must not be.
    pub fn report(&mut self, invariant: &'static str, sequence: u64, detail: String) {
        self.violations.push(Violation { invariant, sequence, detail });
    }

    /// Units that a hold with this channel's code may take of a pool: the channel's share if it has one, else everyone's.
    #[must_use]
    pub fn free_for(&self, channel: Option<usize>, pool: usize) -> u32 {
        let share = channel.and_then(|channel| self.kept.get(&(channel, pool)));
        let kept = || self.kept.iter().filter(|((_, of), _)| *of == pool).map(|(_, units)| units).sum();
        share.copied().unwrap_or_else(|| self.pools[pool].free.saturating_sub(kept()))
    }

    /// The channel that a code opens.
    #[must_use]
    pub fn channel_of(&self, code: Option<&str>) -> Option<usize> {
        code.and_then(|code| self.venue.channels.iter().position(|channel| channel.code == code))
    }

    fn channel_named(&mut self, name: &str) -> Option<usize> {
        let found = self.venue.channels.iter().position(|channel| channel.name == name);
        if found.is_none() {
            self.report("feed", self.sequence, format!("channel {name} is unknown"));
        }
        found
    }

    fn change_phase(&mut self, to: &str) {
        to.clone_into(&mut self.phase);
        if to == "cancelled" {
            let live: Vec<u64> = self.due.iter().map(|(_, number)| *number).collect();
            live.into_iter().for_each(|number| self.end(number));
        }
    }

    fn place(
        &mut self,
        hold: &str,
        (deadline_at, life_ends_at): (Timestamp, Option<Timestamp>),
        lines: &[Line],
        channel: Option<usize>,
    ) {
        let number = self.sequence;
        let mut known = Vec::with_capacity(lines.len());
        for line in lines {
            match self.venue.ticket_type(&line.ticket_type) {
                Some(ticket_type) => known.push((ticket_type, line.quantity, line.seats.clone())),
                None => self.report("feed", number, format!("ticket type {} is unknown", line.ticket_type)),
            }
        }
        for (ticket_type, quantity, seats) in &known {
            if self.venue.ticket_types[*ticket_type].category.is_some()
                && seats.len() != usize::from(*quantity)
            {
                self.report("I2", number, format!("{quantity} units with {} seats", seats.len()));
            }
            self.keep(channel, *ticket_type, |kept| kept.checked_sub(u32::from(*quantity)));
            self.shift(number, *ticket_type, *quantity, seats, SeatState::Free, To::Held);
        }
        let units = known.iter().map(|(_, quantity, _)| quantity).sum();
        let claim = Claim {
            state: ClaimState::Held,
            lines: known,
            channel,
            deadline_at,
            grace_until: None,
            extended_at: self.at,
            life_ends_at,
            renewals: 0,
            attempts: 0,
            refunded: HashSet::new(),
            units,
        };
        self.due.insert((deadline_at, number));
        self.live_holds += 1;
        self.use_units(number, &claim);
        self.claims.insert(number, claim);
        if self.holds.insert(hold.to_owned(), number).is_some() {
            self.report("G2", number, format!("{hold} was placed before"));
        }
    }

    /// Count a hold against its buyer (invariant I3).
    fn use_units(&mut self, number: u64, claim: &Claim) {
        let Some(buyer) = self.owners.get(&number).copied() else { return };
        for (ticket_type, quantity, _) in &claim.lines {
            let used = self.usage.entry((buyer, *ticket_type)).or_default();
            *used += u32::from(*quantity);
            let limit = self.venue.ticket_types[*ticket_type].per_subject_max;
            if let Some(limit) = limit.filter(|limit| *used > *limit) {
                let detail = format!("buyer {buyer} has {used} of type {ticket_type}, the limit is {limit}");
                self.report("I3", number, detail);
            }
        }
        let total = self.used(buyer);
        if let Some(limit) = self.venue.units_per_subject_max.filter(|limit| total > *limit) {
            self.report("I3", number, format!("buyer {buyer} has {total} units, the limit is {limit}"));
        }
    }

    /// Units of a buyer over all types.
    #[must_use]
    pub fn used(&self, buyer: u32) -> u32 {
        (0..self.venue.ticket_types.len()).map(|ticket_type| self.used_of(buyer, ticket_type)).sum()
    }

    /// Units of one type that the buyer has.
    #[must_use]
    pub fn used_of(&self, buyer: u32, ticket_type: usize) -> u32 {
        self.usage.get(&(buyer, ticket_type)).copied().unwrap_or(0)
    }

    fn unuse(&mut self, number: u64, ticket_type: usize, units: u32) {
        let Some(buyer) = self.owners.get(&number) else { return };
        if let Some(used) = self.usage.get_mut(&(*buyer, ticket_type)) {
            *used = used.saturating_sub(units);
        }
    }

    fn renew(&mut self, at: Timestamp, hold: &str, deadline_at: Timestamp) {
        let Some(number) = self.claim_in(hold, &[ClaimState::Held]) else { return };
        self.check_in_time(at, number, hold);
        let Some(claim) = self.claims.get_mut(&number) else { return };
        self.due.remove(&(claim.deadline_at, number));
        claim.deadline_at = deadline_at;
        (claim.extended_at, claim.renewals) = (at, claim.renewals + 1);
        self.due.insert((deadline_at, number));
    }

    fn begin_payment(&mut self, at: Timestamp, hold: &str, grace_until: Timestamp) {
        let Some(number) = self.claim_in(hold, &[ClaimState::Held]) else { return };
        self.check_in_time(at, number, hold);
        let Some(claim) = self.claims.get_mut(&number) else { return };
        self.due.remove(&(claim.deadline_at, number));
        claim.state = ClaimState::InFlight;
        claim.grace_until = Some(grace_until);
        claim.attempts += 1;
        self.due.insert((grace_until, number));
    }

    fn fail_payment(&mut self, hold: &str) {
        let Some(number) = self.claim_in(hold, &[ClaimState::InFlight]) else { return };
        let Some(claim) = self.claims.get_mut(&number) else { return };
        self.due.remove(&(claim.due_at(), number));
        claim.state = ClaimState::Held;
        claim.grace_until = None;
        self.due.insert((claim.deadline_at, number));
    }

    fn confirm(&mut self, at: Timestamp, hold: &str) {
        let Some(number) = self.claim_in(hold, &[ClaimState::InFlight]) else { return };
        self.check_in_time(at, number, hold);
        let Some(claim) = self.claims.get_mut(&number) else { return };
        self.due.remove(&(claim.due_at(), number));
        claim.state = ClaimState::Paid;
        let lines = claim.lines.clone();
        for (ticket_type, quantity, seats) in &lines {
            self.shift(number, *ticket_type, *quantity, seats, SeatState::Held(number), To::Sold);
            self.sold_by_type[*ticket_type] += u32::from(*quantity);
        }
        self.live_holds -= 1;
        self.orders += 1;
    }

    /// A hold or a payment in flight ends without a sale.
    fn end(&mut self, number: u64) {
        let Some(claim) = self.claims.get_mut(&number) else { return };
        self.due.remove(&(claim.due_at(), number));
        claim.state = ClaimState::Ended;
        let lines = std::mem::take(&mut claim.lines);
        let channel = claim.channel;
        for (ticket_type, quantity, seats) in &lines {
            self.keep(channel, *ticket_type, |kept| kept.checked_add(u32::from(*quantity)));
            self.shift(number, *ticket_type, *quantity, seats, SeatState::Held(number), To::Free);
            self.unuse(number, *ticket_type, u32::from(*quantity));
        }
        self.live_holds -= 1;
    }

    fn refund(&mut self, hold: &str, tickets: &[u16], units: &str) {
        let Some(number) = self.claim_in(hold, &[ClaimState::Paid]) else { return };
        let to = if units == "kill" { To::Killed } else { To::Free };
        for ticket in tickets {
            let Some(claim) = self.claims.get_mut(&number) else { return };
            let fresh = claim.refunded.insert(*ticket);
            let channel = claim.channel.filter(|_| to == To::Free);
            let settled = claim.refunded.len() == usize::from(claim.units);
            let unit = unit_at(&claim.lines, *ticket);
            let Some((ticket_type, seat)) = unit.filter(|_| fresh) else {
                self.report(
                    "I2",
                    self.sequence,
                    format!("ticket {ticket} of {hold} cannot be refunded (again)"),
                );
                continue;
            };
            let seats: Vec<u32> = seat.into_iter().collect();
            self.keep(channel, ticket_type, |kept| kept.checked_add(1));
            self.shift(number, ticket_type, 1, &seats, SeatState::Sold(number), to);
            self.sold_by_type[ticket_type] = self.sold_by_type[ticket_type].saturating_sub(1);
            self.unuse(number, ticket_type, 1);
            if settled {
                self.orders -= 1;
            }
        }
    }

    fn kill(&mut self, units: &Units) {
        if let Some(pool) = units.pool.as_deref().and_then(|name| self.venue.pool(name).ok()) {
            let now = units.quantity.min(self.pools[pool].free);
            self.pools[pool].free -= now;
            self.pools[pool].killed += now;
            self.pool_debt[pool] += units.quantity - now;
        }
        for seat in &units.seats {
            match self.seats.get(*seat as usize) {
                Some(SeatState::Free) => self.set_seat(*seat, SeatState::Free, To::Killed, 0),
                Some(_) => drop(self.seat_debt.insert(*seat)),
                None => self.report("feed", self.sequence, format!("seat {seat} does not exist")),
            }
        }
    }

    fn restore(&mut self, units: &Units) {
        if let Some(pool) = units.pool.as_deref().and_then(|name| self.venue.pool(name).ok()) {
            let waiting = units.quantity.min(self.pool_debt[pool]);
            self.pool_debt[pool] -= waiting;
            let now = units.quantity - waiting;
            if now > self.pools[pool].killed {
                self.report("I1", self.sequence, format!("{now} units restored of fewer that were killed"));
            }
            let now = now.min(self.pools[pool].killed);
            self.pools[pool].killed -= now;
            self.pools[pool].free += now;
        }
        for seat in &units.seats {
            if !self.seat_debt.remove(seat) {
                self.set_seat(*seat, SeatState::Killed, To::Free, 0);
            }
        }
    }

    /// Change what a channel keeps of the pools of a type, while it keeps something of them.
    fn keep(&mut self, channel: Option<usize>, ticket_type: usize, change: impl Fn(u32) -> Option<u32>) {
        let venue = self.venue;
        for pool in &venue.ticket_types[ticket_type].draws_on {
            let Some(kept) = channel.and_then(|channel| self.kept.get_mut(&(channel, *pool))) else {
                continue;
            };
            match change(*kept) {
                Some(changed) => *kept = changed,
                None => self.report("I1", self.sequence, format!("more than a channel keeps of pool {pool}")),
            }
        }
    }

    /// Move units of a line: its pools, and its seats with their categories.
    fn shift(&mut self, number: u64, ticket_type: usize, units: u16, seats: &[u32], from: SeatState, to: To) {
        let venue = self.venue;
        for pool in &venue.ticket_types[ticket_type].draws_on {
            let mut units = u32::from(units);
            if to == To::Free {
                let killed = units.min(self.pool_debt[*pool]);
                self.pool_debt[*pool] -= killed;
                units -= killed;
                self.move_counters(*pool, killed, from, To::Killed);
            }
            self.move_counters(*pool, units, from, to);
        }
        for seat in seats {
            let to = if to == To::Free && self.seat_debt.remove(seat) { To::Killed } else { to };
            self.set_seat(*seat, from, to, number);
        }
    }

    fn move_counters(&mut self, pool: usize, units: u32, from: SeatState, to: To) {
        let (sequence, counters) = (self.sequence, &mut self.pools[pool]);
        if !transfer(counters, units, from, to) {
            let detail = format!("{units} units of {} moved that were not there", counters.name);
            self.report("I1", sequence, detail);
        }
    }

    fn set_seat(&mut self, seat: u32, from: SeatState, to: To, number: u64) {
        let sequence = self.sequence;
        let Some(state) = self.seats.get_mut(seat as usize) else {
            return self.report("feed", sequence, format!("seat {seat} does not exist"));
        };
        let found = *state;
        *state = match to {
            To::Held => SeatState::Held(number),
            To::Sold => SeatState::Sold(number),
            To::Free => SeatState::Free,
            To::Killed => SeatState::Killed,
        };
        if to == To::Free {
            self.freed.push(seat);
        }
        if found != from {
            let (to, found, from) = (to.in_words(), found.in_words(), from.in_words());
            let detail = format!("seat {seat} was {to} while it was {found}, instead of {from}");
            return self.report("I2", sequence, detail);
        }
        let category = &mut self.categories[self.venue.seats[seat as usize].category];
        if !transfer(category, 1, from, to) {
            let detail = format!("a seat of {} moved that was not there", category.name);
            self.report("I1", sequence, detail);
        }
    }
}

/// What the channels of a venue keep of its pools.
fn allotments(venue: &Venue) -> BTreeMap<(usize, usize), u32> {
    let channels = venue.channels.iter().enumerate();
    channels
        .flat_map(|(at, channel)| channel.allotments.iter().map(move |(pool, units)| ((at, *pool), *units)))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
