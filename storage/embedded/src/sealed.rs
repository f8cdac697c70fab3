//! The tables: fjall, with the rows of [`tessera_store::Table`] in one keyspace and the index of full segments in
//! another. Everything here is synced before anybody relies on it.

use std::io::ErrorKind;
use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};
use tessera_inventory::{EventId, Sequence};
use tessera_store::StoreError;
use tessera_store::keys::{decode_head, encode_head};
use tessera_writer::Head;

use crate::disk::private_directories;
use crate::frame::Position;
use crate::index::{Entry, Limit, SegmentIndex};

/// Entries written to the tables in one batch while a segment is sealed. (The last batch has two rows for each event
/// with a frame in the segment, and takes as many as the segment has room for.)
const SEAL_BATCH_ITEMS_MAX: usize = 8192;
/// The directory of the tables.
pub(crate) const TABLES: &str = "tables";
/// Cache of the tables, in bytes.
const CACHE_BYTES: u64 = 32 << 20;
/// Rows of a keyspace that are kept in memory before they are written out, in bytes: what idle events cost, and what must find room on a
/// full disk. (A keyspace keeps what it was made with.)
const MEMTABLE_BYTES: u64 = 4 << 20;
/// Journals of the tables beyond this make the keyspaces that hold them up write out their rows, in bytes: the least there is.
const JOURNALS_BYTES: u64 = 64 << 20;
/// Background threads of the tables.
const WORKER_THREADS: usize = 1;

/// A row of the log's index.
type Item = (Vec<u8>, Vec<u8>);

/// What a key of the log's keyspace is about. Stored: never changed, never reused.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    /// (event, last sequence) → where the record stands.
    Entry = 1,
    /// (event) → its head at the end of the last sealed segment.
    Head = 2,
    /// (segment) → where its frames end: the segment is sealed. Written together with the heads and members.
    Segment = 3,
    /// (segment, event) → the head's sequence after the event's last frame in the segment.
    Member = 4,
    /// (event) → how far it is trimmed.
    Trimmed = 5,
    /// () → how many commits of rows there were.
    Commits = 6,
}

/// The tables. Clones share them.
#[derive(Clone)]
pub(crate) struct Sealed {
    database: Database,
    log: Keyspace,
    pub(crate) rows: Keyspace,
}

