//! The line of one ticket type.

use std::collections::{BTreeMap, BTreeSet};

use super::{Choice, EntryNumber, Manner};
use crate::Timestamp;

/// Bits of a place that tell the entry; the priority stands above them.
pub(crate) const NUMBER_BITS: u32 = 56;

/// Where an entry stands: its priority, then its number, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(u64);

/// What a bucket's entries want of the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wanted {
    pub(crate) quantity: u16,
    pub(crate) manner: Manner,
}

/// The patience of a line that keeps units for its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    /// For whom.
    pub(crate) head: EntryNumber,
    /// Since when there is something to keep; `None`: it ended, and whoever fits is served until the head is another.
    pub(crate) since: Option<Timestamp>,
}

/// The line of one ticket type. No bucket is empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    buckets: BTreeMap<Wanted, BTreeSet<Place>>,
    pub(crate) patience: Option<Patience>,
}

impl Place {
    pub(crate) fn of(priority: u8, number: EntryNumber) -> Place {
        assert!(number.0 >> NUMBER_BITS == 0, "an entry has too large a number");
        Place(u64::from(priority) << NUMBER_BITS | number.0)
    }

    pub(crate) fn number(self) -> EntryNumber {
        EntryNumber(self.0 & ((1 << NUMBER_BITS) - 1))
    }
}

impl Wanted {
    pub(crate) fn of(choice: &Choice) -> Wanted {
        Wanted { quantity: choice.quantity, manner: choice.manner }
    }
}

impl Line {
    /// An empty line.
    pub(super) fn with(patience: Option<Patience>) -> Line {
        Line { buckets: BTreeMap::new(), patience }
    }

    pub(super) fn insert(&mut self, wanted: Wanted, place: Place) {
        self.buckets.entry(wanted).or_default().insert(place);
    }

    /// Whether the place was there.
    pub(super) fn remove(&mut self, wanted: Wanted, place: Place) -> bool {
        let Some(bucket) = self.buckets.get_mut(&wanted) else { return false };
        let was_there = bucket.remove(&place);
        if bucket.is_empty() {
            self.buckets.remove(&wanted);
        }
        was_there
    }

    pub(crate) fn has(&self, wanted: Wanted, place: Place) -> bool {
        self.buckets.get(&wanted).is_some_and(|bucket| bucket.contains(&place))
    }

    /// The oldest of each bucket.
    pub(crate) fn heads(&self) -> impl Iterator<Item = (Wanted, Place)> {
        self.buckets.iter().filter_map(|(&wanted, bucket)| Some((wanted, *bucket.first()?)))
    }

    /// The newest of each bucket.
    pub(crate) fn tails(&self) -> impl Iterator<Item = (Wanted, Place)> {
        self.buckets.iter().filter_map(|(&wanted, bucket)| Some((wanted, *bucket.last()?)))
    }

    /// The oldest of all.
    pub(crate) fn head(&self) -> Option<(Wanted, Place)> {
        self.heads().min_by_key(|&(_, place)| place)
    }

    /// Whether the patience for this head has ended.
    pub(crate) fn is_impatient(&self, head: Place) -> bool {
        self.patience.is_some_and(|patience| patience.head == head.number() && patience.since.is_none())
    }

    /// Whether the same stand in the same order.
    pub(super) fn stands_as(&self, other: &Line) -> bool {
        self.buckets == other.buckets && self.buckets.values().all(|bucket| !bucket.is_empty())
    }
}
