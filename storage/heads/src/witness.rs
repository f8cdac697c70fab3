//! What a node has seen of each event, and the thread that writes it down.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded, select};
use tessera_inventory::EventId;

use crate::file::{self, HeadFile, WitnessError};
use crate::mark::HeadMark;

/// What moved is written at most this often: the window in which what was acknowledged is not yet witnessed.
pub const WRITE_INTERVAL: Duration = Duration::from_millis(100);
/// After a failed write the next is tried so much later, whether or not anything moved meanwhile.
pub const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// Most events that are witnessed (about 20 MB in memory, 14 MB in the file). Beyond it those that moved longest ago are forgotten: of
/// them this node would not notice that the store went back. Another that has seen them since would.
pub const WITNESSED_EVENTS_MAX: usize = 100_000;
/// The file is written anew once it has this many records more than twice as many as there are events.
const STALE_RECORDS_MAX: usize = 4_096;

/// What a node has seen acknowledged of each event. Closed or dropped, it writes down what moved last.
pub struct HeadWitness {
    seen: Arc<Seen>,
    /// Tells the thread that something moved.
    moved: Sender<()>,
    running: Mutex<Option<Running>>,
}

struct Running {
    /// Never sent on: without it the thread ends.
    alive: Sender<()>,
    thread: JoinHandle<()>,
}

/// Shared with the thread.
#[derive(Default)]
struct Seen {
    /// What moved since the thread last looked.
    moved: Mutex<BTreeMap<EventId, HeadMark>>,
    newest: RwLock<Newest>,
}

/// The newest of each event.
#[derive(Default)]
struct Newest {
    /// With when it moved, as a number that grows.
    marks: BTreeMap<EventId, (u64, HeadMark)>,
    moves: u64,
}

impl HeadWitness {
    /// The witness of a node whose data directory this is, over a store that holds this `installation`.
    ///
    /// # Errors
    /// [`WitnessError`], which says what to do.
    pub fn open(directory: &Path, installation: u128) -> Result<HeadWitness, WitnessError> {
        HeadWitness::open_bounded(directory, installation, WITNESSED_EVENTS_MAX)
    }

    /// Whether a store that holds this installation, or none yet, may be the one that a node with this data directory has seen. Asked
    /// before an empty store is made an installation.
    ///
    /// # Errors
    /// [`WitnessError::OtherInstallation`] where it may not.
    pub fn expects(directory: &Path, found: Option<u128>) -> Result<(), WitnessError> {
        file::read(directory)?
            .map_or(Ok(()), |content| same_installation(directory, content.installation, found))
    }

    fn open_bounded(
        directory: &Path,
        installation: u128,
        events_max: usize,
    ) -> Result<HeadWitness, WitnessError> {
        let failed = |source: io::Error| WitnessError::File { path: directory.join(file::FILE_NAME), source };
        let mut taken = HeadFile::take(directory)?;
        let mut newest = Newest::default();
        if let Some(content) = file::read(directory)? {
            same_installation(directory, content.installation, Some(installation))?;
            newest.add(content.records);
        }
        newest.forget_oldest(events_max);
        taken.rewrite(installation, newest.in_order()).map_err(failed)?;
        let (records, seen) = (newest.marks.len(), Seen { newest: RwLock::new(newest), ..Seen::default() });
        let seen = Arc::new(seen);
        let (moved, told) = bounded(1);
        let (alive, ended) = bounded(0);
        let mut scribe = Scribe {
            seen: Arc::clone(&seen),
            file: taken,
            installation,
            records,
            events_max,
            is_failing: false,
        };
        let thread = Builder::new()
            .name("tessera-heads".to_owned())
            .spawn(move || scribe.run(&told, &ended))
            .map_err(failed)?;
        Ok(HeadWitness { seen, moved, running: Mutex::new(Some(Running { alive, thread })) })
    }

    /// The store has acknowledged this head of `event`, or an operator has accepted it. It replaces what was witnessed.
    pub fn note(&self, event: EventId, head: impl Into<HeadMark>) {
        locked(&self.seen.moved).insert(event, head.into());
        // Full: the thread has yet to see an earlier one, which covers this one too.
        let _ = self.moved.try_send(());
    }

    /// Writes down what moved last, and gives the directory back; what is noted afterwards is not written. Waits for the disk.
    pub fn close(&self) {
        let Some(Running { alive, thread }) = locked(&self.running).take() else { return };
        drop(alive);
        if thread.join().is_err() {
            tracing::error!("the thread of the head witness panicked");
        }
    }

