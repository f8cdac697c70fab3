//! A small best-effort memory of refusals: a delayed duplicate of a refused request is refused again for a while.
//!
//! It is no part of the state: it is lost with the writer, and the oldest leave early when there are too many. It takes memory
//! only while there is something to remember.

use std::collections::{BTreeMap, VecDeque};

use tessera_inventory::{IdempotencyKey, Rejection, Sequence};

use crate::{Monotonic, REFUSAL_KEPT_MS, REFUSALS_BYTES_MAX, REFUSALS_MAX};

/// The queue gives back memory once it fills less than this part of it.
const SPARE_FACTOR: usize = 4;
/// It never gives back the last of it.
const CAPACITY_MIN: usize = 16;

#[derive(Debug)]
struct Refusal {
    digest: u128,
    fingerprint: u64,
    until: Monotonic,
    sequence: Sequence,
    rejection: Rejection,
}

impl Refusal {
    fn weight_bytes(&self) -> usize {
        size_of::<Refusal>() + heap_bytes(&self.rejection)
    }
}

/// The refusals in the order they came, and where each key's newest stands.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    queue: VecDeque<Refusal>,
    /// Position by digest, counted since the beginning.
    positions: BTreeMap<u128, u64>,
    /// Position of the first in the queue.
    first: u64,
    bytes: usize,
}

impl Refusals {
    pub(crate) fn find(&self, key: &IdempotencyKey, now: Monotonic) -> Option<(Sequence, Rejection)> {
        let place = self.positions.get(&key.digest)?.checked_sub(self.first)?;
        let refusal = self.queue.get(usize::try_from(place).ok()?)?;
        let same = refusal.fingerprint == key.fingerprint && now < refusal.until;
        same.then(|| (refusal.sequence, refusal.rejection.clone()))
    }

    pub(crate) fn keep(
        &mut self,
        key: &IdempotencyKey,
        now: Monotonic,
        sequence: Sequence,
        rejection: &Rejection,
    ) {
        let refusal = Refusal {
            digest: key.digest,
            fingerprint: key.fingerprint,
            until: now.plus_ms(REFUSAL_KEPT_MS),
            sequence,
            rejection: rejection.clone(),
        };
        self.bytes += refusal.weight_bytes();
        self.positions.insert(key.digest, self.first + self.queue.len() as u64);
        self.queue.push_back(refusal);
        while self.queue.len() > REFUSALS_MAX || self.bytes > REFUSALS_BYTES_MAX {
            self.forget_first();
        }
    }

    /// Whether a duplicate could still meet its refusal here.
    pub(crate) fn are_wanted(&self, now: Monotonic) -> bool {
        self.queue.back().is_some_and(|newest| now < newest.until)
    }

    /// Forget those whose time is over.
    pub(crate) fn forget_old(&mut self, now: Monotonic) {
        if self.queue.front().is_none_or(|oldest| now < oldest.until) {
            return;
        }
        while self.queue.front().is_some_and(|oldest| oldest.until <= now) {
            self.forget_first();
        }
        if self.queue.len() < self.queue.capacity() / SPARE_FACTOR {
            self.queue.shrink_to(CAPACITY_MIN.max(2 * self.queue.len()));
        }
    }

    fn forget_first(&mut self) {
        let Some(oldest) = self.queue.pop_front() else { return };
        self.bytes -= oldest.weight_bytes();
        // The same key may have been refused again since, with another body.
        if self.positions.get(&oldest.digest) == Some(&self.first) {
            self.positions.remove(&oldest.digest);
        }
        self.first += 1;
    }
}

