//! Whether a writer that believes its clock keeps time: the clock goes as time does, what is due is done, and who waits is served.

use tessera_inventory::{EventBody, Timestamp};
use tessera_writer::{CLOCK_BEHIND_MS_MAX, Head};

use crate::oracle::{Violation, broken};

/// So much of what is due may be overdue in logged time, in milliseconds, when a writer that does nothing is looked at twice.
const LATE_MS: u64 = 1_000;
/// How much faster a clock may seem to go, in milliseconds: all are read in whole ones.
const ROUNDING_MS: u64 = 10;

/// What was seen of one life of a node.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Logged time when the clock was seen to be believed first, and the time of the world then, in microseconds.
    believed: Option<(Timestamp, u64)>,
    /// What was overdue, and over which head, when it was looked at last.
    overdue: Option<(Timestamp, Head)>,
    /// Over which head something was to follow from the state, when it was looked at last.
    unserved: Option<Head>,
}

impl Pace {
    /// Logged time goes neither faster nor slower than time. It may have stood still until time had caught up with it.
    pub(crate) fn goes(&mut self, logged: Timestamp, now_us: u64) -> Result<(), Violation> {
        let (from, since_us) = *self.believed.get_or_insert((logged, now_us));
        let expected = from.plus_ms(now_us.saturating_sub(since_us) / 1_000);
        let is_right = logged.plus_ms(CLOCK_BEHIND_MS_MAX + ROUNDING_MS) >= expected
            && logged <= expected.plus_ms(ROUNDING_MS);
        if is_right {
            return Ok(());
        }
        Err(broken("a clock that is believed goes as time does", format!("{logged} instead of {expected}")))
    }

    /// The writer does nothing, over a state from which nothing is to follow.
    pub(crate) fn serves(&mut self, follows: Option<&EventBody>, head: Head) -> Result<(), Violation> {
        let before = std::mem::replace(&mut self.unserved, follows.map(|_| head));
        match follows.filter(|_| before == Some(head)) {
            Some(body) => Err(broken("who waits and fits is served at once", format!("{body:?} is to come"))),
            None => Ok(()),
        }
    }

    /// The writer does nothing: what is due next, as far as it knows.
    pub(crate) fn rests(
        &mut self,
        due: Option<Timestamp>,
        logged: Timestamp,
        head: Head,
    ) -> Result<(), Violation> {
        let overdue = due.filter(|due| due.plus_ms(LATE_MS) < logged).map(|due| (due, head));
        let before = std::mem::replace(&mut self.overdue, overdue);
        match overdue.filter(|_| overdue == before) {
            Some((due, _)) => {
                Err(broken("what is due is done in time", format!("due at {due}, not done at {logged}")))
            }
            None => Ok(()),
        }
    }

    /// It has something to do, or cannot do anything.
    pub(crate) fn works(&mut self) {
        self.overdue = None;
        self.unserved = None;
    }
}

#[cfg(test)]
mod tests {
    use tessera_inventory::{EventBody, Phase, Timestamp};
    use tessera_writer::Head;

    use super::Pace;

    const NOON: Timestamp = Timestamp(1_900_000_000_000);

    /// After ten seconds logged time has gone on by this.
    fn after_ten_seconds(by_ms: u64) -> bool {
        let mut pace = Pace::default();
        pace.goes(NOON, 5_000_000).is_ok() && pace.goes(NOON.plus_ms(by_ms), 15_000_000).is_ok()
    }

    #[test]
    fn a_clock_at_half_or_double_speed_is_noticed() {
        assert!(after_ten_seconds(10_000));
        assert!(after_ten_seconds(5_000), "it stood still until time had caught up");
        assert!(!after_ten_seconds(4_000));
        assert!(!after_ten_seconds(20_000));
    }

    #[test]
    fn what_is_overdue_twice_at_rest_is_late() {
        let mut pace = Pace::default();
        let (early, late) = (NOON.plus_ms(900), NOON.plus_ms(1_100));
        assert!(pace.rests(Some(NOON), early, Head::GENESIS).is_ok());
        assert!(pace.rests(Some(NOON), late, Head::GENESIS).is_ok(), "its turn may be about to begin");
        pace.works();
        assert!(pace.rests(Some(NOON), late, Head::GENESIS).is_ok());
        assert!(pace.rests(Some(NOON), late, Head::GENESIS).is_err());
        assert!(pace.rests(None, late, Head::GENESIS).is_ok());
    }

    #[test]
    fn who_is_not_served_twice_at_rest_is_passed() {
        let mut pace = Pace::default();
        let to_come = EventBody::PhaseChanged { to: Phase::Closed };
        assert!(pace.serves(Some(&to_come), Head::GENESIS).is_ok(), "its turn may be about to begin");
        pace.works();
        assert!(pace.serves(Some(&to_come), Head::GENESIS).is_ok());
        assert!(pace.serves(None, Head::GENESIS).is_ok());
        assert!(pace.serves(Some(&to_come), Head::GENESIS).is_ok());
        assert!(pace.serves(Some(&to_come), Head::GENESIS).is_err());
    }
}
