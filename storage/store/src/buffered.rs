//! What the transactions of every store have in common: what they read and write is kept here until the commit.

use futures::FutureExt;
use futures::future::{self, BoxFuture};

use crate::{CommitOutcome, ReadSet, Row, StoreError, Transaction, WriteSet};

/// The rows of a store as they were when a transaction began.
pub trait Begun: Send + 'static {
    /// The value under `key`.
    fn get(&self, key: &[u8]) -> BoxFuture<'static, Result<Option<Vec<u8>>, StoreError>>;

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
}

impl<B: Begun> Buffered<B> {
    /// That has read and written nothing yet.
    #[must_use]
    pub fn over(begun: B) -> Box<dyn Transaction> {
        Box::new(Buffered { begun, reads: ReadSet::default(), writes: WriteSet::default() })
    }
}

impl<B: Begun> Transaction for Buffered<B> {
    fn get<'a>(&'a mut self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        if let Some(own) = self.writes.own(key) {
            return future::ready(Ok(own.map(<[u8]>::to_vec))).boxed();
        }
        self.reads.read_key(key);
        self.begun.get(key)
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
        let Buffered { begun, reads, writes } = self;
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
        let Buffered { begun, reads, writes } = *self;
        match writes.check_limits(&reads) {
            Ok(()) => begun.commit(reads, writes),
            Err(error) => future::ready(Err(error)).boxed(),
        }
    }
}
