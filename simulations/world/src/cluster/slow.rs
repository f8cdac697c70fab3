//! A table before every commit of which its user halts once: others go on between what a transaction reads and what it writes.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_store::{CommitOutcome, Row, StoreError, Table, Transaction};

use crate::follower::halt;

/// The table.
pub(super) struct SlowTable(Arc<dyn Table>);

impl SlowTable {
    pub(super) fn over(table: Arc<dyn Table>) -> SlowTable {
        SlowTable(table)
    }
}

impl Table for SlowTable {
    fn begin(&self) -> BoxFuture<'static, Result<Box<dyn Transaction>, StoreError>> {
        let table = Arc::clone(&self.0);
        async move {
            let inner = table.begin().await?;
            Ok(Box::new(SlowTransaction { inner }) as Box<dyn Transaction>)
        }
        .boxed()
    }
}

struct SlowTransaction {
    inner: Box<dyn Transaction>,
}

impl Transaction for SlowTransaction {
    fn get<'a>(&'a mut self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        self.inner.get(key)
    }

    fn range<'a>(
        &'a mut self,
        begin: &'a [u8],
        end: &'a [u8],
        limit: usize,
        reverse: bool,
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        self.inner.range(begin, end, limit, reverse)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.inner.set(key, value);
    }

    fn clear(&mut self, key: &[u8]) {
        self.inner.clear(key);
    }

    fn clear_range(&mut self, begin: &[u8], end: &[u8]) {
        self.inner.clear_range(begin, end);
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<CommitOutcome, StoreError>> {
        async move {
            halt().await;
            self.inner.commit().await
        }
        .boxed()
    }
}
