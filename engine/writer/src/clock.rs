//! Logged time: what a writer calls *now*.
//!
//! Within one ownership `now = max(last logged time, trusted time at activation + monotonic time elapsed)`. The wall clock is read at
//! activation and never again, except to end a suspicion.
//!
//! - With a *witness* (this process's own earlier reading carried on by monotonic time, or other nodes' heartbeats), wall time that
//!   differs from it by more than [`CLOCK_DISAGREEMENT_MS_MAX`] is **doubted**, and the witness is followed.
//! - Without one, wall time more than [`CLOCK_AHEAD_MS_MAX`] ahead of the last logged time is doubted, and time goes on from the last logged time.
//! - Wall time more than [`CLOCK_BEHIND_MS_MAX`] **behind** the last logged time is not followed: logged time stands still until wall time
//!   has caught up to within that bound.
//!
//! While time is doubted or behind, nothing that time does happens (openings, expiries); commands are decided. An operator ends either by
//! acknowledging: time goes on from the later of the wall clock and the last logged time. A doubt also ends when a later reading is
//! plausible: that wall time is followed. So nothing happens early by more than [`CLOCK_DISAGREEMENT_MS_MAX`] against a right witness.
//! A node alone that starts with a wrong wall clock has no witness, and no bound: shells keep one from their first activation on.

use tessera_inventory::Timestamp;

use crate::{CLOCK_AHEAD_MS_MAX, CLOCK_BEHIND_MS_MAX, CLOCK_DISAGREEMENT_MS_MAX, Monotonic};

/// One reading of the clocks outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// The node's wall clock.
    pub wall: Timestamp,
    /// What the time should be by other evidence, if there is any.
    pub witness: Option<Timestamp>,
}

/// Whether a writer believes its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockState {
    /// Time does what is due.
    Trusted,
    /// Wall time is implausible: openings and expiries wait.
    Doubted,
    /// Wall time is behind logged time: openings and expiries wait until it has caught up.
    Behind,
}

#[derive(Clone, Debug)]
pub(crate) struct Clock {
    trusted: Timestamp,
    trusted_at: Monotonic,
    last_logged: Option<Timestamp>,
    doubted: bool,
}

impl Clock {
    /// `last_logged` is `None` for an event without history. The difference in milliseconds comes with an implausible reading.
    pub(crate) fn open(
        reading: ClockReading,
        last_logged: Option<Timestamp>,
        now: Monotonic,
    ) -> (Clock, Option<i64>) {
        let doubted = !is_plausible(reading, last_logged);
        let evidence = if doubted { reading.witness.or(last_logged) } else { None };
        let trusted = evidence.unwrap_or(reading.wall);
        let clock = Clock { trusted, trusted_at: now, last_logged, doubted };
        let jump = (clock.state(now) != ClockState::Trusted).then(|| {
            let against = if doubted { reading.witness.or(last_logged) } else { last_logged };
            difference_ms(reading.wall, against.unwrap_or(reading.wall))
        });
        (clock, jump)
    }

    pub(crate) fn state(&self, now: Monotonic) -> ClockState {
        let behind = self.last_logged.map_or(0, |last| last.0.saturating_sub(self.trusted_now(now).0));
        if self.doubted {
            ClockState::Doubted
        } else if behind > CLOCK_BEHIND_MS_MAX {
            ClockState::Behind
        } else {
            ClockState::Trusted
        }
    }

    /// Logged time now.
    pub(crate) fn now(&self, now: Monotonic) -> Timestamp {
        let trusted = self.trusted_now(now);
        self.last_logged.map_or(trusted, |last| last.max(trusted))
    }

    /// When logged time reaches `due`, if it goes on as it does, and not before time does anything again.
    pub(crate) fn reaches(&self, due: Timestamp) -> Monotonic {
        let wanted = match self.last_logged {
            Some(last) if last >= due => Timestamp(last.0.saturating_sub(CLOCK_BEHIND_MS_MAX)),
            _ => due,
        };
        self.trusted_at.plus_ms(wanted.0.saturating_sub(self.trusted.0))
    }

    /// An event was logged.
    pub(crate) fn logged(&mut self, at: Timestamp) {
        self.last_logged = Some(at);
    }

    /// The clocks were read again: a doubt ends where the reading is plausible.
    pub(crate) fn read_again(&mut self, reading: ClockReading, now: Monotonic) {
        if self.doubted && is_plausible(reading, self.last_logged) {
            self.trusted = reading.wall;
            self.trusted_at = now;
            self.doubted = false;
        }
    }

    /// An operator vouches for `wall`.
    pub(crate) fn acknowledge(&mut self, wall: Timestamp, now: Monotonic) {
        if self.state(now) != ClockState::Trusted {
            self.trusted = self.last_logged.map_or(wall, |last| last.max(wall));
            self.trusted_at = now;
            self.doubted = false;
        }
    }

    fn trusted_now(&self, now: Monotonic) -> Timestamp {
        self.trusted.plus_ms(now.since_ms(self.trusted_at))
    }
}

