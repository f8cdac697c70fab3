//! A best-effort memory of refusals: a delayed duplicate of a refused request is refused again for a while.
//!
//! It is no part of the state: it is lost with the writer, and the oldest leave early when there are too many. It takes memory
//! only while there is something to remember. A sold-out flash refuses thousands of buyers a second for few reasons, so each
//! refusal is an entry of 32 bytes, and what many in a row share (reason, sequence, time) stands beside them once.

use std::collections::{BTreeMap, VecDeque};

use tessera_inventory::{IdempotencyKey, Rejection, Sequence};

use crate::{Monotonic, REFUSAL_KEPT_MS, REFUSALS_BYTES_MAX, REFUSALS_MAX, TURN_COMMANDS_MAX};

/// A queue gives back memory once it fills less than this part of it.
const SPARE_FACTOR: usize = 4;
/// It never gives back the last of it.
const CAPACITY_MIN: usize = 16;
/// Most refusals forgotten in one turn, so that none takes long; a turn adds fewer.
const FORGOTTEN_PER_TURN_MAX: usize = 4 * TURN_COMMANDS_MAX;

#[derive(Debug)]
struct Refusal {
    digest: u128,
    fingerprint: u64,
    /// Position of its reason, counted since the beginning.
    reason: u64,
}

const _: () = assert!(size_of::<Refusal>() == 32);

/// Why, for refusals that followed one another at the same time.
#[derive(Debug, PartialEq, Eq)]
struct Reason {
    until: Monotonic,
    sequence: Sequence,
    rejection: Rejection,
}

impl Reason {
    fn weight_bytes(&self) -> usize {
        size_of::<Reason>() + heap_bytes(&self.rejection)
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
    reasons: VecDeque<Reason>,
    /// Position of the first reason.
    first_reason: u64,
    /// What the reasons weigh.
    bytes: usize,
}

impl Refusals {
    pub(crate) fn find(&self, key: &IdempotencyKey, now: Monotonic) -> Option<(Sequence, Rejection)> {
        let place = self.positions.get(&key.digest)?.checked_sub(self.first)?;
        let refusal = self.queue.get(usize::try_from(place).ok()?)?;
        let reason = self.reason_of(refusal)?;
        let same = refusal.fingerprint == key.fingerprint && now < reason.until;
        same.then(|| (reason.sequence, reason.rejection.clone()))
    }

    pub(crate) fn keep(
        &mut self,
        key: &IdempotencyKey,
        now: Monotonic,
        sequence: Sequence,
        rejection: &Rejection,
    ) {
        let until = now.plus_ms(REFUSAL_KEPT_MS);
        let is_shared = self.reasons.back().is_some_and(|last| {
            (last.until, last.sequence) == (until, sequence) && last.rejection == *rejection
        });
        if !is_shared {
            let reason = Reason { until, sequence, rejection: rejection.clone() };
            self.bytes += reason.weight_bytes();
            self.reasons.push_back(reason);
        }
        let reason = self.first_reason + self.reasons.len() as u64 - 1;
        self.positions.insert(key.digest, self.first + self.queue.len() as u64);
        self.queue.push_back(Refusal { digest: key.digest, fingerprint: key.fingerprint, reason });
        while self.queue.len() > REFUSALS_MAX || self.bytes > REFUSALS_BYTES_MAX {
            self.forget_first();
        }
    }

    /// Whether a duplicate could still meet its refusal here.
    pub(crate) fn are_wanted(&self, now: Monotonic) -> bool {
        self.reasons.back().is_some_and(|newest| now < newest.until)
    }

    /// Forget those whose time is over: all at once after a quiet minute, otherwise more than a turn can add.
    pub(crate) fn forget_old(&mut self, now: Monotonic) {
        if self.reasons.front().is_none_or(|oldest| now < oldest.until) {
            return;
        }
        if !self.are_wanted(now) {
            *self = Refusals::default();
            return;
        }
        for _ in 0..FORGOTTEN_PER_TURN_MAX {
            if self.reasons.front().is_none_or(|oldest| now < oldest.until) {
                break;
            }
            self.forget_first();
        }
        give_back(&mut self.queue);
        give_back(&mut self.reasons);
    }

    fn reason_of(&self, refusal: &Refusal) -> Option<&Reason> {
        let place = refusal.reason.checked_sub(self.first_reason)?;
        self.reasons.get(usize::try_from(place).ok()?)
    }

