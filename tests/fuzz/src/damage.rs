//! Damaged logs: as records, and as the segments of a journal. Damage is noticed, or it did none.

use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use futures::executor::block_on;
use tempfile::TempDir;
use tessera_embedded::disk::{Disk, MemoryDisk};
use tessera_embedded::{EmbeddedStore, Options};
use tessera_inventory::{Epoch, EventId, Sequence};
use tessera_records::Replay;
use tessera_store::conformance::log::batch;
use tessera_store::{AppendOutcome, Log, LogRecord};
use tessera_writer::{Head, ReplayRecord};

use crate::commands::played;
use crate::mutation::Random;
use crate::scene::{EVENT, Written};

/// Scripts of which the one with the longest log is played.
const LOG_SEEDS: u64 = 24;
/// Bytes of each.
const LOG_INPUT_BYTES: usize = 4_000;
/// Small, so that the log fills several.
const SEGMENT_BYTES: u64 = 8_192;
/// Where Linux keeps files in memory.
const SHARED_MEMORY: &str = "/dev/shm";
/// Bytes that describe one piece of damage.
const PATCH_BYTES: usize = 6;
/// Most pieces of damage of one input.
const PATCHES_MAX: usize = 8;

/// The log before it is damaged.
fn log() -> &'static [Written] {
    static LOG: OnceLock<Vec<Written>> = OnceLock::new();
    LOG.get_or_init(|| {
        let logs = (0..LOG_SEEDS).map(|seed| played(&Random::new(seed).bytes(LOG_INPUT_BYTES)).log);
        let log = logs.max_by_key(Vec::len).unwrap();
        assert!(log.len() > 10, "a log that is worth damaging has more than {} records", log.len());
        log
    })
}

/// Pieces of damage: what, where, how much.
fn patches(bytes: &[u8]) -> impl Iterator<Item = (u8, usize, u8)> {
    bytes.chunks_exact(PATCH_BYTES).take(PATCHES_MAX).map(|patch| {
        let at = u32::from_le_bytes([patch[1], patch[2], patch[3], patch[4]]);
        (patch[0], at as usize, patch[5])
    })
}

/// Pieces of damage to a log of records. Its replay ends before the first one, or finds the state that was.
///
/// # Panics
/// When a promise is broken.
pub fn logs(bytes: &[u8]) {
    let mut damaged = log().to_vec();
    for patch in patches(bytes) {
        damage(&mut damaged, patch);
    }
    let (mut sound, mut replay) = (Replay::from_genesis(EVENT), Replay::from_genesis(EVENT));
    for (position, written) in damaged.iter().enumerate() {
        let before = (replay.sequence(), replay.chain(), replay.inventory().digest());
        if replay.apply(&written.record()).is_err() {
            let after = (replay.sequence(), replay.chain(), replay.inventory().digest());
            assert_eq!(after, before, "a record that was refused changed something");
            return;
        }
        let original = &log()[position];
        sound.apply(&original.record()).unwrap();
        assert_eq!(written.bytes, original.bytes, "other bytes were applied");
        assert_eq!(replay.inventory().digest(), sound.inventory().digest());
    }
}

fn damage(log: &mut Vec<Written>, (what, at, how): (u8, usize, u8)) {
    if log.is_empty() {
        return;
    }
    let (place, other) = (at % log.len(), usize::from(how) % log.len());
    let length = log[place].bytes.len();
    match what % 8 {
        0 => drop(log.remove(place)),
        1 => log.swap(place, other),
        2 => log.insert(place, log[other].clone()),
        3 => log[place].bytes.truncate(usize::from(how) % (length + 1)),
        4 => log[place].epoch = Epoch(how.into()),
        5 => log[place].last = Sequence(how.into()),
        6 => log[place].first = Sequence(how.into()),
        _ => {
            let byte = (at / log.len()) % length.max(1);
            if let Some(byte) = log[place].bytes.get_mut(byte) {
                *byte ^= how;
            }
        }
    }
}

/// An installation of two events, closed.
struct Installation {
    disk: MemoryDisk,
    tables: TempDir,
    heads: [(EventId, Head); 2],
}

