//! The process's own evidence of what time it is: an earlier reading of the wall clock, carried on by monotonic time.

use std::sync::{Mutex, PoisonError};

use tessera_inventory::Timestamp;
use tessera_writer::{ClockReading, Monotonic};

use crate::Clock;

/// A reading this close to the witness replaces it, in milliseconds: slow drift is followed, a jump is not.
const FOLLOWED_MS_MAX: u64 = 1_000;

/// The last reading of the wall clock that agreed with the one before.
#[derive(Debug)]
pub(crate) struct Witness {
    reading: Mutex<(Timestamp, Monotonic)>,
}

impl Witness {
    pub(crate) fn new(clock: &dyn Clock) -> Witness {
        Witness { reading: Mutex::new((clock.wall(), clock.monotonic())) }
    }

    /// Both clocks now.
    pub(crate) fn read(&self, clock: &dyn Clock) -> ClockReading {
        let (wall, now) = (clock.wall(), clock.monotonic());
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let witness = reading.0.plus_ms(now.since_ms(reading.1));
        if wall.0.abs_diff(witness.0) <= FOLLOWED_MS_MAX {
            *reading = (wall, now);
        }
        ClockReading { wall, witness: Some(witness) }
    }

    /// An operator vouches for the wall clock.
    pub(crate) fn acknowledge(&self, clock: &dyn Clock) -> Timestamp {
        let wall = clock.wall();
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) = (wall, clock.monotonic());
        wall
    }
}
