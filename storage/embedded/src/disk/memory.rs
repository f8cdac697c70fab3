//! A disk in memory for tests: it knows what was synced, fails on demand, and crashes like a machine that loses power.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskFile};

/// What a crash keeps or loses as one piece, in bytes.
const SECTOR_BYTES: usize = 512;

#[derive(Clone, Default)]
struct Content {
    /// As programs see it.
    current: Vec<u8>,
    /// As it was at the last sync.
    durable: Vec<u8>,
    /// Sectors that were written since: what the next sync writes.
    dirty: BTreeSet<usize>,
}

impl Content {
    fn of(bytes: Vec<u8>) -> Content {
        Content { current: bytes.clone(), durable: bytes, dirty: BTreeSet::new() }
    }

    fn write(&mut self, begin: usize, bytes: &[u8]) {
        let end = begin + bytes.len();
        if self.current.len() < end {
            self.current.resize(end, 0);
        }
        self.current[begin..end].copy_from_slice(bytes);
        self.dirty.extend(begin / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES));
    }

    /// These sectors are on the disk now.
    fn persist(&mut self, sectors: impl IntoIterator<Item = usize>) {
        for sector in sectors {
            let begin = sector * SECTOR_BYTES;
            let end = self.current.len().min(begin + SECTOR_BYTES);
            if self.durable.len() < end {
                self.durable.resize(end, 0);
            }
            self.durable[begin..end].copy_from_slice(&self.current[begin..end]);
        }
    }
}

#[derive(Default)]
struct State {
    names: BTreeMap<String, usize>,
    contents: Vec<Content>,
    capacity_bytes: Option<u64>,
    syncs: u64,
    failing_sync: Option<u64>,
    failing_writes: bool,
    holding_syncs: bool,
    waiting_syncs: u64,
    lying: bool,
}

struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

/// A disk in memory with faults. Clones share the files. Creating, renaming and removing are durable at once;
/// what is written is durable after a sync.
#[derive(Clone)]
pub struct MemoryDisk {
    inner: Arc<Inner>,
}

impl Default for MemoryDisk {
    fn default() -> MemoryDisk {
        MemoryDisk::with(State::default())
    }
}

