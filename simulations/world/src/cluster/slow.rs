//! A table before every commit of which its user halts once: others go on between what a transaction reads and what it writes. A commit
//! that nobody waits for any more may land; nothing is begun again then.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use futures::future::{self, BoxFuture};
use tessera_store::{CommitOutcome, Row, StoreError, Table, Transaction};

use crate::follower::halt;

/// The table, for one call.
pub(super) struct SlowTable {
    table: Arc<dyn Table>,
    is_abandoned: Arc<AtomicBool>,
}

impl SlowTable {
    pub(super) fn over(table: Arc<dyn Table>, is_abandoned: Arc<AtomicBool>) -> SlowTable {
        SlowTable { table, is_abandoned }
    }
}

impl Table for SlowTable {
    fn begin(&self) -> BoxFuture<'static, Result<Box<dyn Transaction>, StoreError>> {
        if self.is_abandoned.load(Ordering::Relaxed) {
            let reason = "nobody waits for it".to_owned();
            return future::ready(Err(StoreError::Unavailable { reason })).boxed();
        }
        let table = Arc::clone(&self.table);
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

    fn read_ahead<'a>(&'a mut self, keys: BTreeSet<Vec<u8>>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.read_ahead(keys)
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