/// What a refusal owns beside its own size.
fn heap_bytes(rejection: &Rejection) -> usize {
    match rejection {
        Rejection::SeatsTaken { seats } => size_of_val(&**seats),
        Rejection::StrandsSeat { alternatives, .. } => {
            size_of_val(&**alternatives)
                + alternatives.iter().map(|seats| size_of_val(&**seats)).sum::<usize>()
        }
        Rejection::InvalidConfig(error) => error.path.len() + error.problem.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY_MIN, Refusals};
    use crate::{Monotonic, REFUSAL_KEPT_MS, REFUSALS_BYTES_MAX, REFUSALS_MAX};
    use tessera_inventory::{IdempotencyKey, Rejection, SeatIndex, Sequence};

    fn key(digest: u128, fingerprint: u64) -> IdempotencyKey {
        IdempotencyKey { digest, fingerprint, minted_at: None }
    }

    fn filled(count: u128, rejection: &Rejection) -> Refusals {
        let mut refusals = Refusals::default();
        for digest in 0..count {
            refusals.keep(&key(digest, 1), Monotonic(0), Sequence(3), rejection);
        }
        refusals
    }

    #[test]
    fn the_same_key_and_body_find_their_refusal_for_a_minute() {
        let mut refusals = Refusals::default();
        let at = Monotonic(1_000);
        refusals.keep(&key(7, 1), at, Sequence(3), &Rejection::HoldNotFound);
        let found = Some((Sequence(3), Rejection::HoldNotFound));
        assert_eq!(refusals.find(&key(7, 1), at.plus_ms(59_999)), found);
        assert!(refusals.are_wanted(at.plus_ms(59_999)));
        assert_eq!(refusals.find(&key(7, 1), at.plus_ms(60_000)), None, "after a minute");
        assert!(!refusals.are_wanted(at.plus_ms(60_000)));
        assert_eq!(refusals.find(&key(7, 2), at), None, "another body");
        assert_eq!(refusals.find(&key(8, 1), at), None, "another key");
    }

    #[test]
    fn the_oldest_leave_when_there_are_too_many() {
        let refusals = filled(REFUSALS_MAX as u128 + 1, &Rejection::HoldNotFound);
        assert_eq!((refusals.queue.len(), refusals.positions.len()), (REFUSALS_MAX, REFUSALS_MAX));
        assert_eq!(refusals.find(&key(0, 1), Monotonic(0)), None);
        assert!(refusals.find(&key(1, 1), Monotonic(0)).is_some());
    }

    #[test]
    fn the_oldest_leave_when_they_take_too_many_bytes() {
        let large = Rejection::SeatsTaken { seats: vec![SeatIndex(0); 50_000] };
        let refusals = filled(100, &large);
        assert!(refusals.bytes <= REFUSALS_BYTES_MAX && refusals.queue.len() < 100);
        assert!(refusals.find(&key(99, 1), Monotonic(0)).is_some(), "the newest is there");
    }

    #[test]
    fn memory_grows_with_use_and_is_given_back_after_a_minute() {
        assert_eq!(Refusals::default().queue.capacity(), 0);
        let mut refusals = filled(1, &Rejection::HoldNotFound);
        assert!(refusals.queue.capacity() <= CAPACITY_MIN, "one refusal takes little");
        refusals = filled(10_000, &Rejection::HoldNotFound);
        refusals.forget_old(Monotonic(0).plus_ms(REFUSAL_KEPT_MS));
        assert!(refusals.queue.is_empty() && refusals.positions.is_empty() && refusals.bytes == 0);
        assert!(refusals.queue.capacity() <= CAPACITY_MIN, "{}", refusals.queue.capacity());
    }

    #[test]
    fn another_body_under_the_same_key_outlives_the_first() {
        let mut refusals = filled(1, &Rejection::HoldNotFound);
        let later = Monotonic(0).plus_ms(1_000);
        refusals.keep(&key(0, 2), later, Sequence(4), &Rejection::OrderNotFound);
        refusals.forget_old(Monotonic(0).plus_ms(REFUSAL_KEPT_MS));
        let found = refusals.find(&key(0, 2), Monotonic(0).plus_ms(REFUSAL_KEPT_MS));
        assert_eq!(found, Some((Sequence(4), Rejection::OrderNotFound)));
    }
}
