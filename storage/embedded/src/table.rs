//! Tables: optimistic transactions over fjall, made durable by one thread that merges the waiting commits.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fjall::{Readable, Slice, Snapshot};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{self, BoxFuture};
use tessera_store::{
    Begun, Buffered, CommitOutcome, ConflictWindow, ReadSet, Row, StoreError, Transaction, WriteSet,
};

use crate::anchor::{Anchor, AnchorSignal};
use crate::disk::Disk;
use crate::frame::Position;
use crate::fronts::{Fronts, Scan};
use crate::housekeeper::{full, has_room};
use crate::inbox::{Inbox, Inlet};
use crate::readers::Readers;
use crate::sealed::{Sealed, read_error, rows_of, write_error};
use crate::shared::Shared;

/// Commits that may wait. Beyond, a commit is answered [`StoreError::Unavailable`].
pub(crate) const COMMITS_WAITING_MAX: usize = 4096;
/// Commits merged into one sync.
const COMMITS_MERGED_MAX: usize = 256;

/// Bytes after which what a round writes goes to the tables in more than one batch.
const ROUND_BYTES_MAX: usize = 8 << 20;

/// What transactions begin at.
struct Published {
    /// The newest durable version, with the rows as they were then.
    version: u64,
    snapshot: Snapshot,
    /// Read versions in use, with how many transactions use each.
    readers: BTreeMap<u64, usize>,
    fronts: Fronts,
}

impl Published {
    /// A scan begins at this version: from where on there may be rows.
    fn scan(&mut self, version: u64, range: (&[u8], &[u8])) -> (Vec<u8>, Scan) {
        self.fronts.scan((version, self.version), range)
    }
}

/// Counts a transaction as a reader of its version, until it is decided or dropped.
struct Reader {
    published: Arc<Mutex<Published>>,
    version: u64,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut published = locked(&self.published);
        if let Some(count) = published.readers.get_mut(&self.version) {
            *count -= 1;
            if *count == 0 {
                published.readers.remove(&self.version);
            }
        }
    }
}

/// Every change to what is published is whole: nobody leaves it half-done.
fn locked(published: &Mutex<Published>) -> MutexGuard<'_, Published> {
    published.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) struct Commit {
    reader: Reader,
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
    published: Arc<Mutex<Published>>,
}

impl Tables {
    pub(crate) fn new(
        tables: Sealed,
        shared: Arc<Shared>,
        readers: Readers,
        commits: Inlet<Commit>,
    ) -> Tables {
        let snapshot = tables.snapshot();
        let published =
            Published { version: 0, snapshot, readers: BTreeMap::new(), fronts: Fronts::default() };
        let published = Arc::new(Mutex::new(published));
        Tables { tables, shared, readers, commits, published }
    }

    pub(crate) fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.shared.check()?;
        let mut published = locked(&self.published);
        let (version, snapshot) = (published.version, published.snapshot.clone());
        *published.readers.entry(version).or_default() += 1;
        drop(published);
        let reader = Reader { published: Arc::clone(&self.published), version };
        Ok(Buffered::over(EmbeddedRows { store: self.clone(), snapshot, reader }))
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

/// The rows at a version.
struct EmbeddedRows {
    store: Tables,
    snapshot: Snapshot,
    reader: Reader,
}

impl Begun for EmbeddedRows {
    fn get(&self, key: &[u8]) -> BoxFuture<'static, Result<Option<Vec<u8>>, StoreError>> {
        let (snapshot, rows, key) = (self.snapshot.clone(), self.store.tables.rows.clone(), key.to_vec());
        self.store.readers.run(move || {
            let value = snapshot.get(&rows, &key).map_err(|error| read_error(&error))?;
            Ok(value.map(|value| value.to_vec()))
        })
    }