    /// How far `event` was seen; `None` where it never was, or was forgotten.
    #[must_use]
    pub fn witnessed(&self, event: EventId) -> Option<HeadMark> {
        // In this order: what the thread takes from the one is in the other before anybody may look there.
        let moved = locked(&self.seen.moved).get(&event).copied();
        moved.or_else(|| self.seen.read(|newest| newest.marks.get(&event).map(|(_, mark)| *mark)))
    }

    /// Every event that is witnessed, and how far it was seen.
    #[must_use]
    pub fn all(&self) -> Vec<(EventId, HeadMark)> {
        self.seen.read(|newest| {
            let known = newest.marks.iter().map(|(event, (_, mark))| (*event, *mark));
            let mut all: BTreeMap<EventId, HeadMark> = known.collect();
            all.extend(locked(&self.seen.moved).iter().map(|(event, mark)| (*event, *mark)));
            all.into_iter().collect()
        })
    }
}

impl Drop for HeadWitness {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for HeadWitness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeadWitness").finish_non_exhaustive()
    }
}

fn same_installation(directory: &Path, witnessed: u128, found: Option<u128>) -> Result<(), WitnessError> {
    let path = || directory.join(file::FILE_NAME);
    if found == Some(witnessed) {
        Ok(())
    } else {
        Err(WitnessError::OtherInstallation { path: path(), witnessed, found })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is one insertion: nobody leaves one half-done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seen {
    fn read<T>(&self, look: impl FnOnce(&Newest) -> T) -> T {
        look(&self.newest.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Moves what was noted to what is known, and gives it back to be written.
    fn take_moved(&self, events_max: usize) -> Vec<(EventId, HeadMark)> {
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        let moved: Vec<_> = std::mem::take(&mut *locked(&self.moved)).into_iter().collect();
        newest.add(moved.iter().copied());
        if newest.marks.len() > events_max + events_max / 8 {
            newest.forget_oldest(events_max);
        }
        moved
    }
}

impl Newest {
    fn add(&mut self, records: impl IntoIterator<Item = (EventId, HeadMark)>) {
        for (event, mark) in records {
            self.moves += 1;
            self.marks.insert(event, (self.moves, mark));
        }
    }

    /// Those that moved longest ago first.
    fn in_order(&self) -> impl Iterator<Item = (EventId, &HeadMark)> {
        let mut order: Vec<_> =
            self.marks.iter().map(|(event, (moved, mark))| (*moved, *event, mark)).collect();
        order.sort_unstable_by_key(|(moved, ..)| *moved);
        order.into_iter().map(|(_, event, mark)| (event, mark))
    }

    fn forget_oldest(&mut self, events_max: usize) {
        let excess = self.marks.len().saturating_sub(events_max);
        if excess == 0 {
            return;
        }
        let oldest: BTreeSet<EventId> = self.in_order().take(excess).map(|(event, _)| event).collect();
        self.marks.retain(|event, _| !oldest.contains(event));
        tracing::warn!(events = excess, "the head witness is full: what moved longest ago is forgotten");
    }
}

/// The thread: writes what moved, then pauses.
struct Scribe {
    seen: Arc<Seen>,
    file: HeadFile,
    installation: u128,
    /// Records in the file.
    records: usize,
    events_max: usize,
    /// Whether the last write failed: the next writes the file anew.
    is_failing: bool,
}

impl Scribe {
    /// Ends, after a last write, when the witness is closed.
    fn run(&mut self, told: &Receiver<()>, ended: &Receiver<()>) {
        loop {
            let is_last = if self.is_failing {
                // What was not written must be written though nothing moves any more.
                matches!(ended.try_recv(), Err(TryRecvError::Disconnected))
            } else {
                select! {
                    recv(told) -> told => told.is_err(),
                    recv(ended) -> _ => true,
                }
            };
            let written = self.write();
            if let (Err(error), false) = (&written, self.is_failing) {
                tracing::error!(%error, "the head witness cannot be written: should the store go back, this node will not notice");
            }
            self.is_failing = written.is_err();
            if is_last {
                return;
            }
            // The end of the witness ends the pause early.
            let _ = ended.recv_timeout(if self.is_failing { RETRY_INTERVAL } else { WRITE_INTERVAL });
        }
    }

    fn write(&mut self) -> io::Result<()> {
        let moved = self.seen.take_moved(self.events_max);
        let events = self.seen.read(|newest| newest.marks.len());
        if self.is_failing || self.records + moved.len() > 2 * events + STALE_RECORDS_MAX {
            self.seen.read(|newest| self.file.rewrite(self.installation, newest.in_order()))?;
            self.records = events;
            return Ok(());
        }
        if !moved.is_empty() {
            self.file.append(&moved)?;
            self.records += moved.len();
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
