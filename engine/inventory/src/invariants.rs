//! The invariants as named predicates, from scratch, and the digest of the whole.

use crate::claims::Claim;
use crate::digest::{Kind, Mix, seat_mix};
use crate::orders::TicketFlags;
use crate::passages::Passage;
use crate::quoted::Quoted;
use crate::subjects::Slot;
use crate::{ClaimNumber, Digest, Inventory, SeatIndex, SeatState, Violation};

/// A violation with its name.
fn violation(invariant: &'static str, detail: impl Into<String>) -> Violation {
    Violation { invariant, detail: detail.into() }
}

/// An invariant's answer.
type Checked = Result<(), Violation>;

impl Inventory {
    /// The digest, from the shares that the components keep.
    pub(crate) fn digest_of_state(&self) -> Digest {
        let components = [
            self.terms.sum(),
            self.pools.sum(),
            self.seats_sum,
            self.seats_to_kill.sum(),
            self.claims.sum(),
            self.orders.sum(),
            self.quoted.sum(),
            self.devices.sum(),
            self.keys.sum(),
            self.expired.sum(),
            self.waitlist.sum(),
            self.config_mix,
        ];
        self.digest_from(&components)
    }

    /// The digest, from scratch.
    fn fresh_digest(&self) -> Digest {
        let components = [
            self.terms.fresh_sum(),
            self.pools.fresh_sum(),
            self.fresh_seats_sum(),
            self.seats_to_kill.fresh_sum(),
            self.claims.fresh_sum(&self.subjects),
            self.orders.fresh_sum(&self.subjects),
            self.quoted.fresh_sum(),
            self.devices.fresh_sum(),
            self.keys.fresh_sum(),
            self.expired.fresh_sum(),
            self.waitlist.fresh_sum(&self.subjects),
            crate::config_mix::mix(&self.config),
        ];
        self.digest_from(&components)
    }

    fn digest_from(&self, components: &[u128]) -> Digest {
        let header = Mix::new(Kind::Header)
            .wide(self.event.0)
            .word(self.sequence.0)
            .word(self.logged_at.0)
            .pair(self.phase as u32, self.version)
            .word(self.released.0)
            .finish();
        let start = header.wrapping_add(self.windows.sum());
        Digest(components.iter().fold(start, |sum, &share| sum.wrapping_add(share)))
    }

    /// The digest's share of the seats, from scratch.
    pub(crate) fn fresh_seats_sum(&self) -> u128 {
        let seats = (0..self.seating.seats()).map(SeatIndex);
        seats.fold(0, |sum, seat| sum.wrapping_add(seat_mix(seat, self.seating.state(seat))))
    }

    /// Every invariant, from scratch.
    pub(crate) fn check_invariants(&self) -> Checked {
        self.i1_pools_add_up()?;
        self.i1p_promotions_add_up()?;
        self.i2_seats_have_one_owner()?;
        self.i3_limits_are_exact()?;
        self.e1_passages_say_who_is_in()?;
        self.i4_digest_is_true()?;
        self.i5_held_units_have_a_deadline()?;
        self.i6r_no_order_gives_back_more_than_it_cost()?;
        self.i7_keys_have_one_record()?;
        self.i8_nobody_is_passed_over()
    }

    /// I1: free + held + sold + killed is the capacity, and held and sold are those of claims and orders; of channels, too.
    fn i1_pools_add_up(&self) -> Checked {
        let mut held = vec![0_u64; self.pools.len()];
        let mut sold = vec![0_u64; self.pools.len()];
        for (_, claim) in self.claims.iter() {
            for line in claim.lines.as_slice() {
                for pool in &self.terms.get(line.terms).draws_on {
                    held[pool.index()] += u64::from(line.quantity);
                }
            }
        }
        for ticket in self.orders.tickets().filter(|ticket| !ticket.is_refunded()) {
            for pool in &self.terms.get(ticket.terms).draws_on {
                sold[pool.index()] += 1;
            }
        }
        let drawn = self.drawn_under(&self.config);
        for (at, (pool, configured)) in self.pools.iter().zip(&self.config.pools).enumerate() {
            let counters = pool.counters();
            let sum = u64::from(counters.free)
                + u64::from(counters.held)
                + u64::from(counters.sold)
                + u64::from(counters.killed);
            let true_units = (u64::from(counters.held), u64::from(counters.sold)) == (held[at], sold[at]);
            if sum != u64::from(configured.capacity) || !true_units {
                let detail = format!("pool {at}: {counters:?}, capacity {}", configured.capacity);
                return Err(violation("I1", detail));
            }
            if let Some(share) = pool.shares.iter().find(|share| share.out != drawn.out(share.channel, at)) {
                return Err(violation("I1", format!("pool {at}: {share:?} is not what its channel has out")));
            }
            if pool.kill_debt > counters.held + counters.sold {
                return Err(violation("I1", format!("pool {at} waits for kills that cannot come")));
            }
        }
        Ok(())
    }

