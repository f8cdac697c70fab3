//! A hash index from keys to positions, in shards that grow one at a time: no insertion waits for the whole to move.
//!
//! The keys themselves stay where the positions point, so an entry costs four bytes and one of control. Nothing ever
//! iterates an index: its order is no part of the state.

use hashbrown::HashTable;

use crate::digest::fold;

/// Shards of one index, a power of two; none exists before the first entry.
const SHARDS: usize = 256;
/// An odd constant without pattern: 2^64 divided by the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// An index from hashed keys to positions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    shards: Vec<HashTable<u32>>,
    length: usize,
}

/// A well mixed hash of a word.
#[inline]
pub(crate) fn hash_of(word: u64) -> u64 {
    fold(word, SPREAD)
}

/// Bits of the hash that neither the tables' places (low) nor their tags (the highest seven) use first.
#[inline]
const fn shard_of(hash: u64) -> usize {
    (hash >> 48) as usize % SHARDS
}

impl Index {
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The position that is entered under `hash` and `is_it`.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is_it: impl FnMut(&u32) -> bool) -> Option<u32> {
        self.shards.get(shard_of(hash))?.find(hash, is_it).copied()
    }

    /// Enters a position that is not there; `hash_of` tells the hash at a position, should the shard grow.
    #[inline]
    pub(crate) fn insert(&mut self, hash: u64, position: u32, hash_of: impl Fn(u32) -> u64) {
        if self.shards.is_empty() {
            self.shards.resize_with(SHARDS, HashTable::new);
        }
        self.shards[shard_of(hash)].insert_unique(hash, position, |&position| hash_of(position));
        self.length += 1;
    }

    /// Takes a position out.
    pub(crate) fn remove(&mut self, hash: u64, position: u32) {
        let shard = self.shards.get_mut(shard_of(hash));
        let found = shard.and_then(|shard| shard.find_entry(hash, |&known| known == position).ok());
        let Some(found) = found else { panic!("position {position} is not in its index") };
        found.remove();
        self.length -= 1;
    }

    /// Enters many (hash, position) at once, shard by shard: each shard stays in the cache while it is filled.
    pub(crate) fn fill(&mut self, entries: &[(u64, u32)]) {
        let mut ends = [0_usize; SHARDS];
        for &(hash, _) in entries {
            ends[shard_of(hash)] += 1;
        }
        if self.shards.is_empty() {
            self.shards.resize_with(SHARDS, HashTable::new);
        }
        let mut sum = 0;
        for (shard, end) in self.shards.iter_mut().zip(&mut ends) {
            assert!(shard.is_empty(), "an index is filled twice");
            shard.reserve(*end, |_| 0);
            sum += std::mem::replace(end, sum);
        }
        let mut by_shard = vec![(0, 0); entries.len()];
        for &entry in entries {
            let place = &mut ends[shard_of(entry.0)];
            by_shard[*place] = entry;
            *place += 1;
        }
        for (hash, position) in by_shard {
            self.shards[shard_of(hash)].insert_unique(hash, position, |_| 0);
        }
        self.length = entries.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filled_index_is_one_that_grew() {
        let entries: Vec<(u64, u32)> = (0..10_000).map(|at| (hash_of(u64::from(at)), at)).collect();
        let (mut grown, mut filled) = (Index::default(), Index::default());
        for &(hash, position) in &entries {
            grown.insert(hash, position, |position| hash_of(u64::from(position)));
        }
        filled.fill(&entries);
        for &(hash, position) in &entries {
            assert_eq!(grown.find(hash, |&at| at == position), Some(position));
            assert_eq!(filled.find(hash, |&at| at == position), Some(position));
        }
        grown.remove(entries[7].0, 7);
        assert_eq!(grown.find(entries[7].0, |&at| at == 7), None);
        assert_eq!((grown.len(), filled.len()), (9_999, 10_000));
    }
}
