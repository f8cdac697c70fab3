//! The store itself: opening, the two traits, closing.

use std::fs::{self, File, TryLockError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Sender, bounded};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{self, BoxFuture};
use tessera_inventory::{EventId, Sequence};
use tessera_store::{AppendOutcome, Batch, Log, LogRecord, StoreError, Table, Transaction};
use tessera_writer::Head;

use crate::anchor::{self, ANCHOR_NAME, AnchorSignal};
use crate::committer::{APPENDS_WAITING_MAX, Append, Committer, Supply};
use crate::disk::{Disk, RealDisk, private_directories};
use crate::housekeeper::{Housekeeper, ORDERS_WAITING_MAX, Order};
use crate::inbox::{Inlet, NotSent, inbox};
use crate::locate::{JOURNAL, Segments};
use crate::options::Options;
use crate::readers::Readers;
use crate::reading::{Reading, Verified};
use crate::recovery::{recover, recover_commits};
use crate::sealed::Sealed;
use crate::shared::Shared;
use crate::table::{COMMITS_WAITING_MAX, Tables};
use crate::table_journals;

/// [`Log`] and [`Table`] in one directory. Clones share it; the last one to be dropped closes it and waits for what
/// was submitted before.
#[derive(Clone)]
pub struct EmbeddedStore {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    reading: Arc<Reading>,
    tables: Tables,
    appends: Inlet<Append>,
    orders: Sender<Order>,
    reader_threads: Vec<JoinHandle<()>>,
    threads: Vec<JoinHandle<()>>,
    /// Held for as long as the store is open.
    _lock: File,
}

impl EmbeddedStore {
    /// Open the store in `directory`, creating it when it is not there. Blocks while what was not sealed is scanned.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has it open, [`StoreError::Damaged`] when what is stored is not what
    /// was acknowledged, [`StoreError::FormatTooNew`], [`StoreError::Unavailable`] for errors of the file system.
    pub fn open(directory: &Path, options: &Options) -> Result<EmbeddedStore, StoreError> {
        make_directory(directory)?;
        EmbeddedStore::open_locked(directory, options, lock(directory)?)
    }

    /// Whether a store was ever opened in `directory`. Its lock alone does not say so: others keep a file of that name, too.
    #[must_use]
    pub fn is_in(directory: &Path) -> bool {
        directory.join(LOCK).is_file()
            && (directory.join(ANCHOR_NAME).is_file() || directory.join(JOURNAL).is_dir())
    }

    /// Open an empty store in `directory`. Whatever stands there is removed first, under the lock, which is never let go in between: a
    /// store that is open in another process stays as it is.
    ///
    /// # Errors
    /// As [`EmbeddedStore::open`].
    pub fn open_emptied(directory: &Path, options: &Options) -> Result<EmbeddedStore, StoreError> {
        make_directory(directory)?;
        let lock = lock(directory)?;
        empty(directory).map_err(|error| unusable(directory, &error))?;
        EmbeddedStore::open_locked(directory, options, lock)
    }

    fn open_locked(directory: &Path, options: &Options, lock: File) -> Result<EmbeddedStore, StoreError> {
        let disk = options.disk.clone().unwrap_or_else(|| Arc::new(RealDisk::new(directory)));
        table_journals::make_durable(directory)?;
        let tables = Sealed::open(directory)?;
        let inner = Inner::start(disk, tables, options, lock)?;
        Ok(EmbeddedStore { inner: Arc::new(inner) })
    }

    /// How many events take memory: those with appends in segments that are not full, or not sealed yet.
    #[must_use]
    pub fn events_in_memory(&self) -> usize {
        self.inner.shared.index().event_count()
    }

    /// Why the store has failed for good; `None` while it is healthy.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.inner.shared.failure().map(str::to_owned)
    }

    /// Every event that was ever appended to, by its id, whether or not the tables have a row about it.
    pub fn events(&self) -> BoxFuture<'static, Result<Vec<EventId>, StoreError>> {
        let reading = Arc::clone(&self.inner.reading);
        self.inner.tables.readers.run(move || reading.events())
    }

    #[cfg(test)]
    pub(crate) fn tables(&self) -> &Tables {
        &self.inner.tables
    }

    /// Read the whole log of `event` and check every checksum and every link of its chain.
    pub fn verify(&self, event: EventId) -> BoxFuture<'static, Result<Verified, StoreError>> {
        let reading = Arc::clone(&self.inner.reading);
        self.inner.tables.readers.run(move || reading.verify(event))
    }
}

