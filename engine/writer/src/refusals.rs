//! A best-effort memory of refusals: a delayed duplicate of a refused request is refused again for a while.
//!
//! It is no part of the state: it is lost with the writer, and the oldest leave early when there are too many. It takes memory
//! only while there is something to remember. A sold-out flash refuses thousands of buyers a second for few reasons, so each
//! refusal is an entry of 48 bytes, and a reason stands beside them once for all that share it. The index is of hashed keys, in
//! shards that grow one at a time; nothing ever iterates it.

use std::collections::VecDeque;

use hashbrown::HashTable;
use tessera_inventory::{IdempotencyKey, Rejection, Sequence};

use crate::{Monotonic, REFUSAL_KEPT_MS, REFUSALS_BYTES_MAX, REFUSALS_MAX, TURN_COMMANDS_MAX};

/// What fills less than this part of its memory gives it back.
const SPARE_FACTOR: usize = 4;
/// It never gives back the last of it.
const CAPACITY_MIN: usize = 16;
/// Most refusals forgotten in one turn, so that none takes long; a turn adds fewer.
const FORGOTTEN_PER_TURN_MAX: usize = 4 * TURN_COMMANDS_MAX;
/// A refusal shares its reason with an earlier one if that is among so many newest reasons.
const REASONS_COMPARED_MAX: usize = 16;
/// Shards of the index, a power of two; none exists before the first refusal.
const SHARDS: usize = 256;

#[derive(Debug)]
struct Refusal {
    digest: [u64; 2],
    fingerprint: u64,
    sequence: Sequence,
    until: Monotonic,
    /// Position of its reason.
    reason: u32,
    /// The lower half of its number among the refusals of this writer.
    number: u32,
}

const _: () = assert!(size_of::<Refusal>() == 48);

/// A refusal that is given again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) sequence: Sequence,
    pub(crate) rejection: Rejection,
    /// Its number among the refusals of this writer.
    pub(crate) number: u64,
}

/// Why, for all refusals that share it.
#[derive(Debug)]
struct Reason {
    rejection: Rejection,
    sharers: u32,
}

impl Reason {
    fn weight_bytes(&self) -> usize {
        size_of::<Reason>() + heap_bytes(&self.rejection)
    }
}

/// A row of which the first leave and new ones come last. A position is counted since the beginning; it wraps around, far above what
/// can ever be in the row.
#[derive(Debug)]
struct Row<T> {
    entries: VecDeque<T>,
    first: u32,
}

impl<T> Default for Row<T> {
    fn default() -> Self {
        Row { entries: VecDeque::new(), first: 0 }
    }
}

impl<T> Row<T> {
    fn get(&self, position: u32) -> Option<&T> {
        self.entries.get(position.wrapping_sub(self.first) as usize)
    }

    fn get_mut(&mut self, position: u32) -> Option<&mut T> {
        self.entries.get_mut(position.wrapping_sub(self.first) as usize)
    }

    /// Its position.
    fn push(&mut self, entry: T) -> u32 {
        self.entries.push_back(entry);
        self.last()
    }

    fn last(&self) -> u32 {
        let length = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.first.wrapping_add(length).wrapping_sub(1)
    }

    fn pop(&mut self) -> Option<T> {
        let entry = self.entries.pop_front()?;
        self.first = self.first.wrapping_add(1);
        Some(entry)
    }

    fn give_back(&mut self) {
        if self.entries.len() < self.entries.capacity() / SPARE_FACTOR {
            self.entries.shrink_to(CAPACITY_MIN.max(2 * self.entries.len()));
        }
    }
}

/// Where each key's newest refusal stands in the row.
#[derive(Debug, Default)]
struct Index {
    shards: Vec<HashTable<u32>>,
}

impl Index {
    fn find(&self, digest: [u64; 2], row: &Row<Refusal>) -> Option<u32> {
        let is_it = |&position: &u32| row.get(position).is_some_and(|refusal| refusal.digest == digest);
        self.shards.get(shard_of(digest))?.find(hash_of(digest), is_it).copied()
    }

