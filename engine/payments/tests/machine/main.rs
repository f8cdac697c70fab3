//! The machine of payments in a small world: one order, a provider with books, rows in transactions, a log, desks that die.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)] // tests

mod books;
mod crash;
mod desk;
mod facts;
mod log;
mod mutants;
mod provider;
mod random;
mod repeat;
mod rows;
mod stories;
mod world;

use std::num::NonZeroU16;

use tessera_inventory::{ClaimNumber, EventId};
use tessera_payments::{PaymentId, ProviderId};

/// The provider of every payment here.
const PROVIDER: ProviderId = ProviderId(NonZeroU16::new(2).unwrap());
/// The organizer of the event.
const ORGANIZER: u128 = 77;
/// The price of the order, in minor units.
const PRICE: i64 = 10_000;
const EUR: [u8; 3] = *b"EUR";
const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

fn payment_id(attempt: u8) -> PaymentId {
    PaymentId { event: EventId(9), order: ClaimNumber(3), attempt }
}

/// Numbers that look random and are the same every time (SplitMix64).
#[derive(Clone, Debug)]
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn happens(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}
