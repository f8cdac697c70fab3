//! Idempotency records: which key was accepted with which body, as which event.
//!
//! A record is 16 bytes. Those of payments and orders stay for ever; the others leave in the order they came, a page at
//! a time: once a page is older than [`KEY_RETENTION_MS`], or older than [`KEY_YOUTH_MS`] while there are more than
//! [`RECENT_KEYS`], or when there would be more than [`RECENT_KEYS_MAX`]. That happens when an event is applied and depends on
//! logged times only, so that a replay forgets the same records.

use std::collections::VecDeque;

use crate::digest::{Kind, Mix, low_half};
use crate::index::{Index, hash_of};
use crate::paged::Paged;
use crate::{IdempotencyKey, KEY_RETENTION_MS, KeyMark, Sequence, Timestamp};

/// Records, of those that are not kept for ever, beyond which old ones leave before their day is over: about 117 MB.
pub(crate) const RECENT_KEYS: usize = 1 << 22;
/// Most records that are not kept for ever: about 470 MB. An event that accepts 28,000 requests a second for as long as
/// [`KEY_YOUTH_MS`] reaches it.
pub(crate) const RECENT_KEYS_MAX: usize = 1 << 24;
/// How long a record stays though there are more than [`RECENT_KEYS`]: clients retry, and their clocks are off.
pub(crate) const KEY_YOUTH_MS: u64 = 2 * KEY_SKEW_MS;
/// How far a client's clock may be off: a key minted so long after the horizon may have been used before it by a client
/// whose clock is fast, and is refused; one minted so long before now by a client whose clock is slow is not.
pub(crate) const KEY_SKEW_MS: u64 = 5 * 60_000;
/// Records that leave together.
pub(crate) const RECENT_PAGE: usize = 1_024;

const SEQUENCE_BITS: u32 = 40;
const SEQUENCE_MASK: u64 = (1 << SEQUENCE_BITS) - 1;
/// In the index: the record is one that stays.
const SETTLED: u32 = 1 << 31;
const POSITION_MASK: u64 = (1 << 31) - 1;

// A position in the index is unique while fewer records than positions are kept.
const _: () = assert!((RECENT_KEYS_MAX + RECENT_PAGE) < (1 << 31));

/// One record: the key's low half, and 40 bits of sequence under 24 bits of fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) key: u64,
    pub(crate) mark: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct RecentPage {
    pub(crate) records: Vec<Record>,
    pub(crate) last_at: Timestamp,
}

/// What the records say about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Not among them.
    Never,
    /// Its record left, or would have.
    TooOld,
    /// Accepted with the same body, as this event.
    Same(Sequence),
    /// Accepted with another body.
    Other,
}

/// The records of one event.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    settled: Paged<Record>,
    recent: VecDeque<RecentPage>,
    /// Position, since the beginning of the log, of the first recent record; a multiple of the page.
    first: u64,
    horizon: Timestamp,
    index: Index,
    sum: u128,
}

impl Record {
    fn new(mark: KeyMark, sequence: Sequence) -> Self {
        let sequence = sequence.0 & SEQUENCE_MASK;
        Record { key: low_half(mark.digest), mark: sequence | mark.fingerprint << SEQUENCE_BITS }
    }

    fn sequence(self) -> Sequence {
        Sequence(self.mark & SEQUENCE_MASK)
    }

    fn hash(self) -> u64 {
        hash_of(self.key)
    }

    fn mix(self) -> u128 {
        Mix::new(Kind::Key).word(self.key).word(self.mark).finish()
    }
}

impl Keys {
    pub(crate) fn new() -> Self {
        Keys {
            settled: Paged::new(),
            recent: VecDeque::new(),
            first: 0,
            horizon: Timestamp(0),
            index: Index::default(),
            sum: 0,
        }
    }

    /// From the columns of an image.
    pub(crate) fn from_parts(
        settled: impl Iterator<Item = Record>,
        recent: VecDeque<RecentPage>,
        first: u64,
        horizon: Timestamp,
    ) -> Self {
        let mut keys = Keys { recent, first, horizon, ..Keys::new() };
        let mut entries = Vec::new();
        for record in settled {
            entries.push((record.hash(), keys.settled.push(record) | SETTLED));
        }
        let records = keys.recent.iter().flat_map(|page| &page.records);
        entries.extend((first..).zip(records).map(|(at, record)| (record.hash(), in_index(at))));
        keys.index.fill(&entries);
        keys.sum = keys.fresh_sum();
        keys
    }

