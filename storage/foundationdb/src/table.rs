//! [`Table`] on FoundationDB.
//!
//! Reads go out one by one, each at the transaction's version; what they depend on, and what is to be written, is kept on this side, as in the
//! other two stores ([`Buffered`]). The commit is one transaction at that version, with the reads as conflict ranges. So a read that fails
//! for a moment is asked again, limits are checked before anything is sent, and own writes are seen the same way on every store.

use std::time::Duration;

use foundationdb::options::{ConflictRangeType, StreamingMode, TransactionOption};
use foundationdb::{FdbResult, RangeOption, Transaction as FdbTransaction, TransactionCommitError};
use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_store::{
    Begun, Buffered, CommitOutcome, ReadSet, Row, StoreError, TRANSACTION_BYTES_MAX, Table, Transaction,
    WriteSet,
};
use tokio::runtime::Handle;

use crate::cluster::{ATTEMPTS_MAX, Cluster, said};
use crate::errors::Meaning;
use crate::read_version::READ_VERSION_LIFE;

/// The rows below a prefix.
#[derive(Clone)]
pub(crate) struct Rows {
    pub(crate) cluster: Cluster,
    pub(crate) runtime: Handle,
    pub(crate) prefix: Vec<u8>,
}

impl Table for Rows {
    fn begin(&self) -> BoxFuture<'static, Result<Box<dyn Transaction>, StoreError>> {
        let rows = self.clone();
        async move {
            let begun_at = rows.cluster.now();
            let version = rows.cluster.fresh_version().await?;
            Ok(Buffered::over(RowsAt { rows, begun_at, version }))
        }
        .boxed()
    }
}

/// The rows at a version.
struct RowsAt {
    rows: Rows,
    /// Before the version was asked for, on the process's clock.
    begun_at: Duration,
    version: i64,
}

/// What a transaction read and writes, on its way to the cluster.
struct Commit {
    begun: RowsAt,
    reads: ReadSet,
    writes: WriteSet,
}

/// What became of one submission of a commit.
enum Attempt {
    Over(Result<CommitOutcome, StoreError>),
    /// Nothing was written, and what was read may stand: the same once more.
    Again(TransactionCommitError),
}

/// Rows of a range that one question has answered.
struct Page {
    rows: Vec<Row>,
    more: bool,
}

impl Rows {
    fn key(&self, key: &[u8]) -> Vec<u8> {
        [&self.prefix[..], key].concat()
    }

    async fn page(
        &self,
        version: i64,
        (begin, end): (&[u8], &[u8]),
        limit: usize,
        reverse: bool,
    ) -> Result<Page, StoreError> {
        let (begin, end) = (self.key(begin), self.key(end));
        let read = self.cluster.read(version, |transaction| {
            let range = RangeOption {
                limit: Some(limit),
                mode: StreamingMode::WantAll,
                reverse,
                ..RangeOption::from((begin.as_slice(), end.as_slice()))
            };
            transaction.get_range(&range, 1, true)
        });
        let values = read.await?;
        let row = |row: &foundationdb::future::FdbKeyValue| {
            (row.key()[self.prefix.len()..].to_vec(), row.value().to_vec())
        };
        Ok(Page { rows: values.iter().map(row).collect(), more: values.more() })
    }
}

impl RowsAt {
    async fn merged(
        &self,
        (begin, end): (&[u8], &[u8]),
        limit: usize,
        reverse: bool,
        writes: &WriteSet,
    ) -> Result<Vec<Row>, StoreError> {
        let (mut from, mut to, mut rows) = (begin.to_vec(), end.to_vec(), Vec::new());
        while from < to && rows.len() < limit {
            let left = limit - rows.len();
            let page = self.rows.page(self.version, (&from, &to), left, reverse).await?;
            // What lies beyond the last row of a page is not known yet: own writes there come with the next page.
            let last = page.rows.last().filter(|_| page.more).map(|(key, _)| key.clone());
            let seen = match &last {
                Some(last) if reverse => (last.clone(), to.clone()),
                Some(last) => (from.clone(), [&last[..], &[0]].concat()),
                None => (from.clone(), to.clone()),
            };
            let stored = page.rows.into_iter().map(Ok);
            rows.extend(writes.merge(stored, (&seen.0, &seen.1), left, reverse)?);
            match last {
                Some(_) if reverse => to = seen.0,
                Some(_) => from = seen.1,
                None => break,
            }
        }
        Ok(rows)
    }
}

