//! The mirrors of this process: views of events that other nodes own, kept while somebody reads them.

use std::collections::BTreeMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Mutex, PoisonError};

use papaya::HashMap;
use tessera_inventory::{EventId, Sequence};
use tessera_writer::Monotonic;
use tokio::sync::{Semaphore, oneshot};

use super::Cluster;
use super::mirror::{Mirror, Mirrored, run};
use crate::blocking::caught;
use crate::inventory::{Failure, newest_replay};
use crate::meters::number;
use crate::shared::Shared;
use crate::{ActivateError, NotExecuted, Published};

/// Mirrors at once. Each holds the whole state of its event.
pub(crate) const MIRRORS_MAX: usize = 1_000;

/// Mirrors that are made at the same time, each by a replay; others wait their turn.
const MAKING_AT_ONCE_MAX: usize = 4;

type Made = Result<Arc<Mirror>, ActivateError>;

/// The mirrors by event.
#[derive(Debug)]
pub(crate) struct Mirrors {
    of: HashMap<EventId, Arc<Mirror>, BuildHasherDefault<DefaultHasher>>,
    /// Who waits for a mirror that is being made.
    waiting: Mutex<BTreeMap<EventId, Vec<oneshot::Sender<Made>>>>,
    turns: Arc<Semaphore>,
}

impl Default for Mirrors {
    fn default() -> Self {
        let turns = Arc::new(Semaphore::new(MAKING_AT_ONCE_MAX));
        Mirrors { of: HashMap::default(), waiting: Mutex::default(), turns }
    }
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

    fn insert(&self, shared: &Shared, mirror: &Arc<Mirror>) {
        self.of.pin().insert(mirror.event, Arc::clone(mirror));
        shared.meters.mirrors.set(number(self.of.len() as u64));
    }

    fn remove(&self, shared: &Shared, event: EventId) {
        self.of.pin().remove(&event);
        shared.meters.mirrors.set(number(self.of.len() as u64));
    }

    /// Wait for the mirror of an event. Whether nobody makes it yet.
    fn wait(&self, event: EventId) -> (oneshot::Receiver<Made>, bool) {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = !waiting.contains_key(&event);
        waiting.entry(event).or_default().push(sender);
        (receiver, is_first)
    }

    fn tell(&self, event: EventId, made: &Made) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for waiter in waiting.remove(&event).into_iter().flatten() {
            // Who gave up reads it next time.
            let _ = waiter.send(made.clone());
        }
    }
}

/// The newest view of an event that another node owns; makes its mirror if there is none. Readers of one event wait for one replay, and a
/// reader who gives up leaves it to the others.
pub(crate) async fn open(
    shared: &Arc<Shared>,
    event: EventId,
    give_up_at: Monotonic,
) -> Result<Arc<Published>, ActivateError> {
    let not_now = |reason| ActivateError::NotNow { reason };
    let Some(cluster) = &shared.cluster else { return Err(not_now(NotExecuted::Elsewhere)) };
    if let Some(mirror) = cluster.mirrors.find(event) {
        return Ok(mirror.published(shared));
    }
    let (made, is_first) = cluster.mirrors.wait(event);
    if is_first {
        let (shared, cluster) = (Arc::clone(shared), Arc::clone(cluster));
        let spawn = Arc::clone(&shared.environment.spawn);
        spawn.spawn(Box::pin(async move { make(&shared, &cluster, event).await }));
    }
    tokio::select! {
        biased;
        made = made => {
            let made = made.unwrap_or(Err(not_now(NotExecuted::Restarting)));
            made.map(|mirror| mirror.published(shared))
        }
        () = shared.environment.clock.sleep_until(give_up_at) => Err(not_now(NotExecuted::GaveUp)),
    }
}

/// Make the mirror, tell who waits, and keep it for as long as somebody reads.
async fn make(shared: &Arc<Shared>, cluster: &Cluster, event: EventId) {
    let mirrors = &cluster.mirrors;
    let made = caught(begin(shared, mirrors, event)).await;
    let made = made.unwrap_or(Err(ActivateError::NotNow { reason: NotExecuted::Restarting }));
    let mirrored = match made {
        Ok((mirror, mirrored)) => {
            mirrors.insert(shared, &mirror);
            mirrors.tell(event, &Ok(Arc::clone(&mirror)));
            Some((mirror, mirrored))
        }
        Err(error) => {
            mirrors.tell(event, &Err(error));
            None
        }
    };
    if let Some((mirror, mirrored)) = mirrored {
        if let Err(panicked) = caught(run(shared, &mirror, mirrored)).await {
            tracing::error!(?event, reason = panicked.reason, "a mirror panicked");
        }
        mirrors.remove(shared, event);
    }
}

async fn begin(
    shared: &Arc<Shared>,
    mirrors: &Mirrors,
    event: EventId,
) -> Result<(Arc<Mirror>, Mirrored), ActivateError> {
    if mirrors.of.len() >= MIRRORS_MAX {
        return Err(ActivateError::NotNow { reason: NotExecuted::TooManyActivations });
    }
    // The semaphore is never closed: without a turn nobody goes on all the same.
    let _turn = mirrors.turns.acquire().await;
    let replay = newest_replay(shared, event).await.map_err(|failure| match failure {
        Failure::Unreadable { error } => ActivateError::Store(error),
        _ => ActivateError::NotNow { reason: NotExecuted::StoreAway },
    })?;
    Mirror::begin(shared, event, replay).await
}
