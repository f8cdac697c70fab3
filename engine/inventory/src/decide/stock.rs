//! Limits and pools: what the lines of one hold add up to, against what is left.

use super::access::Access;
use crate::{Inventory, PoolId, Rejection, SeatIndex, Subject, Subjects, TermsId, TicketTypeId};

/// Memory that decisions reuse: sums over the lines of one hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    /// Units drawn from each pool by the lines so far.
    drawn: Vec<(PoolId, u32)>,
    /// Units of each ticket type in the lines so far.
    pub(super) units: Vec<(TicketTypeId, u32)>,
    /// Seats that the lines name, and those chosen so far.
    pub(super) seats: Vec<SeatIndex>,
}

impl Scratch {
    pub(super) fn clear(&mut self) {
        self.drawn.clear();
        self.units.clear();
        self.seats.clear();
    }

    fn drawn_from(&self, pool: PoolId) -> u32 {
        self.drawn.iter().find(|(of, _)| *of == pool).map_or(0, |&(_, units)| units)
    }

    pub(super) fn units_of(&self, ticket_type: TicketTypeId) -> u32 {
        self.units.iter().find(|(of, _)| *of == ticket_type).map_or(0, |&(_, units)| units)
    }

    pub(super) fn add_units(&mut self, ticket_type: TicketTypeId, quantity: u32) {
        add(&mut self.units, ticket_type, quantity);
    }

    pub(super) fn add_draws(&mut self, draws_on: &[PoolId], quantity: u32) {
        for &pool in draws_on {
            add(&mut self.drawn, pool, quantity);
        }
    }
}

fn add<K: PartialEq>(sums: &mut Vec<(K, u32)>, key: K, quantity: u32) {
    match sums.iter_mut().find(|(of, _)| *of == key) {
        Some((_, sum)) => *sum += quantity,
        None => sums.push((key, quantity)),
    }
}

impl Inventory {
    /// Whether pools have `quantity` units under these terms, besides what the lines before draw.
    pub(super) fn check_pools(
        &self,
        scratch: &Scratch,
        access: &Access,
        line: u16,
        terms: TermsId,
        quantity: u32,
    ) -> Result<(), Rejection> {
        for &pool in &self.terms.get(terms).draws_on {
            let state = self.pools.get(pool);
            let remaining = state.free_for(access.channel).saturating_sub(scratch.drawn_from(pool));
            if remaining < quantity {
                // Kills that wait take what returns first.
                let may_return = state.held > state.kill_debt;
                return Err(Rejection::SoldOut { line, pool: Some(pool), remaining, may_return });
            }
        }
        Ok(())
    }

    /// The event's limit for every subject of a hold.
    pub(super) fn check_event_limit(&self, subjects: &Subjects, quantity: u32) -> Result<(), Rejection> {
        let Some(limit) = self.config.units_per_subject_max else { return Ok(()) };
        for &subject in std::iter::once(&subjects.primary).chain(&subjects.extra) {
            let used = self.subjects.find(subject).map_or(0, |slot| self.subjects.units(slot));
            if used.saturating_add(quantity) > limit {
                return Err(Rejection::LimitExceeded { ticket_type: None, limit, used });
            }
        }
        Ok(())
    }

    /// A type's limit for every subject of a hold.
    pub(super) fn check_type_limit(
        &self,
        subjects: &Subjects,
        ticket_type: TicketTypeId,
        quantity: u32,
    ) -> Result<(), Rejection> {
        let limit = self.config.ticket_type(ticket_type).and_then(|known| known.per_subject_max);
        let Some(limit) = limit else { return Ok(()) };
        for &subject in std::iter::once(&subjects.primary).chain(&subjects.extra) {
            self.check_type_limit_of(subject, ticket_type, quantity, limit)?;
        }
        Ok(())
    }

    pub(super) fn check_type_limit_of(
        &self,
        subject: Subject,
        ticket_type: TicketTypeId,
        quantity: u32,
        limit: u32,
    ) -> Result<(), Rejection> {
        let slot = self.subjects.find(subject);
        let used = slot.map_or(0, |slot| self.subjects.units_of_type(slot, ticket_type));
        if used.saturating_add(quantity) > limit {
            return Err(Rejection::LimitExceeded { ticket_type: Some(ticket_type), limit, used });
        }
        Ok(())
    }
}
