//! A disk under the journal that fails at the very sync of an append: what it has kept by then is what a restart finds.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tessera_embedded::disk::{Disk, DiskFile, MemoryDisk};

use crate::prng::Prng;

/// What the next sync of the journal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Armed {
    /// It works.
    Nothing,
    /// Power is lost: of what is not synced each sector is kept or lost by this seed.
    Torn(u64),
    /// It fails; the system takes what was to be synced for written.
    Failed,
}

struct State {
    armed: Armed,
    /// What the disk had kept when power was lost.
    survived: Option<MemoryDisk>,
    /// Nothing reaches the disk any more.
    is_dead: bool,
    /// Syncs of the journal are answered and not done.
    is_lying: bool,
    /// Some were.
    has_lied: bool,
}

/// The product's disk in memory, with faults at the syncs of the journal's files.
#[derive(Clone)]
pub(super) struct FailingDisk {
    inner: MemoryDisk,
    state: Arc<Mutex<State>>,
}

struct File {
    inner: Arc<dyn DiskFile>,
    disk: FailingDisk,
    is_journal: bool,
}

/// What a thread of its own syncs at any time.
const ANCHORS: [&str; 2] = ["anchor", "anchor-tables"];

/// The files whose syncs fail: all but the anchors.
fn is_journal(name: &str) -> bool {
    !name.starts_with("anchor")
}

/// Each sector that was not synced is kept or lost, by the seed.
fn keep(seed: u64) -> impl Fn(usize, usize) -> bool {
    move |file, sector| Prng::new(seed ^ ((file as u64) << 32) ^ sector as u64).chance(500)
}

impl FailingDisk {
    pub(super) fn on(inner: MemoryDisk) -> FailingDisk {
        let state =
            State { armed: Armed::Nothing, survived: None, is_dead: false, is_lying: false, has_lied: false };
        FailingDisk { inner, state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn arm(&self, armed: Armed) {
        self.state().armed = armed;
    }

    pub(super) fn armed(&self) -> Armed {
        self.state().armed
    }

    pub(super) fn set_full(&self, is_full: bool) {
        self.inner.set_capacity(is_full.then_some(1));
    }

    /// Power is lost now: nothing that was not synced is kept.
    pub(super) fn lose_power(&self) {
        let survived = self.inner.crash(|_, _| false);
        let mut state = self.state();
        state.survived.get_or_insert(survived);
        state.is_dead = true;
    }

    /// From now on syncs of the journal are answered without being done; or are done again.
    pub(super) fn set_lying(&self, is_lying: bool) {
        self.state().is_lying = is_lying;
    }

    pub(super) fn is_lying(&self) -> bool {
        self.state().is_lying
    }

    pub(super) fn has_lied(&self) -> bool {
        self.state().has_lied
    }

    /// The threads of the anchors have had their time.
    pub(super) fn sync_anchors(&self) -> io::Result<()> {
        ANCHORS.into_iter().try_for_each(|name| self.inner.open(name)?.sync_data())
    }

    /// What a process finds that is started now: what survived the loss of power, or everything.
    pub(super) fn after_restart(&self) -> FailingDisk {
        let mut state = self.state();
        if let Some(survived) = state.survived.take() {
            return FailingDisk::on(survived);
        }
        let disk = FailingDisk::on(self.inner.clone());
        {
            let mut next = disk.state();
            (next.is_lying, next.has_lied) = (state.is_lying, state.has_lied);
        }
        disk
    }

    /// What an old process still does reaches nothing any more.
    pub(super) fn cut_off(&self) {
        self.state().is_dead = true;
    }

    fn check(&self) -> io::Result<()> {
        if self.state().is_dead { Err(io::Error::other("the machine is off (injected)")) } else { Ok(()) }
    }
}

impl Disk for FailingDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.check()?;
        let inner = self.inner.create(name)?;
        Ok(Arc::new(File { inner, disk: self.clone(), is_journal: is_journal(name) }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.check()?;
        let inner = self.inner.open(name)?;
        Ok(Arc::new(File { inner, disk: self.clone(), is_journal: is_journal(name) }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.check()?;
        self.inner.rename(from, to)
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        self.inner.list(directory)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.check()?;
        self.inner.remove(name)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.inner.free_bytes()
    }
}

impl DiskFile for File {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.check()?;
        self.inner.write_at(offset, bytes)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.inner.read_at(offset, bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.check()?;
        if self.is_journal && self.disk.is_lying() {
            self.disk.state().has_lied = true;
            return Ok(());
        }
        let armed = if self.is_journal {
            std::mem::replace(&mut self.disk.state().armed, Armed::Nothing)
        } else {
            Armed::Nothing
        };
        match armed {
            Armed::Nothing => self.inner.sync_data(),
            Armed::Torn(seed) => {
                let survived = self.disk.inner.crash(keep(seed));
                let mut state = self.disk.state();
                (state.survived, state.is_dead) = (Some(survived), true);
                Err(io::Error::other("power was lost (injected)"))
            }
            // As on a real disk, what was to be synced counts as written from now on: later syncs skip it.
            Armed::Failed => {
                self.disk.inner.fail_sync_after(0);
                let failed = self.inner.sync_data();
                self.disk.inner.mend_syncs();
                failed
            }
        }
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        self.disk.check()?;
        self.inner.allocate(length)
    }

    fn length(&self) -> io::Result<u64> {
        self.inner.length()
    }
}
