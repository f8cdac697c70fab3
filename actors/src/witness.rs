//! The process's evidence of what time it is: an earlier reading of its own wall clock, carried on by monotonic time, and, in a cluster, what
//! most nodes say.
//!
//! The first reading is nobody's but the wall clock's, which may be wrong. So the witness also says since when it has watched, and the
//! writer holds that against the last logged time (`engine/writer/src/clock.rs` has the rule). What other events have logged moves the
//! beginning back: from any of them to the next there may be a gap of [`CLOCK_AHEAD_MS_MAX`], and no more.

use std::sync::{Mutex, PoisonError};

use tessera_cluster::OtherClocks;
use tessera_inventory::Timestamp;
use tessera_writer::{CLOCK_AHEAD_MS_MAX, CLOCK_BEHIND_MS_MAX, ClockReading, ClockWitness, Monotonic};

use crate::Clock;

/// A reading this close to the witness replaces it, in milliseconds: slow drift is followed, a jump is not.
const FOLLOWED_MS_MAX: u64 = 1_000;

/// Since when was watched that an operator vouches for.
const VOUCHED: Timestamp = Timestamp(0);

#[derive(Debug)]
struct Watch {
    /// The last reading of the wall clock that agreed with the one before.
    wall: Timestamp,
    read_at: Monotonic,
    since: Timestamp,
    /// What most nodes said that contradicted the wall clock, and when.
    told: Option<(Timestamp, Monotonic)>,
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
        let watch = Watch { wall, read_at: clock.monotonic(), since: wall, told: None, logged: None };
        Witness { watch: Mutex::new(watch) }
    }

    /// Both clocks now, which the other nodes' have been held against.
    pub(crate) fn read(&self, (wall, now): (Timestamp, Monotonic), others: OtherClocks) -> ClockReading {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = watch.wall.plus_ms(now.since_ms(watch.read_at));
        if wall.0.abs_diff(expected.0) <= FOLLOWED_MS_MAX || others == OtherClocks::Agree {
            // Also where it jumped to what most nodes say.
            (watch.wall, watch.read_at, watch.since) = (wall, now, watch.since.min(wall));
        } else if watch
            .logged
            .is_some_and(|logged| watch.is_disproved(expected, logged) && fits(wall, logged))
        {
            // What was watched contradicts what was logged, and this reading does not: the clock has been mended.
            (watch.wall, watch.read_at, watch.since) = (wall, now, wall);
        }
        match others {
            // Who vouches for this clock knows better than other clocks.
            OtherClocks::Contradict(most) if watch.since > VOUCHED => watch.told = Some((most, now)),
            OtherClocks::Agree | OtherClocks::Undecided => watch.told = None,
            // What was told by who is gone counts on.
            OtherClocks::Contradict(_) | OtherClocks::Unknown | OtherClocks::Alone => {}
        }
        let (evidence, at) = watch.told.unwrap_or((watch.wall, watch.read_at));
        let witness =
            ClockWitness { now: evidence.plus_ms(now.since_ms(at)), since: watch.since.min(evidence) };
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
        (watch.wall, watch.read_at, watch.since, watch.told) = (wall, clock.monotonic(), VOUCHED, None);
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