fn is_plausible(reading: ClockReading, last_logged: Option<Timestamp>) -> bool {
    match (reading.witness, last_logged) {
        (Some(witness), _) => reading.wall.0.abs_diff(witness.0) <= CLOCK_DISAGREEMENT_MS_MAX,
        (None, Some(last)) => reading.wall.0.saturating_sub(last.0) <= CLOCK_AHEAD_MS_MAX,
        (None, None) => true,
    }
}

fn difference_ms(wall: Timestamp, against: Timestamp) -> i64 {
    let distance = i64::try_from(wall.0.abs_diff(against.0)).unwrap_or(i64::MAX);
    if wall >= against { distance } else { -distance }
}

#[cfg(test)]
mod tests {
    use super::{Clock, ClockReading, ClockState};
    use crate::Monotonic;
    use tessera_inventory::Timestamp;

    const HOUR: u64 = 3_600_000;
    const NOON: u64 = 1_000 * HOUR;

    fn open(wall: u64, witness: Option<u64>, last_logged: Option<u64>) -> (Clock, Option<i64>) {
        let reading = ClockReading { wall: Timestamp(wall), witness: witness.map(Timestamp) };
        Clock::open(reading, last_logged.map(Timestamp), Monotonic(0))
    }

    /// Opens a clock and looks at it `elapsed_ms` later: state and logged time.
    fn check(clock: &Clock, elapsed_ms: u64, expect: (ClockState, u64)) {
        let now = Monotonic(elapsed_ms * 1_000);
        assert_eq!((clock.state(now), clock.now(now).0), expect, "after {elapsed_ms} ms of {clock:?}");
    }

    #[test]
    fn plausible_wall_time_is_followed() {
        for (witness, last) in [(None, None), (Some(NOON - 9_000), None), (None, Some(NOON - 100 * HOUR))] {
            let (clock, jump) = open(NOON, witness, last);
            assert_eq!(jump, None);
            check(&clock, 0, (ClockState::Trusted, NOON));
            check(&clock, 1_500, (ClockState::Trusted, NOON + 1_500));
        }
    }

    #[test]
    fn logged_time_never_goes_back() {
        let (clock, jump) = open(NOON, None, Some(NOON + 4_000));
        assert_eq!(jump, None);
        check(&clock, 0, (ClockState::Trusted, NOON + 4_000));
        check(&clock, 3_000, (ClockState::Trusted, NOON + 4_000));
        check(&clock, 5_000, (ClockState::Trusted, NOON + 5_000));
    }

    #[test]
    fn scenario_18_an_hour_behind_logged_time_waits_until_the_wall_has_caught_up() {
        let (clock, jump) = open(NOON - HOUR, None, Some(NOON));
        assert_eq!(jump, Some(-(HOUR as i64)));
        check(&clock, 1_000, (ClockState::Behind, NOON));
        check(&clock, HOUR - 5_001, (ClockState::Behind, NOON));
        check(&clock, HOUR - 5_000, (ClockState::Trusted, NOON));
        check(&clock, HOUR + 7, (ClockState::Trusted, NOON + 7));
        assert_eq!(clock.reaches(Timestamp(NOON - 1)), Monotonic((HOUR - 5_000) * 1_000));
    }

    #[test]
    fn scenario_18_an_hour_from_the_witness_is_doubted_and_the_witness_followed() {
        for (wall, expect) in [(NOON + HOUR, HOUR as i64), (NOON - HOUR, -(HOUR as i64))] {
            let (mut clock, jump) = open(wall, Some(NOON), Some(NOON - 1));
            assert_eq!(jump, Some(expect));
            check(&clock, 10, (ClockState::Doubted, NOON + 10));
            let still = ClockReading { wall: Timestamp(wall + 10), witness: Some(Timestamp(NOON + 10)) };
            clock.read_again(still, Monotonic(10_000));
            check(&clock, 10, (ClockState::Doubted, NOON + 10));
            let mended = ClockReading { wall: Timestamp(NOON + 20), witness: Some(Timestamp(NOON + 25)) };
            clock.read_again(mended, Monotonic(20_000));
            check(&clock, 30, (ClockState::Trusted, NOON + 30));
        }
    }

    #[test]
    fn an_operator_vouches_for_the_clock() {
        let (mut ahead, _) = open(NOON + HOUR, Some(NOON), None);
        ahead.acknowledge(Timestamp(NOON + HOUR), Monotonic(0));
        check(&ahead, 5, (ClockState::Trusted, NOON + HOUR + 5));
        let (mut behind, _) = open(NOON - HOUR, None, Some(NOON));
        behind.acknowledge(Timestamp(NOON - HOUR), Monotonic(0));
        check(&behind, 5, (ClockState::Trusted, NOON + 5));
    }

    #[test]
    fn without_a_witness_an_absurd_wall_clock_is_doubted() {
        let (clock, jump) = open(NOON + 401 * 24 * HOUR, None, Some(NOON));
        assert!(jump.is_some());
        check(&clock, 9, (ClockState::Doubted, NOON + 9));
    }
}
