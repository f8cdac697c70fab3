//! Worlds in which people wait for what is sold out, and gates that may be offline. What else was drawn for them stays: this has numbers
//! of its own.

use super::{Mix, Plan};
use crate::prng::Prng;

/// Of a thousand worlds, people wait in so many.
const WAITING: u64 = 500;
/// Of a thousand worlds, so many have gates that may be offline.
const GATES: u64 = 400;
/// Most such gates.
const DOORS_MAX: u64 = 4;

impl Plan {
    /// Some worlds are so.
    pub(super) fn perhaps_crowded(self, seed: u64) -> Plan {
        let prng = &mut Prng::new(seed ^ 0x11e5u64.rotate_left(24));
        let mut plan = self;
        let mut odds = |on: bool, low: u64, high: u64| if on { prng.between(low, high) } else { 0 };
        let waits = odds(true, 0, 999) < WAITING;
        let gates = odds(true, 0, 999) < GATES;
        plan.mix = Mix {
            waits: odds(waits, 100, 900),
            waiting: [odds(waits, 10, 60), odds(waits, 0, 20), odds(waits, 5, 20)],
            offered: [odds(waits, 10, 40), odds(waits, 0, 15), odds(waits, 0, 25), odds(waits, 5, 15)],
            again: odds(waits, 0, 400),
            reissues: odds(gates, 0, 600),
            offline: odds(gates, 200, 950),
            ..plan.mix
        };
        plan.doors = usize::try_from(odds(gates, 1, DOORS_MAX)).unwrap_or(0);
        plan
    }
}
