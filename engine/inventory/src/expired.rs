//! A short memory of holds that expired, so that their holders hear `hold_expired` and not only `hold_not_found`.

use std::collections::{BTreeMap, VecDeque};

use crate::digest::{Kind, Mix};
use crate::{ClaimNumber, Subject};

/// Most expired holds remembered; the oldest is forgotten first.
pub(crate) const EXPIRED_REMEMBERED_MAX: usize = 4_096;

/// Holds that expired lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expired {
    in_order: VecDeque<ClaimNumber>,
    by_number: BTreeMap<ClaimNumber, Subject>,
    sum: u128,
}

impl Expired {
    /// Remembers a hold and its primary subject.
    pub(crate) fn remember(&mut self, number: ClaimNumber, subject: Subject) {
        if self.in_order.len() == EXPIRED_REMEMBERED_MAX {
            self.forget_oldest();
        }
        self.sum = self.sum.wrapping_add(mix(number, subject));
        self.in_order.push_back(number);
        self.by_number.insert(number, subject);
    }

    fn forget_oldest(&mut self) {
        let Some(number) = self.in_order.pop_front() else { return };
        if let Some(subject) = self.by_number.remove(&number) {
            self.sum = self.sum.wrapping_sub(mix(number, subject));
        }
    }

    /// The primary subject of a hold that expired lately.
    pub(crate) fn subject(&self, number: ClaimNumber) -> Option<Subject> {
        self.by_number.get(&number).copied()
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ClaimNumber, Subject)> {
        self.in_order.iter().filter_map(|number| Some((*number, *self.by_number.get(number)?)))
    }

    /// The digest's share of the memory, kept incrementally.
    pub(crate) fn sum(&self) -> u128 {
        self.sum
    }

    /// The digest's share of the memory, from scratch.
    pub(crate) fn fresh_sum(&self) -> u128 {
        self.iter().fold(0, |sum, (number, subject)| sum.wrapping_add(mix(number, subject)))
    }
}

fn mix(number: ClaimNumber, subject: Subject) -> u128 {
    Mix::new(Kind::Expired).word(number.0).wide(subject.0).finish()
}
