//! [`Table`] on FoundationDB.
//!
//! Reads go out one by one, each at the transaction's version; what they depend on, and what is to be written, is kept here, as in the other two
//! stores ([`ReadSet`], [`WriteSet`]). The commit is one transaction at that version, with the reads as conflict ranges. So a read that fails
//! for a moment is asked again, limits are checked before anything is sent, and own writes are seen the same way on every store.

use std::time::Duration;

use foundationdb::options::{ConflictRangeType, StreamingMode, TransactionOption};
use foundationdb::{FdbResult, RangeOption, Transaction as FdbTransaction, TransactionCommitError};
use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_store::{
    CommitOutcome, ReadSet, Row, StoreError, TRANSACTION_BYTES_MAX, Table, Transaction, WriteSet,
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
            let (reads, writes) = (ReadSet::default(), WriteSet::default());
            Ok(Box::new(FoundationTransaction { rows, begun_at, version, reads, writes })
                as Box<dyn Transaction>)
        }
        .boxed()
    }
}

struct FoundationTransaction {
    rows: Rows,
    /// Before its version was asked for, on the process's clock.
    begun_at: Duration,
    version: i64,
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

impl FoundationTransaction {
    async fn rows(
        &mut self,
        begin: &[u8],
        end: &[u8],
        limit: usize,
        reverse: bool,
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
            rows.extend(self.writes.merge(stored, (&seen.0, &seen.1), left, reverse)?);
            match last {
                Some(_) if reverse => to = seen.0,
                Some(_) => from = seen.1,
                None => break,
            }
        }
        self.reads.read_range(begin, end, limit, reverse, &rows);
        Ok(rows)
    }

    /// Nobody may drop this future once it is polled: that would cancel the commit.
    async fn commit_now(self) -> Result<CommitOutcome, StoreError> {
        let cluster = &self.rows.cluster;
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
        let cluster = &self.rows.cluster;
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
            Meaning::Outdated if cluster.now().saturating_sub(self.begun_at) >= READ_VERSION_LIFE => {
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
        transaction.set_read_version(self.version);
        let rows = &self.rows;
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

impl Transaction for FoundationTransaction {
    fn get<'a>(&'a mut self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        if let Some(own) = self.writes.own(key) {
            return std::future::ready(Ok(own.map(<[u8]>::to_vec))).boxed();
        }
        self.reads.read_key(key);
        let (rows, version, key) = (self.rows.clone(), self.version, self.rows.key(key));
        async move {
            let value = rows.cluster.read(version, |transaction| transaction.get(&key, true)).await?;
            Ok(value.map(|value| value.to_vec()))
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
        self.rows(begin, end, limit, reverse).boxed()
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
        let refused = match self.writes.check_limits(&self.reads) {
            Err(error) => Some(Err(error)),
            // Everything was read at one version: it is as if the transaction had run then.
            Ok(()) if self.writes.is_empty() => Some(Ok(CommitOutcome::Committed)),
            Ok(()) => None,
        };
        if let Some(answer) = refused {
            return std::future::ready(answer).boxed();
        }
        // A task of its own: whoever stops waiting does not cancel the commit.
        let runtime = self.rows.runtime.clone();
        let commit = runtime.spawn(self.commit_now());
        let lost =
            |error| CommitOutcome::Unknown { reason: format!("the commit was not carried through: {error}") };
        commit.map(move |outcome| outcome.unwrap_or_else(|error| Ok(lost(error)))).boxed()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