impl Commit {
    /// Nobody may drop this future once it is polled: that would cancel the commit.
    async fn run(self) -> Result<CommitOutcome, StoreError> {
        let cluster = &self.begun.rows.cluster;
        let mut transaction = cluster.transaction()?;
        let mut left = ATTEMPTS_MAX;
        loop {
            cluster.check()?;
            self.fill(&transaction).map_err(|error| cluster.read_failed(error))?;
            let refused = match self.attempt(transaction).await {
                Attempt::Over(outcome) => return outcome,
                Attempt::Again(refused) => refused,
            };
            left -= 1;
            if left == 0 {
                return match Meaning::of(refused.code()) {
                    Meaning::Busy => Err(StoreError::Unavailable { reason: said(*refused) }),
                    _ => Ok(CommitOutcome::Conflict),
                };
            }
            transaction = cluster.paused(refused.on_error()).await?;
        }
    }

    /// Submits it once.
    async fn attempt(&self, transaction: FdbTransaction) -> Attempt {
        let cluster = &self.begun.rows.cluster;
        let asked_at = cluster.now();
        let refused = match transaction.commit().await {
            Ok(committed) => {
                if let Ok(version) = committed.committed_version() {
                    cluster.learn_version(version, asked_at);
                }
                return Attempt::Over(Ok(CommitOutcome::Committed));
            }
            Err(refused) => refused,
        };
        let reason = said(*refused);
        Attempt::Over(match Meaning::of(refused.code()) {
            // In tests the client library makes up both. Of a real conflict the cluster names what is in it, with the refusal, and only
            // after some seconds a version is really too old: then the same reads never stand again.
            Meaning::Conflict => match refused.conflicting_keys().await {
                Ok(keys) if !keys.is_empty() => Ok(CommitOutcome::Conflict),
                _ => return Attempt::Again(refused),
            },
            Meaning::Outdated if cluster.now().saturating_sub(self.begun.begun_at) >= READ_VERSION_LIFE => {
                Ok(CommitOutcome::Conflict)
            }
            Meaning::Outdated | Meaning::Busy => return Attempt::Again(refused),
            Meaning::Unknown => Ok(CommitOutcome::Unknown { reason }),
            Meaning::TooLarge => {
                let (what, limit) =
                    ("a transaction, as this release of FoundationDB counts,", TRANSACTION_BYTES_MAX);
                Err(StoreError::TooLarge { what, actual: limit, limit })
            }
            Meaning::Fatal => {
                cluster.fail(&reason);
                // This very commit may have been carried out.
                Ok(CommitOutcome::Unknown { reason })
            }
        })
    }

    fn fill(&self, transaction: &FdbTransaction) -> FdbResult<()> {
        transaction.set_option(TransactionOption::ReadYourWritesDisable)?;
        transaction.set_option(TransactionOption::ReportConflictingKeys)?;
        transaction.set_read_version(self.begun.version);
        let rows = &self.begun.rows;
        for key in self.reads.keys() {
            let key = rows.key(key);
            let after = [&key[..], &[0]].concat();
            transaction.add_conflict_range(&key, &after, ConflictRangeType::Read)?;
        }
        for range in self.reads.ranges() {
            let (begin, end) = (rows.key(&range.begin), rows.key(&range.end));
            transaction.add_conflict_range(&begin, &end, ConflictRangeType::Read)?;
        }
        for range in self.writes.cleared() {
            transaction.clear_range(&rows.key(&range.begin), &rows.key(&range.end));
        }
        for (key, value) in self.writes.values() {
            match value {
                Some(value) => transaction.set(&rows.key(key), value),
                None => transaction.clear(&rows.key(key)),
            }
        }
        Ok(())
    }
}

impl Begun for RowsAt {
    fn get(&self, key: &[u8]) -> BoxFuture<'static, Result<Option<Vec<u8>>, StoreError>> {
        let (cluster, version, key) = (self.rows.cluster.clone(), self.version, self.rows.key(key));
        async move {
            let value = cluster.read(version, |transaction| transaction.get(&key, true)).await?;
            Ok(value.map(|value| value.to_vec()))
        }
        .boxed()
    }

    fn range<'a>(
        &'a self,
        range: (&'a [u8], &'a [u8]),
        limit: usize,
        reverse: bool,
        writes: &'a WriteSet,
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        self.merged(range, limit, reverse, writes).boxed()
    }

    fn commit(
        self,
        reads: ReadSet,
        writes: WriteSet,
    ) -> BoxFuture<'static, Result<CommitOutcome, StoreError>> {
        if writes.is_empty() {
            // Everything was read at one version: it is as if the transaction had run then.
            return std::future::ready(Ok(CommitOutcome::Committed)).boxed();
        }
        let runtime = self.rows.runtime.clone();
        // A task of its own: whoever stops waiting does not cancel the commit.
        let commit = runtime.spawn(Commit { begun: self, reads, writes }.run());
        let lost =
            |error| CommitOutcome::Unknown { reason: format!("the commit was not carried through: {error}") };
        commit.map(move |outcome| outcome.unwrap_or_else(|error| Ok(lost(error)))).boxed()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
