//! Refusals that wait to be proven.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tessera_proof::Place;
use tessera_writer::Refused;

use crate::REFUSED_WAITING_MAX;

/// The refusals of one ownership that no page has yet: written once a turn by the shell, worked off by the notary. When it is full the
/// newest are turned away, so that a notary which cannot keep up costs nobody a sale: they are never proven.
#[derive(Debug, Default)]
pub(crate) struct RefusedQueue(Mutex<VecDeque<Refused>>);

impl RefusedQueue {
    /// Take the refusals of a turn in. Returns how many were turned away.
    pub(crate) fn push(&self, refused: Vec<Refused>) -> usize {
        let mut waiting = self.locked();
        let room = REFUSED_WAITING_MAX.saturating_sub(waiting.len());
        let lost = refused.len().saturating_sub(room);
        waiting.extend(refused.into_iter().take(room));
        lost
    }

    /// A copy of the oldest, at most `count`: they stay until they are in a page that is durable.
    pub(crate) fn oldest(&self, count: usize) -> Vec<Refused> {
        self.locked().iter().take(count).cloned().collect()
    }

    /// Forget those up to the refusal of this epoch and number: they are in a page that is durable. Those of another writer are others.
    pub(crate) fn forget_through(&self, (epoch, number): (u64, u64)) {
        let mut waiting = self.locked();
        let count = waiting.partition_point(|one| one.place.epoch.0 == epoch && one.place.number <= number);
        waiting.drain(..count);
        if waiting.is_empty() {
            waiting.shrink_to(0);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.locked().is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.locked().len()
    }

    pub(crate) fn has(&self, place: Place) -> bool {
        let Place::Refused { epoch, number } = place else { return false };
        let waiting = self.locked();
        waiting.binary_search_by_key(&(epoch, number), |one| (one.place.epoch.0, one.place.number)).is_ok()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, VecDeque<Refused>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tessera_inventory::{Epoch, Rejection, Sequence, Timestamp};
    use tessera_writer::RefusalPlace;

    use super::*;

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
        let queue = RefusedQueue::default();
        assert_eq!(queue.push((1..=5).map(refused).collect()), 0);
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
        queue.forget_through((2, 5));
        assert!(queue.is_empty());
    }

    #[test]
    fn it_is_bounded_and_counts_what_it_turns_away() {
        let queue = RefusedQueue::default();
        let turn = REFUSED_WAITING_MAX as u64 - 1;
        assert_eq!(queue.push((1..=turn).map(refused).collect()), 0);
        assert_eq!(queue.push((turn + 1..=turn + 3).map(refused).collect()), 2);
        assert_eq!(queue.oldest(usize::MAX).len(), REFUSED_WAITING_MAX);
        assert_eq!(queue.push(vec![refused(turn + 9)]), 1);
        assert_eq!(queue.oldest(1), [refused(1)], "the oldest stay");
    }
}
