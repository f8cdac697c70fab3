//! Logged time: what a writer calls *now*.
//!
//! Within one ownership `now = max(last logged time, trusted time at activation + monotonic time elapsed)`. The wall clock is read at
//! activation and never again, except to end a suspicion and on an operator's word.
//!
//! - A *witness* (this process's own earlier reading carried on by monotonic time, or other nodes' heartbeats) says what the time should
//!   be, and since when it has watched. Wall time that differs from it by more than [`CLOCK_DISAGREEMENT_MS_MAX`] is **doubted**, and
//!   the witness is followed.
//! - Nobody watched between the last logged time and the witness's beginning: there only the wall clock speaks. If that gap is longer
//!   than [`CLOCK_AHEAD_MS_MAX`], the witness began with an implausible clock and is not heard. Without a witness that is heard, wall
//!   time more than [`CLOCK_AHEAD_MS_MAX`] ahead of the last logged time is doubted, and time goes on from the last logged time.
//! - Wall time more than [`CLOCK_BEHIND_MS_MAX`] **behind** the last logged time is not followed: logged time stands still until wall time
//!   has caught up to within that bound.
//!
//! So an event may sleep for years in a process that runs: the witness has seen them pass. A process that has just begun knows no more
//! than its wall clock, and may take the event over [`CLOCK_AHEAD_MS_MAX`] at most; shells lengthen that by what other events have logged
//! (every logged time was trusted once, so the witness's beginning moves back to it) and by an operator's word.
//!
//! While time is doubted or behind, nothing that time does happens (openings, expiries); commands are decided. An operator ends either by
//! acknowledging: time goes on from the later of the wall clock and the last logged time, also where a writer is opened later. Time that was trusted moves forward on that
//! word, too, and never back: monotonic time stands still while the machine sleeps. Both also end when a later reading is plausible: that
//! wall time is followed. So nothing happens early by more than [`CLOCK_DISAGREEMENT_MS_MAX`] against a right witness, and
//! a node alone that starts with a wrong wall clock lets things happen early by no more than [`CLOCK_AHEAD_MS_MAX`].

use tessera_inventory::Timestamp;

use crate::{CLOCK_AHEAD_MS_MAX, CLOCK_BEHIND_MS_MAX, CLOCK_DISAGREEMENT_MS_MAX, Monotonic};

/// One reading of the clocks outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// The node's wall clock.
    pub wall: Timestamp,
    /// Other evidence, if there is any.
    pub witness: Option<ClockWitness>,
}

/// Evidence of what time it is that does not come from this reading of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockWitness {
    /// What the time should be.
    pub now: Timestamp,
    /// Since when time was watched without a gap that is too long to be believed; 0 where an operator vouches for all of it.
    pub since: Timestamp,
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
    /// What was known of the time when the clock was opened: the last logged time or, without history, the word of the witness that
    /// contradicted the wall clock. What is logged in doubt is no evidence.
    opened_after: Option<Timestamp>,
    doubt: Option<Doubt>,
}

/// Why wall time is not believed, and from when time goes on instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    /// A witness says otherwise.
    Witness(Timestamp),
    /// It is too far from the last logged time.
    History(Timestamp),
}

impl Doubt {
    fn time(self) -> Timestamp {
        let (Doubt::Witness(time) | Doubt::History(time)) = self;
        time
    }
}

impl Clock {
    /// `last_logged` is `None` for an event without history. The difference in milliseconds comes with an implausible reading.
    pub(crate) fn open(
        reading: ClockReading,
        last_logged: Option<Timestamp>,
        now: Monotonic,
    ) -> (Clock, Option<i64>) {
        let doubt = doubt(reading, last_logged);
        let evidence = doubt.map(Doubt::time);
        let trusted = evidence.unwrap_or(believed(reading, last_logged));
        let opened_after = last_logged.or(evidence);
        let clock = Clock { trusted, trusted_at: now, last_logged, opened_after, doubt };
        let jump = (clock.state(now) != ClockState::Trusted).then(|| {
            let against = evidence.or(last_logged);
            difference_ms(reading.wall, against.unwrap_or(reading.wall))
        });
        (clock, jump)
    }