    /// What is known about a key at `now`.
    #[inline]
    pub(crate) fn seen(&self, key: &IdempotencyKey, now: Timestamp) -> Seen {
        let (settled, recent, first) = (&self.settled, &self.recent, self.first);
        let low = low_half(key.digest);
        let found = self.index.find(hash_of(low), |&at| record(settled, recent, first, at).key == low);
        let Some(at) = found else {
            let forgotten = |minted_at: Timestamp| {
                minted_at.plus_ms(KEY_RETENTION_MS) < now || self.may_have_left(minted_at, now)
            };
            return if key.minted_at.is_some_and(forgotten) { Seen::TooOld } else { Seen::Never };
        };
        let found = record(settled, recent, first, at);
        let same = found.mark >> SEQUENCE_BITS == (key.fingerprint << SEQUENCE_BITS) >> SEQUENCE_BITS;
        if same { Seen::Same(found.sequence()) } else { Seen::Other }
    }

    /// Whether the record of a key that its client minted then, by its own clock, may be gone. Where records left so early
    /// that clocks which are off by [`KEY_SKEW_MS`] either way cannot be told apart, fast and slow ones share what there is.
    fn may_have_left(&self, minted_at: Timestamp, now: Timestamp) -> bool {
        let kept_ms = now.0.saturating_sub(self.horizon.0);
        self.horizon.0 > 0 && minted_at <= self.horizon.plus_ms(KEY_SKEW_MS.min(kept_ms / 2))
    }

    /// Records an accepted key.
    #[inline]
    pub(crate) fn insert(&mut self, mark: KeyMark, sequence: Sequence, at: Timestamp, for_ever: bool) {
        let record_new = Record::new(mark, sequence);
        self.sum = self.sum.wrapping_add(record_new.mix());
        let position = if for_ever {
            let position = self.settled.push(record_new);
            assert!(position < SETTLED, "too many records are kept for ever");
            position | SETTLED
        } else {
            self.push_recent(record_new, at)
        };
        let (settled, recent, first) = (&self.settled, &self.recent, self.first);
        self.index.insert(record_new.hash(), position, |at| record(settled, recent, first, at).hash());
    }

    /// Appends a recent record, and returns its position for the index.
    fn push_recent(&mut self, record: Record, at: Timestamp) -> u32 {
        if self.recent.back().is_none_or(|page| page.records.len() == RECENT_PAGE) {
            self.recent.push_back(RecentPage { records: Vec::with_capacity(RECENT_PAGE), last_at: at });
        }
        let pages_before = self.recent.len() as u64 - 1;
        let Some(page) = self.recent.back_mut() else { unreachable!("a page was just pushed") };
        let position = self.first + pages_before * RECENT_PAGE as u64 + page.records.len() as u64;
        page.records.push(record);
        page.last_at = at;
        in_index(position)
    }

    /// Forgets at most one page of records that are too old at `at`, or too many.
    #[inline]
    pub(crate) fn forget_old(&mut self, at: Timestamp) {
        let Some(oldest) = self.recent.front() else { return };
        let is_full = oldest.records.len() == RECENT_PAGE;
        if is_full && leaves(self.recent.len(), at.0.saturating_sub(oldest.last_at.0)) {
            self.forget_page();
        }
    }

    fn forget_page(&mut self) {
        let Some(page) = self.recent.pop_front() else { return };
        for (position, record) in (self.first..).zip(&page.records) {
            self.index.remove(record.hash(), in_index(position));
            self.sum = self.sum.wrapping_sub(record.mix());
        }
        // The mix has both: it is taken out before either moves.
        self.sum = self.sum.wrapping_sub(self.horizon_mix());
        self.first += RECENT_PAGE as u64;
        self.horizon = page.last_at;
        self.sum = self.sum.wrapping_add(self.horizon_mix());
    }

    /// Records of this logged time and before may be gone; zero: none is.
    pub(crate) fn horizon(&self) -> Timestamp {
        self.horizon
    }

    /// Position of the first recent record.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    pub(crate) fn settled(&self) -> impl Iterator<Item = &Record> {
        self.settled.iter()
    }

    pub(crate) fn recent(&self) -> impl Iterator<Item = &RecentPage> {
        self.recent.iter()
    }

    /// Number of keys in the index; the same as of records.
    pub(crate) fn indexed(&self) -> usize {
        self.index.len()
    }

    /// The digest's share of the records, kept incrementally.
    pub(crate) fn sum(&self) -> u128 {
        self.sum
    }

    /// The digest's share of the records, from scratch.
    pub(crate) fn fresh_sum(&self) -> u128 {
        let records = self.settled.iter().chain(self.recent.iter().flat_map(|page| &page.records));
        records.fold(self.horizon_mix(), |sum, record| sum.wrapping_add(record.mix()))
    }

    fn horizon_mix(&self) -> u128 {
        if self.horizon.0 == 0 {
            return 0;
        }
        Mix::new(Kind::KeyHorizon).word(self.horizon.0).word(self.first).finish()
    }
}

/// Whether the oldest of so many pages leaves when it is that old.
const fn leaves(pages: usize, age_ms: u64) -> bool {
    age_ms > KEY_RETENTION_MS
        || (age_ms > KEY_YOUTH_MS && pages > RECENT_KEYS / RECENT_PAGE)
        || pages > RECENT_KEYS_MAX / RECENT_PAGE
}

