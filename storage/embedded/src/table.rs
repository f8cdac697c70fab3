//! Tables: optimistic transactions over fjall, made durable by one thread that merges the waiting commits.

use std::sync::{Arc, Mutex, PoisonError};

use fjall::{Readable, Snapshot};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{self, BoxFuture};
use tessera_store::{CommitOutcome, ConflictWindow, ReadSet, Row, StoreError, Transaction, WriteSet};

use crate::anchor::{Anchor, AnchorSignal};
use crate::disk::Disk;
use crate::frame::Position;
use crate::housekeeper::{full, has_room};
use crate::inbox::{Inbox, Inlet};
use crate::readers::Readers;
use crate::sealed::{Sealed, read_error, rows_of, write_error};
use crate::shared::Shared;

/// Commits that may wait. Beyond, a commit is answered [`StoreError::Unavailable`].
pub(crate) const COMMITS_WAITING_MAX: usize = 4096;
/// Commits merged into one sync.
const COMMITS_MERGED_MAX: usize = 256;

/// The newest durable version, with the rows as they were then.
type Published = Mutex<(u64, Snapshot)>;

pub(crate) struct Commit {
    read_version: u64,
    reads: ReadSet,
    writes: WriteSet,
    answer: oneshot::Sender<Result<CommitOutcome, StoreError>>,
}

/// What a transaction needs of the store. Clones share it.
#[derive(Clone)]
pub(crate) struct Tables {
    pub(crate) tables: Sealed,
    pub(crate) shared: Arc<Shared>,
    pub(crate) readers: Readers,
    pub(crate) commits: Inlet<Commit>,
    published: Arc<Published>,
}

impl Tables {
    pub(crate) fn new(
        tables: Sealed,
        shared: Arc<Shared>,
        readers: Readers,
        commits: Inlet<Commit>,
    ) -> Tables {
        let published = Arc::new(Mutex::new((0, tables.snapshot())));
        Tables { tables, shared, readers, commits, published }
    }

    pub(crate) fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.shared.check()?;
        let (read_version, snapshot) = self.published.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Box::new(EmbeddedTransaction {
            store: self.clone(),
            snapshot,
            read_version,
            reads: ReadSet::default(),
            writes: WriteSet::default(),
        }))
    }

    pub(crate) fn committer(
        &self,
        disk: Arc<dyn Disk>,
        (anchor, signal): (Anchor, AnchorSignal),
        commits: u64,
    ) -> TableCommitter {
        TableCommitter {
            anchor,
            signal,
            commits,
            tables: self.tables.clone(),
            shared: Arc::clone(&self.shared),
            published: Arc::clone(&self.published),
            disk,
            window: ConflictWindow::default(),
            newest: 0,
        }
    }
}

struct EmbeddedTransaction {
    store: Tables,
    snapshot: Snapshot,
    read_version: u64,
    reads: ReadSet,
    writes: WriteSet,
}

impl Transaction for EmbeddedTransaction {
    fn get<'a>(&'a mut self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        if let Some(own) = self.writes.own(key) {
            return future::ready(Ok(own.map(<[u8]>::to_vec))).boxed();
        }
        self.reads.read_key(key);
        let (snapshot, rows, key) = (self.snapshot.clone(), self.store.tables.rows.clone(), key.to_vec());
        self.store.readers.run(move || {
            let value = snapshot.get(&rows, &key).map_err(|error| read_error(&error))?;
            Ok(value.map(|value| value.to_vec()))
        })
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
        let (snapshot, stored) = (self.snapshot.clone(), self.store.tables.rows.clone());
        let (from, to, writes) = (begin.to_vec(), end.to_vec(), self.writes.clone());
        let read = self.store.readers.run(move || {
            let stored = rows_of(&snapshot, &stored, &from, &to, reverse);
            writes.merge(stored, (&from, &to), limit, reverse)
        });
        async move {
            let rows = read.await?;
            self.reads.read_range(begin, end, limit, reverse, &rows);
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
        if let Err(error) = self.writes.check_limits() {
            return future::ready(Err(error)).boxed();
        }
        let (answer, answered) = oneshot::channel();
        let commit =
            Commit { read_version: self.read_version, reads: self.reads, writes: self.writes, answer };
        if self.store.commits.try_send(commit).is_err() {
            let reason = format!("{COMMITS_WAITING_MAX} commits are waiting, or the store is closing");
            return future::ready(Err(StoreError::Unavailable { reason })).boxed();
        }
        let lost = || CommitOutcome::Unknown { reason: "the store was closed during the commit".to_owned() };
        answered.map(move |outcome| outcome.unwrap_or_else(|_| Ok(lost()))).boxed()
    }
}

