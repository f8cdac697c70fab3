//! What the organizer decided, and what the schedule brings.

use std::sync::Arc;

use crate::mutant::Mutant;
use crate::pools::{Drawn, Out, Pools};
use crate::seating::Seating;
use crate::subjects::Slot;
use crate::terms::Terms;
use crate::windows::Windows;
use crate::{ChannelId, ClaimNumber, Config, Inventory, Phase, SeatState, TicketTypeId, Timestamp, Units};

impl Inventory {
    /// Whether nothing was ever held, sold, killed or released: such a draft may be replaced altogether.
    pub(crate) fn is_pristine(&self) -> bool {
        self.phase == Phase::Draft
            && self.released.0 == 0
            && self.seats_sum == 0
            && self.pools.iter().all(|pool| pool.killed == 0 && pool.kill_debt == 0)
    }

    pub(super) fn apply_configured(&mut self, at: Timestamp, version: u32, config: &Arc<Config>) {
        assert_eq!(version, self.version + 1, "versions of the configuration are dense");
        if self.is_pristine() {
            self.pools = Pools::new(config);
            self.seating = Seating::new(config);
            self.terms = Terms::default();
            self.windows = Windows::default();
        } else {
            let drawn = self.drawn_under(config);
            self.pools.reconfigure(Some(&self.config), config, self.released, &drawn);
            self.seating = self.seating.reconfigured(config, self.released);
        }
        self.terms.adopt(config);
        self.windows = self.windows.reconfigured(&self.config, config, at);
        self.version = version;
        self.config = Arc::clone(config);
        self.config_mix = crate::config_mix::mix(config);
        self.limit_types();
        self.limit_promotions();
        self.waitlist.reconfigure(config);
        self.plan();
    }

    /// Follows the tariff's limits by subject, counting afresh where that is needed.
    pub(crate) fn limit_promotions(&mut self) {
        let promotions = self.config.tariff.iter().flat_map(|tariff| &tariff.promotions);
        let limited = promotions.map(|promotion| promotion.per_subject_max.is_some()).collect();
        if self.quoted.limit(limited) {
            for (promotion, slot) in self.promotion_uses() {
                self.quoted.charge(promotion, slot);
            }
        }
    }

    /// Every use of a promotion with each of its subjects.
    fn promotion_uses(&self) -> Vec<(u16, Slot)> {
        let used = self.quoted.iter().filter_map(|(number, money)| Some((number, money.used?.promotion)));
        used.flat_map(|(number, promotion)| {
            self.subjects_of(number).into_iter().map(move |slot| (promotion, slot))
        })
        .collect()
    }

    /// The subjects of a live claim or an order; none of what is neither.
    pub(crate) fn subjects_of(&self, number: ClaimNumber) -> Vec<Slot> {
        if let Some(claim) = self.claims.get(number) {
            return claim.subjects().collect();
        }
        let Some(at) = self.orders.find(number) else { return Vec::new() };
        std::iter::once(self.orders.get(at).subject).chain(self.orders.extra(at).iter().copied()).collect()
    }

    /// Follows the configuration's limits by type, counting afresh where that is needed.
    pub(crate) fn limit_types(&mut self) {
        let types = &self.config.ticket_types;
        let limited = types.iter().map(|ticket_type| ticket_type.per_subject_max.is_some()).collect();
        if self.subjects.limit_types(limited) {
            for (slot, ticket_type, units) in self.charges() {
                self.subjects.recount_type(slot, ticket_type, units);
            }
        }
    }

    /// What channels have out, where `new` allots something to any; nothing otherwise.
    pub(crate) fn drawn_under(&self, new: &Config) -> Drawn {
        let mut drawn = Drawn::default();
        if new.channels.iter().all(|channel| channel.allotments.is_empty()) {
            return drawn;
        }
        for (_, claim) in self.claims.iter() {
            let Some(channel) = claim.channel else { continue };
            for line in claim.lines.as_slice() {
                let units = Out { held: u32::from(line.quantity), sold: 0 };
                drawn.add(channel, &self.terms.get(line.terms).draws_on, units);
            }
        }
        for (_, order) in self.orders.iter() {
            let Some(channel) = order.channel() else { continue };
            for ticket in order.ticket_slots().map(|slot| self.orders.ticket(slot)) {
                if !ticket.is_refunded() {
                    drawn.add(channel, &self.terms.get(ticket.terms).draws_on, Out { held: 0, sold: 1 });
                }
            }
        }
        drawn
    }

    /// Units of each subject and type, over live claims and orders; a subject and type may appear several times.
    pub(crate) fn charges(&self) -> Vec<(Slot, TicketTypeId, u32)> {
        let mut charges = Vec::new();
        for (_, claim) in self.claims.iter() {
            for line in claim.lines.as_slice() {
                let ticket_type = self.terms.get(line.terms).ticket_type;
                charges.extend(claim.subjects().map(|slot| (slot, ticket_type, u32::from(line.quantity))));
            }
        }
        for (at, order) in self.orders.iter() {
            for ticket in order.ticket_slots().map(|slot| self.orders.ticket(slot)) {
                if !ticket.is_refunded() {
                    let ticket_type = self.terms.get(ticket.terms).ticket_type;
                    let subjects = std::iter::once(&order.subject).chain(self.orders.extra(at));
                    charges.extend(subjects.map(|&slot| (slot, ticket_type, 1)));
                }
            }
        }
        charges
    }

    pub(super) fn apply_phase_changed(&mut self, to: Phase) {
        self.phase = to;
        if to == Phase::Cancelled {
            // Paid orders become refund due by the phase alone.
            self.end_all_claims();
        }
        if matches!(to, Phase::Closed | Phase::Cancelled) {
            self.end_all_entries();
        }
        self.waitlist.wake_all();
        self.plan();
    }

    pub(super) fn apply_killed(&mut self, units: &Units) {
        match units {
            Units::Pool { pool, quantity } => self.pools.kill(*pool, *quantity),
            Units::Seats(seats) => {
                for &seat in seats {
                    match self.seating.state(seat) {
                        SeatState::Free => self.set_seat(seat, SeatState::Killed),
                        SeatState::Held | SeatState::Sold => self.seats_to_kill.insert(seat),
                        SeatState::Killed => panic!("seat {} is killed twice", seat.0),
                    }
                }
            }
        }
    }

    pub(super) fn apply_restored(&mut self, units: &Units) {
        match units {
            Units::Pool { pool, quantity } => {
                self.wake_pool(*pool);
                self.pools.restore(*pool, *quantity);
            }
            Units::Seats(seats) => {
                for &seat in seats {
                    if !self.seats_to_kill.remove(seat) {
                        assert_eq!(self.seating.state(seat), SeatState::Killed, "a seat is not killed");
                        self.set_seat(seat, SeatState::Free);
                    }
                }
            }
        }
    }

    pub(super) fn apply_channel_released(&mut self, channel: ChannelId) {
        self.released = self.released.with(channel);
        self.pools.release(channel);
        if !self.mutation.is(Mutant::ChannelKeepsSeats) {
            self.seating.release(&self.config, self.released);
        }
        self.waitlist.wake_all();
        self.plan();
    }
}