    /// The refusal at `position`, the newest under its digest.
    fn enter(&mut self, digest: [u64; 2], position: u32, row: &Row<Refusal>) {
        if self.shards.is_empty() {
            self.shards.resize_with(SHARDS, HashTable::new);
        }
        let is_it = |&known: &u32| row.get(known).is_some_and(|refusal| refusal.digest == digest);
        let shard = &mut self.shards[shard_of(digest)];
        shard.entry(hash_of(digest), is_it, |&known| hash_at(row, known)).insert(position);
    }

    /// Nothing, where the same key was refused again since, with another body.
    fn remove(&mut self, digest: [u64; 2], position: u32, row: &Row<Refusal>) {
        let Some(shard) = self.shards.get_mut(shard_of(digest)) else { return };
        if let Ok(entry) = shard.find_entry(hash_of(digest), |&known| known == position) {
            entry.remove();
        }
        if shard.len() < shard.capacity() / SPARE_FACTOR {
            shard.shrink_to(CAPACITY_MIN.max(2 * shard.len()), |&known| hash_at(row, known));
        }
    }
}

fn hash_at(row: &Row<Refusal>, position: u32) -> u64 {
    row.get(position).map_or(0, |refusal| hash_of(refusal.digest))
}

/// A digest is a keyed hash already: one half of it finds the place in a shard.
const fn hash_of(digest: [u64; 2]) -> u64 {
    digest[0]
}

