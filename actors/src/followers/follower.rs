//! One follower of the logs of all active events.

use std::collections::BTreeMap;
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tessera_inventory::{EventId, Sequence};
use tessera_store::StoreError;

use super::FollowerKind;
use super::work::{Place, Step, Worker};
use crate::blocking::{Panicked, caught};
use crate::meters::number;
use crate::shared::Shared;
use crate::slot::Slot;

/// Steps along the log of one event in one pass; then others have their turn.
const STEPS_PER_PASS: u32 = 16;
/// Pause after a pass that failed or met another follower, in milliseconds.
const RETRY_MS: u64 = 1_000;

/// What a follower is told.
#[derive(Debug)]
pub(crate) enum FollowerMessage {
    /// The log of an event has grown. One such message at most is under way per event.
    Moved(Arc<Slot>),
    /// The pause after a pass is over.
    Resume(Arc<Slot>),
}

/// The actor.
#[derive(Debug)]
pub(crate) struct Follower {
    pub(crate) shared: Arc<Shared>,
    pub(crate) kind: FollowerKind,
}

/// Where it stands in each active event.
#[derive(Debug)]
pub(crate) struct Positions {
    worker: Worker,
    of: BTreeMap<EventId, Position>,
}

#[derive(Debug, Default)]
struct Position {
    place: Option<Place>,
    through: Sequence,
    stored: Sequence,
}

impl Actor for Follower {
    type Msg = FollowerMessage;
    type State = Positions;
    type Arguments = ();

    async fn pre_start(
        &self,
        myself: ActorRef<FollowerMessage>,
        (): (),
    ) -> Result<Positions, ActorProcessingErr> {
        self.shared.follower(self.kind).attach(myself.clone());
        // What the follower before was told, and what was said to nobody meanwhile.
        for slot in self.shared.directory.all() {
            slot.follower_wake(self.kind).hold();
            myself.cast(FollowerMessage::Moved(slot))?;
        }
        Ok(Positions { worker: Worker::new(self.kind, &self.shared), of: BTreeMap::new() })
    }

    async fn handle(
        &self,
        myself: ActorRef<FollowerMessage>,
        message: FollowerMessage,
        positions: &mut Positions,
    ) -> Result<(), ActorProcessingErr> {
        let slot = match message {
            FollowerMessage::Moved(slot) => slot,
            FollowerMessage::Resume(slot) if self.is_behind(&slot, positions) => slot,
            FollowerMessage::Resume(_) => return Ok(()),
        };
        // What one event makes panic must not keep the follower from the others: of that event nothing is kept, and it waits.
        let pause_ms = match caught(self.pass(&slot, positions)).await {
            Ok(Ok(pause_ms)) => pause_ms,
            Ok(Err(error @ (StoreError::Fatal { .. } | StoreError::Locked { .. }))) => {
                self.shared.health.fail(error.to_string());
                return Ok(());
            }
            Ok(Err(error)) if is_for_good(&error) => {
                positions.of.remove(&slot.event);
                self.stuck(&slot, error.to_string());
                return Ok(());
            }
            Err(Panicked { reason }) => {
                positions.of.remove(&slot.event);
                self.stuck(&slot, format!("it panicked: {reason}"));
                return Ok(());
            }
            Ok(Err(error)) => {
                self.shared.meters.follower_failures.increment(1);
                positions.of.remove(&slot.event);
                tracing::warn!(follower = self.kind.name(), event = ?slot.event, %error, "a follower could not go on");
                RETRY_MS
            }
        };
        let sleep = self.shared.environment.sleep_ms(pause_ms);
        self.shared.environment.spawn.spawn(Box::pin(async move {
            sleep.await;
            // A follower that was restarted meanwhile looks at every active event by itself.
            let _ = myself.cast(FollowerMessage::Resume(slot));
        }));
        Ok(())
    }
}

/// Whether the same step would fail again, however often.
fn is_for_good(error: &StoreError) -> bool {
    match error {
        StoreError::Damaged { .. } | StoreError::FormatTooNew { .. } | StoreError::TooLarge { .. } => true,
        StoreError::Unavailable { .. }
        | StoreError::OutcomeUnknown { .. }
        | StoreError::Fatal { .. }
        | StoreError::Locked { .. } => false,
    }
}

impl Follower {
    /// This event cannot be worked off: operators see it, nobody waits for it, and its next ownership tries it again.
    fn stuck(&self, slot: &Slot, reason: String) {
        let follower = self.kind.name();
        tracing::error!(follower, event = ?slot.event, reason, "a follower is stuck in the log of an event");
        self.shared.meters.follower_failures.increment(1);
        self.note_stuck(slot, Some(reason));
    }

    fn note_stuck(&self, slot: &Slot, reason: Option<String>) {
        slot.set_stuck(self.kind, reason.is_some());
        let count = self.shared.health.set_stuck(slot.event, self.kind.name(), reason);
        self.shared.meters.stuck_followers.set(number(count as u64));
    }

    /// After a pause: whether there is more to do. If not, the next publication sends a message.
    fn is_behind(&self, slot: &Slot, positions: &mut Positions) -> bool {
        // Lowered before the look: who publishes after it finds the flag down.
        slot.follower_wake(self.kind).lower();
        let through = positions.of.get(&slot.event).map_or(Sequence::ZERO, |position| position.through);
        if through < slot.durable() || slot.owes(self.kind) || slot.has_ended() && !slot.has_stored(self.kind)
        {
            return slot.follower_wake(self.kind).raise();
        }
        if slot.has_ended() {
            positions.of.remove(&slot.event);
        }
        false
    }

    /// Work off some of the log of one event. Returns the pause before the next look, in milliseconds.
    async fn pass(&self, slot: &Slot, positions: &mut Positions) -> Result<u64, StoreError> {
        let Positions { worker, of } = positions;
        let is_first = !of.contains_key(&slot.event);
        let position = of.entry(slot.event).or_default();
        let mut pause_ms = self.shared.limits.follower_pause_ms;
        for _ in 0..STEPS_PER_PASS {
            // Looked at before the log: after the end nothing more comes.
            let is_last = slot.has_ended();
            let durable = slot.durable();
            match worker.step(&self.shared, slot, is_last, &mut position.place).await? {
                Step::Advanced(through) => {
                    self.shared.meters.follower_steps.increment(1);
                    (position.through, position.stored) = (through, through);
                    // What came meanwhile waits for the next pass, and shares its transaction, its page and its signature with what
                    // comes until then. Followed at once, each turn would have its own.
                    if through >= durable && !is_last && !slot.owes_a_page(self.kind) {
                        break;
                    }
                }
                Step::UpToDate(through) => {
                    (position.through, position.stored) = (through, through);
                    break;
                }
                Step::Seen { through, stored } => {
                    (position.through, position.stored) = (through, stored);
                    break;
                }
                Step::Fenced => {
                    let follower = self.kind.name();
                    tracing::warn!(follower, event = ?slot.event, "another follower works this log off");
                    // It is left alone for a while, and then only followed up if it has not got as far as this log.
                    pause_ms = RETRY_MS;
                    break;
                }
            }
        }
        slot.set_worked_off(self.kind, position.through, position.stored);
        if is_first {
            self.note_stuck(slot, None);
        }
        Ok(pause_ms)
    }
}
