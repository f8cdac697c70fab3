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
use tessera_store::{AppendOutcome, Batch, Log};
use tessera_writer::Head;

use super::disk::{Armed, FailingDisk};
use crate::catalogue::EVENT;
use crate::disturbance::DiskFault;
use crate::oracle::{Violation, broken};
use crate::prng::Prng;

/// Small enough that a few records fill a segment, in bytes.
const SEGMENT_BYTES: u64 = 4_096;

pub(super) struct Journal {
    prng: Prng,
    disk: FailingDisk,
    tables: TempDir,
    /// Only gone while it is being opened again.
    store: Option<EmbeddedStore>,
    mutation: Mutation,
    is_full: bool,
    /// Faults that appends have met.
    pub(super) met: Vec<&'static str>,
}

impl Journal {
    pub(super) fn new(seed: u64, mutation: Mutation) -> Result<Journal, Violation> {
        let tables =
            tempfile::tempdir().map_err(|error| broken("there is room for tables", error.to_string()))?;
        let disk = FailingDisk::on(MemoryDisk::new());
        let store = Some(open(&disk, &tables, mutation)?);
        let prng = Prng::new(seed ^ 0xd15c);
        Ok(Journal { prng, disk, tables, store, mutation, is_full: false, met: Vec::new() })
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
            DiskFault::TornWrite => self.disk.arm(Armed::Torn(self.prng.next())),
            DiskFault::FailedSync => self.disk.arm(Armed::Failed),
            DiskFault::Full(_) => self.set_full(true),
            DiskFault::Slow(_) => {}
            DiskFault::LostWrites => {
                self.disk.lose_power();
                return Ok(true);
            }
        }
        Ok(false)
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
        self.disk_emptied();
    }

    pub(super) fn has_failed(&self) -> bool {
        self.store.as_ref().is_none_or(|store| store.failure().is_some())
    }

    pub(super) fn reopen(&mut self) -> Result<(), Violation> {
        self.disk.cut_off();
        let disk = FailingDisk::on(self.disk.after_restart());
        disk.set_full(false);
        self.is_full = false;
        // The old store must be gone before its directory is opened again.
        self.store = None;
        self.store = Some(open(&disk, &self.tables, self.mutation)?);
        self.disk = disk;
        Ok(())
    }
}

fn open(disk: &FailingDisk, tables: &TempDir, mutation: Mutation) -> Result<EmbeddedStore, Violation> {
    let disk = Some(Arc::new(disk.clone()) as Arc<dyn Disk>);
    let options = Options { segment_bytes: SEGMENT_BYTES, disk, mutation, ..Options::default() };
    EmbeddedStore::open(tables.path(), &options)
        .map_err(|error| broken("the journal opens again after every crash", error.to_string()))
}