    /// Forget the first refusal, and its reason if it was the last to share it.
    fn forget_first(&mut self) {
        let Some(oldest) = self.queue.pop_front() else { return };
        // The same key may have been refused again since, with another body.
        if self.positions.get(&oldest.digest) == Some(&self.first) {
            self.positions.remove(&oldest.digest);
        }
        self.first += 1;
        if self.queue.front().is_none_or(|next| next.reason != oldest.reason)
            && let Some(reason) = self.reasons.pop_front()
        {
            self.bytes -= reason.weight_bytes();
            self.first_reason += 1;
        }
    }
}

fn give_back<T>(queue: &mut VecDeque<T>) {
    if queue.len() < queue.capacity() / SPARE_FACTOR {
        queue.shrink_to(CAPACITY_MIN.max(2 * queue.len()));
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
    use super::{CAPACITY_MIN, FORGOTTEN_PER_TURN_MAX, Refusals};
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
    fn scenario_56_a_sold_out_flash_is_remembered_for_a_minute_at_sixteen_thousand_a_second() {
        const PER_TURN: u64 = 160;
        let mut refusals = Refusals::default();
        let sold_out = Rejection::SoldOut { line: 0, pool: None, remaining: 0, may_return: false };
        let turns = REFUSAL_KEPT_MS / 10;
        for turn in 0..turns {
            let now = Monotonic(0).plus_ms(turn * 10);
            for count in 0..PER_TURN {
                refusals.keep(&key(u128::from(turn * PER_TURN + count), 1), now, Sequence(turn), &sold_out);
            }
        }
        let end = Monotonic(0).plus_ms(REFUSAL_KEPT_MS - 1);
        assert_eq!(refusals.find(&key(0, 1), end), Some((Sequence(0), sold_out)), "the first of the minute");
        assert!(refusals.reasons.len() as u64 <= turns, "a turn shares one reason");
        refusals.forget_old(end.plus_ms(REFUSAL_KEPT_MS));
        assert!(refusals.queue.is_empty() && refusals.reasons.is_empty() && refusals.bytes == 0);
    }

    #[test]
    fn each_is_answered_by_its_own_reason() {
        let mut refusals = Refusals::default();
        let reasons = [Rejection::HoldNotFound, Rejection::OrderNotFound, Rejection::HoldNotFound];
        let at = |count: u64| Monotonic(0).plus_ms(count);
        for (count, rejection) in (0..9).zip(reasons.iter().cycle()) {
            refusals.keep(&key(u128::from(count), 1), at(count / 4), Sequence(3), rejection);
        }
        refusals.forget_old(at(REFUSAL_KEPT_MS));
        for (count, rejection) in (0..9_u64).zip(reasons.iter().cycle()) {
            let expect = (count >= 4).then(|| (Sequence(3), rejection.clone()));
            assert_eq!(refusals.find(&key(u128::from(count), 1), at(REFUSAL_KEPT_MS)), expect, "{count}");
        }
    }

    #[test]
    fn the_oldest_leave_when_they_take_too_many_bytes() {
        let mut refusals = Refusals::default();
        for digest in 0..100 {
            let seats = vec![SeatIndex(u32::try_from(digest).unwrap()); 50_000];
            let large = Rejection::SeatsTaken { seats };
            refusals.keep(&key(digest, 1), Monotonic(0), Sequence(3), &large);
        }
        assert!(refusals.bytes <= REFUSALS_BYTES_MAX && refusals.queue.len() < 100);
        assert!(refusals.find(&key(99, 1), Monotonic(0)).is_some(), "the newest is there");
    }

    #[test]
    fn memory_grows_with_use_and_is_given_back_after_a_minute() {
        assert_eq!(Refusals::default().queue.capacity(), 0);
        let mut refusals = filled(1, &Rejection::HoldNotFound);
        assert!(refusals.queue.capacity() <= CAPACITY_MIN, "one refusal takes little");
        refusals = filled(10_000, &Rejection::HoldNotFound);
        let over = Monotonic(0).plus_ms(REFUSAL_KEPT_MS);
        // A newer one is still wanted: the others go in steps, and the memory with them.
        refusals.keep(&key(10_000, 1), Monotonic(1), Sequence(3), &Rejection::HoldNotFound);
        for _ in 0..10_000_usize.div_ceil(FORGOTTEN_PER_TURN_MAX) {
            refusals.forget_old(over);
        }
        assert_eq!((refusals.queue.len(), refusals.positions.len(), refusals.reasons.len()), (1, 1, 1));
        assert!(refusals.queue.capacity() <= CAPACITY_MIN, "{}", refusals.queue.capacity());
        refusals.forget_old(over.plus_ms(1));
        assert!(refusals.queue.is_empty() && refusals.positions.is_empty() && refusals.bytes == 0);
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
