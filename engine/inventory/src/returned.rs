//! Returned units: released, expired, cancelled, refunded. This is the only way back, for pools and for seats.
//!
//! Order: kills that wait for a return are served first; what is left goes to the channel that it was drawn from, while that
//! is unreleased, or else to everyone. It wakes the waitlist, and does not serve it: offers are events of their own.

use crate::mutant::Mutant;
use crate::{ChannelId, Inventory, RefundedUnits, SeatIndex, SeatState, TermsId};

/// Where units come back from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A hold or a payment in flight that ended.
    Held,
    /// A refunded ticket.
    Sold,
}

impl Source {
    /// The one of two counters that it is.
    pub(crate) fn of<T>(self, held: T, sold: T) -> T {
        match self {
            Source::Held => held,
            Source::Sold => sold,
        }
    }
}

/// Units under one set of terms that come back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Returned<'a> {
    pub(crate) terms: TermsId,
    pub(crate) quantity: u32,
    pub(crate) seats: &'a [SeatIndex],
    /// The channel whose code the hold showed.
    pub(crate) channel: Option<ChannelId>,
    pub(crate) source: Source,
    /// Whether they return to sale, or are withdrawn.
    pub(crate) fate: RefundedUnits,
}

impl Inventory {
    /// Takes units back.
    pub(crate) fn return_units(&mut self, returned: Returned<'_>) {
        let Returned { terms, quantity, seats, channel, source, fate } = returned;
        let leaks = self.mutation.is(Mutant::ChannelShareLeaks);
        let channel = channel.filter(|_| !leaks);
        let is_doubled = source == Source::Sold && self.mutation.is(Mutant::UnitReturnedTwice);
        let restocked = if is_doubled { 2 * quantity } else { quantity };
        for at in 0..self.terms.get(terms).draws_on.len() {
            let pool = self.terms.get(terms).draws_on[at];
            self.wake_pool(pool);
            self.pools.edit(pool, |pool| {
                pool.take_back(quantity, source, channel);
                match fate {
                    RefundedUnits::Restock => pool.put_back(restocked, channel),
                    RefundedUnits::Kill => pool.withdraw(quantity),
                }
            });
        }
        for &seat in seats {
            let awaited = self.seats_to_kill.remove(seat);
            let awaited = awaited && !self.mutation.is(Mutant::WaitingKillForgotten);
            let killed = awaited || fate == RefundedUnits::Kill;
            self.set_seat(seat, if killed { SeatState::Killed } else { SeatState::Free });
        }
    }
}