#[allow(clippy::cast_possible_truncation)] // masked to 31 bits
fn in_index(position: u64) -> u32 {
    (position & POSITION_MASK) as u32
}

/// The record at a position of the index.
#[inline]
fn record(settled: &Paged<Record>, recent: &VecDeque<RecentPage>, first: u64, at: u32) -> Record {
    if at & SETTLED != 0 {
        return *settled.get(at & !SETTLED);
    }
    let offset = (u64::from(at).wrapping_sub(first) & POSITION_MASK) as usize;
    recent[offset / RECENT_PAGE].records[offset % RECENT_PAGE]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(digest: u128, fingerprint: u64, minted_at: Option<u64>) -> IdempotencyKey {
        IdempotencyKey { digest, fingerprint, minted_at: minted_at.map(Timestamp) }
    }

    fn mark(digest: u128) -> KeyMark {
        KeyMark { digest, fingerprint: 7 }
    }

    #[test]
    fn a_page_leaves_after_a_day_and_settled_records_stay() {
        let mut keys = Keys::new();
        keys.insert(mark(1), Sequence(1), Timestamp(1_000), true);
        for digest in 2..2 + RECENT_PAGE as u128 + 1 {
            keys.insert(mark(digest << 3), Sequence(9), Timestamp(2_000), false);
        }
        let later = Timestamp(2_001 + KEY_RETENTION_MS);
        keys.forget_old(Timestamp(later.0 - 1));
        assert_eq!(keys.seen(&key(2 << 3, 7, None), later), Seen::Same(Sequence(9)));
        keys.forget_old(later);
        assert_eq!(keys.seen(&key(2 << 3, 7, None), later), Seen::Never);
        let minted = |ms: u64| keys.seen(&key(2 << 3, 7, Some(ms)), later);
        assert_eq!(minted(2_000), Seen::TooOld);
        // The client's clock may have been fast when it used the key.
        assert_eq!(minted(2_000 + KEY_SKEW_MS), Seen::TooOld);
        assert_eq!(minted(2_001 + KEY_SKEW_MS), Seen::Never);
        assert_eq!(keys.seen(&key(1, 7, None), later), Seen::Same(Sequence(1)));
        assert_eq!(keys.seen(&key(1, 8, None), later), Seen::Other);
        let last = 2 + RECENT_PAGE as u128;
        assert_eq!(keys.seen(&key(last << 3, 7, None), later), Seen::Same(Sequence(9)));
        assert_eq!(keys.sum(), keys.fresh_sum());
        assert_eq!(keys.indexed(), 2);
    }

    #[test]
    fn many_records_leave_early_but_not_young() {
        let (few, many, most) =
            (RECENT_KEYS / RECENT_PAGE, RECENT_KEYS / RECENT_PAGE + 1, RECENT_KEYS_MAX / RECENT_PAGE);
        assert!(!leaves(few, KEY_RETENTION_MS) && leaves(1, KEY_RETENTION_MS + 1));
        assert!(!leaves(many, KEY_YOUTH_MS) && leaves(many, KEY_YOUTH_MS + 1));
        assert!(!leaves(most, 0) && leaves(most + 1, 0));
    }

    /// Records of this second's clients leave at once: a clock that is somewhat slow still buys, and a retry whose clock
    /// is somewhat fast is still told.
    #[test]
    fn clocks_that_are_off_share_what_is_kept() {
        let mut keys = Keys::new();
        let used_at = 1_000_000;
        for digest in 1..=RECENT_PAGE as u128 {
            keys.insert(mark(digest << 3), Sequence(9), Timestamp(used_at), false);
        }
        keys.forget_page();
        let minted = |ms: u64, now: u64| keys.seen(&key(1 << 3, 7, Some(ms)), Timestamp(now));
        let now = used_at + 2 * KEY_SKEW_MS;
        assert_eq!(minted(used_at + KEY_SKEW_MS, now), Seen::TooOld);
        assert_eq!(minted(now - KEY_SKEW_MS + 1, now), Seen::Never);
        let soon = used_at + 28_000;
        assert_eq!(minted(used_at + 14_000, soon), Seen::TooOld);
        assert_eq!(minted(soon - 13_999, soon), Seen::Never);
    }

    #[test]
    fn the_digest_follows_page_after_page() {
        let mut keys = Keys::new();
        for digest in 1..=3 * RECENT_PAGE as u128 {
            keys.insert(mark(digest << 3), Sequence(9), Timestamp(2_000), false);
        }
        for _ in 0..3 {
            keys.forget_old(Timestamp(2_001 + KEY_RETENTION_MS));
            assert_eq!(keys.sum(), keys.fresh_sum());
        }
        assert_eq!(keys.indexed(), 0);
    }
}
