//! Optimistic concurrency for stores that do not bring their own: what a transaction read and wrote, and whether
//! somebody else has written what it read. The way of FoundationDB's resolver, in one process.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use crate::{
    KEY_BYTES_MAX, Row, StoreError, TRANSACTION_BYTES_MAX, VALUE_BYTES_MAX, clear_bytes, clear_range_bytes,
    read_bytes, read_range_bytes, set_bytes,
};

/// How many written keys a [`ConflictWindow`] remembers. A transaction older than all of them conflicts.
const WINDOW_KEYS_MAX: usize = 100_000;

/// `begin <= key < end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// First key.
    pub begin: Vec<u8>,
    /// First key after the range.
    pub end: Vec<u8>,
}

impl KeyRange {
    fn contains(&self, key: &[u8]) -> bool {
        self.begin.as_slice() <= key && key < self.end.as_slice()
    }

    /// Length of both keys together.
    fn key_bytes(&self) -> usize {
        self.begin.len() + self.end.len()
    }

    fn meets(&self, other: &KeyRange) -> bool {
        self.begin < other.end && other.begin < self.end
    }
}

/// What a transaction has read from the store (its own writes excluded).
#[derive(Clone, Debug, Default)]
pub struct ReadSet {
    keys: Vec<Vec<u8>>,
    ranges: Vec<KeyRange>,
}

impl ReadSet {
    /// `key` was read, whether or not it was there.
    pub fn read_key(&mut self, key: &[u8]) {
        self.keys.push(key.to_vec());
    }

    /// `rows` were the answer to a range read with this limit. A read that stopped at its limit depends only on the
    /// keys up to the last row.
    pub fn read_range(&mut self, begin: &[u8], end: &[u8], limit: usize, reverse: bool, rows: &[Row]) {
        let mut range = KeyRange { begin: begin.to_vec(), end: end.to_vec() };
        if let Some((last, _)) = rows.last().filter(|_| rows.len() >= limit) {
            if reverse {
                range.begin.clone_from(last);
            } else {
                range.end.clone_from(last);
                range.end.push(0);
            }
        }
        if range.begin < range.end && limit > 0 {
            self.ranges.push(range);
        }
    }

    /// The keys that were read.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.keys.iter().map(Vec::as_slice)
    }

    /// The ranges that were read.
    #[must_use]
    pub fn ranges(&self) -> &[KeyRange] {
        &self.ranges
    }

    /// What it counts in [`TRANSACTION_BYTES_MAX`].
    #[must_use]
    pub fn bytes(&self) -> usize {
        let keys = self.keys.iter().map(|key| read_bytes(key.len()));
        keys.chain(self.ranges.iter().map(|range| read_range_bytes(range.key_bytes()))).sum()
    }

    /// Whether anything was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.ranges.is_empty()
    }
}

/// What a transaction will write: for each key its last value or `None`, over the ranges it cleared before.
#[derive(Clone, Debug, Default)]
pub struct WriteSet {
    cleared: Vec<KeyRange>,
    values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl WriteSet {
    /// Write `value` under `key`.
    pub fn set(&mut self, key: &[u8], value: &[u8]) {
        self.values.insert(key.to_vec(), Some(value.to_vec()));
    }

    /// Remove `key`.
    pub fn clear(&mut self, key: &[u8]) {
        self.values.insert(key.to_vec(), None);
    }

    /// Remove every key with `begin <= key < end`.
    pub fn clear_range(&mut self, begin: &[u8], end: &[u8]) {
        let range = KeyRange { begin: begin.to_vec(), end: end.to_vec() };
        if range.begin < range.end {
            self.values.retain(|key, _| !range.contains(key));
            self.cleared.push(range);
        }
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.cleared.is_empty()
    }

    /// What this transaction itself has made of `key`; `None` when it did not touch it.
    #[must_use]
    pub fn own(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        match self.values.get(key) {
            Some(value) => Some(value.as_deref()),
            None => self.cleared.iter().any(|range| range.contains(key)).then_some(None),
        }
    }

    /// The ranges to remove first.
    #[must_use]
    pub fn cleared(&self) -> &[KeyRange] {
        &self.cleared
    }

    /// The keys to set or remove after that, ascending, where nobody needs the rest.
    #[must_use]
    pub fn into_values(self) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
        self.values
    }