fn key(kind: Kind, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![kind as u8];
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

fn id(event: EventId) -> [u8; 16] {
    event.0.to_be_bytes()
}

/// An error of the tables while they are opened.
fn open_error(directory: &Path, error: &fjall::Error) -> StoreError {
    match error {
        fjall::Error::Locked => StoreError::Locked { directory: directory.display().to_string() },
        _ => read_error(error),
    }
}

/// An error of the tables while they are read. What the system refuses at the moment (too many open files, an input/output error) may pass;
/// a file that is missing or too short is damage, as in the journal.
pub(crate) fn read_error(error: &fjall::Error) -> StoreError {
    let reason = format!("the tables: {error}");
    match error {
        fjall::Error::Io(io) | fjall::Error::Storage(fjall::LsmError::Io(io)) => match io.kind() {
            ErrorKind::NotFound | ErrorKind::UnexpectedEof | ErrorKind::InvalidData => {
                StoreError::Damaged { reason }
            }
            _ => StoreError::Unavailable { reason },
        },
        fjall::Error::Poisoned => StoreError::Fatal { reason },
        _ => StoreError::Damaged { reason },
    }
}

/// A failed write: the tables accept no more, and neither may we.
pub(crate) fn write_error(error: &fjall::Error) -> StoreError {
    StoreError::Fatal { reason: format!("the tables could not be written: {error}") }
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged {
        reason: format!("a row of the log's index ({what}) has a length that no format has"),
    }
}

fn number(bytes: &[u8], at: usize, what: &str) -> Result<u64, StoreError> {
    let chunk = bytes.get(at..).and_then(|rest| rest.first_chunk()).ok_or_else(|| damaged(what))?;
    Ok(u64::from_be_bytes(*chunk))
}

/// The event of a head's key.
fn event_of(key: &[u8]) -> Result<EventId, StoreError> {
    let event = key.get(1..).and_then(|rest| rest.first_chunk()).ok_or_else(|| damaged("head"))?;
    Ok(EventId(u128::from_be_bytes(*event)))
}

fn encode_entry(entry: &Entry) -> Vec<u8> {
    let Position { segment, offset } = entry.position;
    [entry.first_sequence.0, segment, offset, entry.payload_bytes]
        .iter()
        .flat_map(|n| n.to_be_bytes())
        .collect()
}

fn decode_entry(last_sequence: Sequence, value: &[u8]) -> Result<Entry, StoreError> {
    let field = |at| number(value, at, "entry");
    Ok(Entry {
        first_sequence: Sequence(field(0)?),
        last_sequence,
        position: Position { segment: field(8)?, offset: field(16)? },
        payload_bytes: field(24)?,
    })
}

impl Sealed {
    pub(crate) fn open(directory: &Path) -> Result<Sealed, StoreError> {
        let error = |error: fjall::Error| open_error(directory, &error);
        let made = private_directories().create(directory.join(TABLES));
        made.map_err(|io| error(fjall::Error::Io(io)))?;
        let database = Database::builder(directory.join(TABLES))
            .manual_journal_persist(true)
            .worker_threads(WORKER_THREADS)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNALS_BYTES)
            .open()
            .map_err(error)?;
        let small = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        let log = database.keyspace("log", small).map_err(error)?;
        let rows = database.keyspace("rows", small).map_err(error)?;
        Ok(Sealed { database, log, rows })
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.database.snapshot()
    }

    pub(crate) fn batch(&self) -> fjall::OwnedWriteBatch {
        self.database.batch()
    }

    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.database.persist(PersistMode::SyncData).map_err(|error| write_error(&error))
    }

    fn get(&self, key: &[u8]) -> Result<Option<fjall::UserValue>, StoreError> {
        self.log.get(key).map_err(|error| read_error(&error))
    }

    /// The head of `event` at the end of the last sealed segment.
    pub(crate) fn head(&self, event: EventId) -> Result<Option<Head>, StoreError> {
        self.get(&key(Kind::Head, &[&id(event)]))?.map(|value| decode_head(&value)).transpose()
    }

    /// How many commits of rows there were; `None` before the first.
    pub(crate) fn commits(&self) -> Result<Option<u64>, StoreError> {
        let value = self.get(&key(Kind::Commits, &[]))?;
        value.map(|value| number(&value, 0, "commits")).transpose()
    }

    /// Let `batch` say that it is commit number `commits` of rows.
    pub(crate) fn count(&self, batch: &mut fjall::OwnedWriteBatch, commits: u64) {
        batch.insert(&self.log, key(Kind::Commits, &[]), commits.to_be_bytes());
    }

    /// The head of every event with a frame in a sealed segment, at the end of the last of them.
    pub(crate) fn heads(&self) -> Result<Vec<(EventId, Head)>, StoreError> {
        let head = |row: fjall::Guard| {
            let (key, value) = row.into_inner().map_err(|error| read_error(&error))?;
            Ok((event_of(&key)?, decode_head(&value)?))
        };
        self.log.prefix([Kind::Head as u8]).map(head).collect()
    }

    /// Every event with a frame in a sealed segment, whether or not its head can be read.
    pub(crate) fn events(&self) -> Result<Vec<EventId>, StoreError> {
        let event = |row: fjall::Guard| event_of(&row.key().map_err(|error| read_error(&error))?);
        self.log.prefix([Kind::Head as u8]).map(event).collect()
    }

    /// How far `event` is trimmed.
    pub(crate) fn trimmed(&self, event: EventId) -> Result<Sequence, StoreError> {
        let value = self.get(&key(Kind::Trimmed, &[&id(event)]))?;
        value.map_or(Ok(Sequence::ZERO), |value| Ok(Sequence(number(&value, 0, "trim")?)))
    }

    /// Remember, durably, how far `event` is trimmed.
    pub(crate) fn set_trimmed(&self, event: EventId, through: Sequence) -> Result<(), StoreError> {
        let value = through.0.to_be_bytes();
        let trimmed = self.log.insert(key(Kind::Trimmed, &[&id(event)]), value);
        trimmed.map_err(|error| write_error(&error))?;
        self.sync()
    }

    /// Records of `event` after `after` in sealed segments, in order, up to about `limit_bytes`.
    pub(crate) fn entries_after(
        &self,
        event: EventId,
        after: Sequence,
        limit_bytes: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut limit = Limit::new(limit_bytes);
        let mut entries = Vec::new();
        let begin = key(Kind::Entry, &[&id(event), &after.0.saturating_add(1).to_be_bytes()]);
        let end = key(Kind::Entry, &[&id(event), &[0xff; 9]]);
        for row in self.log.range(begin..end) {
            let (key, value) = row.into_inner().map_err(|error| read_error(&error))?;
            let entry = decode_entry(Sequence(number(&key, 17, "entry")?), &value)?;
            if !limit.admits(&entry) {
                break;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    /// The sealed segments, each with where its frames end.
    pub(crate) fn segments(&self) -> Result<Vec<(u64, u64)>, StoreError> {
        let mut segments = Vec::new();
        for row in self.log.prefix([Kind::Segment as u8]) {
            let (key, value) = row.into_inner().map_err(|error| read_error(&error))?;
            segments.push((number(&key, 1, "segment")?, number(&value, 0, "segment")?));
        }
        Ok(segments)
    }

    /// Whether every record in `segment` is trimmed.
    pub(crate) fn is_trimmed(&self, segment: u64) -> Result<bool, StoreError> {
        for row in self.log.prefix(key(Kind::Member, &[&segment.to_be_bytes()])) {
            let (key, value) = row.into_inner().map_err(|error| read_error(&error))?;
            let event = key.get(9..).and_then(|rest| rest.first_chunk()).ok_or_else(|| damaged("member"))?;
            let event = EventId(u128::from_be_bytes(*event));
            if self.trimmed(event)?.0 < number(&value, 0, "member")? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Write the index of a full segment, durably. A process that ends in between seals the segment again.
    pub(crate) fn seal(&self, segment: u64, end: u64, index: &SegmentIndex) -> Result<(), StoreError> {
        for items in seal_batches(segment, end, index, SEAL_BATCH_ITEMS_MAX) {
            self.write(items)?;
        }
        self.sync()
    }

    fn write(&self, items: Vec<Item>) -> Result<(), StoreError> {
        let mut batch = self.database.batch();
        for (key, value) in items {
            batch.insert(&self.log, key, value);
        }
        batch.commit().map_err(|error| write_error(&error))
    }
}

/// The rows that seal a segment, in atomic batches: entries first, which change nothing until they are looked for, then
/// everything that says that the segment is sealed. A segment whose row is missing is scanned again at the next start,
/// and its frames continue the heads *before* it: its heads and its row must be written together.
fn seal_batches(segment: u64, end: u64, index: &SegmentIndex, entries_max: usize) -> Vec<Vec<Item>> {
    let entry = |(event, entry): &(EventId, Entry)| {
        let last = entry.last_sequence.0.to_be_bytes();
        (key(Kind::Entry, &[&id(*event), &last]), encode_entry(entry))
    };
    let entries = index.entries.chunks(entries_max).map(|chunk| chunk.iter().map(entry).collect());
    let mut batches: Vec<Vec<Item>> = entries.collect();
    let mut sealing = Vec::with_capacity(2 * index.heads.len() + 1);
    for (event, head) in &index.heads {
        sealing.push((key(Kind::Head, &[&id(*event)]), encode_head(head).to_vec()));
        let member = key(Kind::Member, &[&segment.to_be_bytes(), &id(*event)]);
        sealing.push((member, head.sequence.0.to_be_bytes().to_vec()));
    }
    sealing.push((key(Kind::Segment, &[&segment.to_be_bytes()]), end.to_be_bytes().to_vec()));
    batches.push(sealing);
    batches
}

/// Rows of a snapshot in one direction.
pub(crate) fn rows_of<'a>(
    snapshot: &Snapshot,
    rows: &Keyspace,
    begin: &'a [u8],
    end: &'a [u8],
    reverse: bool,
) -> Box<dyn Iterator<Item = Result<tessera_store::Row, StoreError>> + 'a> {
    let range = snapshot.range(rows, begin..end);
    if reverse { Box::new(range.rev().map(row)) } else { Box::new(range.map(row)) }
}

fn row(guard: fjall::Guard) -> Result<tessera_store::Row, StoreError> {
    let (key, value) = guard.into_inner().map_err(|error| read_error(&error))?;
    Ok((key.to_vec(), value.to_vec()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use futures::executor::block_on;
    use tessera_store::conformance::log::batch;
    use tessera_store::{AppendOutcome, Log};

    use super::*;
    use crate::disk::MemoryDisk;
    use crate::mutant::Mutation;
    use crate::recovery::recover;
    use crate::{EmbeddedStore, Options};

    const EVENTS: u128 = 6;
    const RECORDS: u64 = 4;
    const ENTRIES_MAX: usize = 5;

    fn open(disk: &MemoryDisk, tables: &Path) -> EmbeddedStore {
        let disk = Arc::new(disk.clone());
        let options = Options { segment_bytes: 8192, disk: Some(disk), ..Options::default() };
        EmbeddedStore::open(tables, &options).unwrap()
    }

    /// A journal of several segments, with frames of every event in each.
    fn journal() -> MemoryDisk {
        let (disk, tables) = (MemoryDisk::new(), tempfile::tempdir().unwrap());
        let store = open(&disk, tables.path());
        for record in 0..RECORDS {
            for event in (0..EVENTS).map(EventId) {
                let head = block_on(store.head(event)).unwrap();
                let next = batch(head, u128::from(record) + 1, 1, &[7; 1_000]);
                assert_eq!(block_on(store.append(event, head, next)), AppendOutcome::Committed);
            }
        }
        drop(store);
        disk
    }

    /// A process that is out of file descriptors must not take a healthy event for a damaged one.
    #[test]
    fn what_the_system_refuses_at_the_moment_is_unavailable_and_what_is_missing_is_damaged() {
        let too_many_files = || std::io::Error::from_raw_os_error(24);
        let failed = || std::io::Error::from_raw_os_error(5);
        for passing in [
            fjall::Error::Io(too_many_files()),
            fjall::Error::Storage(fjall::LsmError::Io(too_many_files())),
            fjall::Error::Storage(fjall::LsmError::Io(failed())),
        ] {
            assert!(matches!(read_error(&passing), StoreError::Unavailable { .. }), "{passing}");
            assert!(matches!(open_error(Path::new("x"), &passing), StoreError::Unavailable { .. }));
        }
        for lasting in [
            fjall::Error::Storage(fjall::LsmError::Io(ErrorKind::NotFound.into())),
            fjall::Error::Io(ErrorKind::UnexpectedEof.into()),
            fjall::Error::Storage(fjall::LsmError::InvalidTrailer),
        ] {
            assert!(matches!(read_error(&lasting), StoreError::Damaged { .. }), "{lasting}");
            assert!(matches!(open_error(Path::new("x"), &lasting), StoreError::Damaged { .. }));
        }
        assert!(matches!(read_error(&fjall::Error::Poisoned), StoreError::Fatal { .. }));
        assert!(matches!(open_error(Path::new("x"), &fjall::Error::Locked), StoreError::Locked { .. }));
    }

    /// A damaged row says so on every append to its event, and the others go on.
    #[test]
    fn a_damaged_head_is_told_as_damage_of_its_event() {
        let (disk, tables) = (MemoryDisk::new(), tempfile::tempdir().unwrap());
        let (damaged, sound) = (EventId(1), EventId(2));
        let store = open(&disk, tables.path());
        let append = |store: &EmbeddedStore, event| {
            let head = Head::GENESIS;
            block_on(store.append(event, head, batch(head, 1, 1, &[7; 6_000])))
        };
        assert_eq!(append(&store, damaged), AppendOutcome::Committed);
        assert_eq!(append(&store, sound), AppendOutcome::Committed);
        drop(store);
        let sealed = Sealed::open(tables.path()).unwrap();
        assert!(sealed.head(damaged).unwrap().is_some(), "its segment is full and sealed");
        sealed.write(vec![(key(Kind::Head, &[&id(damaged)]), b"no head".to_vec())]).unwrap();
        sealed.sync().unwrap();
        drop(sealed);
        let store = open(&disk, tables.path());
        assert!(matches!(append(&store, damaged), AppendOutcome::Damaged { .. }));
        assert!(matches!(append(&store, sound), AppendOutcome::Committed), "resubmitted");
        assert_eq!(append(&store, EventId(3)), AppendOutcome::Committed);
    }

    /// The process is killed after any batch of rows that seal a segment: the next start opens the store.
    #[test]
    fn a_kill_while_a_segment_is_sealed_leaves_a_store_that_opens() {
        let disk = journal();
        let mut kills = 0;
        for written in 0.. {
            let tables = tempfile::tempdir().unwrap();
            let sealed = Sealed::open(tables.path()).unwrap();
            let recovered = recover(&disk, &sealed, Mutation::default()).unwrap();
            let (number, end) = recovered.to_seal[0];
            let index = recovered.index.segment(number);
            let batches = seal_batches(number, end, &index, ENTRIES_MAX);
            if written > batches.len() {
                break;
            }
            kills += 1;
            batches.into_iter().take(written).for_each(|batch| sealed.write(batch).unwrap());
            drop((recovered, sealed));
            let store = open(&disk, tables.path());
            for event in (0..EVENTS).map(EventId) {
                assert_eq!(block_on(store.verify(event)).unwrap().head.sequence, Sequence(RECORDS));
            }
        }
        assert!(kills > 2, "there was something to kill between");
    }
}
