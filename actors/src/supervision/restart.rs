//! When a failed child is started again: a budget of restarts within a window, and an exponential back-off with jitter.

use std::collections::VecDeque;

use tessera_writer::Monotonic;

use crate::{Limits, Random};

/// What to do with a failed child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Start it again after this many milliseconds.
    RestartAfter(u64),
    /// The budget is used up: report to the parent.
    GiveUp,
}

/// The restarts of one child.
#[derive(Clone, Debug, Default)]
pub(crate) struct RestartBudget {
    failures: VecDeque<Monotonic>,
}

impl RestartBudget {
    /// The child failed at `now`.
    pub(crate) fn failed(&mut self, now: Monotonic, limits: &Limits, random: &dyn Random) -> Verdict {
        while self.failures.front().is_some_and(|at| now.since_ms(*at) >= limits.restart_window_ms) {
            self.failures.pop_front();
        }
        if self.failures.len() >= limits.restarts_max as usize {
            return Verdict::GiveUp;
        }
        let before = u32::try_from(self.failures.len()).unwrap_or(u32::MAX);
        self.failures.push_back(now);
        Verdict::RestartAfter(backoff_ms(before, limits, random))
    }
}

/// The pause after a failure that so many others came before, with jitter.
pub(crate) fn backoff_ms(failures_before: u32, limits: &Limits, random: &dyn Random) -> u64 {
    let doublings = failures_before.min(u64::BITS - 1);
    let backoff_ms =
        limits.restart_backoff_ms_min.saturating_mul(1 << doublings).min(limits.restart_backoff_ms_max);
    backoff_ms + jitter_ms(backoff_ms, random)
}

/// Uniform from 0 to `span_ms`.
fn jitter_ms(span_ms: u64, random: &dyn Random) -> u64 {
    let share = random.bits() % (u128::from(span_ms) + 1);
    u64::try_from(share).unwrap_or(span_ms)
}

#[cfg(test)]
mod tests {
    use super::{RestartBudget, Verdict};
    use crate::{Limits, Random};
    use tessera_writer::Monotonic;

    struct Fixed(u128);

    impl Random for Fixed {
        fn bits(&self) -> u128 {
            self.0
        }
    }

    /// Gives the waits on failures at these times, in milliseconds; `None`: given up.
    fn check(random: u128, failures_ms: &[u64], expect: &[Option<u64>]) {
        let limits = Limits {
            restarts_max: 4,
            restart_window_ms: 1_000,
            restart_backoff_ms_min: 10,
            restart_backoff_ms_max: 50,
            ..Limits::default()
        };
        let mut budget = RestartBudget::default();
        let found: Vec<_> = failures_ms
            .iter()
            .map(|ms| match budget.failed(Monotonic(ms * 1_000), &limits, &Fixed(random)) {
                Verdict::RestartAfter(wait_ms) => Some(wait_ms),
                Verdict::GiveUp => None,
            })
            .collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn waits_double_up_to_the_longest_and_the_budget_ends() {
        check(0, &[0, 1, 2, 3, 4], &[Some(10), Some(20), Some(40), Some(50), None]);
    }

    #[test]
    fn jitter_adds_at_most_as_much_again() {
        check(10, &[0, 1], &[Some(20), Some(30)]);
        check(u128::MAX, &[0], &[Some(10 + u64::try_from(u128::MAX % 11).unwrap_or(0))]);
    }

    #[test]
    fn failures_outside_of_the_window_are_forgotten() {
        check(0, &[0, 1, 2, 3, 1_003], &[Some(10), Some(20), Some(40), Some(50), Some(10)]);
    }
}
