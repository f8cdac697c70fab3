//! What the transactions of every store have in common: what they read and write is kept here until the commit.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt;
use futures::future::{self, BoxFuture, try_join_all};

use crate::{CommitOutcome, ReadSet, Row, StoreError, Transaction, WriteSet};

/// The rows of a store as they were when a transaction began.
pub trait Begun: Send + 'static {
    /// The value under `key`.
    fn get(&self, key: &[u8]) -> BoxFuture<'static, Result<Option<Vec<u8>>, StoreError>>;

    /// The values under `keys`, in their order.
    fn get_all(&self, keys: Vec<Vec<u8>>) -> BoxFuture<'static, Result<Vec<Option<Vec<u8>>>, StoreError>> {
        try_join_all(keys.iter().map(|key| self.get(key)).collect::<Vec<_>>()).boxed()
    }

    /// The rows that [`Transaction::range`] answers, `writes` merged into them ([`WriteSet::merge`]). The range and the limit are not empty.
    fn range<'a>(
        &'a self,
        range: (&'a [u8], &'a [u8]),
        limit: usize,
        reverse: bool,
        writes: &'a WriteSet,
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>>;

    /// Make `writes`, which are within their limits, durable, unless something that was read has changed since.
    fn commit(
        self,
        reads: ReadSet,
        writes: WriteSet,
    ) -> BoxFuture<'static, Result<CommitOutcome, StoreError>>;
}

/// A transaction over them.
pub struct Buffered<B> {
    begun: B,
    reads: ReadSet,
    writes: WriteSet,
    /// Values that were read ahead.
    ahead: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl<B: Begun> Buffered<B> {
    /// That has read and written nothing yet.
    #[must_use]
    pub fn over(begun: B) -> Box<dyn Transaction> {
        let (reads, writes) = (ReadSet::default(), WriteSet::default());
        Box::new(Buffered { begun, reads, writes, ahead: BTreeMap::new() })
    }
}

impl<B: Begun> Transaction for Buffered<B> {
    fn get<'a>(&'a mut self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        if let Some(own) = self.writes.own(key) {
            return future::ready(Ok(own.map(<[u8]>::to_vec))).boxed();
        }
        self.reads.read_key(key);
        match self.ahead.get(key) {
            Some(value) => future::ready(Ok(value.clone())).boxed(),
            None => self.begun.get(key),
        }
    }

    fn read_ahead<'a>(&'a mut self, keys: BTreeSet<Vec<u8>>) -> BoxFuture<'a, Result<(), StoreError>> {
        let is_new = |key: &Vec<u8>| self.writes.own(key).is_none() && !self.ahead.contains_key(key);
        let keys: Vec<_> = keys.into_iter().filter(is_new).collect();
        if keys.is_empty() {
            return future::ready(Ok(())).boxed();
        }
        let values = self.begun.get_all(keys.clone());
        async move {
            self.ahead.extend(keys.into_iter().zip(values.await?));
            Ok(())
        }
        .boxed()
    }

    fn range<'a>(
        &'a mut self,
        begin: &'a [u8],
        end: &'a [u8],
        limit: usize,
        reverse: bool,
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        if begin >= end || limit == 0 {
            return future::ready(Ok(Vec::new())).boxed();
        }
        let Buffered { begun, reads, writes, .. } = self;
        let read = begun.range((begin, end), limit, reverse, writes);
        async move {
            let rows = read.await?;
            reads.read_range(begin, end, limit, reverse, &rows);
            Ok(rows)
        }
        .boxed()
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.writes.set(key, value);
    }

    fn clear(&mut self, key: &[u8]) {
        self.writes.clear(key);
    }

    fn clear_range(&mut self, begin: &[u8], end: &[u8]) {
        self.writes.clear_range(begin, end);
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<CommitOutcome, StoreError>> {
        let Buffered { begun, reads, writes, .. } = *self;
        match writes.check_limits(&reads) {
            Ok(()) => begun.commit(reads, writes),
            Err(error) => future::ready(Err(error)).boxed(),
        }
    }
}