    pub(crate) fn state(&self, now: Monotonic) -> ClockState {
        let behind = self.last_logged.map_or(0, |last| last.0.saturating_sub(self.trusted_now(now).0));
        if self.doubt.is_some() {
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

    /// The clocks were read again: who does not believe them follows a reading that is plausible.
    pub(crate) fn read_again(&mut self, reading: ClockReading, now: Monotonic) {
        if self.state(now) != ClockState::Trusted && self.is_plausible(reading, now) {
            self.trusted = believed(reading, self.last_logged);
            self.trusted_at = now;
            self.doubt = None;
        }
    }

    /// Where the witness that was followed has gone, what it said still counts.
    fn is_plausible(&self, reading: ClockReading, now: Monotonic) -> bool {
        match (self.doubt, heard(reading, self.opened_after)) {
            (Some(Doubt::Witness(_)), None) => agree(reading.wall, self.trusted_now(now)),
            _ => doubt(reading, self.opened_after).is_none(),
        }
    }

    /// An operator vouches for `wall`. Who believed its own time never goes back for it.
    pub(crate) fn acknowledge(&mut self, wall: Timestamp, now: Monotonic) {
        if self.state(now) != ClockState::Trusted || wall > self.now(now) {
            self.trusted = self.last_logged.map_or(wall, |last| last.max(wall));
            self.trusted_at = now;
            self.doubt = None;
        }
    }

    fn trusted_now(&self, now: Monotonic) -> Timestamp {
        self.trusted.plus_ms(now.since_ms(self.trusted_at))
    }
}

/// What makes the wall clock implausible; `None` where it is plausible.
fn doubt(reading: ClockReading, last_logged: Option<Timestamp>) -> Option<Doubt> {
    match heard(reading, last_logged) {
        Some(witness) => (!agree(reading.wall, witness.now)).then_some(Doubt::Witness(witness.now)),
        None => last_logged.filter(|last| is_too_far(reading.wall, *last)).map(Doubt::History),
    }
}

/// The witness, unless it began with an implausible clock.
fn heard(reading: ClockReading, last_logged: Option<Timestamp>) -> Option<ClockWitness> {
    reading.witness.filter(|witness| last_logged.is_none_or(|last| !is_too_far(witness.since, last)))
}

fn is_too_far(time: Timestamp, last_logged: Timestamp) -> bool {
    time.0.saturating_sub(last_logged.0) > CLOCK_AHEAD_MS_MAX
}

fn agree(wall: Timestamp, evidence: Timestamp) -> bool {
    wall.0.abs_diff(evidence.0) <= CLOCK_DISAGREEMENT_MS_MAX
}

/// The time from which a plausible reading goes on. Where an operator vouches, that is not before the last logged time.
fn believed(reading: ClockReading, last_logged: Option<Timestamp>) -> Timestamp {
    let is_vouched_for = reading.witness.is_some_and(|witness| witness.since == Timestamp(0));
    last_logged.filter(|_| is_vouched_for).map_or(reading.wall, |last| last.max(reading.wall))
}

fn difference_ms(wall: Timestamp, against: Timestamp) -> i64 {
    let distance = i64::try_from(wall.0.abs_diff(against.0)).unwrap_or(i64::MAX);
    if wall >= against { distance } else { -distance }
}

#[cfg(test)]
mod tests {
    use super::{Clock, ClockReading, ClockState, ClockWitness};
    use crate::{CLOCK_AHEAD_MS_MAX, Monotonic};
    use tessera_inventory::Timestamp;

    const HOUR: u64 = 3_600_000;
    const NOON: u64 = 1_000 * HOUR;

    /// A reading with a witness that says `now` and has watched since then.
    fn reading(wall: u64, witness: Option<(u64, u64)>) -> ClockReading {
        let witness =
            witness.map(|(now, since)| ClockWitness { now: Timestamp(now), since: Timestamp(since) });
        ClockReading { wall: Timestamp(wall), witness }
    }

    fn open(wall: u64, witness: Option<u64>, last_logged: Option<u64>) -> (Clock, Option<i64>) {
        let reading = reading(wall, witness.map(|now| (now, now)));
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
    fn scenario_18_a_clock_that_was_behind_is_followed_once_it_is_mended() {
        let (mut clock, _) = open(NOON - HOUR, None, Some(NOON));
        clock.read_again(reading(NOON - HOUR + 1_000, None), Monotonic(1_000_000));
        check(&clock, 1_000, (ClockState::Behind, NOON));
        clock.read_again(reading(NOON + 2_000, None), Monotonic(2_000_000));
        check(&clock, 2_500, (ClockState::Trusted, NOON + 2_500));
    }

    #[test]
    fn scenario_18_an_hour_from_the_witness_is_doubted_and_the_witness_followed() {
        for (wall, expect) in [(NOON + HOUR, HOUR as i64), (NOON - HOUR, -(HOUR as i64))] {
            let (mut clock, jump) = open(wall, Some(NOON), Some(NOON - 1));
            assert_eq!(jump, Some(expect));
            check(&clock, 10, (ClockState::Doubted, NOON + 10));
            let still = reading(wall + 10, Some((NOON + 10, NOON)));
            clock.read_again(still, Monotonic(10_000));
            check(&clock, 10, (ClockState::Doubted, NOON + 10));
            let mended = reading(NOON + 20, Some((NOON + 25, NOON)));
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
    fn an_operator_moves_a_trusted_clock_forward_and_never_back() {
        let (mut clock, _) = open(NOON, None, None);
        clock.acknowledge(Timestamp(NOON + HOUR), Monotonic(7_000));
        check(&clock, 12, (ClockState::Trusted, NOON + HOUR + 5));
        clock.acknowledge(Timestamp(NOON), Monotonic(12_000));
        check(&clock, 12, (ClockState::Trusted, NOON + HOUR + 5));
    }

    #[test]
    fn scenario_18_a_jump_that_nobody_watched_is_doubted_with_and_without_a_witness() {
        let absurd = NOON + CLOCK_AHEAD_MS_MAX + 1;
        for witness in [None, Some(absurd)] {
            let (mut clock, jump) = open(absurd, witness, Some(NOON));
            assert_eq!(jump, Some(absurd.cast_signed() - NOON.cast_signed()));
            check(&clock, 9, (ClockState::Doubted, NOON + 9));
            // What is logged meanwhile comes nearer to the absurd time and proves nothing.
            clock.logged(Timestamp(NOON + 9));
            clock.read_again(reading(absurd + 9, witness.map(|since| (since + 9, since))), Monotonic(9_000));
            check(&clock, 9, (ClockState::Doubted, NOON + 9));
            // The wall clock is mended; the witness, which began with the wrong one, is not heard.
            let witness = witness.map(|since| (since + 20, since));
            clock.read_again(reading(NOON + 20, witness), Monotonic(20_000));
            check(&clock, 30, (ClockState::Trusted, NOON + 30));
        }
    }

    #[test]
    fn a_doubted_event_without_history_does_not_believe_a_later_absurd_clock_of_a_node_alone() {
        let (mut clock, _) = open(NOON + HOUR, Some(NOON), None);
        clock.logged(Timestamp(NOON + 5));
        clock.read_again(reading(NOON + 2 * CLOCK_AHEAD_MS_MAX, None), Monotonic(9_000));
        check(&clock, 9, (ClockState::Doubted, NOON + 9));
        clock.read_again(reading(NOON + 20, None), Monotonic(20_000));
        check(&clock, 30, (ClockState::Trusted, NOON + 30));
    }

    #[test]
    fn what_a_witness_refuted_is_not_believed_because_the_witness_is_gone() {
        for last_logged in [Some(NOON - 1), None, Some(1)] {
            let watched = reading(NOON + HOUR, Some((NOON, 0)));
            let (mut clock, _) = Clock::open(watched, last_logged.map(Timestamp), Monotonic(0));
            clock.read_again(reading(NOON + HOUR + 10, None), Monotonic(10_000));
            check(&clock, 10, (ClockState::Doubted, NOON + 10));
            clock.read_again(reading(NOON + 5_000, None), Monotonic(20_000));
            check(&clock, 30, (ClockState::Trusted, NOON + 5_010));
        }
    }

    #[test]
    fn an_operators_word_reaches_an_event_whose_log_is_ahead_and_that_is_opened_after_it() {
        let vouched = reading(NOON, Some((NOON, 0)));
        let (clock, jump) = Clock::open(vouched, Some(Timestamp(NOON + HOUR)), Monotonic(0));
        assert_eq!(jump, None);
        check(&clock, 7, (ClockState::Trusted, NOON + HOUR + 7));
        let (mut behind, _) = open(NOON, None, Some(NOON + HOUR));
        check(&behind, 7, (ClockState::Behind, NOON + HOUR));
        behind.read_again(vouched, Monotonic(7_000));
        check(&behind, 9, (ClockState::Trusted, NOON + HOUR + 2));
    }

    #[test]
    fn an_event_that_slept_for_years_is_believed_when_somebody_has_watched_them() {
        let years = 4 * CLOCK_AHEAD_MS_MAX;
        for since in [NOON, NOON - HOUR, NOON + CLOCK_AHEAD_MS_MAX, 0] {
            let watched = reading(NOON + years, Some((NOON + years, since)));
            let (clock, jump) = Clock::open(watched, Some(Timestamp(NOON)), Monotonic(0));
            assert_eq!(jump, None, "watched since {since}");
            check(&clock, 7, (ClockState::Trusted, NOON + years + 7));
        }
    }

    #[test]
    fn a_process_that_has_just_begun_may_take_an_event_over_a_year() {
        let (clock, jump) = open(NOON + CLOCK_AHEAD_MS_MAX, Some(NOON + CLOCK_AHEAD_MS_MAX), Some(NOON));
        assert_eq!(jump, None);
        check(&clock, 1, (ClockState::Trusted, NOON + CLOCK_AHEAD_MS_MAX + 1));
    }
}
