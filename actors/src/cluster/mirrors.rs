//! The mirrors of this process: views of events that other nodes own, kept while somebody reads them.

use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use papaya::HashMap;
use tessera_inventory::{EventId, Sequence};

use super::mirror::{Mirror, run};
use crate::inventory::newest_replay;
use crate::meters::number;
use crate::shared::Shared;
use crate::{ActivateError, NotExecuted, Published};

/// Mirrors at once. Each holds the whole state of its event.
pub(crate) const MIRRORS_MAX: usize = 1_000;

/// The mirrors by event.
#[derive(Debug, Default)]
pub(crate) struct Mirrors {
    of: HashMap<EventId, Arc<Mirror>, BuildHasherDefault<DefaultHasher>>,
    /// Held while a mirror is made, so that an event has one.
    making: tokio::sync::Mutex<()>,
}

impl Mirrors {
    pub(crate) fn find(&self, event: EventId) -> Option<Arc<Mirror>> {
        self.of.pin().get(&event).cloned()
    }

    /// The event has moved to this sequence, as its owner said: the mirror need not wait for its time.
    pub(crate) fn hurry(&self, event: EventId, sequence: Sequence) {
        if let Some(mirror) = self.of.pin().get(&event) {
            mirror.hurry(sequence);
        }
    }

    fn remove(&self, shared: &Shared, event: EventId) {
        self.of.pin().remove(&event);
        shared.meters.mirrors.set(number(self.of.len() as u64));
    }
}

/// The newest view of an event that another node owns; makes its mirror if there is none.
pub(crate) async fn open(shared: &Arc<Shared>, event: EventId) -> Result<Arc<Published>, ActivateError> {
    let Some(cluster) = shared.cluster.as_ref() else {
        return Err(ActivateError::NotNow { reason: NotExecuted::Elsewhere });
    };
    let mirrors = &cluster.mirrors;
    let _making = mirrors.making.lock().await;
    if let Some(mirror) = mirrors.find(event) {
        return Ok(mirror.published(shared));
    }
    if mirrors.of.len() >= MIRRORS_MAX {
        return Err(ActivateError::NotNow { reason: NotExecuted::TooManyActivations });
    }
    let replay = newest_replay(shared, event).await.map_err(|_| {
        let reason = NotExecuted::StoreAway;
        ActivateError::NotNow { reason }
    })?;
    let (mirror, replay) = Mirror::begin(shared, event, replay).await?;
    mirrors.of.pin().insert(event, Arc::clone(&mirror));
    shared.meters.mirrors.set(number(mirrors.of.len() as u64));
    let published = mirror.published(shared);
    let (shared, spawn) = (Arc::clone(shared), Arc::clone(&shared.environment.spawn));
    spawn.spawn(Box::pin(async move {
        run(&shared, &mirror, replay).await;
        if let Some(cluster) = &shared.cluster {
            cluster.mirrors.remove(&shared, mirror.event);
        }
    }));
    Ok(published)
}
