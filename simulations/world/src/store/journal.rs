//! The product's embedded store in the world: its journal, anchor and recovery on a disk that fails.
//!
//! It has threads of its own. The world waits for each call and for the housekeeper before it goes on, so that what the log says does
//! not depend on them.

use std::sync::Arc;

use futures::executor::block_on;
use tempfile::TempDir;
use tessera_embedded::disk::{Disk, MemoryDisk};
use tessera_embedded::{EmbeddedStore, Mutation, Options};
use tessera_inventory::Sequence;
use tessera_store::{AppendOutcome, Batch, Log, StoreError};
use tessera_writer::Head;

use super::disk::{Armed, FailingDisk};
use crate::catalogue::EVENT;
use crate::disturbance::DiskFault;
use crate::oracle::{Violation, broken};
use crate::prng::Prng;

/// Small enough that a few records fill a segment, in bytes.
const SEGMENT_BYTES: u64 = 4_096;
/// Where segments go whose records are all trimmed.
const ARCHIVE: &str = "archive";

pub(super) struct Journal {
    prng: Prng,
    disk: FailingDisk,
    tables: TempDir,
    /// Only gone while it is being opened again.
    store: Option<EmbeddedStore>,
    mutation: Mutation,
    is_full: bool,
    /// Power was lost, and with it what the disk had said it had.
    was_deceived: bool,
    /// The store was deceived, has noticed, and does not open.
    pub(super) is_given_up: bool,
    /// Segments in the archive.
    archived: usize,
    /// Faults that appends have met, and whatever else is counted.
    pub(super) met: Vec<&'static str>,
}

impl Journal {
    pub(super) fn new(seed: u64, mutation: Mutation) -> Result<Journal, Violation> {
        let tables =
            tempfile::tempdir().map_err(|error| broken("there is room for tables", error.to_string()))?;
        let disk = FailingDisk::on(MemoryDisk::new());
        let store = Some(open(&disk, &tables, mutation).map_err(|error| unopened(&error))?);
        Ok(Journal {
            prng: Prng::new(seed ^ 0xd15c),
            disk,
            tables,
            store,
            mutation,
            is_full: false,
            was_deceived: false,
            is_given_up: false,
            archived: 0,
            met: Vec::new(),
        })
    }

    /// The store; none after one that could not be opened again, which has ended the run.
    pub(super) fn log(&self) -> Option<&EmbeddedStore> {
        self.store.as_ref()
    }

    pub(super) fn append(&mut self, expected: Head, batch: Batch) -> AppendOutcome {
        let Some(store) = &self.store else { return AppendOutcome::Fatal { reason: "closed".to_owned() } };
        let armed = self.disk.armed();
        let outcome = block_on(store.append(EVENT, expected, batch));
        self.settle();
        match armed {
            armed if armed == self.disk.armed() => {}
            Armed::Torn(_) => self.met.push("disk: torn write"),
            Armed::Failed => self.met.push("disk: failed sync"),
            Armed::Nothing => {}
        }
        let archived = self.disk.list(ARCHIVE).map_or(0, |names| names.len());
        self.met.extend((archived > self.archived).then_some("segment archived"));
        self.archived = archived;
        let is_refused = self.is_full && !matches!(outcome, AppendOutcome::Committed);
        self.met.extend(is_refused.then_some("disk: full"));
        outcome
    }

    /// Wait until the housekeeper has done what it was ordered to do.
    fn settle(&self) {
        // A store that has failed does nothing any more.
        let _ = self.store.as_ref().map(|store| block_on(store.trim(EVENT, Sequence::ZERO)));
    }

    /// `true`: every process ends now.
    pub(super) fn disturb(&mut self, fault: DiskFault) -> Result<bool, Violation> {
        self.settle();
        match fault {
            // It fails once only, and what it tells then is what counts.
            DiskFault::TornWrite | DiskFault::FailedSync if self.disk.is_lying() => {}
            DiskFault::TornWrite => self.disk.arm(Armed::Torn(self.prng.next())),
            DiskFault::FailedSync => self.disk.arm(Armed::Failed),
            DiskFault::Full(_) => self.set_full(true),
            DiskFault::Slow(_) => {}
            DiskFault::Lies(_) => {
                self.disk.arm(Armed::Nothing);
                self.disk.set_lying(true);
            }
            DiskFault::LostWrites => return self.lose_power(),
        }
        Ok(false)
    }

    /// Power is lost, long enough after the last append for the anchors to have been synced. `true`: every process ends now.
    pub(super) fn lose_power(&mut self) -> Result<bool, Violation> {
        self.settle();
        self.was_deceived = self.disk.has_lied();
        if self.was_deceived {
            self.disk.sync_anchors().map_err(|error| broken("anchors can be synced", error.to_string()))?;
        }
        self.disk.lose_power();
        Ok(true)
    }

    pub(super) fn disk_emptied(&mut self) {
        self.set_full(false);
    }

    fn set_full(&mut self, is_full: bool) {
        self.is_full = is_full;
        self.disk.set_full(is_full);
    }

    pub(super) fn calm_down(&mut self) {
        self.disk.arm(Armed::Nothing);
        self.disk.set_lying(false);
        self.disk_emptied();
    }

    pub(super) fn has_failed(&self) -> bool {
        !self.is_given_up && self.store.as_ref().is_none_or(|store| store.failure().is_some())
    }

    pub(super) fn reopen(&mut self) -> Result<(), Violation> {
        self.disk.cut_off();
        let disk = self.disk.after_restart();
        disk.set_full(false);
        self.is_full = false;
        // The old store must be gone before its directory is opened again.
        self.store = None;
        match open(&disk, &self.tables, self.mutation) {
            Ok(store) => {
                // Nothing that it depends on was lost.
                self.was_deceived = false;
                self.store = Some(store);
            }
            // What it was told to be durable is gone: that it says so is all that it can do.
            Err(StoreError::Damaged { .. }) if self.was_deceived => {
                self.is_given_up = true;
                self.met.push("disk: lied about syncs");
            }
            Err(error) => return Err(unopened(&error)),
        }
        self.disk = disk;
        Ok(())
    }
}

fn open(disk: &FailingDisk, tables: &TempDir, mutation: Mutation) -> Result<EmbeddedStore, StoreError> {
    let disk = Some(Arc::new(disk.clone()) as Arc<dyn Disk>);
    let options = Options { segment_bytes: SEGMENT_BYTES, disk, mutation, ..Options::default() };
    EmbeddedStore::open(tables.path(), &options)
}

fn unopened(error: &StoreError) -> Violation {
    broken("the journal opens again after every crash", error.to_string())
}
