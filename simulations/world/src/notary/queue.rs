//! Refusals that wait to be proven, as a process has them in its memory: bounded, and gone with it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tessera_writer::Refused;

/// Most that wait in one ownership: few, so that some are turned away.
const WAITING_MAX: usize = 24;

/// The refusals of one ownership. Clones share what they hold.
#[derive(Clone, Default)]
pub(super) struct Queue(Arc<Mutex<VecDeque<Refused>>>);

impl Queue {
    /// Take refusals in, as far as there is room; those that there is no room for come back.
    pub(super) fn push(&self, mut refused: Vec<Refused>) -> Vec<Refused> {
        let mut queue = self.locked();
        let room = WAITING_MAX.saturating_sub(queue.len()).min(refused.len());
        let turned_away = refused.split_off(room);
        queue.extend(refused);
        turned_away
    }

    /// A copy of the oldest.
    pub(super) fn oldest(&self, count: usize) -> Vec<Refused> {
        self.locked().iter().take(count).cloned().collect()
    }

    /// Those up to the refusal of this epoch and number are proven. Those of another writer are others.
    pub(super) fn forget_through(&self, (epoch, last): (u64, u64)) {
        let is_proven = |one: &Refused| one.place.epoch.0 == epoch && one.place.number <= last;
        self.locked().retain(|one| !is_proven(one));
    }

    /// The epoch of the writer whose refusals wait.
    pub(super) fn epoch(&self) -> Option<u64> {
        self.locked().front().map(|one| one.place.epoch.0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.locked().is_empty()
    }

    fn locked(&self) -> MutexGuard<'_, VecDeque<Refused>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