fn installation() -> &'static Installation {
    static INSTALLATION: OnceLock<Installation> = OnceLock::new();
    INSTALLATION.get_or_init(|| {
        let (disk, tables) = (MemoryDisk::new(), directory());
        let store = open(&disk, tables.path()).unwrap();
        let heads = [EVENT, EventId(EVENT.0 + 1)].map(|event| (event, write(&store, event)));
        drop(store);
        Installation { disk, tables, heads }
    })
}

/// A directory in memory where there is one: the tables sync there for nothing.
fn directory() -> TempDir {
    tempfile::tempdir_in(SHARED_MEMORY).or_else(|_| tempfile::tempdir()).unwrap()
}

fn open(disk: &MemoryDisk, tables: &Path) -> Result<EmbeddedStore, tessera_store::StoreError> {
    let disk: Option<Arc<dyn Disk>> = Some(Arc::new(disk.clone()));
    EmbeddedStore::open(tables, &Options { segment_bytes: SEGMENT_BYTES, disk, ..Options::default() })
}

fn write(store: &EmbeddedStore, event: EventId) -> Head {
    let mut head = Head::GENESIS;
    for written in log() {
        let next = batch(head, written.first.0.into(), 1, &written.bytes);
        let appended = block_on(store.append(event, head, next.clone()));
        assert_eq!(appended, AppendOutcome::Committed);
        head = next.next;
    }
    head
}

/// Pieces of damage to the segments of a journal. The store says that it is damaged, or it has the very log that was written.
///
/// # Panics
/// When a promise is broken.
pub fn journals(bytes: &[u8]) {
    let installation = installation();
    // A disk of its own, with everything that was written.
    let disk = installation.disk.crash(|_, _| true);
    let tables = directory();
    copy(installation.tables.path(), tables.path());
    for patch in patches(bytes) {
        spoil(&disk, patch);
    }
    let Ok(store) = open(&disk, tables.path()) else { return };
    for (event, head) in installation.heads {
        let Ok(found) = block_on(store.head(event)) else { continue };
        assert_eq!(found, head, "a log was shortened in silence");
        let read = block_on(store.read(event, Sequence::ZERO, usize::MAX));
        let Ok(records) = read.and_then(|records| block_on(store.verify(event)).map(|_| records)) else {
            continue;
        };
        assert!(records.iter().map(|record| &*record.bytes).eq(log().iter().map(|written| &*written.bytes)));
        assert_eq!(replayed(&records), replayed_whole(), "another state than the one that was written");
    }
}

fn spoil(disk: &MemoryDisk, (what, at, how): (u8, usize, u8)) {
    let segments = disk.list("journal").unwrap();
    let name = format!("journal/{}", segments[usize::from(what >> 2) % segments.len()]);
    let length = disk.bytes(&name).map_or(0, |bytes| bytes.len());
    let offset = at % length.max(1);
    if length == 0 {
        return;
    }
    let file = disk.open(&name).unwrap();
    let piece = (usize::from(how) * 4).min(length - offset);
    match what & 3 {
        0 => file.write_at(offset as u64, &vec![0; piece]).unwrap(),
        1 => {
            // A write that went to the wrong place.
            let mut other = vec![0; piece];
            file.read_at(((offset * 7) % (length - piece + 1)) as u64, &mut other).unwrap();
            file.write_at(offset as u64, &other).unwrap();
        }
        _ => disk.flip(&name, offset as u64, how),
    }
}

fn replayed(records: &[LogRecord]) -> tessera_inventory::Digest {
    let mut replay = Replay::from_genesis(EVENT);
    for record in records {
        let (first_sequence, last_sequence) = (record.first_sequence, record.last_sequence);
        let (epoch, chain, bytes) = (record.epoch, record.chain, &*record.bytes);
        replay.apply(&ReplayRecord { first_sequence, last_sequence, epoch, chain, bytes }).unwrap();
    }
    replay.inventory().digest()
}

fn replayed_whole() -> tessera_inventory::Digest {
    let mut replay = Replay::from_genesis(EVENT);
    log().iter().for_each(|written| replay.apply(&written.record()).unwrap());
    replay.inventory().digest()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(path, to).unwrap();
        }
    }
}
