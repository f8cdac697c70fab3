//! The housekeeper: one thread for what must not hold up an append. It allocates the next segment ahead, moves the
//! index of full segments to the tables, and archives segments whose every record is trimmed.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use futures::channel::oneshot;
use tessera_inventory::{EventId, Sequence};
use tessera_store::StoreError;
use tessera_writer::Head;

use crate::committer::Prepared;
use crate::disk::{Disk, is_full};
use crate::locate::{ARCHIVE, JOURNAL, UNFINISHED, segment_error, segment_name};
use crate::sealed::Sealed;
use crate::shared::Shared;

/// Orders that may wait for the housekeeper.
pub(crate) const ORDERS_WAITING_MAX: usize = 1024;
/// Room that is left to the tables and the anchor: below it no segment is allocated and no row written, in bytes. What was written before
/// must still find its way: the tables' journals (64 MiB and what is being written), the rows in memory, and compaction, which needs the
/// room of what it merges once more. A write of the tables that finds none fails them for good.
pub(crate) const DISK_RESERVE_BYTES: u64 = 256 << 20;

pub(crate) enum Order {
    /// Allocate segment `number`.
    Prepare { number: u64, length: u64 },
    /// Segment `number` is full; its frames end at `end`.
    Seal { number: u64, end: u64 },
    /// See [`tessera_store::Log::trim`].
    Trim { event: EventId, through: Sequence, answer: oneshot::Sender<Result<Sequence, StoreError>> },
    /// End.
    Stop,
}

pub(crate) struct Housekeeper {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) tables: Sealed,
    pub(crate) shared: Arc<Shared>,
    pub(crate) prepared: Sender<Result<Prepared, String>>,
    /// Full segments that are not sealed yet, oldest first.
    pub(crate) to_seal: VecDeque<(u64, u64)>,
    /// Sealed segments that are not archived yet.
    pub(crate) sealed: BTreeSet<u64>,
}

impl Housekeeper {
    /// The housekeeper's thread.
    pub(crate) fn run(mut self, orders: &Receiver<Order>) {
        self.seal_waiting();
        while let Ok(order) = orders.recv() {
            match order {
                Order::Prepare { number, length } => {
                    // Where the committer has ended, the next start finds the segment; what is full is sealed all the same.
                    let _ = self.prepared.send(self.prepare(number, length));
                }
                Order::Seal { number, end } => {
                    self.to_seal.push_back((number, end));
                    self.seal_waiting();
                }
                Order::Trim { event, through, answer } => {
                    // Nobody may be waiting any more; the trim stands.
                    let _ = answer.send(self.trim(event, through));
                }
                Order::Stop => return,
            }
        }
    }

    fn prepare(&self, number: u64, length: u64) -> Result<Prepared, String> {
        self.allocate(number, length).map_err(|error| {
            if is_full(&error) {
                return format!("the disk is full: no room for the next {length} bytes of the journal");
            }
            let reason = format!("segment {number} could not be allocated: {error}");
            self.shared.fail(reason.clone());
            reason
        })
    }

    /// Under another name first, so that a segment that exists is a whole one.
    fn allocate(&self, number: u64, length: u64) -> io::Result<Prepared> {
        if self.disk.free_bytes()? < length + DISK_RESERVE_BYTES {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = self.disk.create(UNFINISHED)?;
        if let Err(error) = file.allocate(length) {
            self.disk.remove(UNFINISHED)?;
            return Err(error);
        }
        self.disk.rename(UNFINISHED, &segment_name(JOURNAL, number))?;
        Ok(Prepared { number, file, length })
    }

    /// Seal what waits, unless the disk is full: then it stays in memory until the next order.
    fn seal_waiting(&mut self) {
        while let Some((number, end)) = self.to_seal.front().copied() {
            if self.shared.failure().is_some() || !has_room(&*self.disk) {
                return;
            }
            let index = self.shared.index().segment(number);
            if let Err(error) = self.tables.seal(number, end, &index) {
                self.shared.fail(format!("segment {number} could not be sealed: {error}"));
                return;
            }
            self.shared.forget(number);
            self.to_seal.pop_front();
            // Where the tables were lost, what is sealed anew may be in the archive already.
            if self.disk.open(&segment_name(JOURNAL, number)).is_ok() {
                self.sealed.insert(number);
            }
            self.archive();
        }
    }

    fn trim(&mut self, event: EventId, through: Sequence) -> Result<Sequence, StoreError> {
        self.shared.check()?;
        self.seal_waiting();
        let indexed = self.shared.index().head(event);
        let head = match indexed {
            Some(head) => head,
            None => self.tables.head(event)?.unwrap_or(Head::GENESIS),
        };
        let before = self.tables.trimmed(event)?;
        let trimmed = before.max(through.min(head.sequence));
        if trimmed > before {
            if !has_room(&*self.disk) {
                return Err(full());
            }
            self.tables
                .set_trimmed(event, trimmed)
                .inspect_err(|error| self.shared.fail(error.to_string()))?;
            self.archive();
        }
        Ok(trimmed)
    }

    /// Move every sealed segment whose records are all trimmed. One that cannot be moved stays where it is, which harms nobody,
    /// and holds up no other.
    fn archive(&mut self) {
        for number in self.sealed.clone() {
            match self.archive_one(number) {
                Ok(true) => {
                    self.sealed.remove(&number);
                }
                Ok(false) => {}
                Err(error) => tracing::warn!(number, %error, "a trimmed segment stays in the journal"),
            }
        }
    }

    /// Whether the segment was moved: its records are all trimmed.
    fn archive_one(&self, number: u64) -> Result<bool, StoreError> {
        let is_trimmed = self.tables.is_trimmed(number)?;
        if is_trimmed {
            let (from, to) = (segment_name(JOURNAL, number), segment_name(ARCHIVE, number));
            self.disk.rename(&from, &to).map_err(|error| segment_error(number, &error))?;
        }
        Ok(is_trimmed)
    }
}

/// Whether the tables may be written. A disk that does not say is taken to have room: the write will tell.
pub(crate) fn has_room(disk: &dyn Disk) -> bool {
    disk.free_bytes().map_or(true, |free| free >= DISK_RESERVE_BYTES)
}

pub(crate) fn full() -> StoreError {
    StoreError::Unavailable { reason: format!("less than {DISK_RESERVE_BYTES} bytes are left on the disk") }
}
