//! A transaction of the product as a value: what it read, what it would write, and what it would say.
//!
//! The repository of the product runs over a [`Snapshot`] of the model's rows, at one version. Whether its writes land is the model's
//! affair: they do if nothing that was really read has changed by then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{self, BoxFuture};
use tessera_store::{CommitOutcome, Row, StoreError, Table, Transaction};

/// The rows of a table.
pub(crate) type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// What a transaction did.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) struct Footprint {
    /// What was really read, as ranges `begin <= key < end`.
    pub(crate) reads: BTreeSet<(Vec<u8>, Vec<u8>)>,
    /// What it writes; `None` removes.
    pub(crate) writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Footprint {
    /// Whether it has read what `other` writes.
    pub(crate) fn has_read_what_is_written_by(&self, other: &Footprint) -> bool {
        let is_read = |key: &Vec<u8>| self.reads.iter().any(|(begin, end)| begin <= key && key < end);
        other.writes.keys().any(is_read)
    }

    /// What it writes is there.
    pub(crate) fn apply(&self, rows: &mut Rows) {
        for (key, value) in &self.writes {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
    }
}

/// The rows at one version.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    rows: Rows,
    footprint: Arc<Mutex<Footprint>>,
}

impl Snapshot {
    pub(crate) fn of(rows: &Rows) -> Snapshot {
        Snapshot { rows: rows.clone(), footprint: Arc::default() }
    }

    /// What the transaction has done that was committed last.
    pub(crate) fn footprint(&self) -> Footprint {
        self.footprint.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Table for Snapshot {
    fn begin(&self) -> BoxFuture<'static, Result<Box<dyn Transaction>, StoreError>> {
        let traced = Traced { snapshot: self.clone(), footprint: Footprint::default() };
        future::ready(Ok(Box::new(traced) as Box<dyn Transaction>)).boxed()
    }
}

struct Traced {
    snapshot: Snapshot,
    footprint: Footprint,
}

impl Transaction for Traced {
    fn get<'a>(&'a mut self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        let mut end = key.to_vec();
        end.push(0);
        self.footprint.reads.insert((key.to_vec(), end));
        future::ready(Ok(self.snapshot.rows.get(key).cloned())).boxed()
    }

    fn range<'a>(
        &'a mut self,
        begin: &'a [u8],
        end: &'a [u8],
        limit: usize,
        reverse: bool,
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        self.footprint.reads.insert((begin.to_vec(), end.to_vec()));
        let rows = self.snapshot.rows.range(begin.to_vec()..end.to_vec());
        let owned = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        let rows = match reverse {
            false => rows.map(owned).take(limit).collect(),
            true => rows.rev().map(owned).take(limit).collect(),
        };
        future::ready(Ok(rows)).boxed()
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.footprint.writes.insert(key.to_vec(), Some(value.to_vec()));
    }

    fn clear(&mut self, key: &[u8]) {
        self.footprint.writes.insert(key.to_vec(), None);
    }

    fn clear_range(&mut self, begin: &[u8], end: &[u8]) {
        let within = self.snapshot.rows.range(begin.to_vec()..end.to_vec());
        self.footprint.writes.extend(within.map(|(key, _)| (key.clone(), None)));
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<CommitOutcome, StoreError>> {
        let Traced { snapshot, footprint } = *self;
        *snapshot.footprint.lock().unwrap_or_else(PoisonError::into_inner) = footprint;
        future::ready(Ok(CommitOutcome::Committed)).boxed()
    }
}