    /// I1p: what a promotion has given out is what claims and orders have of it, and not more than it may give.
    fn i1p_promotions_add_up(&self) -> Checked {
        let mut fresh = Quoted::default();
        fresh.limit(self.quoted.limits().to_vec());
        for (number, money) in self.quoted.iter() {
            let subjects = self.subjects_of(number);
            if subjects.is_empty() {
                return Err(violation(
                    "I1p",
                    format!("{} has a quote and is neither claim nor order", number.0),
                ));
            }
            let shares = self.quoted.shares(number).unwrap_or_default();
            fresh.insert(number, *money, shares.into(), subjects.into_iter());
        }
        if !self.quoted.counts_as(&fresh) {
            return Err(violation("I1p", "a promotion counts other uses than there are"));
        }
        let promotions = self.config.tariff.iter().flat_map(|tariff| &tariff.promotions);
        for (at, promotion) in (0_u16..).zip(promotions) {
            let Some(given) = fresh.given(at) else { continue };
            let over = promotion.uses_max.is_some_and(|max| given.uses > max)
                || promotion.amount_max_minor.is_some_and(|max| given.amount_minor > max);
            if over {
                return Err(violation("I1p", format!("promotion {at} has given out {given:?}")));
            }
        }
        Ok(())
    }

    /// I2: every seat is exactly one of free, held by one claim, sold to one ticket, killed; bitmaps agree.
    fn i2_seats_have_one_owner(&self) -> Checked {
        self.seating.check()?;
        let mut owned = vec![None; self.seating.seats() as usize];
        let mut own = |seat: SeatIndex, state: SeatState| match owned[seat.index()].replace(state) {
            Some(_) => Err(violation("I2", format!("seat {} has two owners", seat.0))),
            None => Ok(()),
        };
        for (_, claim) in self.claims.iter() {
            for &seat in claim.lines.as_slice().iter().flat_map(|line| line.seats.iter()) {
                own(seat, SeatState::Held)?;
            }
        }
        for ticket in self.orders.tickets().filter(|ticket| !ticket.is_refunded()) {
            if let Some(seat) = ticket.seat() {
                own(seat, SeatState::Sold)?;
            }
        }
        for (seat, owner) in (0..).map(SeatIndex).zip(owned) {
            let state = self.seating.state(seat);
            let agrees = match owner {
                Some(owner) => state == owner,
                None => matches!(state, SeatState::Free | SeatState::Killed),
            };
            if !agrees || (owner.is_none() && self.seats_to_kill.contains(seat)) {
                return Err(violation(
                    "I2",
                    format!("seat {} is {state:?}, its owner says {owner:?}", seat.0),
                ));
            }
        }
        Ok(())
    }

    /// I3: what subjects are charged is exactly what claims and orders hold, so that no limit can be passed.
    fn i3_limits_are_exact(&self) -> Checked {
        let mut by_type = std::collections::BTreeMap::new();
        for (slot, ticket_type, quantity) in self.charges() {
            if self.subjects.counts_type(ticket_type) {
                *by_type.entry((slot, ticket_type)).or_insert(0) += quantity;
            }
        }
        if let Some(slot) = self.wrongly_charged() {
            let detail = format!("subject {slot} is charged {}", self.subjects.units(slot));
            return Err(violation("I3", detail));
        }
        if by_type.len() != self.subjects.type_counters() {
            return Err(violation("I3", "a counter by type counts nothing"));
        }
        let wrong =
            by_type.iter().find(|&(&(slot, id), &units)| self.subjects.units_of_type(slot, id) != units);
        match wrong {
            Some((key, _)) => Err(violation("I3", format!("units by type {key:?} are counted wrong"))),
            None => self.names_are_exact(),
        }
    }

