//! A memory of holds that expired, so that their holders hear `hold_expired` and not only `hold_not_found`.

use std::collections::BTreeSet;

use crate::digest::{Kind, Mix, low_half};
use crate::{ClaimNumber, Subject};

/// Most expired holds remembered, those with the highest numbers; at about 12 bytes each. Everybody who waits in front of
/// the largest halls may expire at one instant and hear why.
pub(crate) const EXPIRED_REMEMBERED_MAX: usize = 1 << 18;

/// Bits of a record that tell the subject; the number stands above them.
const TAG_BITS: u32 = 24;
const TAG_MASK: u64 = (1 << TAG_BITS) - 1;

/// Holds that expired lately, a word each: the number, and a few bits of the primary subject. A stranger of the same bits,
/// one in sixteen million, is told that the hold expired, which the change feed tells anybody.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expired {
    records: BTreeSet<u64>,
    sum: u128,
}

impl Expired {
    /// Remembers a hold and its primary subject.
    pub(crate) fn remember(&mut self, number: ClaimNumber, subject: Subject) {
        self.enter(number.0 << TAG_BITS | low_half(subject.0) & TAG_MASK);
        if self.records.len() > EXPIRED_REMEMBERED_MAX
            && let Some(oldest) = self.records.pop_first()
        {
            self.sum = self.sum.wrapping_sub(mix(oldest));
        }
    }

    fn enter(&mut self, record: u64) {
        if self.records.insert(record) {
            self.sum = self.sum.wrapping_add(mix(record));
        }
    }

    /// Whether a hold expired lately; with a subject: its hold.
    pub(crate) fn has(&self, number: ClaimNumber, of: Option<Subject>) -> bool {
        // Greater numbers are not given out: they have no room beside the tag.
        let Some(first) = number.0.checked_mul(1 << TAG_BITS) else { return false };
        let Some(record) = self.records.range(first..=first | TAG_MASK).next() else { return false };
        of.is_none_or(|subject| low_half(subject.0) & TAG_MASK == record & TAG_MASK)
    }

    /// From the column of an image; `None` if that does not ascend.
    pub(crate) fn from_records(records: &[u64]) -> Option<Self> {
        let ascends = records.is_sorted_by(|one, next| one < next) && records.len() <= EXPIRED_REMEMBERED_MAX;
        let mut expired = Expired { records: records.iter().copied().collect(), sum: 0 };
        expired.sum = expired.fresh_sum();
        ascends.then_some(expired)
    }

    /// By number.
    pub(crate) fn records(&self) -> impl Iterator<Item = u64> {
        self.records.iter().copied()
    }

    /// The digest's share of the memory, kept incrementally.
    pub(crate) fn sum(&self) -> u128 {
        self.sum
    }

    /// The digest's share of the memory, from scratch.
    pub(crate) fn fresh_sum(&self) -> u128 {
        self.records().fold(0, |sum, record| sum.wrapping_add(mix(record)))
    }
}

fn mix(record: u64) -> u128 {
    Mix::new(Kind::Expired).word(record).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenario_27_a_hundred_thousand_holders_hear_that_their_holds_expired() {
        let mut expired = Expired::default();
        let number = |at: usize| ClaimNumber(at as u64 + 1);
        let subject = |at: usize| Subject(at as u128);
        // Later holds may expire first.
        for at in (0..100_000).rev() {
            expired.remember(number(at), subject(at));
        }
        assert!((0..100_000).all(|at| expired.has(number(at), Some(subject(at)))));
        assert!(!expired.has(number(7), Some(subject(8))) && expired.has(number(7), None));
        for at in 100_000..EXPIRED_REMEMBERED_MAX + 3 {
            expired.remember(number(at), subject(at));
        }
        let known: Vec<bool> = (1..5).map(|at| expired.has(number(at), None)).collect();
        assert_eq!((known, expired.records.len()), (vec![false, false, true, true], EXPIRED_REMEMBERED_MAX));
        assert_eq!(expired.sum(), expired.fresh_sum());
    }
}
