//! The anchor: outside the journal, the last acknowledged position, so that a journal that became shorter is noticed.
//!
//! Two checksummed slots in one file are written in turn; a torn write of one leaves the other. It is written
//! before every acknowledgement and synced at most every [`ANCHOR_SYNC_INTERVAL`]: after a power loss it may be
//! that much behind, and a journal that lost exactly those last moments opens without complaint.
//!
//! The tables have one of the same kind: the number of commits that were acknowledged, which the tables count too.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tessera_store::StoreError;

use crate::disk::{Disk, DiskFile};
use crate::frame::Position;
use crate::shared::Shared;

/// The anchor is synced at most this often: the window in which a power loss may leave it behind.
pub(crate) const ANCHOR_SYNC_INTERVAL: Duration = Duration::from_millis(100);

/// Name of the file of the journal's anchor.
pub(crate) const ANCHOR_NAME: &str = "anchor";
/// Name of the file of the tables' anchor: its position is the number of commits, at offset 0.
pub(crate) const TABLES_ANCHOR_NAME: &str = "anchor-tables";

const MAGIC: [u8; 8] = *b"TsAnchr1";
const SLOT_BYTES: usize = 36;
/// The slots stand in blocks of their own.
const SLOT_OFFSETS: [u64; 2] = [0, 4096];
const FILE_BYTES: u64 = 8192;

/// Writes an anchor; only the committer has that of the journal, and only the tables' committer that of the tables.
pub(crate) struct Anchor {
    file: Arc<dyn DiskFile>,
    counter: u64,
}

fn encode(counter: u64, position: Position) -> [u8; SLOT_BYTES] {
    let mut slot = [0; SLOT_BYTES];
    slot[0..8].copy_from_slice(&MAGIC);
    slot[8..16].copy_from_slice(&counter.to_be_bytes());
    slot[16..24].copy_from_slice(&position.segment.to_be_bytes());
    slot[24..32].copy_from_slice(&position.offset.to_be_bytes());
    let checksum = crc32c::crc32c(&slot[..32]);
    slot[32..36].copy_from_slice(&checksum.to_be_bytes());
    slot
}

fn decode(slot: &[u8; SLOT_BYTES]) -> Option<(u64, Position)> {
    let field = |at: usize| slot[at..].first_chunk().map(|chunk| u64::from_be_bytes(*chunk));
    let (counter, position) = (field(8)?, Position { segment: field(16)?, offset: field(24)? });
    (encode(counter, position) == *slot).then_some((counter, position))
}

impl Anchor {
    /// Create the anchor of an empty journal, or of tables without a commit, durably.
    pub(crate) fn create(disk: &dyn Disk, name: &str, position: Position) -> io::Result<Anchor> {
        // Under another name first, so that an anchor that exists is a whole one.
        let unfinished = format!("{name}-unfinished");
        let file = disk.create(&unfinished)?;
        file.allocate(FILE_BYTES)?;
        let mut anchor = Anchor { file, counter: 0 };
        anchor.write(position)?;
        anchor.file.sync_data()?;
        disk.rename(&unfinished, name)?;
        Ok(anchor)
    }

    /// Open the anchor and read the last position in it; `Ok(None)` when there is no file.
    pub(crate) fn open(disk: &dyn Disk, name: &str) -> Result<Option<(Anchor, Position)>, StoreError> {
        let file = match disk.open(name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::Unavailable { reason: format!("the {name}: {error}") }),
        };
        let slots = SLOT_OFFSETS.into_iter().filter_map(|offset| {
            let mut slot = [0; SLOT_BYTES];
            file.read_at(offset, &mut slot).ok()?;
            decode(&slot)
        });
        match slots.max_by_key(|(counter, _)| *counter) {
            Some((counter, position)) => Ok(Some((Anchor { file, counter }, position))),
            None => Err(StoreError::Damaged { reason: format!("neither slot of the {name} is intact") }),
        }
    }

    /// Write `position` into the older slot. Not durable before the next sync.
    pub(crate) fn write(&mut self, position: Position) -> io::Result<()> {
        self.counter += 1;
        let offset = SLOT_OFFSETS[usize::from(self.counter.is_multiple_of(2))];
        self.file.write_at(offset, &encode(self.counter, position))
    }

    /// Make what was written durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    pub(crate) fn file(&self) -> Arc<dyn DiskFile> {
        Arc::clone(&self.file)
    }
}

/// Tells the anchor's thread that the anchor was written.
pub(crate) struct AnchorSignal(Sender<()>);

impl AnchorSignal {
    pub(crate) fn new() -> (AnchorSignal, Receiver<()>) {
        let (sender, receiver) = bounded(1);
        (AnchorSignal(sender), receiver)
    }

    pub(crate) fn written(&self) {
        match self.0.try_send(()) {
            // Full: the thread has yet to see an earlier one, which covers this one too.
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
        }
    }
}

/// The anchor's thread: sync after a write, then pause. Ends, after a last sync, when the committer has ended.
pub(crate) fn run(file: &dyn DiskFile, written: &Receiver<()>, stopped: &Receiver<()>, shared: &Shared) {
    loop {
        let last = written.recv().is_err();
        if let Err(error) = file.sync_data() {
            shared.fail(format!("the anchor could not be synced: {error}"));
            return;
        }
        // A disconnected `stopped` ends the pause early: the committer has ended.
        let _ = stopped.recv_timeout(ANCHOR_SYNC_INTERVAL);
        if last {
            return;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::disk::MemoryDisk;

    fn at(offset: u64) -> Position {
        Position { segment: 1, offset }
    }

    /// The process ends while it makes the anchor: the next one makes it.
    #[test]
    fn an_anchor_that_exists_is_a_whole_one() {
        let disk = MemoryDisk::new();
        disk.fail_writes(true);
        assert!(Anchor::create(&disk, ANCHOR_NAME, at(64)).is_err());
        disk.fail_writes(false);
        assert!(Anchor::open(&disk, ANCHOR_NAME).unwrap().is_none());
        Anchor::create(&disk, ANCHOR_NAME, at(64)).unwrap();
        assert_eq!(Anchor::open(&disk, ANCHOR_NAME).unwrap().unwrap().1, at(64));
    }

    #[test]
    fn the_newest_intact_slot_counts() {
        let disk = MemoryDisk::new();
        assert!(Anchor::open(&disk, ANCHOR_NAME).unwrap().is_none());
        let mut anchor = Anchor::create(&disk, ANCHOR_NAME, at(64)).unwrap();
        for offset in [72, 80, 88] {
            anchor.write(at(offset)).unwrap();
            assert_eq!(Anchor::open(&disk, ANCHOR_NAME).unwrap().unwrap().1, at(offset));
        }
        disk.flip(ANCHOR_NAME, SLOT_OFFSETS[1] + 20, 1);
        assert_eq!(Anchor::open(&disk, ANCHOR_NAME).unwrap().unwrap().1, at(80));
        disk.flip(ANCHOR_NAME, SLOT_OFFSETS[0] + 20, 1);
        assert!(matches!(Anchor::open(&disk, ANCHOR_NAME), Err(StoreError::Damaged { .. })));
    }
}