/// And the other half the shard.
const fn shard_of(digest: [u64; 2]) -> usize {
    (digest[1] >> 48) as usize % SHARDS
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
const fn halves(digest: u128) -> [u64; 2] {
    [(digest >> 64) as u64, digest as u64]
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
const fn lower_half(number: u64) -> u32 {
    number as u32
}

/// The number with this lower half that is nearest below `newest`: far fewer are remembered than a half can tell apart.
const fn whole_number(lower: u32, newest: u64) -> u64 {
    newest.wrapping_sub(lower_half(newest).wrapping_sub(lower) as u64)
}

/// The refusals in the order they came, and where each key's newest stands.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    row: Row<Refusal>,
    index: Index,
    reasons: Row<Reason>,
    /// What the reasons weigh.
    bytes: usize,
}

impl Refusals {
    /// The refusal under this key; `newest` is the number of the last one.
    pub(crate) fn find(&self, key: &IdempotencyKey, now: Monotonic, newest: u64) -> Option<Remembered> {
        let refusal = self.row.get(self.index.find(halves(key.digest), &self.row)?)?;
        let reason = self.reasons.get(refusal.reason)?;
        let same = refusal.fingerprint == key.fingerprint && now < refusal.until;
        let (sequence, number) = (refusal.sequence, whole_number(refusal.number, newest));
        same.then(|| Remembered { sequence, rejection: reason.rejection.clone(), number })
    }

    pub(crate) fn keep(
        &mut self,
        key: &IdempotencyKey,
        now: Monotonic,
        sequence: Sequence,
        rejection: &Rejection,
        number: u64,
    ) {
        let (digest, fingerprint) = (halves(key.digest), key.fingerprint);
        let (until, reason) = (now.plus_ms(REFUSAL_KEPT_MS), self.shared_reason(rejection));
        let number = lower_half(number);
        let position = self.row.push(Refusal { digest, fingerprint, sequence, until, reason, number });
        self.index.enter(digest, position, &self.row);
        while self.row.entries.len() > REFUSALS_MAX || self.bytes > REFUSALS_BYTES_MAX {
            self.forget_first();
        }
    }

    /// Whether a duplicate could still meet its refusal here.
    pub(crate) fn are_wanted(&self, now: Monotonic) -> bool {
        self.row.entries.back().is_some_and(|newest| now < newest.until)
    }

    /// Forget those whose time is over, more than a turn can add.
    pub(crate) fn forget_old(&mut self, now: Monotonic) {
        for forgotten in 0..FORGOTTEN_PER_TURN_MAX {
            if self.row.entries.front().is_none_or(|oldest| now < oldest.until) {
                if forgotten == 0 {
                    return;
                }
                break;
            }
            self.forget_first();
        }
        if self.row.entries.is_empty() {
            *self = Refusals::default();
        }
        self.row.give_back();
        self.reasons.give_back();
    }

    /// Position of the reason, with one more to share it.
    fn shared_reason(&mut self, rejection: &Rejection) -> u32 {
        let newest = self.reasons.entries.iter_mut().rev().take(REASONS_COMPARED_MAX);
        for (back, reason) in (0..).zip(newest) {
            if reason.rejection == *rejection {
                reason.sharers += 1;
                return self.reasons.last().wrapping_sub(back);
            }
        }
        let reason = Reason { rejection: rejection.clone(), sharers: 1 };
        self.bytes += reason.weight_bytes();
        self.reasons.push(reason)
    }

    /// Forget the first refusal, and the reasons that nobody shares any more. A reason waits for those before it.
    fn forget_first(&mut self) {
        let Some(oldest) = self.row.entries.front() else { return };
        let (digest, reason) = (oldest.digest, oldest.reason);
        self.index.remove(digest, self.row.first, &self.row);
        self.row.pop();
        if let Some(reason) = self.reasons.get_mut(reason) {
            reason.sharers -= 1;
        }
        while self.reasons.entries.front().is_some_and(|reason| reason.sharers == 0)
            && let Some(reason) = self.reasons.pop()
        {
            self.bytes -= reason.weight_bytes();
        }
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
    use super::{CAPACITY_MIN, FORGOTTEN_PER_TURN_MAX, REASONS_COMPARED_MAX, Refusals, SHARDS};
    use crate::{Monotonic, REFUSAL_KEPT_MS, REFUSALS_BYTES_MAX, REFUSALS_MAX};
    use hashbrown::HashTable;
    use tessera_inventory::{IdempotencyKey, Rejection, SeatIndex, Sequence};

    fn keep(
        refusals: &mut Refusals,
        key: &IdempotencyKey,
        now: Monotonic,
        sequence: Sequence,
        rejection: &Rejection,
    ) {
        refusals.keep(key, now, sequence, rejection, 1);
    }

    fn find(refusals: &Refusals, key: &IdempotencyKey, now: Monotonic) -> Option<(Sequence, Rejection)> {
        refusals.find(key, now, 1).map(|found| (found.sequence, found.rejection))
    }

    #[test]
    fn a_refusal_keeps_its_number() {
        let half = 1_u64 << 32;
        for number in [1, half - 1, half, half + 1, 5 * half + 7] {
            let mut refusals = Refusals::default();
            refusals.keep(&key(7, 1), Monotonic(0), Sequence(3), &Rejection::HoldNotFound, number);
            for newest in [number, number + 1, number + half - 1] {
                assert_eq!(refusals.find(&key(7, 1), Monotonic(0), newest).unwrap().number, number);
            }
        }
    }

    /// Its digest is spread, as that of a hash is.
    fn key(number: u128, fingerprint: u64) -> IdempotencyKey {
        let digest = number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        IdempotencyKey { digest, fingerprint, minted_at: None }
    }

    fn filled(count: u128, rejection: &Rejection) -> Refusals {
        let mut refusals = Refusals::default();
        for digest in 0..count {
            keep(&mut refusals, &key(digest, 1), Monotonic(0), Sequence(3), rejection);
        }
        refusals
    }

    fn indexed(refusals: &Refusals) -> usize {
        refusals.index.shards.iter().map(HashTable::len).sum()
    }

    fn is_empty(refusals: &Refusals) -> bool {
        refusals.row.entries.is_empty()
            && indexed(refusals) == 0
            && refusals.reasons.entries.is_empty()
            && refusals.bytes == 0
    }

    #[test]
    fn the_same_key_and_body_find_their_refusal_for_a_minute() {
        let mut refusals = Refusals::default();
        let at = Monotonic(1_000);
        keep(&mut refusals, &key(7, 1), at, Sequence(3), &Rejection::HoldNotFound);
        let found = Some((Sequence(3), Rejection::HoldNotFound));
        assert_eq!(find(&refusals, &key(7, 1), at.plus_ms(59_999)), found);
        assert!(refusals.are_wanted(at.plus_ms(59_999)));
        assert_eq!(find(&refusals, &key(7, 1), at.plus_ms(60_000)), None, "after a minute");
        assert!(!refusals.are_wanted(at.plus_ms(60_000)));
        assert_eq!(find(&refusals, &key(7, 2), at), None, "another body");
        assert_eq!(find(&refusals, &key(8, 1), at), None, "another key");
    }

    #[test]
    fn the_oldest_leave_when_there_are_too_many() {
        let refusals = filled(REFUSALS_MAX as u128 + 1, &Rejection::HoldNotFound);
        assert_eq!((refusals.row.entries.len(), indexed(&refusals)), (REFUSALS_MAX, REFUSALS_MAX));
        assert_eq!(find(&refusals, &key(0, 1), Monotonic(0)), None);
        assert!(find(&refusals, &key(1, 1), Monotonic(0)).is_some());
    }

    /// In a thousand turns a second, in each of which others are accepted, and for different reasons.
    #[test]
    fn scenario_56_a_sold_out_flash_is_remembered_for_a_minute_at_sixteen_thousand_a_second() {
        const PER_TURN: u64 = 16;
        let mut refusals = Refusals::default();
        let sold_out = |line| Rejection::SoldOut { line, pool: None, remaining: 0, may_return: false };
        let reasons = [sold_out(0), Rejection::HoldNotFound, sold_out(1)];
        let mut every = reasons.iter().cycle();
        for turn in 0..REFUSAL_KEPT_MS {
            for count in 0..PER_TURN {
                let sequence = Sequence(turn * PER_TURN + count);
                let rejection = every.next().unwrap();
                keep(
                    &mut refusals,
                    &key(u128::from(sequence.0), 1),
                    Monotonic(0).plus_ms(turn),
                    sequence,
                    rejection,
                );
            }
        }
        let end = Monotonic(0).plus_ms(REFUSAL_KEPT_MS - 1);
        assert_eq!(
            find(&refusals, &key(0, 1), end),
            Some((Sequence(0), sold_out(0))),
            "the first of the minute"
        );
        assert_eq!(refusals.reasons.entries.len(), 3, "all turns share the reasons");
        // After a quiet minute no turn forgets more than its share.
        let later = end.plus_ms(REFUSAL_KEPT_MS);
        let kept = refusals.row.entries.len();
        refusals.forget_old(later);
        assert_eq!(refusals.row.entries.len(), kept - FORGOTTEN_PER_TURN_MAX);
        assert!(!refusals.are_wanted(later));
        for _ in 0..kept / FORGOTTEN_PER_TURN_MAX {
            refusals.forget_old(later);
        }
        assert!(is_empty(&refusals));
    }

    #[test]
    fn each_is_answered_by_its_own_reason() {
        let mut refusals = Refusals::default();
        let reasons = [Rejection::HoldNotFound, Rejection::OrderNotFound, Rejection::HoldNotFound];
        let at = |count: u64| Monotonic(0).plus_ms(count);
        for (count, rejection) in (0..9).zip(reasons.iter().cycle()) {
            keep(&mut refusals, &key(u128::from(count), 1), at(count / 4), Sequence(count), rejection);
        }
        assert_eq!(refusals.reasons.entries.len(), 2);
        refusals.forget_old(at(REFUSAL_KEPT_MS));
        for (count, rejection) in (0..9_u64).zip(reasons.iter().cycle()) {
            let expect = (count >= 4).then(|| (Sequence(count), rejection.clone()));
            assert_eq!(find(&refusals, &key(u128::from(count), 1), at(REFUSAL_KEPT_MS)), expect, "{count}");
        }
    }

    #[test]
    fn more_reasons_than_are_compared_leave_with_their_last_refusal() {
        let mut refusals = Refusals::default();
        let at = |count: u64| Monotonic(0).plus_ms(count);
        let reasons = 4 * REASONS_COMPARED_MAX as u64;
        let reason = |count: u64| {
            let remaining = u32::try_from(count % reasons).unwrap();
            Rejection::SoldOut { line: 0, pool: None, remaining, may_return: false }
        };
        for count in 0..2 * reasons {
            keep(&mut refusals, &key(u128::from(count), 1), at(count), Sequence(count), &reason(count));
        }
        for gone in 0..2 * reasons {
            refusals.forget_old(at(REFUSAL_KEPT_MS + gone));
            let left = refusals.row.entries.len();
            assert_eq!((left, refusals.reasons.entries.len()), (indexed(&refusals), left));
            let next = gone + 1;
            let found = find(&refusals, &key(u128::from(next), 1), at(REFUSAL_KEPT_MS + gone));
            assert_eq!(found, (next < 2 * reasons).then(|| (Sequence(next), reason(next))));
        }
        assert!(is_empty(&refusals));
    }

    #[test]
    fn positions_wrap_around() {
        let mut refusals = Refusals::default();
        (refusals.row.first, refusals.reasons.first) = (u32::MAX - 5, u32::MAX);
        for digest in 0..20 {
            keep(&mut refusals, &key(digest, 1), Monotonic(0), Sequence(3), &Rejection::HoldNotFound);
            keep(&mut refusals, &key(digest, 2), Monotonic(1), Sequence(4), &Rejection::OrderNotFound);
        }
        for digest in 0..20 {
            let found = find(&refusals, &key(digest, 2), Monotonic(1));
            assert_eq!(found, Some((Sequence(4), Rejection::OrderNotFound)));
        }
        refusals.forget_old(Monotonic(1).plus_ms(REFUSAL_KEPT_MS));
        assert!(is_empty(&refusals));
    }

    #[test]
    fn the_oldest_leave_when_they_take_too_many_bytes() {
        let mut refusals = Refusals::default();
        for digest in 0..100 {
            let seats = vec![SeatIndex(u32::try_from(digest).unwrap()); 50_000];
            let large = Rejection::SeatsTaken { seats };
            keep(&mut refusals, &key(digest, 1), Monotonic(0), Sequence(3), &large);
        }
        assert!(refusals.bytes <= REFUSALS_BYTES_MAX && refusals.row.entries.len() < 100);
        assert!(find(&refusals, &key(99, 1), Monotonic(0)).is_some(), "the newest is there");
    }

    #[test]
    fn memory_grows_with_use_and_is_given_back_after_a_minute() {
        assert_eq!(Refusals::default().row.entries.capacity(), 0);
        let mut refusals = filled(1, &Rejection::HoldNotFound);
        assert!(refusals.row.entries.capacity() <= CAPACITY_MIN, "one refusal takes little");
        refusals = filled(10_000, &Rejection::HoldNotFound);
        let over = Monotonic(0).plus_ms(REFUSAL_KEPT_MS);
        // A newer one is still wanted: the others go in steps, and the memory with them.
        keep(&mut refusals, &key(10_000, 1), Monotonic(1), Sequence(3), &Rejection::HoldNotFound);
        for _ in 0..10_000_usize.div_ceil(FORGOTTEN_PER_TURN_MAX) {
            refusals.forget_old(over);
        }
        assert_eq!(
            (refusals.row.entries.len(), indexed(&refusals), refusals.reasons.entries.len()),
            (1, 1, 1)
        );
        assert!(refusals.row.entries.capacity() <= CAPACITY_MIN, "{}", refusals.row.entries.capacity());
        let places: usize = refusals.index.shards.iter().map(HashTable::capacity).sum();
        assert!(places <= 2 * CAPACITY_MIN * SHARDS, "{places}");
        refusals.forget_old(over.plus_ms(1));
        assert!(is_empty(&refusals) && refusals.index.shards.is_empty());
    }

    #[test]
    fn another_body_under_the_same_key_outlives_the_first() {
        let mut refusals = filled(1, &Rejection::HoldNotFound);
        let later = Monotonic(0).plus_ms(1_000);
        keep(&mut refusals, &key(0, 2), later, Sequence(4), &Rejection::OrderNotFound);
        refusals.forget_old(Monotonic(0).plus_ms(REFUSAL_KEPT_MS));
        let found = find(&refusals, &key(0, 2), Monotonic(0).plus_ms(REFUSAL_KEPT_MS));
        assert_eq!(found, Some((Sequence(4), Rejection::OrderNotFound)));
    }
}