    fn get_all(&self, keys: Vec<Vec<u8>>) -> BoxFuture<'static, Result<Vec<Option<Vec<u8>>>, StoreError>> {
        let (snapshot, rows) = (self.snapshot.clone(), self.store.tables.rows.clone());
        self.store.readers.run(move || {
            let value = |key| {
                let value = snapshot.get(&rows, key).map_err(|error| read_error(&error))?;
                Ok(value.map(|value| value.to_vec()))
            };
            keys.iter().map(value).collect()
        })
    }

    fn range<'a>(
        &'a self,
        (begin, end): (&'a [u8], &'a [u8]),
        limit: usize,
        reverse: bool,
        writes: &'a WriteSet,
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        let (snapshot, stored) = (self.snapshot.clone(), self.store.tables.rows.clone());
        // A transaction may have written much more than this is about.
        let (begin, end, writes) = (begin.to_vec(), end.to_vec(), writes.within(begin, end));
        let (version, published) = (self.reader.version, Arc::clone(&self.store.published));
        self.store.readers.run(move || {
            if reverse {
                let stored = rows_of(&snapshot, &stored, &begin, &end, true);
                return writes.merge(stored, (&begin, &end), limit, true);
            }
            let (from, scan) = locked(&published).scan(version, (&begin, &end));
            // Time says what is remembered, never what is found.
            #[allow(clippy::disallowed_methods)]
            let began = Instant::now();
            let mut stored = rows_of(&snapshot, &stored, &from, &end, false).peekable();
            let first = stored.peek();
            let took = began.elapsed();
            match first {
                Some(Ok((first, _))) => locked(&published).fronts.found(scan, first, took),
                Some(Err(_)) => locked(&published).fronts.failed(&scan),
                None => locked(&published).fronts.found(scan, &end, took),
            }
            writes.merge(stored, (&begin, &end), limit, false)
        })
    }

    fn commit(
        self,
        reads: ReadSet,
        writes: WriteSet,
    ) -> BoxFuture<'static, Result<CommitOutcome, StoreError>> {
        if let Err(error) = self.store.shared.check() {
            return future::ready(Err(error)).boxed();
        }
        let (answer, answered) = oneshot::channel();
        let commit = Commit { reader: self.reader, reads, writes, answer };
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
    published: Arc<Mutex<Published>>,
    disk: Arc<dyn Disk>,
    anchor: Anchor,
    signal: AnchorSignal,
    /// How many commits there were since the tables were made.
    commits: u64,
    window: ConflictWindow,
    newest: u64,
}

/// What the commits of a round write together: for each key its last value, or `None`.
#[derive(Default)]
struct Staged {
    values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    commits: u64,
    bytes: usize,
}

/// Keys that a round writes rows under.
type Written = Vec<Slice>;

impl Staged {
    fn add(&mut self, writes: WriteSet, removed: Vec<Vec<u8>>) {
        for range in writes.cleared() {
            let bounds = (Bound::Included(range.begin.as_slice()), Bound::Excluded(range.end.as_slice()));
            self.values.range_mut::<[u8], _>(bounds).for_each(|(_, value)| *value = None);
        }
        self.values.extend(removed.into_iter().map(|key| (key, None)));
        for (key, value) in writes.into_values() {
            self.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
            self.values.insert(key, value);
        }
        self.commits += 1;
    }
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
        let has_room = has_room(&*self.disk);
        let mut staged = Staged::default();
        let mut answers = Vec::with_capacity(commits.len());
        let mut written = Written::new();
        for Commit { reader, reads, writes, answer } in commits {
            let newest = self.newest;
            let outcome = self.decide(reader.version, &reads, writes, has_room, &mut staged);
            if staged.bytes >= ROUND_BYTES_MAX {
                self.write(std::mem::take(&mut staged), &mut written);
            }
            answers.push((answer, self.newest > newest, outcome));
        }
        self.write(staged, &mut written);
        if self.newest > before {
            match self.shared.check().map_err(|error| error.to_string()).and_then(|()| self.sync()) {
                Ok(()) => {
                    written.sort_unstable();
                    let mut published = locked(&self.published);
                    published.fronts.written(&written);
                    (published.version, published.snapshot) = (self.newest, self.tables.snapshot());
                }
                Err(reason) => self.shared.fail(reason),
            }
        }
        for (answer, wrote, outcome) in answers {
            // Nobody may be waiting any more; what was committed stays.
            let _ = answer.send(self.told(wrote, outcome));
        }
        let oldest_reader = {
            let published = locked(&self.published);
            published.readers.keys().next().copied().unwrap_or(published.version)
        };
        self.window.forget_through(oldest_reader);
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

    /// Every refusal first; then it is staged. The answer is given after the round is durable.
    fn decide(
        &mut self,
        read_version: u64,
        reads: &ReadSet,
        writes: WriteSet,
        has_room: bool,
        staged: &mut Staged,
    ) -> Result<CommitOutcome, StoreError> {
        self.shared.check()?;
        if !self.window.reads_stand(read_version, reads) {
            return Ok(CommitOutcome::Conflict);
        }
        if writes.is_empty() {
            return Ok(CommitOutcome::Committed);
        }
        if !has_room {
            return Err(full());
        }
        // What cannot be read leaves nothing staged.
        let removed = self.removed(&writes)?;
        self.newest += 1;
        self.window.committed(self.newest, &writes);
        staged.add(writes, removed);
        Ok(CommitOutcome::Committed)
    }