    /// A subject whose units are not those of its claims and orders.
    pub(crate) fn wrongly_charged(&self) -> Option<Slot> {
        let mut units = vec![0_u32; self.subjects.capacity()];
        for (slot, _, quantity) in self.charges() {
            units[slot as usize] += quantity;
        }
        self.subjects.slots().find(|&slot| self.subjects.units(slot) != units[slot as usize])
    }

    /// Part of I3: a subject is kept exactly as long as something names it.
    fn names_are_exact(&self) -> Checked {
        let mut names = vec![0_u32; self.subjects.capacity()];
        for slot in self.claims.iter().flat_map(|(_, claim)| claim.subjects()) {
            names[slot as usize] += 1;
        }
        for (at, order) in self.orders.iter() {
            for &slot in std::iter::once(&order.subject).chain(self.orders.extra(at)) {
                names[slot as usize] += 1;
            }
        }
        for (_, &slot) in self.orders.transfers() {
            names[slot as usize] += 1;
        }
        for slot in self.waitlist.iter().flat_map(|(_, entry)| entry.subjects()) {
            names[slot as usize] += 1;
        }
        for (slot, named) in (0..).zip(names) {
            if self.subjects.names(slot) != named {
                return Err(violation("I3", format!("subject {slot} is named {named} times")));
            }
        }
        Ok(())
    }

    /// E1: a ticket is in exactly if its last passage was inwards, and no device told of a scan that it has not numbered yet.
    fn e1_passages_say_who_is_in(&self) -> Checked {
        for (slot, ticket) in (0..).zip(self.orders.tickets()) {
            if ticket.flags.has(TicketFlags::CHECKED_IN) != self.orders.entrance(slot).is_some() {
                return Err(violation("E1", format!("ticket {slot} is in against its last passage")));
            }
        }
        let untold = |passage: &Passage| {
            let known = self.devices.get(passage.device);
            passage.device != 0 && known.is_none_or(|device| passage.number >= device.next)
        };
        match self.orders.passages().find(|(_, passage)| untold(passage)) {
            Some((slot, passage)) => {
                Err(violation("E1", format!("ticket {slot} passed by an untold scan: {passage:?}")))
            }
            None => Ok(()),
        }
    }

    /// I4: the incremental digest is the one from scratch.
    fn i4_digest_is_true(&self) -> Checked {
        let (kept, fresh) = (self.digest(), self.fresh_digest());
        if kept != fresh {
            return Err(violation(
                "I4",
                format!("the digest is kept as {kept:?}, from scratch it is {fresh:?}"),
            ));
        }
        Ok(())
    }

    /// I5: every held unit belongs to a hold whose deadline is ahead of logged time, or to a payment in flight; or time is
    /// about to end that, as between two events of a turn: then something is due at logged time.
    fn i5_held_units_have_a_deadline(&self) -> Checked {
        let is_over = |(_, claim): &(ClaimNumber, &Claim)| claim.due_at() <= self.logged_at;
        if let Some((number, claim)) = self.claims.iter().find(is_over)
            && self.deadlines.next(self.logged_at).is_none()
        {
            let detail = format!("claim {} is over since {}, and nothing is due", number.0, claim.due_at());
            return Err(violation("I5", detail));
        }
        let is_short = |claim: &Claim| claim.grace_until().is_some_and(|until| until < claim.deadline_at);
        let outlives = |claim: &Claim| claim.deadline_at > claim.life_ends_at;
        if let Some((number, _)) = self.claims.iter().find(|(_, claim)| is_short(claim) || outlives(claim)) {
            return Err(violation("I5", format!("claim {} outlives its cap, or its payment", number.0)));
        }
        self.deadlines_are_exact()
    }

    /// Part of I5: every claim is due exactly once, at its deadline, or at the end of its grace while a payment is in flight.
    fn deadlines_are_exact(&self) -> Checked {
        let mut due: Vec<_> = self.claims.iter().map(|(number, claim)| (claim.due_at(), number)).collect();
        due.sort_unstable();
        if !due.iter().copied().eq(self.deadlines.claims()) {
            return Err(violation("I5", "the deadlines are not those of the claims"));
        }
        let mut fresh = self.deadlines.clone();
        let patience = self.waitlist.patience_ends(&self.config);
        fresh.plan(&self.config, self.phase, &self.windows, self.released, &patience);
        if fresh.next_at() != self.deadlines.next_at() {
            return Err(violation("I5", "the calendar is not that of the configuration"));
        }
        Ok(())
    }