/// The thread that decides and writes table transactions, one after the other, and syncs them together.
pub(crate) struct TableCommitter {
    tables: Sealed,
    shared: Arc<Shared>,
    published: Arc<Published>,
    disk: Arc<dyn Disk>,
    anchor: Anchor,
    signal: AnchorSignal,
    /// How many commits there were since the tables were made.
    commits: u64,
    window: ConflictWindow,
    newest: u64,
}

impl TableCommitter {
    pub(crate) fn run(mut self, waiting: &Inbox<Commit>) {
        while let Some(first) = waiting.next() {
            let more = std::iter::from_fn(|| waiting.next_now()).take(COMMITS_MERGED_MAX - 1);
            self.round(std::iter::once(first).chain(more).collect());
        }
    }

    fn round(&mut self, commits: Vec<Commit>) {
        let before = self.newest;
        let mut answers = Vec::with_capacity(commits.len());
        for commit in commits {
            let newest = self.newest;
            let outcome = self.apply(commit.read_version, &commit.reads, &commit.writes);
            answers.push((commit.answer, self.newest > newest, outcome));
        }
        if self.newest > before {
            match self.sync() {
                Ok(()) => {
                    let published = (self.newest, self.tables.snapshot());
                    *self.published.lock().unwrap_or_else(PoisonError::into_inner) = published;
                }
                Err(reason) => self.shared.fail(reason),
            }
        }
        for (answer, wrote, outcome) in answers {
            // Nobody may be waiting any more; what was committed stays.
            let _ = answer.send(self.told(wrote, outcome));
        }
    }

    /// Make the round durable, then say in the anchor that it was.
    fn sync(&mut self) -> Result<(), String> {
        self.tables.sync().map_err(|error| error.to_string())?;
        let position = Position { segment: self.commits, offset: 0 };
        let unwritten = |error| format!("the anchor of the tables could not be written: {error}");
        self.anchor.write(position).map_err(unwritten)?;
        self.signal.written();
        Ok(())
    }

    /// What is told of a commit in a store that may have failed since: rows that were written may be there after a restart.
    fn told(
        &self,
        wrote: bool,
        outcome: Result<CommitOutcome, StoreError>,
    ) -> Result<CommitOutcome, StoreError> {
        match self.shared.failure() {
            Some(reason) if wrote => Ok(CommitOutcome::Unknown { reason: reason.to_owned() }),
            Some(_) | None => self.shared.check().and(outcome),
        }
    }

    fn apply(
        &mut self,
        read_version: u64,
        reads: &ReadSet,
        writes: &WriteSet,
    ) -> Result<CommitOutcome, StoreError> {
        self.shared.check()?;
        if !self.window.reads_stand(read_version, reads) {
            return Ok(CommitOutcome::Conflict);
        }
        if writes.is_empty() {
            return Ok(CommitOutcome::Committed);
        }
        if !has_room(&*self.disk) {
            return Err(full());
        }
        let mut batch = self.tables.batch();
        let rows = &self.tables.rows;
        let present = self.tables.snapshot();
        for range in writes.cleared() {
            for guard in present.range(rows, range.begin.as_slice()..range.end.as_slice()) {
                batch.remove(rows, guard.key().map_err(|error| read_error(&error))?);
            }
        }
        for (key, value) in writes.values() {
            match value {
                Some(value) => batch.insert(rows, key, value),
                None => batch.remove(rows, key),
            }
        }
        self.commits += 1;
        self.tables.count(&mut batch, self.commits);
        // From here on it may be on the disk, whatever the answer.
        self.newest += 1;
        if let Err(error) = batch.commit() {
            let error = write_error(&error);
            self.shared.fail(error.to_string());
            return Err(error);
        }
        self.window.committed(self.newest, writes);
        Ok(CommitOutcome::Committed)
    }
}