    /// The rows that are there of the ranges that are cleared.
    fn removed(&self, writes: &WriteSet) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut removed = Vec::new();
        if writes.cleared().is_empty() {
            return Ok(removed);
        }
        let present = self.tables.snapshot();
        for range in writes.cleared() {
            for guard in present.range(&self.tables.rows, range.begin.as_slice()..range.end.as_slice()) {
                removed.push(guard.key().map_err(|error| read_error(&error))?.to_vec());
            }
        }
        Ok(removed)
    }

    /// Write what is staged in one atomic batch, which says how many commits there were with it.
    fn write(&mut self, staged: Staged, written: &mut Written) {
        if staged.commits == 0 {
            return;
        }
        let mut batch = self.tables.batch();
        let rows = &self.tables.rows;
        for (key, value) in staged.values {
            match value {
                Some(value) => {
                    let key = Slice::from(key);
                    written.push(key.clone());
                    batch.insert(rows, key, value);
                }
                None => batch.remove(rows, key),
            }
        }
        self.commits += staged.commits;
        self.tables.count(&mut batch, self.commits);
        // From here on it may be on the disk, whatever the answer.
        if let Err(error) = batch.commit() {
            self.shared.fail(write_error(&error).to_string());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use futures::executor::block_on;
    use tessera_store::Table;

    use super::*;
    use crate::{EmbeddedStore, Options};

    /// Every range is remembered, so that what is read is read from where its rows are known to begin.
    #[test]
    fn the_front_of_a_queue_is_found_whatever_is_taken_and_written() {
        let directory = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(directory.path(), &Options::default()).unwrap();
        locked(&store.tables().published).fronts = Fronts::noticing(Duration::ZERO);
        let commit = |write: &dyn Fn(&mut dyn Transaction)| {
            let mut transaction = block_on(store.begin()).unwrap();
            write(transaction.as_mut());
            assert_eq!(block_on(transaction.commit()), Ok(CommitOutcome::Committed));
        };
        let first = |transaction: &mut dyn Transaction| {
            let rows = block_on(transaction.range(b"q", b"r", 1, false)).unwrap();
            rows.first().map(|(key, _)| String::from_utf8(key.clone()).unwrap())
        };
        let look = || first(block_on(store.begin()).unwrap().as_mut());
        let looks = || [(); 3].map(|()| look()).map(|found| found.unwrap_or_default());
        commit(&|transaction| (100..200).for_each(|row| transaction.set(format!("q{row}").as_bytes(), b"")));
        assert_eq!(looks(), ["q100"; 3]);
        let mut before = block_on(store.begin()).unwrap();
        commit(&|transaction| transaction.clear_range(b"q", b"q150"));
        assert_eq!(looks(), ["q150"; 3]);
        assert_eq!(first(before.as_mut()).as_deref(), Some("q100"), "as it was");
        let mut own = block_on(store.begin()).unwrap();
        own.set(b"q120", b"");
        assert_eq!(first(own.as_mut()).as_deref(), Some("q120"));
        drop(own);
        assert_eq!(looks(), ["q150"; 3], "that was not written");
        commit(&|transaction| transaction.set(b"q130", b""));
        assert_eq!(looks(), ["q130"; 3]);
        commit(&|transaction| {
            transaction.clear_range(b"q", b"r");
            transaction.set(b"q140", b"");
        });
        assert_eq!(looks(), ["q140"; 3]);
        commit(&|transaction| transaction.clear(b"q140"));
        assert_eq!(looks(), [""; 3]);
        commit(&|transaction| transaction.set(b"qz", b""));
        assert_eq!(looks(), ["qz"; 3]);
    }

    /// What counts as a reader keeps the conflict window, and with it memory.
    #[test]
    fn decided_and_dropped_transactions_are_no_readers() {
        let directory = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(directory.path(), &Options::default()).unwrap();
        let readers = || locked(&store.tables().published).readers.values().sum::<usize>();
        let (dropped, mut committed) = (block_on(store.begin()).unwrap(), block_on(store.begin()).unwrap());
        assert_eq!(readers(), 2);
        drop(dropped);
        committed.set(b"key", b"value");
        assert_eq!(block_on(committed.commit()), Ok(CommitOutcome::Committed));
        assert_eq!(readers(), 0);
    }
}
