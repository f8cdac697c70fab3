//! The table in memory: every value with its versions, and optimistic transactions over them.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{self, BoxFuture};

use crate::{
    Begun, Buffered, CommitOutcome, ConflictWindow, ReadSet, Row, StoreError, Transaction, WriteSet,
};

/// What goes wrong with one table commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitFault {
    /// It is told that somebody else was faster; nothing is written.
    Conflict,
    /// The answer is `Unknown`; it was carried out all the same.
    UnknownApplied,
    /// The answer is `Unknown`; it never reaches the store.
    UnknownNotApplied,
}

/// A value with the version that wrote it; `None` where it was removed.
type Version = (u64, Option<Vec<u8>>);

#[derive(Default)]
struct Rows {
    /// For each key its values, oldest first.
    versions: BTreeMap<Vec<u8>, Vec<Version>>,
    newest: u64,
    /// Read versions in use, with how many transactions use each.
    readers: BTreeMap<u64, usize>,
    window: ConflictWindow,
    script: VecDeque<CommitFault>,
}

/// Clones share the rows.
#[derive(Clone, Default)]
pub(super) struct MemoryTable {
    rows: Arc<Mutex<Rows>>,
}

impl MemoryTable {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn inject(&self, fault: CommitFault) {
        self.rows().script.push_back(fault);
    }

    /// A table of its own with the rows that are here now.
    pub(super) fn copied(&self) -> MemoryTable {
        let newest = |(key, versions): (&Vec<u8>, &Vec<Version>)| {
            let value = visible(versions, u64::MAX)?.clone();
            Some((key.clone(), vec![(0, Some(value))]))
        };
        let versions = self.rows().versions.iter().filter_map(newest).collect();
        MemoryTable { rows: Arc::new(Mutex::new(Rows { versions, ..Rows::default() })) }
    }

    pub(super) fn begin(&self) -> Box<dyn Transaction> {
        let mut rows = self.rows();
        let read_version = rows.newest;
        *rows.readers.entry(read_version).or_default() += 1;
        drop(rows);
        Buffered::over(MemoryRows { table: self.clone(), read_version })
    }
}

fn visible(versions: &[Version], at: u64) -> Option<&Vec<u8>> {
    versions.iter().rev().find(|(version, _)| *version <= at).and_then(|(_, value)| value.as_ref())
}

impl Rows {
    fn commit(&mut self, read_version: u64, reads: &ReadSet, writes: &WriteSet) -> CommitOutcome {
        let fault = self.script.pop_front();
        let unknown = || CommitOutcome::Unknown { reason: "injected".to_owned() };
        match fault {
            Some(CommitFault::Conflict) => return CommitOutcome::Conflict,
            Some(CommitFault::UnknownNotApplied) => return unknown(),
            Some(CommitFault::UnknownApplied) | None => {}
        }
        if !self.window.reads_stand(read_version, reads) {
            return CommitOutcome::Conflict;
        }
        if !writes.is_empty() {
            self.apply(writes);
        }
        if fault.is_some() { unknown() } else { CommitOutcome::Committed }
    }

    fn apply(&mut self, writes: &WriteSet) {
        self.newest += 1;
        let version = self.newest;
        let mut touched: Vec<Vec<u8>> = Vec::new();
        for range in writes.cleared() {
            for (key, versions) in self.versions.range_mut(range.begin.clone()..range.end.clone()) {
                versions.push((version, None));
                touched.push(key.clone());
            }
        }
        for (key, value) in writes.values() {
            self.versions.entry(key.to_vec()).or_default().push((version, value.map(<[u8]>::to_vec)));
            touched.push(key.to_vec());
        }
        self.window.committed(version, writes);
        self.window.forget_through(self.oldest_reader());
        touched.iter().for_each(|key| self.forget_unseen(key));
    }

    /// The oldest version that a transaction reads, or the next one will.
    fn oldest_reader(&self) -> u64 {
        self.readers.keys().next().copied().unwrap_or(self.newest)
    }

    /// Drop the values under `key` that no transaction can see any more.
    fn forget_unseen(&mut self, key: &[u8]) {
        let oldest_reader = self.oldest_reader();
        let Some(versions) = self.versions.get_mut(key) else { return };
        let seen_from = versions.partition_point(|(version, _)| *version <= oldest_reader);
        versions.drain(..seen_from.saturating_sub(1));
        if versions.iter().all(|(_, value)| value.is_none()) {
            self.versions.remove(key);
        }
    }
}

/// The rows at a version.
struct MemoryRows {
    table: MemoryTable,
    read_version: u64,
}

impl Drop for MemoryRows {
    fn drop(&mut self) {
        let mut rows = self.table.rows();
        if let Some(count) = rows.readers.get_mut(&self.read_version) {
            *count -= 1;
            if *count == 0 {
                rows.readers.remove(&self.read_version);
            }
        }
    }
}

impl Begun for MemoryRows {
    fn get(&self, key: &[u8]) -> BoxFuture<'static, Result<Option<Vec<u8>>, StoreError>> {
        let rows = self.table.rows();
        let value = rows.versions.get(key).and_then(|versions| visible(versions, self.read_version)).cloned();
        future::ready(Ok(value)).boxed()
    }

    fn range<'a>(
        &'a self,
        (begin, end): (&'a [u8], &'a [u8]),
        limit: usize,
        reverse: bool,
        writes: &'a WriteSet,
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        let rows = self.table.rows();
        let stored = rows
            .versions
            .range::<[u8], _>((Bound::Included(begin), Bound::Excluded(end)))
            .filter_map(|(key, versions)| Some((key, visible(versions, self.read_version)?)))
            .map(|(key, value)| Ok((key.clone(), value.clone())));
        future::ready(if reverse {
            writes.merge(stored.rev(), (begin, end), limit, true)
        } else {
            writes.merge(stored, (begin, end), limit, false)
        })
        .boxed()
    }

    fn commit(
        self,
        reads: ReadSet,
        writes: WriteSet,
    ) -> BoxFuture<'static, Result<CommitOutcome, StoreError>> {
        let outcome = self.table.rows().commit(self.read_version, &reads, &writes);
        future::ready(Ok(outcome)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn what_nobody_sees_takes_no_memory() {
        let table = MemoryTable::default();
        for round in 0..10 {
            let mut transaction = table.begin();
            transaction.clear_range(b"a", b"z");
            transaction.set(&[b'b', round], &[0; 1000]);
            transaction.set(b"same", &[round; 1000]);
            assert_eq!(block_on(transaction.commit()), Ok(CommitOutcome::Committed));
        }
        // The committing transaction itself was a reader of the version before: at most one older value is left.
        let values = table.rows().versions.values().map(Vec::len).sum::<usize>();
        assert!(values <= 6, "{values} values are kept");
    }
}