    /// I6r: what was given back of an order is at most what it cost, and not less than nothing.
    fn i6r_no_order_gives_back_more_than_it_cost(&self) -> Checked {
        for (at, order) in self.orders.iter() {
            let money = self.money_of(at);
            if !(0..=money.total_minor).contains(&money.refunded_minor) {
                return Err(violation("I6r", format!("order {}: {money:?}", order.number().0)));
            }
        }
        Ok(())
    }

    /// I7: every key has one record, and is found.
    fn i7_keys_have_one_record(&self) -> Checked {
        let mut keys: Vec<u64> = self.keys.settled().map(|record| record.key).collect();
        keys.extend(self.keys.recent().flat_map(|page| &page.records).map(|record| record.key));
        let records = keys.len();
        if self.keys.indexed() != records {
            return Err(violation("I7", format!("{records} records, {} in the index", self.keys.indexed())));
        }
        keys.sort_unstable();
        keys.dedup();
        if keys.len() != records {
            return Err(violation("I7", "a key has two records"));
        }
        Ok(())
    }
}

impl Inventory {
    /// I8: nobody waits who could be served, but for those whom the next consequence looks at; and everybody stands in exactly the
    /// lines of the entry.
    fn i8_nobody_is_passed_over(&self) -> Checked {
        if self.waitlist.is_quiet() {
            return Ok(());
        }
        if !self.waitlist.is_exact(&self.config) {
            return Err(violation("I8", "the lines are not those of the entries"));
        }
        let marks = self.waitlist.marks();
        let unmarked = self.config.ticket_type_ids().filter(|&id| !marks.contains(id));
        for id in unmarked {
            if let Some(place) = self.next_in_line(id) {
                let detail = format!("entry {} fits type {} and nobody looks", place.number().0, id.0);
                return Err(violation("I8", detail));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::deadlines::Deadlines;
    use crate::{
        Config, Event, EventBody, EventId, HoldPlaced, Line, Origin, Pool, PoolId, SaleWindow, Subject,
        Subjects, TermsId, TicketKind, TicketType, TicketTypeId, Timestamp,
    };

    /// A hold of one unit until 2,000, at 1,000.
    fn held() -> Inventory {
        let mut config = Config::empty();
        config.pools = vec![Pool { name: "floor".into(), capacity: 1 }];
        config.ticket_types = vec![TicketType {
            name: "standing".into(),
            price_minor: 0,
            window: SaleWindow::default(),
            per_order_min: 1,
            per_order_max: 1,
            per_subject_max: None,
            access_code: None,
            category: None,
            draws_on: vec![PoolId(0)],
            kind: TicketKind::Admission,
        }];
        let hold = HoldPlaced {
            subjects: Subjects { primary: Subject(1), extra: vec![] },
            deadline_at: Timestamp(2_000),
            life_ends_at: Timestamp(9_000),
            channel: None,
            origin: Origin::Direct,
            lines: vec![Line {
                ticket_type: TicketTypeId(0),
                terms: TermsId(0),
                quantity: 1,
                price_minor: 0,
                seats: vec![],
            }],
            quote: None,
            entry: None,
        };
        let mut inventory = Inventory::new(EventId(1));
        for body in
            [EventBody::Configured { version: 1, config: Arc::new(config) }, EventBody::HoldPlaced(hold)]
        {
            inventory.apply(&Event { at: Timestamp(1_000), key: None, body });
        }
        inventory
    }

    #[test]
    fn a_hold_is_over_only_while_time_is_about_to_end_it() {
        let mut inventory = held();
        assert_eq!(inventory.check(), Ok(()));
        inventory.logged_at = Timestamp(2_000);
        assert_eq!(inventory.check(), Ok(()));
        inventory.deadlines = Deadlines::default();
        let forgotten = violation("I5", "claim 2 is over since 2000, and nothing is due");
        assert_eq!(inventory.check(), Err(forgotten));
    }
}