impl MemoryDisk {
    /// An empty disk without faults.
    #[must_use]
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    fn with(state: State) -> MemoryDisk {
        MemoryDisk { inner: Arc::new(Inner { state: Mutex::new(state), changed: Condvar::new() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sync after `count` more successful ones fails, and every later one too. As on a real disk, what a failed
    /// sync should have written counts as written: later syncs skip it.
    pub fn fail_sync_after(&self, count: u64) {
        let mut state = self.state();
        state.failing_sync = Some(state.syncs + count);
    }

    /// Syncs succeed again.
    pub fn mend_syncs(&self) {
        self.state().failing_sync = None;
    }

    /// From now on every write fails, or works again.
    pub fn fail_writes(&self, failing: bool) {
        self.state().failing_writes = failing;
    }

    /// Room for all files together, in bytes; `None`: without end.
    pub fn set_capacity(&self, capacity_bytes: Option<u64>) {
        self.state().capacity_bytes = capacity_bytes;
    }

    /// Syncs of the journal wait until [`MemoryDisk::release_syncs`].
    pub fn hold_syncs(&self) {
        self.state().holding_syncs = true;
    }

    /// Let waiting syncs, and later ones, pass.
    pub fn release_syncs(&self) {
        self.state().holding_syncs = false;
        self.inner.changed.notify_all();
    }

    /// Wait until a sync waits.
    pub fn await_waiting_sync(&self) {
        let waits = |state: &mut State| state.waiting_syncs == 0;
        drop(self.inner.changed.wait_while(self.state(), waits).unwrap_or_else(PoisonError::into_inner));
    }

    /// The disk answers syncs without doing them ("Buffer instead of sync"). What it has synced until then stays.
    pub fn lie_about_syncs(&self) {
        self.state().lying = true;
    }

    /// The disk as it stands after power was lost. Every sector that was not synced is lost, except those that `keep`
    /// (given file number and sector number) says had made it.
    #[must_use]
    pub fn crash(&self, keep: impl Fn(usize, usize) -> bool) -> MemoryDisk {
        let state = self.state();
        let contents = state.contents.iter().enumerate().map(|(file, content)| {
            let mut content = content.clone();
            let whole = content.current.len().div_ceil(SECTOR_BYTES);
            content.persist((0..whole).filter(|sector| keep(file, *sector)));
            Content::of(content.durable)
        });
        let contents = contents.collect();
        MemoryDisk::with(State { names: state.names.clone(), contents, ..State::default() })
    }

    /// Change one byte of a file behind everybody's back: `byte` is replaced by its exclusive or with `mask`.
    ///
    /// # Panics
    /// When there is no such byte: a defect of the test.
    pub fn flip(&self, name: &str, offset: u64, mask: u8) {
        let mut state = self.state();
        let file = state.names[name];
        #[allow(clippy::cast_possible_truncation, reason = "files in memory fit in memory")]
        let offset = offset as usize;
        state.contents[file].current[offset] ^= mask;
        state.contents[file].durable[offset] ^= mask;
    }

    /// Length and bytes of a file; `None` when there is none of this name.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        state.names.get(name).map(|file| state.contents[*file].current.clone())
    }
}

impl State {
    fn used_bytes(&self) -> u64 {
        self.names.values().map(|file| self.contents[*file].current.len() as u64).sum()
    }

    fn room_for(&self, more_bytes: u64) -> io::Result<()> {
        match self.capacity_bytes {
            Some(capacity) if more_bytes > 0 && self.used_bytes() + more_bytes > capacity => {
                Err(io::Error::new(io::ErrorKind::StorageFull, "no room (injected)"))
            }
            _ => Ok(()),
        }
    }
}

fn injected() -> io::Error {
    io::Error::other("input/output error (injected)")
}

fn missing(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("no file {name}"))
}

impl Disk for MemoryDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        let file = state.contents.len();
        state.contents.push(Content::default());
        state.names.insert(name.to_owned(), file);
        Ok(Arc::new(MemoryFile { disk: self.clone(), file }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = *self.state().names.get(name).ok_or_else(|| missing(name))?;
        Ok(Arc::new(MemoryFile { disk: self.clone(), file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let file = state.names.remove(from).ok_or_else(|| missing(from))?;
        state.names.insert(to.to_owned(), file);
        Ok(())
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        let prefix = format!("{directory}/");
        let state = self.state();
        Ok(state.names.keys().filter_map(|name| name.strip_prefix(&prefix)).map(str::to_owned).collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.state().names.remove(name).map(drop).ok_or_else(|| missing(name))
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = self.state();
        Ok(state.capacity_bytes.map_or(u64::MAX, |capacity| capacity.saturating_sub(state.used_bytes())))
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    file: usize,
}

impl DiskFile for MemoryFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        if state.failing_writes {
            return Err(injected());
        }
        let begin = usize::try_from(offset).map_err(io::Error::other)?;
        let end = begin + bytes.len();
        let grows = end.saturating_sub(state.contents[self.file].current.len());
        state.room_for(grows as u64)?;
        state.contents[self.file].write(begin, bytes);
        Ok(())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let state = self.disk.state();
        let begin = usize::try_from(offset).map_err(io::Error::other)?;
        let content = state.contents[self.file].current.get(begin..begin + bytes.len());
        bytes.copy_from_slice(content.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        if state.holding_syncs {
            state.waiting_syncs += 1;
            self.disk.inner.changed.notify_all();
            let held = |state: &mut State| state.holding_syncs;
            state = self.disk.inner.changed.wait_while(state, held).unwrap_or_else(PoisonError::into_inner);
            state.waiting_syncs -= 1;
        }
        let failing = state.failing_sync.is_some_and(|failing| state.syncs >= failing);
        let lying = state.lying;
        let content = &mut state.contents[self.file];
        if lying && !failing {
            return Ok(());
        }
        let dirty = std::mem::take(&mut content.dirty);
        if failing {
            return Err(injected());
        }
        content.persist(dirty);
        state.syncs += 1;
        Ok(())
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.room_for(length)?;
        let zeros = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        state.contents[self.file] = Content::of(zeros);
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.state().contents[self.file].current.len() as u64)
    }
}
