//! What the threads of a store share: the index of recent appends, and whether the store has failed.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tessera_store::StoreError;

use crate::index::Index;

pub(crate) struct Shared {
    index: Mutex<Index>,
    failure: OnceLock<String>,
}

impl Shared {
    pub(crate) fn new(index: Index) -> Shared {
        Shared { index: Mutex::new(index), failure: OnceLock::new() }
    }

    /// The index. A thread that panicked while it held the lock has left whole entries: they are only pushed and popped.
    pub(crate) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store has failed for good. The first reason stays.
    pub(crate) fn fail(&self, reason: String) {
        tracing::error!(%reason, "the embedded store has failed; nothing more is acknowledged, the process must end");
        // A second failure follows from the first.
        let _ = self.failure.set(reason);
    }

    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// `Err(Fatal)` once the store has failed.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.failure().map_or(Ok(()), |reason| Err(StoreError::Fatal { reason: reason.to_owned() }))
    }
}
