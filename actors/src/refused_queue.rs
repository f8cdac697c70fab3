//! Refusals that wait to be proven.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use metrics::{Counter, Gauge};
use tessera_proof::Place;
use tessera_writer::Refused;

use crate::REFUSED_WAITING_MAX;
use crate::meters::{Meters, number};

/// The refusals of one ownership that no page has yet: written once a turn by the shell, worked off by the notary. When it is full the
/// newest are turned away, so that a notary which cannot keep up costs nobody a sale: they are never proven, and neither is what waits
/// when the ownership is gone.
pub(crate) struct RefusedQueue {
    queue: Mutex<VecDeque<Refused>>,
    /// How many wait in all queues of the process.
    waiting: Gauge,
    /// How many will never be proven.
    lost: Counter,
}

impl RefusedQueue {
    pub(crate) fn new(meters: &Meters) -> RefusedQueue {
        RefusedQueue {
            queue: Mutex::default(),
            waiting: meters.receipts_waiting.clone(),
            lost: meters.receipts_lost.clone(),
        }
    }

    /// Take the refusals of a turn in, as far as there is room.
    pub(crate) fn push(&self, refused: Vec<Refused>) {
        let mut queue = self.locked();
        let room = REFUSED_WAITING_MAX.saturating_sub(queue.len()).min(refused.len());
        self.lost.increment((refused.len() - room) as u64);
        self.waiting.increment(number(room as u64));
        queue.extend(refused.into_iter().take(room));
    }

    /// A copy of the oldest, at most `count`: they stay until they are in a page that is durable.
    pub(crate) fn oldest(&self, count: usize) -> Vec<Refused> {
        self.locked().iter().take(count).cloned().collect()
    }

    /// Forget those up to the refusal of this epoch and number: they are in a page that is durable. Those of another writer are others.
    pub(crate) fn forget_through(&self, (epoch, last): (u64, u64)) {
        let mut queue = self.locked();
        let count = queue.partition_point(|one| one.place.epoch.0 == epoch && one.place.number <= last);
        self.waiting.decrement(number(count as u64));
        queue.drain(..count);
        if queue.is_empty() {
            queue.shrink_to(0);
        }
    }

    /// The epoch of the writer whose refusals wait; `None` where none does.
    pub(crate) fn epoch(&self) -> Option<u64> {
        self.locked().front().map(|one| one.place.epoch.0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.locked().is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.locked().len()
    }

    pub(crate) fn has(&self, place: Place) -> bool {
        let Place::Refused { epoch, number } = place else { return false };
        let queue = self.locked();
        queue.binary_search_by_key(&(epoch, number), |one| (one.place.epoch.0, one.place.number)).is_ok()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, VecDeque<Refused>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RefusedQueue {
    fn drop(&mut self) {
        let left = self.locked().len() as u64;
        self.waiting.decrement(number(left));
        self.lost.increment(left);
    }
}

impl std::fmt::Debug for RefusedQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefusedQueue").field("waiting", &self.locked().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

    use metrics::GaugeFn;
    use tessera_inventory::{Epoch, Rejection, Sequence, Timestamp};
    use tessera_writer::RefusalPlace;

    use super::*;

    #[derive(Default)]
    struct Level(AtomicI64);

    #[allow(clippy::cast_possible_truncation)] // whole numbers, and small ones
    impl GaugeFn for Level {
        fn increment(&self, value: f64) {
            self.0.fetch_add(value as i64, Ordering::Relaxed);
        }

        fn decrement(&self, value: f64) {
            self.0.fetch_sub(value as i64, Ordering::Relaxed);
        }

        fn set(&self, value: f64) {
            self.0.store(value as i64, Ordering::Relaxed);
        }
    }

    /// A queue, and what its meters show: waiting, lost.
    fn queue() -> (RefusedQueue, impl Fn() -> i64, impl Fn() -> u64) {
        let (level, count) = (Arc::new(Level::default()), Arc::new(AtomicU64::new(0)));
        let queue = RefusedQueue {
            queue: Mutex::default(),
            waiting: Gauge::from_arc(Arc::clone(&level)),
            lost: Counter::from_arc(Arc::clone(&count)),
        };
        (queue, move || level.0.load(Ordering::Relaxed), move || count.load(Ordering::Relaxed))
    }

    fn refused(number: u64) -> Refused {
        Refused {
            place: RefusalPlace { epoch: Epoch(2), number },
            sequence: Sequence(5),
            at: Timestamp(0),
            command: None,
            key: None,
            rejection: Rejection::HoldNotFound,
        }
    }

    #[test]
    fn what_is_proven_leaves_and_the_rest_waits() {
        let (queue, waiting, lost) = queue();
        queue.push((1..=5).map(refused).collect());
        assert_eq!(waiting(), 5);
        assert_eq!(queue.oldest(2), [refused(1), refused(2)]);
        queue.forget_through((2, 3));
        assert_eq!((queue.oldest(9), queue.len()), (vec![refused(4), refused(5)], 2));
        assert!(queue.has(Place::Refused { epoch: 2, number: 4 }));
        assert!(!queue.has(Place::Refused { epoch: 2, number: 3 }));
        assert!(!queue.has(Place::Accepted { sequence: 4 }));
        for other in [(1, 9), (3, 9)] {
            queue.forget_through(other);
            assert_eq!(queue.oldest(9).len(), 2, "those of another writer are others");
        }
        assert_eq!(waiting(), 2);
        queue.forget_through((2, 5));
        assert!(queue.is_empty());
        drop(queue);
        assert_eq!((waiting(), lost()), (0, 0));
    }

    #[test]
    fn what_waits_when_it_ends_is_lost() {
        let (queue, waiting, lost) = queue();
        queue.push((1..=5).map(refused).collect());
        queue.forget_through((2, 3));
        drop(queue);
        assert_eq!((waiting(), lost()), (0, 2));
    }

    #[test]
    fn it_is_bounded_and_counts_what_it_turns_away() {
        let (queue, waiting, lost) = queue();
        let turn = REFUSED_WAITING_MAX as u64 - 1;
        queue.push((1..=turn).map(refused).collect());
        assert_eq!(lost(), 0);
        queue.push((turn + 1..=turn + 3).map(refused).collect());
        assert_eq!(queue.oldest(usize::MAX).len(), REFUSED_WAITING_MAX);
        queue.push(vec![refused(turn + 9)]);
        assert_eq!((waiting(), lost()), (REFUSED_WAITING_MAX as i64, 3));
        assert_eq!(queue.oldest(1), [refused(1)], "the oldest stay");
    }
}
