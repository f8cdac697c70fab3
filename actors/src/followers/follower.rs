//! One follower of the logs of all active events: of each event one step after the other, of several at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tessera_inventory::{EventId, Sequence};
use tessera_store::StoreError;
use tokio::sync::Semaphore;

use super::FollowerKind;
use super::work::{Place, Step, Worker};
use crate::blocking::{Panicked, caught};
use crate::meters::number;
use crate::shared::Shared;
use crate::slot::Slot;

/// Events that one follower works on at the same time; others wait their turn. What they write is synced together.
const EVENTS_AT_ONCE_MAX: usize = 8;
/// Steps along the log of one event in one pass; then others have their turn.
const STEPS_PER_PASS: u32 = 16;
/// Pause after a pass that failed or met another follower, in milliseconds.
const RETRY_MS: u64 = 1_000;

/// What a follower is told.
#[derive(Debug)]
pub(crate) enum FollowerMessage {
    /// The log of an event has grown. One such message at most is under way per event.
    Moved(Arc<Slot>),
    /// A pass over the log of an event is over.
    Passed(Passed),
    /// The pause after a pass is over.
    Resume(Arc<Slot>),
}

/// A pass that is over.
#[derive(Debug)]
pub(crate) struct Passed {
    slot: Arc<Slot>,
    position: Position,
    /// The pause before the next look, in milliseconds.
    outcome: Result<Result<u64, StoreError>, Panicked>,
}

/// The actor.
#[derive(Clone, Debug)]
pub(crate) struct Follower {
    pub(crate) shared: Arc<Shared>,
    pub(crate) kind: FollowerKind,
}

/// Where it stands in each active event. The place of an event is away while a pass works on it.
#[derive(Debug)]
pub(crate) struct Positions {
    worker: Worker,
    /// Turns to work on an event.
    turns: Arc<Semaphore>,
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
        let turns = Arc::new(Semaphore::new(EVENTS_AT_ONCE_MAX));
        Ok(Positions { worker: Worker::new(self.kind, &self.shared), turns, of: BTreeMap::new() })
    }

    async fn handle(
        &self,
        myself: ActorRef<FollowerMessage>,
        message: FollowerMessage,
        positions: &mut Positions,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            FollowerMessage::Moved(slot) => self.begin(myself, slot, positions),
            FollowerMessage::Resume(slot) if self.is_behind(&slot, positions) => {
                self.begin(myself, slot, positions);
            }
            FollowerMessage::Resume(_) => {}
            FollowerMessage::Passed(passed) => self.passed(myself, passed, positions),
        }
        Ok(())
    }
}

/// Whether the same step would fail again, however often.
fn is_for_good(error: &StoreError) -> bool {
    match error {
        StoreError::Damaged { .. } | StoreError::FormatTooNew { .. } | StoreError::TooLarge { .. } => true,
        StoreError::Unavailable { .. }
        | StoreError::Outdated { .. }
        | StoreError::OutcomeUnknown { .. }
        | StoreError::Fatal { .. }
        | StoreError::Locked { .. } => false,
    }
}

impl Follower {
    /// Work on an event beside the others, as soon as there is a turn. Nothing else begins a pass over this ownership before this one is over,
    /// unless the follower is restarted: then, as where the ownership before has not ended, one of the two is overtaken.
    fn begin(&self, myself: ActorRef<FollowerMessage>, slot: Arc<Slot>, positions: &mut Positions) {
        let (follower, worker, turns) =
            (self.clone(), positions.worker.clone(), Arc::clone(&positions.turns));
        let known = positions.of.remove(&slot.event);
        self.shared.environment.spawn.spawn(Box::pin(async move {
            // The semaphore is never closed: without a turn it would go on all the same.
            let turn = turns.acquire().await;
            let is_first = known.is_none();
            let mut position = known.unwrap_or_default();
            // What one event makes panic must not keep the follower from the others.
            let outcome = caught(follower.pass(&worker, &slot, is_first, &mut position)).await;
            drop(turn);
            // A follower that was restarted meanwhile looks at every active event by itself.
            let _ = myself.cast(FollowerMessage::Passed(Passed { slot, position, outcome }));
        }));
    }

    /// What a pass has left: where it stands, and when it is looked at again. Of an event on which it failed nothing is kept.
    fn passed(&self, myself: ActorRef<FollowerMessage>, passed: Passed, positions: &mut Positions) {
        let Passed { slot, position, outcome } = passed;
        let pause_ms = match outcome {
            Ok(Ok(pause_ms)) => {
                positions.of.insert(slot.event, position);
                pause_ms
            }
            Ok(Err(error @ (StoreError::Fatal { .. } | StoreError::Locked { .. }))) => {
                return self.shared.health.fail(error.to_string());
            }
            Ok(Err(error)) if is_for_good(&error) => return self.stuck(&slot, error.to_string()),
            Err(Panicked { reason }) => return self.stuck(&slot, format!("it panicked: {reason}")),
            Ok(Err(error)) => {
                self.shared.meters.follower_failures.increment(1);
                tracing::warn!(follower = self.kind.name(), event = ?slot.event, %error, "a follower could not go on");
                RETRY_MS
            }
        };
        let sleep = self.shared.environment.sleep_ms(pause_ms);
        self.shared.environment.spawn.spawn(Box::pin(async move {
            sleep.await;
            let _ = myself.cast(FollowerMessage::Resume(slot));
        }));
    }

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
        if slot.worked_off(self.kind) < slot.durable()
            || slot.owes(self.kind)
            || slot.has_ended() && !slot.has_stored(self.kind)
        {
            return slot.follower_wake(self.kind).raise();
        }
        if slot.has_ended() {
            positions.of.remove(&slot.event);
        }
        false
    }

    /// Work off some of the log of one event. Returns the pause before the next look, in milliseconds.
    async fn pass(
        &self,
        worker: &Worker,
        slot: &Slot,
        is_first: bool,
        position: &mut Position,
    ) -> Result<u64, StoreError> {
        let limits = &self.shared.limits;
        let mut pause_ms = match worker {
            Worker::Payments(_) => limits.payment_pause_ms,
            _ => limits.follower_pause_ms,
        };
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
