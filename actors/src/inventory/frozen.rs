//! For readers of an event that is not served, because the store lacks what was acknowledged of it: what the log says. Nothing is decided
//! on it, and nobody is refused because of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tessera_inventory::EventId;
use tessera_records::Replay;
use tessera_store::StoreError;
use tessera_writer::Head;
use tokio::sync::Semaphore;

use super::activation::Failure;
use super::publisher::Publisher;
use super::recovery::{newest_replay, replay_on};
use crate::blocking::blocking;
use crate::shared::Shared;
use crate::{FROZEN_VIEWS_MAX, Published};

/// Replays at the same time; other readers wait their turn.
const REPLAYS_AT_ONCE_MAX: usize = 2;

/// The states of events that are not served.
#[derive(Debug)]
pub(crate) struct FrozenViews {
    kept: Mutex<BTreeMap<EventId, Arc<Frozen>>>,
    turns: Semaphore,
}

/// An event as the log has it.
#[derive(Debug)]
pub(crate) struct Frozen {
    head: Head,
    pub(crate) published: Arc<Published>,
    pub(crate) replay: Replay,
}

impl Default for FrozenViews {
    fn default() -> Self {
        FrozenViews { kept: Mutex::default(), turns: Semaphore::new(REPLAYS_AT_ONCE_MAX) }
    }
}

impl FrozenViews {
    /// The event as the log has it now.
    pub(crate) async fn find(&self, shared: &Shared, event: EventId) -> Result<Arc<Frozen>, StoreError> {
        let head = shared.log.head(event).await?;
        if let Some(kept) = self.kept(event, head) {
            return Ok(kept);
        }
        let _turn = self.turns.acquire().await;
        if let Some(kept) = self.kept(event, head) {
            return Ok(kept);
        }
        let frozen = Arc::new(replayed(shared, event, head).await.map_err(store_error)?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= FROZEN_VIEWS_MAX && !kept.contains_key(&event) {
            kept.pop_first();
        }
        kept.insert(event, Arc::clone(&frozen));
        Ok(frozen)
    }

    fn kept(&self, event: EventId, head: Head) -> Option<Arc<Frozen>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&event).filter(|frozen| frozen.head == head).cloned()
    }
}

async fn replayed(shared: &Shared, event: EventId, head: Head) -> Result<Frozen, Failure> {
    let (replay, replayed) = replay_on(shared, event, newest_replay(shared, event).await?).await?;
    replayed?;
    if replay.sequence() < head.sequence {
        let reason =
            format!("the log ends at sequence {}; its head says {}", replay.sequence(), head.sequence);
        return Err(StoreError::Damaged { reason }.into());
    }
    let now = shared.environment.clock.monotonic();
    let work = move || {
        let published = Publisher::new(replay.inventory(), now, 0).view(replay.inventory(), now);
        Frozen { head, published: Arc::new(published), replay }
    };
    Ok(blocking(&*shared.environment.spawn, work).await?)
}

fn store_error(failure: Failure) -> StoreError {
    match failure {
        Failure::Unreadable { error } => error,
        Failure::StoreFailed { reason } => StoreError::Fatal { reason },
        other => StoreError::Unavailable { reason: format!("{other:?}") },
    }
}
