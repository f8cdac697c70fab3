//! Seats that are killed when they return: held or sold when the organizer withdrew them.

use std::collections::BTreeSet;

use crate::SeatIndex;
use crate::digest::{Kind, Mix};

/// Seats to be killed on their return.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeatsToKill {
    seats: BTreeSet<SeatIndex>,
    sum: u128,
}

impl SeatsToKill {
    pub(crate) fn contains(&self, seat: SeatIndex) -> bool {
        self.seats.contains(&seat)
    }

    pub(crate) fn insert(&mut self, seat: SeatIndex) {
        if self.seats.insert(seat) {
            self.sum = self.sum.wrapping_add(mix(seat));
        }
    }

    /// Takes a seat out; whether it was there.
    pub(crate) fn remove(&mut self, seat: SeatIndex) -> bool {
        let there = self.seats.remove(&seat);
        if there {
            self.sum = self.sum.wrapping_sub(mix(seat));
        }
        there
    }

    /// Ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = SeatIndex> {
        self.seats.iter().copied()
    }

    /// The digest's share of these seats, kept incrementally.
    pub(crate) fn sum(&self) -> u128 {
        self.sum
    }

    /// The digest's share of these seats, from scratch.
    pub(crate) fn fresh_sum(&self) -> u128 {
        self.iter().fold(0, |sum, seat| sum.wrapping_add(mix(seat)))
    }
}

fn mix(seat: SeatIndex) -> u128 {
    Mix::new(Kind::SeatToKill).word(u64::from(seat.0)).finish()
}