    /// The keys to set or remove after that, ascending.
    pub fn values(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.values.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// What of it is about `begin <= key < end`, a range that is not empty.
    #[must_use]
    pub fn within(&self, begin: &[u8], end: &[u8]) -> WriteSet {
        let range = KeyRange { begin: begin.to_vec(), end: end.to_vec() };
        let bounds = (Bound::Included(begin), Bound::Excluded(end));
        let values = self.values.range::<[u8], _>(bounds);
        WriteSet {
            cleared: self.cleared.iter().filter(|cleared| cleared.meets(&range)).cloned().collect(),
            values: values.map(|(key, value)| (key.clone(), value.clone())).collect(),
        }
    }

    /// The rows of `begin <= key < end` as this transaction sees them, given the store's rows in the same direction.
    pub fn merge(
        &self,
        stored: impl Iterator<Item = Result<Row, StoreError>>,
        (begin, end): (&[u8], &[u8]),
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Row>, StoreError> {
        if begin >= end {
            return Ok(Vec::new());
        }
        let before = |a: &[u8], b: &[u8]| if reverse { a > b } else { a < b };
        let bounds = (Bound::Included(begin), Bound::Excluded(end));
        let own = self.values.range::<[u8], _>(bounds);
        let mut own: Box<dyn Iterator<Item = _>> = if reverse { Box::new(own.rev()) } else { Box::new(own) };
        let mut next_own = own.next();
        let mut rows = Vec::new();
        for row in stored {
            if rows.len() >= limit {
                break;
            }
            let (key, value) = row?;
            while let Some((own_key, own_value)) = next_own.filter(|(own_key, _)| before(own_key, &key)) {
                rows.extend(own_value.clone().map(|own_value| (own_key.clone(), own_value)));
                next_own = own.next();
            }
            if self.own(&key).is_none() {
                rows.push((key, value));
            }
        }
        while let Some((own_key, own_value)) = next_own.filter(|_| rows.len() < limit) {
            rows.extend(own_value.clone().map(|own_value| (own_key.clone(), own_value)));
            next_own = own.next();
        }
        rows.truncate(limit);
        Ok(rows)
    }

    /// What it counts in [`TRANSACTION_BYTES_MAX`].
    #[must_use]
    pub fn bytes(&self) -> usize {
        let cleared = self.cleared.iter().map(|range| clear_range_bytes(range.key_bytes()));
        let values = self.values.iter().map(|(key, value)| match value {
            Some(value) => set_bytes(key.len(), value.len()),
            None => clear_bytes(key.len()),
        });
        cleared.chain(values).sum()
    }

    /// [`StoreError::TooLarge`] when a key, a value or the whole transaction, with what it read, is over its limit.
    pub fn check_limits(&self, reads: &ReadSet) -> Result<(), StoreError> {
        let too_large = |what, actual, limit| Err(StoreError::TooLarge { what, actual, limit });
        for (key, value) in &self.values {
            let value_bytes = value.as_ref().map_or(0, Vec::len);
            if key.len() > KEY_BYTES_MAX {
                return too_large("key", key.len(), KEY_BYTES_MAX);
            }
            if value_bytes > VALUE_BYTES_MAX {
                return too_large("value", value_bytes, VALUE_BYTES_MAX);
            }
        }
        match self.bytes() + reads.bytes() {
            total if total > TRANSACTION_BYTES_MAX => too_large("transaction", total, TRANSACTION_BYTES_MAX),
            _ => Ok(()),
        }
    }
}

/// Who wrote what lately, so that a committing transaction can be told whether its reads still stand.
#[derive(Debug, Default)]
pub struct ConflictWindow {
    written: BTreeMap<Arc<[u8]>, u64>,
    cleared: VecDeque<(u64, KeyRange)>,
    order: VecDeque<(u64, Arc<[u8]>)>,
    floor: u64,
}

impl ConflictWindow {
    /// Whether nothing that `reads` depends on was written after `read_version`.
    #[must_use]
    pub fn reads_stand(&self, read_version: u64, reads: &ReadSet) -> bool {
        if reads.is_empty() {
            return true;
        }
        if read_version < self.floor {
            return false;
        }
        let newer = |version: &u64| *version > read_version;
        let key_stands = |key: &Vec<u8>| {
            !self.written.get(key.as_slice()).is_some_and(newer)
                && !self.cleared.iter().any(|(version, range)| newer(version) && range.contains(key))
        };
        let range_stands = |read: &KeyRange| {
            let bounds = (Bound::Included(read.begin.as_slice()), Bound::Excluded(read.end.as_slice()));
            !self.written.range::<[u8], _>(bounds).any(|(_, version)| newer(version))
                && !self.cleared.iter().any(|(version, range)| newer(version) && range.meets(read))
        };
        reads.keys.iter().all(key_stands) && reads.ranges.iter().all(range_stands)
    }

    /// `writes` were committed as `version` (greater than every version before).
    pub fn committed(&mut self, version: u64, writes: &WriteSet) {
        for range in &writes.cleared {
            self.cleared.push_back((version, range.clone()));
        }
        for key in writes.values.keys() {
            let key: Arc<[u8]> = Arc::from(key.as_slice());
            self.written.insert(Arc::clone(&key), version);
            self.order.push_back((version, key));
        }
        while self.remembered() > WINDOW_KEYS_MAX {
            self.forget_oldest();
        }
    }

    /// No transaction with a read version before `version` will be asked about: forget what only those conflict with.
    pub fn forget_through(&mut self, version: u64) {
        let is_old = |front: Option<u64>| front.is_some_and(|front| front <= version);
        while is_old(self.order.front().map(|(version, _)| *version))
            || is_old(self.cleared.front().map(|(version, _)| *version))
        {
            self.forget_oldest();
        }
        if self.order.is_empty() && self.cleared.is_empty() {
            // A burst leaves its room behind otherwise.
            (self.order, self.cleared) = (VecDeque::new(), VecDeque::new());
        }
    }

    /// How many written keys and ranges are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.order.len() + self.cleared.len()
    }

    fn forget_oldest(&mut self) {
        let key_version = self.order.front().map_or(u64::MAX, |(version, _)| *version);
        let range_version = self.cleared.front().map_or(u64::MAX, |(version, _)| *version);
        self.floor = self.floor.max(key_version.min(range_version));
        if range_version <= key_version {
            self.cleared.pop_front();
        } else if let Some((version, key)) = self.order.pop_front()
            && self.written.get(&key) == Some(&version)
        {
            self.written.remove(&key);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn writing(keys: &[&[u8]]) -> WriteSet {
        let mut writes = WriteSet::default();
        keys.iter().for_each(|key| writes.set(key, b"value"));
        writes
    }

    #[test]
    fn what_is_about_a_range_is_merged_as_all_of_it_is() {
        let mut writes = writing(&[b"a1", b"b1", b"b3", b"c1"]);
        writes.clear(b"b2");
        writes.clear_range(b"b4", b"c0");
        writes.clear_range(b"x", b"y");
        let within = writes.within(b"b", b"c");
        assert_eq!((within.values().count(), within.cleared().len()), (3, 1));
        for reverse in [false, true] {
            let merged = |writes: &WriteSet| {
                let stored = ["b0", "b2", "b3", "b5"].map(|key| Ok((key.into(), b"stored".to_vec())));
                let rows: Box<dyn Iterator<Item = _>> =
                    if reverse { Box::new(stored.into_iter().rev()) } else { Box::new(stored.into_iter()) };
                writes.merge(rows, (b"b", b"c"), 9, reverse).unwrap()
            };
            assert_eq!(merged(&within), merged(&writes));
            assert_eq!(merged(&within).len(), 3);
        }
    }

    #[test]
    fn a_forgotten_window_conflicts_rather_than_guesses() {
        let mut window = ConflictWindow::default();
        for version in 1..=u64::try_from(WINDOW_KEYS_MAX).unwrap() + 10 {
            window.committed(version, &writing(&[&version.to_be_bytes()]));
        }
        let mut reads = ReadSet::default();
        reads.read_key(b"never written");
        assert!(!window.reads_stand(1, &reads));
        assert!(window.reads_stand(1_000, &reads));
        assert!(window.reads_stand(1, &ReadSet::default()));
    }

    #[test]
    fn what_nobody_can_conflict_with_is_forgotten() {
        let mut window = ConflictWindow::default();
        for version in 1..=10 {
            window.committed(version, &writing(&[b"same", &version.to_be_bytes()]));
        }
        let mut clearing = WriteSet::default();
        clearing.clear_range(b"a", b"b");
        window.committed(11, &clearing);
        window.forget_through(9);
        assert_eq!(window.remembered(), 3, "two keys and a range are newer");
        let mut reads = ReadSet::default();
        reads.read_key(b"same");
        assert!(!window.reads_stand(9, &reads));
        assert!(window.reads_stand(10, &reads));
        window.forget_through(11);
        assert_eq!(window.remembered(), 0);
        assert!(window.written.is_empty());
        assert!(window.reads_stand(11, &reads));
    }

    #[test]
    fn a_limited_range_read_depends_only_on_what_it_saw() {
        let mut window = ConflictWindow::default();
        window.committed(5, &writing(&[b"m"]));
        let row = |key: &[u8]| (key.to_vec(), Vec::new());
        let reads = |limit, reverse, rows: &[Row]| {
            let mut reads = ReadSet::default();
            reads.read_range(b"a", b"z", limit, reverse, rows);
            reads
        };
        assert!(window.reads_stand(4, &reads(1, false, &[row(b"b")])));
        assert!(!window.reads_stand(4, &reads(1, true, &[row(b"b")])));
        assert!(window.reads_stand(4, &reads(1, true, &[row(b"x")])));
        assert!(!window.reads_stand(4, &reads(9, false, &[row(b"b")])));
        assert!(window.reads_stand(5, &reads(9, false, &[row(b"b")])));
    }
}
