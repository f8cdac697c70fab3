//! What the tests of the embedded store share.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use std::path::Path;
use std::sync::Arc;

use futures::executor::block_on;
use tempfile::TempDir;
use tessera_embedded::disk::MemoryDisk;
use tessera_embedded::{EmbeddedStore, Options};
use tessera_inventory::{EventId, Sequence};
use tessera_store::conformance::log::batch;
use tessera_store::{AppendOutcome, Log, StoreError};
use tessera_writer::Head;

/// Small enough that a few records fill a segment.
pub const SEGMENT_BYTES: u64 = 8192;

pub const EVENT: EventId = EventId(0xe1);
pub const OTHER: EventId = EventId(0xe2);

/// A store whose journal is on a disk in memory.
pub struct Rig {
    pub disk: MemoryDisk,
    pub tables: TempDir,
    pub store: EmbeddedStore,
}

pub fn open(disk: &MemoryDisk, tables: &Path) -> Result<EmbeddedStore, StoreError> {
    let disk = Arc::new(disk.clone());
    let options = Options { segment_bytes: SEGMENT_BYTES, disk: Some(disk), ..Options::default() };
    EmbeddedStore::open(tables, &options)
}

impl Rig {
    pub fn new() -> Rig {
        let (disk, tables) = (MemoryDisk::new(), tempfile::tempdir().unwrap());
        let store = open(&disk, tables.path()).unwrap();
        Rig { disk, tables, store }
    }

    /// Close the store and open it again on `disk`.
    pub fn reopen_on(self, disk: MemoryDisk) -> Result<Rig, StoreError> {
        let Rig { disk: before, tables, store } = self;
        drop((before, store));
        let store = open(&disk, tables.path())?;
        Ok(Rig { disk, tables, store })
    }

    pub fn reopen(self) -> Result<Rig, StoreError> {
        let disk = self.disk.clone();
        self.reopen_on(disk)
    }

    /// Lose power: what was not synced is lost, except the sectors that `keep` says. Nothing of the old store touches
    /// the tables any more.
    pub fn crash(&self, keep: impl Fn(usize, usize) -> bool) -> MemoryDisk {
        let survived = self.disk.crash(keep);
        self.disk.fail_writes(true);
        self.disk.fail_sync_after(0);
        self.disk.release_syncs();
        survived
    }
}

/// Append records of so many bytes, one after the other; answers the head.
pub fn append_all(store: &EmbeddedStore, event: EventId, sizes: impl IntoIterator<Item = usize>) -> Head {
    let mut head = block_on(store.head(event)).unwrap();
    for size in sizes {
        let next = batch(head, u128::from(head.sequence.0) + 1, 1, &record(head.sequence, size));
        let expected = head;
        head = next.next;
        assert_eq!(block_on(store.append(event, expected, next)), AppendOutcome::Committed);
    }
    head
}

pub fn record(after: Sequence, size: usize) -> Vec<u8> {
    let mut record = vec![u8::try_from(after.0 % 251).unwrap(); size];
    record[..8].copy_from_slice(&after.0.to_be_bytes());
    record
}

/// A number that depends on nothing but the seed and the index.
pub fn draw(seed: u64, index: u64) -> u64 {
    let hash = blake3::hash(&[seed.to_be_bytes(), index.to_be_bytes()].concat());
    u64::from_be_bytes(*hash.as_bytes().first_chunk().unwrap())
}

pub fn is_damaged<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Damaged { .. }))
}
