//! A mirror: a replay of the shared log of one event, from which reads are answered. It has a sequence and an age, and refuses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use tessera_inventory::{EventId, Sequence};
use tessera_records::Replay;
use tessera_store::StoreError;
use tessera_writer::Monotonic;
use tokio::sync::{Notify, watch};

use crate::inventory::{Publisher, replay_on};
use crate::shared::Shared;
use crate::{ActivateError, NotExecuted, Published};

/// The log is looked at this often while somebody reads, in milliseconds, whatever else is heard: hints of the store, and answers of the owner,
/// make it sooner.
const LOOK_EVERY_MS: u64 = 250;
/// A mirror that nobody reads for this long ends, in milliseconds.
const UNREAD_MS_MAX: u64 = 30_000;

/// The view of an event that another node owns.
#[derive(Debug)]
pub(crate) struct Mirror {
    pub(crate) event: EventId,
    published: ArcSwap<Published>,
    moves: watch::Sender<Sequence>,
    /// Microseconds of monotonic time.
    read_at: AtomicU64,
    /// The newest sequence that an owner has told of.
    told: AtomicU64,
    hint: Notify,
}

/// The state behind a mirror.
pub(crate) struct Mirrored {
    replay: Replay,
    publisher: Publisher,
}

impl Mirror {
    /// A mirror that has read the log to its end.
    pub(crate) async fn begin(
        shared: &Arc<Shared>,
        event: EventId,
        replay: Replay,
    ) -> Result<(Arc<Mirror>, Mirrored), ActivateError> {
        let now = shared.environment.clock.monotonic();
        let publisher = Publisher::new(replay.inventory(), now, shared.limits.seat_map_refresh_ms);
        let mut mirrored = Mirrored { replay, publisher };
        let asked_at = shared.environment.clock.monotonic();
        let followed;
        (mirrored, followed) = follow(shared, event, mirrored).await.map_err(ActivateError::Store)?;
        followed.map_err(|_| ActivateError::NotNow { reason: NotExecuted::StoreAway })?;
        let published = mirrored.view(now, asked_at);
        let mirror = Mirror {
            event,
            moves: watch::Sender::new(published.availability.sequence),
            published: ArcSwap::from_pointee(published),
            read_at: AtomicU64::new(now.0),
            told: AtomicU64::new(0),
            hint: Notify::new(),
        };
        Ok((Arc::new(mirror), mirrored))
    }

    /// The newest view.
    pub(crate) fn published(&self, shared: &Shared) -> Arc<Published> {
        self.read_at.store(shared.environment.clock.monotonic().0, Ordering::Relaxed);
        self.published.load_full()
    }

    /// The sequence as it moves.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Sequence> {
        self.moves.subscribe()
    }

    /// The event has moved to this sequence.
    pub(crate) fn hurry(&self, sequence: Sequence) {
        if self.told.fetch_max(sequence.0, Ordering::Relaxed) < sequence.0 {
            self.hint.notify_one();
        }
    }

    fn is_read(&self, now: Monotonic) -> bool {
        self.moves.receiver_count() > 0
            || now.since_ms(Monotonic(self.read_at.load(Ordering::Relaxed))) < UNREAD_MS_MAX
    }

    fn publish(&self, published: Published) {
        let sequence = published.availability.sequence;
        self.published.store(Arc::new(published));
        self.moves.send_if_modified(|moved| std::mem::replace(moved, sequence) != sequence);
    }
}

impl Mirrored {
    fn view(&mut self, now: Monotonic, asked_at: Monotonic) -> Published {
        let view = self.publisher.view(self.replay.inventory(), now);
        Published { mirrored_at: Some(asked_at), ..view }
    }
}

/// Follow the log for as long as somebody reads, and until the event is this node's own. While the store is away the mirror stays, and grows
/// old.
pub(crate) async fn run(shared: &Arc<Shared>, mirror: &Mirror, mut mirrored: Mirrored) {
    let clock = &shared.environment.clock;
    loop {
        tokio::select! {
            () = clock.sleep_until(clock.monotonic().plus_ms(LOOK_EVERY_MS)) => {}
            () = mirror.hint.notified() => {}
            () = shared.log.moved(mirror.event, mirrored.replay.sequence()) => {}
        }
        let asked_at = clock.monotonic();
        if !mirror.is_read(asked_at) || shared.directory.find(mirror.event).is_some() {
            return;
        }
        let followed;
        (mirrored, followed) = match follow(shared, mirror.event, mirrored).await {
            Ok(followed) => followed,
            Err(error) => {
                // The next reader begins anew, from what the store says then.
                tracing::warn!(event = ?mirror.event, %error, "a mirror could not follow the log");
                return;
            }
        };
        match followed {
            Ok(()) => mirror.publish(mirrored.view(clock.monotonic(), asked_at)),
            Err(error) => {
                tracing::debug!(event = ?mirror.event, %error, "a mirror looks at the log again in a moment");
                shared.environment.sleep_ms(LOOK_EVERY_MS).await;
            }
        }
    }
}

/// Replay the log to its end, as [`replay_on`] does.
async fn follow(
    shared: &Shared,
    event: EventId,
    Mirrored { replay, publisher }: Mirrored,
) -> Result<(Mirrored, Result<(), StoreError>), StoreError> {
    let (replay, followed) = Box::pin(replay_on(shared, event, replay)).await?;
    Ok((Mirrored { replay, publisher }, followed))
}
