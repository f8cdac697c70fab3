//! One follower of the logs of all active events, with a fenced cursor for each.

use std::collections::BTreeMap;
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tessera_inventory::EventId;
use tessera_store::StoreError;

use super::FollowerKind;
use super::work::{Position, Step, Worker};
use crate::LOG_READ_BYTES_MAX;
use crate::shared::Shared;
use crate::slot::Slot;

/// Reads of the log in one pass over one event; then others have their turn.
const READS_PER_PASS: u32 = 4;
/// Pause after a failed pass, in milliseconds.
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
        let worker = Worker { kind: self.kind, table: Arc::clone(&self.shared.table) };
        Ok(Positions { worker, of: BTreeMap::new() })
    }

    async fn handle(
        &self,
        myself: ActorRef<FollowerMessage>,
        message: FollowerMessage,
        positions: &mut Positions,
    ) -> Result<(), ActorProcessingErr> {
        let slot = match message {
            FollowerMessage::Moved(slot) => slot,
            FollowerMessage::Resume(slot) => {
                // Lowered before the look at the log: who publishes after it sends the next message.
                slot.follower_wake(self.kind).lower();
                let through = positions.of.get(&slot.event).map(|position| position.cursor.sequence);
                if through.is_some_and(|through| through >= slot.durable()) {
                    if slot.has_ended() {
                        positions.of.remove(&slot.event);
                    }
                    return Ok(());
                }
                if !slot.follower_wake(self.kind).raise() {
                    return Ok(());
                }
                slot
            }
        };
        let pause_ms = match self.pass(&slot, positions).await {
            Ok(()) => self.shared.limits.follower_pause_ms,
            Err(StoreError::Fatal { reason }) => {
                self.shared.health.fail(reason);
                return Ok(());
            }
            Err(error) => {
                self.shared.meters.follower_failures.increment(1);
                positions.of.remove(&slot.event);
                tracing::warn!(follower = self.kind.name(), event = ?slot.event, %error, "a follower could not go on");
                RETRY_MS
            }
        };
        let sleep = self.shared.environment.sleep_ms(pause_ms);
        self.shared.environment.spawn.spawn(Box::pin(async move {
            sleep.await;
            // The follower that restarts meanwhile looks at every active event by itself.
            let _ = myself.cast(FollowerMessage::Resume(slot));
        }));
        Ok(())
    }
}

impl Follower {
    /// Work off some of the log of one event.
    async fn pass(&self, slot: &Slot, positions: &mut Positions) -> Result<(), StoreError> {
        let event = slot.event;
        let mut position = match positions.of.remove(&event) {
            Some(position) => position,
            None => positions.worker.take_over(event).await?,
        };
        for _ in 0..READS_PER_PASS {
            let records = self.shared.log.read(event, position.cursor.sequence, LOG_READ_BYTES_MAX).await?;
            if records.is_empty() {
                break;
            }
            self.shared.meters.follower_records.increment(records.len() as u64);
            match positions.worker.work_off(event, position, &records).await? {
                Step::Done(next) => position = next,
                Step::Fenced => {
                    tracing::warn!(follower = self.kind.name(), ?event, "another follower has taken over");
                    return Ok(());
                }
            }
        }
        slot.set_worked_off(self.kind, position.cursor.sequence);
        positions.of.insert(event, position);
        Ok(())
    }
}
