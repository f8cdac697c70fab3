//! When a failed writer may be started again, and when its event is left alone.

use crate::{Monotonic, QUARANTINE_FAILURES, QUARANTINE_QUIET_MS, RESTART_MS_MAX, RESTART_MS_MIN};

/// What becomes of an event whose writer failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Rebuild its writer from the log, not before this time.
    RestartAt(Monotonic),
    /// It failed too often: its requests are refused until an operator repairs it. Other events go on.
    Quarantined,
}

/// Counts the failures of one event's writer since it last ran quietly for [`QUARANTINE_QUIET_MS`].
#[derive(Clone, Debug, Default)]
pub struct Quarantine {
    failures: u32,
    failed_at: Monotonic,
    quarantined: bool,
}

impl Quarantine {
    /// The writer failed (panicked) at `now`.
    pub fn failed(&mut self, now: Monotonic) -> Verdict {
        if now.since_ms(self.failed_at) >= QUARANTINE_QUIET_MS {
            self.failures = 0;
        }
        self.failures += 1;
        self.failed_at = now;
        if self.quarantined || self.failures >= QUARANTINE_FAILURES {
            self.set();
            return Verdict::Quarantined;
        }
        let doublings = self.failures - 1;
        Verdict::RestartAt(now.plus_ms((RESTART_MS_MIN << doublings).min(RESTART_MS_MAX)))
    }

    /// Whether the event is quarantined.
    #[must_use]
    pub fn is_quarantined(&self) -> bool {
        self.quarantined
    }

    /// Leave the event alone, however often it failed.
    pub fn set(&mut self) {
        self.quarantined = true;
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::{Quarantine, Verdict};
    use crate::{Monotonic, QUARANTINE_QUIET_MS};

    /// Gives the verdicts on failures at these times, in milliseconds: a wait in milliseconds, or `None` for quarantine.
    fn check(failures_ms: &[u64], expect: &[Option<u64>]) {
        let mut quarantine = Quarantine::default();
        let found: Vec<_> = failures_ms
            .iter()
            .map(|ms| match quarantine.failed(Monotonic(ms * 1_000)) {
                Verdict::RestartAt(at) => Some(at.0 / 1_000 - ms),
                Verdict::Quarantined => None,
            })
            .collect();
        assert_eq!(found, expect, "failures at {failures_ms:?}");
    }

    #[test]
    fn scenario_23_restarts_wait_longer_and_end_in_quarantine() {
        check(&[0], &[Some(100)]);
        check(&[0, 200, 600, 1_400, 3_000], &[Some(100), Some(200), Some(400), Some(800), None]);
        check(&[0, 1, 2, 3, 4, 900_000], &[Some(100), Some(200), Some(400), Some(800), None, None]);
        let quiet = QUARANTINE_QUIET_MS;
        check(&[0, 1, 2, 3, quiet + 3], &[Some(100), Some(200), Some(400), Some(800), Some(100)]);
        check(&[0, 1, 2, 3, quiet + 2], &[Some(100), Some(200), Some(400), Some(800), None]);
    }

    #[test]
    fn scenario_23_a_command_that_fails_now_and_then_does_not_fail_for_ever() {
        for every_ms in [15_000, 60_000, QUARANTINE_QUIET_MS - 1] {
            let failures: Vec<u64> = (0..5).map(|count| count * every_ms).collect();
            check(&failures, &[Some(100), Some(200), Some(400), Some(800), None]);
        }
    }

    #[test]
    fn an_event_that_is_set_aside_stays_so() {
        let mut quarantine = Quarantine::default();
        assert_eq!(quarantine.failed(Monotonic(9)), Verdict::RestartAt(Monotonic(100_009)));
        quarantine.set();
        assert!(quarantine.is_quarantined());
        assert_eq!(quarantine.failed(Monotonic(10)), Verdict::Quarantined);
    }
}