/// The file whose lock says that a process has the directory open. It is never removed: a process that holds the lock of a file without
/// a name keeps nobody out.
const LOCK: &str = "LOCK";

fn unusable(directory: &Path, error: &io::Error) -> StoreError {
    StoreError::Unavailable { reason: format!("the directory {}: {error}", directory.display()) }
}

/// The tables hold the installation's secret: a directory that is made here is for its owner only. One that is there stays as it is.
fn make_directory(directory: &Path) -> Result<(), StoreError> {
    private_directories().create(directory).map_err(|error| unusable(directory, &error))
}

/// Remove everything in a directory but its lock.
fn empty(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name() == LOCK {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Two processes must never write one directory.
pub(crate) fn lock(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join(LOCK);
    let unavailable =
        |error: io::Error| StoreError::Unavailable { reason: format!("{}: {error}", path.display()) };
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(unavailable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::Locked { directory: directory.display().to_string() })
        }
        Err(TryLockError::Error(error)) => Err(unavailable(error)),
    }
}

/// Start a thread without which the store cannot go on: one that panics has failed the store, so that nobody waits for it or takes it for
/// merely slow.
fn spawn(
    name: &'static str,
    shared: &Arc<Shared>,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, StoreError> {
    let error = |error: io::Error| StoreError::Unavailable { reason: format!("the thread {name}: {error}") };
    let shared = Arc::clone(shared);
    let guarded = move || {
        // Nothing that the thread had is used after a panic.
        if catch_unwind(AssertUnwindSafe(run)).is_err() {
            shared.fail(format!("the thread {name} panicked"));
        }
    };
    Builder::new().name(name.to_owned()).spawn(guarded).map_err(error)
}

impl Inner {
    fn start(
        disk: Arc<dyn Disk>,
        sealed: Sealed,
        options: &Options,
        lock: File,
    ) -> Result<Inner, StoreError> {
        let (tables_anchor, commits_made) = recover_commits(&*disk, &sealed)?;
        let recovered = recover(&*disk, &sealed, options.mutation)?;
        let shared = Arc::new(Shared::new(recovered.index));
        let (appends, waiting_appends) = inbox(APPENDS_WAITING_MAX);
        let (orders, order_requests) = bounded(ORDERS_WAITING_MAX);
        let (prepared_sender, prepared) = bounded(1);
        let (commits, waiting_commits) = inbox(COMMITS_WAITING_MAX);
        let (signal, anchor_written) = AnchorSignal::new();
        let (committer_runs, committer_stopped) = bounded::<()>(0);
        let (tables_signal, tables_anchor_written) = AnchorSignal::new();
        let (table_committer_runs, table_committer_stopped) = bounded::<()>(0);

        let reading = Arc::new(Reading {
            shared: Arc::clone(&shared),
            tables: sealed.clone(),
            segments: Segments::new(Arc::clone(&disk)),
        });
        let (readers, reader_threads) = Readers::start(options.reader_threads)
            .map_err(|error| StoreError::Unavailable { reason: format!("the readers: {error}") })?;
        let tables = Tables::new(sealed.clone(), Arc::clone(&shared), readers, commits);
        let tables_anchor_file = tables_anchor.file();
        let tables_anchor = (tables_anchor, tables_signal);
        let table_committer = tables.committer(Arc::clone(&disk), tables_anchor, commits_made);
        let housekeeper = Housekeeper {
            disk,
            tables: sealed.clone(),
            shared: Arc::clone(&shared),
            prepared: prepared_sender,
            to_seal: recovered.to_seal.into(),
            sealed: recovered.sealed,
        };
        let anchor_file = recovered.anchor.file();
        let supply = Supply {
            orders: orders.clone(),
            prepared,
            ready: recovered.prepared,
            segment_bytes: options.rounded_segment_bytes(),
        };
        let anchor = (recovered.anchor, signal);
        let begun = (recovered.active, recovered.ended);
        let committer = Committer::new(Arc::clone(&shared), sealed, anchor, begun, supply, options.mutation);
        let (anchor_shared, tables_anchor_shared) = (Arc::clone(&shared), Arc::clone(&shared));
        let threads = vec![
            spawn("store-housekeeper", &shared, move || housekeeper.run(&order_requests))?,
            spawn("store-anchor", &shared, move || {
                anchor::run(&*anchor_file, &anchor_written, &committer_stopped, &anchor_shared);
            })?,
            spawn("store-committer", &shared, move || {
                committer.run(&waiting_appends);
                drop(committer_runs);
            })?,
            spawn("store-tables-anchor", &shared, move || {
                let (written, stopped) = (&tables_anchor_written, &table_committer_stopped);
                anchor::run(&*tables_anchor_file, written, stopped, &tables_anchor_shared);
            })?,
            spawn("store-tables", &shared, move || {
                table_committer.run(&waiting_commits);
                drop(table_committer_runs);
            })?,
        ];
        Ok(Inner { shared, reading, tables, appends, orders, reader_threads, threads, _lock: lock })
    }

    fn submit(&self, append: Append) -> Result<(), AppendOutcome> {
        if let Some(reason) = self.shared.failure() {
            return Err(AppendOutcome::Fatal { reason: reason.to_owned() });
        }
        self.appends.try_send(append).map_err(|error| match error {
            NotSent::Full => {
                AppendOutcome::Unknown { reason: format!("{APPENDS_WAITING_MAX} appends are waiting") }
            }
            NotSent::Ended => AppendOutcome::Fatal { reason: "the committer has ended".to_owned() },
        })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The committer first: it gives orders to the housekeeper.
        self.appends.stop();
        self.tables.commits.stop();
        self.tables.readers.stop(self.reader_threads.len());
        let mut threads = std::mem::take(&mut self.threads);
        // The housekeeper is the first of them and ends last.
        let housekeeper = (!threads.is_empty()).then(|| threads.remove(0));
        for thread in threads.into_iter().chain(std::mem::take(&mut self.reader_threads)) {
            let _ = thread.join();
        }
        let _ = self.orders.send(Order::Stop);
        if let Some(housekeeper) = housekeeper {
            let _ = housekeeper.join();
        }
    }
}

impl Log for EmbeddedStore {
    fn append(&self, event: EventId, expected: Head, batch: Batch) -> BoxFuture<'static, AppendOutcome> {
        let (answer, answered) = oneshot::channel();
        if let Err(outcome) = self.inner.submit(Append { event, expected, batch, answer }) {
            return future::ready(outcome).boxed();
        }
        let ended = |_| AppendOutcome::Fatal { reason: "the committer has ended".to_owned() };
        answered.map(move |outcome| outcome.unwrap_or_else(ended)).boxed()
    }

    fn head(&self, event: EventId) -> BoxFuture<'static, Result<Head, StoreError>> {
        let indexed = self.inner.shared.index().head(event);
        match (self.inner.shared.check(), indexed) {
            (Err(error), _) => future::ready(Err(error)).boxed(),
            (Ok(()), Some(head)) => future::ready(Ok(head)).boxed(),
            (Ok(()), None) => {
                let reading = Arc::clone(&self.inner.reading);
                self.inner.tables.readers.run(move || reading.head(event))
            }
        }
    }

    fn read(
        &self,
        event: EventId,
        after: Sequence,
        limit_bytes: usize,
    ) -> BoxFuture<'static, Result<Vec<LogRecord>, StoreError>> {
        let reading = Arc::clone(&self.inner.reading);
        self.inner.tables.readers.run(move || reading.read(event, after, limit_bytes))
    }

    fn failed(&self) -> BoxFuture<'static, Option<String>> {
        self.inner.shared.failed()
    }

    fn trim(&self, event: EventId, through: Sequence) -> BoxFuture<'static, Result<Sequence, StoreError>> {
        if let Err(error) = self.inner.shared.check() {
            return future::ready(Err(error)).boxed();
        }
        let (answer, answered) = oneshot::channel();
        let closing = || StoreError::Unavailable { reason: "too many orders are waiting".to_owned() };
        if self.inner.orders.try_send(Order::Trim { event, through, answer }).is_err() {
            return future::ready(Err(closing())).boxed();
        }
        answered.map(move |answer| answer.unwrap_or_else(|_| Err(closing()))).boxed()
    }
}

impl Table for EmbeddedStore {
    fn begin(&self) -> BoxFuture<'static, Result<Box<dyn Transaction>, StoreError>> {
        future::ready(self.inner.tables.begin()).boxed()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::index::Index;

    #[test]
    fn a_thread_that_panics_has_failed_the_store() {
        let shared = Arc::new(Shared::new(Index::default()));
        spawn("store-tables", &shared, || {}).unwrap().join().unwrap();
        assert_eq!(shared.check(), Ok(()));
        spawn("store-tables", &shared, || panic!("injected")).unwrap().join().unwrap();
        let failed = StoreError::Fatal { reason: "the thread store-tables panicked".to_owned() };
        assert_eq!(shared.check(), Err(failed));
    }
}
