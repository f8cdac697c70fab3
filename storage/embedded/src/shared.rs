//! What the threads of a store share: the index of recent appends, and whether the store has failed.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{self, BoxFuture};
use tessera_inventory::EventId;
use tessera_store::StoreError;

use crate::index::Index;

/// Events that are forgotten while the index is locked once: an append waits for no more than that.
const FORGOTTEN_AT_ONCE_MAX: usize = 256;

pub(crate) struct Shared {
    index: Mutex<Index>,
    failure: OnceLock<String>,
    /// Who wants to be told of the failure.
    listeners: Mutex<Vec<oneshot::Sender<String>>>,
}

impl Shared {
    pub(crate) fn new(index: Index) -> Shared {
        Shared { index: Mutex::new(index), failure: OnceLock::new(), listeners: Mutex::default() }
    }

    /// The index. A thread that panicked while it held the lock has left whole entries: they are only pushed and popped.
    pub(crate) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The index of `segment` is in the tables: forget it, and every event that has nothing later. In steps, and what is forgotten is
    /// freed outside of the lock: the committer waits for it.
    pub(crate) fn forget(&self, segment: u64) {
        let forgotten = self.index().take_segment(segment);
        let events: Vec<EventId> = forgotten.iter().flat_map(|index| index.heads.keys().copied()).collect();
        for events in events.chunks(FORGOTTEN_AT_ONCE_MAX) {
            let freed = self.index().forget(segment, events);
            drop(freed);
        }
    }

    /// The store has failed for good. The first reason stays.
    pub(crate) fn fail(&self, reason: String) {
        tracing::error!(%reason, "the embedded store has failed; nothing more is acknowledged, the process must end");
        // A second failure follows from the first.
        if self.failure.set(reason).is_err() {
            return;
        }
        for listener in self.listeners().drain(..) {
            // It may have left.
            let _ = listener.send(self.failure().unwrap_or_default().to_owned());
        }
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<oneshot::Sender<String>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// See [`tessera_store::Log::failed`].
    pub(crate) fn failed(&self) -> BoxFuture<'static, Option<String>> {
        let mut listeners = self.listeners();
        // Looked at under the lock: who fails the store later finds the listener.
        if let Some(reason) = self.failure() {
            return future::ready(Some(reason.to_owned())).boxed();
        }
        let (listener, told) = oneshot::channel();
        listeners.retain(|listener| !listener.is_canceled());
        listeners.push(listener);
        told.map(Result::ok).boxed()
    }

    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// `Err(Fatal)` once the store has failed.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.failure().map_or(Ok(()), |reason| Err(StoreError::Fatal { reason: reason.to_owned() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_who_listens_is_told_of_the_first_failure() {
        let shared = Shared::new(Index::default());
        let (early, left) = (shared.failed(), shared.failed());
        drop(left);
        shared.fail("first".to_owned());
        shared.fail("second".to_owned());
        assert_eq!(early.now_or_never(), Some(Some("first".to_owned())));
        assert_eq!(shared.failed().now_or_never(), Some(Some("first".to_owned())));
        let healthy = Shared::new(Index::default());
        let mut listening = healthy.failed();
        assert_eq!((&mut listening).now_or_never(), None);
        drop(healthy);
        assert_eq!(listening.now_or_never(), Some(None), "it was closed");
    }
}
