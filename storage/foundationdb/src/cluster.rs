//! A cluster: its database, the read version that is used again, and reads that answer in time.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foundationdb::{Database, FdbError, FdbResult, Transaction};
use tessera_store::StoreError;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::errors::Meaning;
use crate::network::Network;
use crate::read_version::ReadVersion;

/// Longest that a read waits for its answer; then the store is unavailable. Only reads are given up: a commit that nobody waits for any more
/// would be cancelled half-way. As long as the cluster keeps what a transaction reads.
pub const READ_ANSWER_MAX: Duration = Duration::from_secs(5);
/// How often a read, or a commit of which nothing was written, is tried. The pauses between are those of the client library: each is drawn
/// from none to twice what the one before was drawn from, the first from none to 10 ms; so the last is at most 640 ms, and all of them 1.3 s.
pub(crate) const ATTEMPTS_MAX: u32 = 8;

/// A cluster that stores are opened on. Clones share it.
#[derive(Clone)]
pub struct Cluster {
    shared: Arc<Shared>,
}

struct Shared {
    // Dropped in this order: no database outlives the network.
    database: Database,
    read_version: Mutex<ReadVersion>,
    /// Why the cluster cannot be used any more.
    failure: watch::Sender<Option<String>>,
    /// Where the process's clock begins.
    origin: Instant,
    _network: Network,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}

impl Cluster {
    /// The cluster of this file; without one, that of the client library's default (`FDB_CLUSTER_FILE`, then the system's).
    /// Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the file cannot be used.
    pub fn connect(network: &Network, cluster_file: Option<&Path>) -> Result<Cluster, StoreError> {
        let name = cluster_file.map(|file| file.display().to_string());
        let unusable = |error: FdbError| {
            let file = name.as_deref().unwrap_or("of the client library's default");
            StoreError::Unavailable { reason: format!("the cluster file {file}: {}", said(error)) }
        };
        if let Some(file) = cluster_file {
            let readable = std::fs::metadata(file);
            readable.map_err(|error| StoreError::Unavailable {
                reason: format!("the cluster file {}: {error}", file.display()),
            })?;
        }
        let database = Database::new(name.as_deref()).map_err(unusable)?;
        let shared = Shared {
            database,
            read_version: Mutex::default(),
            failure: watch::Sender::new(None),
            origin: Instant::now(),
            _network: network.clone(),
        };
        Ok(Cluster { shared: Arc::new(shared) })
    }

    pub(crate) fn transaction(&self) -> Result<Transaction, StoreError> {
        self.shared.database.create_trx().map_err(|error| self.read_failed(error))
    }

    /// Monotonic time since the cluster was connected.
    pub(crate) fn now(&self) -> Duration {
        self.shared.origin.elapsed()
    }

    /// Every change to it is whole: nobody leaves it half-done.
    fn read_version(&self) -> MutexGuard<'_, ReadVersion> {
        self.shared.read_version.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A version to read at without asking, where a recent one is known.
    pub(crate) fn known_version(&self) -> Option<i64> {
        self.read_version().at(self.now())
    }

    pub(crate) fn learn_version(&self, version: i64, asked_at: Duration) {
        self.read_version().learn(version, asked_at);
    }

    pub(crate) fn forget_version(&self, version: i64) {
        self.read_version().forget(version);
    }

    /// Asks the cluster for a version that has everything that was committed before the call.
    pub(crate) async fn fresh_version(&self) -> Result<i64, StoreError> {
        let asked_at = self.now();
        let version = self.retried(None, Transaction::get_read_version).await?;
        self.learn_version(version, asked_at);
        Ok(version)
    }

    /// Reads at a version, without a part in any conflict.
    pub(crate) async fn read<T, R>(
        &self,
        version: i64,
        read: impl Fn(&Transaction) -> R,
    ) -> Result<T, StoreError>
    where
        R: Future<Output = FdbResult<T>>,
    {
        self.retried(Some(version), read).await
    }

    /// A read again and again, each time at the same version, until it answers or fails for good.
    async fn retried<T, R>(
        &self,
        version: Option<i64>,
        read: impl Fn(&Transaction) -> R,
    ) -> Result<T, StoreError>
    where
        R: Future<Output = FdbResult<T>>,
    {
        in_time(async {
            let mut transaction = self.transaction()?;
            for attempt in 1.. {
                self.check()?;
                if let Some(version) = version {
                    transaction.set_read_version(version);
                }
                let error = match read(&transaction).await {
                    Ok(value) => return Ok(value),
                    Err(error) => error,
                };
                if attempt == ATTEMPTS_MAX || Meaning::of(error.code()) == Meaning::Fatal {
                    return Err(self.read_failed(error));
                }
                transaction = self.paused(transaction.on_error(error)).await?;
            }
            Err(unanswered("the cluster was never asked"))
        })
        .await
    }

    /// A transaction to try again with, after the pause that the client library thinks fit. It is the same one, emptied: what it pauses grows
    /// with each failure of a transaction. An error that the library does not know needs no pause, and a new transaction.
    pub(crate) async fn paused(
        &self,
        failed: impl Future<Output = FdbResult<Transaction>>,
    ) -> Result<Transaction, StoreError> {
        match failed.await {
            Ok(transaction) => Ok(transaction),
            Err(_) => self.transaction(),
        }
    }

    /// What a read that failed says to its caller.
    pub(crate) fn read_failed(&self, error: FdbError) -> StoreError {
        let reason = said(error);
        match Meaning::of(error.code()) {
            Meaning::Outdated => StoreError::Outdated { reason },
            Meaning::Fatal => {
                self.fail(&reason);
                StoreError::Fatal { reason }
            }
            Meaning::Conflict | Meaning::Busy | Meaning::Unknown | Meaning::TooLarge => {
                StoreError::Unavailable { reason }
            }
        }
    }

    /// From now on nothing is asked of the cluster any more.
    pub(crate) fn fail(&self, reason: &str) {
        self.shared.failure.send_if_modified(|failure| {
            let is_first = failure.is_none();
            failure.get_or_insert_with(|| reason.to_owned());
            is_first
        });
    }

    /// Whether the cluster can still be used.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match self.shared.failure.borrow().clone() {
            None => Ok(()),
            Some(reason) => Err(StoreError::Fatal { reason }),
        }
    }

    /// Tells of the failure, also after the cluster was dropped.
    pub(crate) fn failure(&self) -> watch::Receiver<Option<String>> {
        self.shared.failure.subscribe()
    }
}

/// The answer of something that only reads, if it comes in time.
pub(crate) async fn in_time<T>(reads: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::select! {
        read = reads => read,
        () = tokio::time::sleep(READ_ANSWER_MAX) => Err(unanswered("the cluster does not answer")),
    }
}

fn unanswered(what: &str) -> StoreError {
    StoreError::Unavailable { reason: format!("FoundationDB: {what}") }
}

/// An error in words, with the number that its documentation is found under.
pub(crate) fn said(error: FdbError) -> String {
    format!("FoundationDB: {} ({})", error.message(), error.code())
}
