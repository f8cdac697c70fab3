//! The process's own evidence of what time it is: an earlier reading of the wall clock, carried on by monotonic time.
//!
//! The first reading is nobody's but the wall clock's, which may be wrong. So the witness also says since when it has watched, and the
//! writer holds that against the last logged time (`engine/writer/src/clock.rs` has the rule). What other events have logged moves the
//! beginning back: from any of them to the next there may be a gap of [`CLOCK_AHEAD_MS_MAX`], and no more.

use std::sync::{Mutex, PoisonError};

use tessera_inventory::Timestamp;
use tessera_writer::{CLOCK_AHEAD_MS_MAX, CLOCK_BEHIND_MS_MAX, ClockReading, ClockWitness, Monotonic};

use crate::Clock;

/// A reading this close to the witness replaces it, in milliseconds: slow drift is followed, a jump is not.
const FOLLOWED_MS_MAX: u64 = 1_000;

#[derive(Debug)]
struct Watch {
    /// The last reading of the wall clock that agreed with the one before.
    wall: Timestamp,
    read_at: Monotonic,
    since: Timestamp,
    /// The newest time that any event has logged, as far as was seen.
    logged: Option<Timestamp>,
}

/// What this process knows of the time beside its wall clock.
#[derive(Debug)]
pub(crate) struct Witness {
    watch: Mutex<Watch>,
}

impl Witness {
    pub(crate) fn new(clock: &dyn Clock) -> Witness {
        let wall = clock.wall();
        let watch = Watch { wall, read_at: clock.monotonic(), since: wall, logged: None };
        Witness { watch: Mutex::new(watch) }
    }

    /// Both clocks now.
    pub(crate) fn read(&self, clock: &dyn Clock) -> ClockReading {
        let (wall, now) = (clock.wall(), clock.monotonic());
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = watch.wall.plus_ms(now.since_ms(watch.read_at));
        if wall.0.abs_diff(expected.0) <= FOLLOWED_MS_MAX {
            (watch.wall, watch.read_at) = (wall, now);
        } else if watch
            .logged
            .is_some_and(|logged| watch.is_disproved(expected, logged) && fits(wall, logged))
        {
            // What was watched contradicts what was logged, and this reading does not: the clock has been mended.
            (watch.wall, watch.read_at, watch.since) = (wall, now, wall);
        }
        let witness =
            ClockWitness { now: watch.wall.plus_ms(now.since_ms(watch.read_at)), since: watch.since };
        ClockReading { wall, witness: Some(witness) }
    }

    /// An event has logged this time: it was trusted then, by this process or another.
    pub(crate) fn logged(&self, at: Timestamp) {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        watch.logged = watch.logged.max(Some(at));
        if !watch.began_too_late(at) {
            watch.since = watch.since.min(at);
        }
    }

    /// An operator vouches for the wall clock, whatever was logged when.
    pub(crate) fn acknowledge(&self, clock: &dyn Clock) -> Timestamp {
        let wall = clock.wall();
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        (watch.wall, watch.read_at, watch.since) = (wall, clock.monotonic(), Timestamp(0));
        wall
    }
}

impl Watch {
    /// Whether nobody knows what happened between this logged time and the beginning of the watch.
    fn began_too_late(&self, logged: Timestamp) -> bool {
        self.since.0.saturating_sub(logged.0) > CLOCK_AHEAD_MS_MAX
    }

    /// Whether a watch that comes to this time cannot be right, with an event that was logged at that.
    fn is_disproved(&self, expected: Timestamp, logged: Timestamp) -> bool {
        self.began_too_late(logged) || logged.0.saturating_sub(expected.0) > CLOCK_BEHIND_MS_MAX
    }
}

/// Whether a wall clock may be right that says this after an event was logged at that time.
fn fits(wall: Timestamp, logged: Timestamp) -> bool {
    let (ahead, behind) = (wall.0.saturating_sub(logged.0), logged.0.saturating_sub(wall.0));
    ahead <= CLOCK_AHEAD_MS_MAX && behind <= CLOCK_BEHIND_MS_MAX
}
