//! The inventory supervisor: one writer per active event, activated on first use, passivated when idle, rebuilt after a failure.

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use tessera_cluster::NodeId;
use tessera_inventory::{EventId, Timestamp};
use tokio::sync::oneshot;

use super::Ended;
use super::activation::{Activated, Failure};
use super::quarantines::Quarantines;
use super::roster::Roster;
use crate::ActivateError;
use crate::shared::Shared;
use crate::slot::Slot;

/// Whom an activation is for.
pub(crate) type Waiter = oneshot::Sender<Result<Arc<Slot>, ActivateError>>;

/// What the inventory supervisor is told.
#[derive(Debug)]
pub(crate) enum InventoryMessage {
    /// Somebody needs the writer of an event.
    Activate {
        /// Which.
        event: EventId,
        /// Where the slot goes.
        waiter: Waiter,
    },
    /// An activation ended.
    Activated {
        /// Which event's.
        event: EventId,
        /// How.
        outcome: Box<Result<Activated, Failure>>,
    },
    /// The pause of an event after a failure has passed.
    Rested(EventId),
    /// The wake-up row of an event that ended is written, or could not be.
    Recorded(EventId),
    /// Some wake-up may be due.
    WakeUp,
    /// Events of nodes that are gone, which belong here.
    Adopt(Vec<EventId>),
    /// Another node gave an event to this one, or an operator has repaired it there.
    Given(EventId),
    /// Give an event to this node.
    Move {
        /// Which.
        event: EventId,
        /// To whom.
        to: NodeId,
    },
    /// The nodes were looked at; whether one has joined since the last look.
    Rebalance {
        /// See above.
        joined: bool,
    },
    /// Other nodes may have put events to sleep: look when they must be woken.
    LookForWakeUps,
    /// An operator has repaired an event.
    Release(EventId),
    /// An event that was set aside is not any more: an operator has said so to another node.
    Lifted(EventId),
    /// An operator vouches for the wall clock.
    AcknowledgeClock,
    /// The stored wake-ups, to be reckoned anew by the clock that was vouched for.
    Reschedule(Vec<(EventId, Timestamp)>),
    /// Hand over every event; answer when all have ended.
    Drain(oneshot::Sender<()>),
}

/// The inventory supervisor.
#[derive(Debug)]
pub(crate) struct InventorySupervisor {
    pub(crate) shared: Arc<Shared>,
}

impl Actor for InventorySupervisor {
    type Msg = InventoryMessage;
    type State = Roster;
    type Arguments = ();

    async fn pre_start(
        &self,
        myself: ActorRef<InventoryMessage>,
        (): (),
    ) -> Result<Roster, ActorProcessingErr> {
        // After a restart the shells of the one before are gone with it; their slots end here.
        for slot in self.shared.directory.all() {
            slot.ingress.close();
            slot.end(Ended::Panicked { reason: "the inventory supervisor failed".to_owned() });
            self.shared.directory.remove(slot.event);
        }
        // A node of a cluster looks once it knows what belongs to it.
        let wake_ups = match &self.shared.cluster {
            Some(_) => Vec::new(),
            None => super::wake_up_rows::all(&*self.shared.table).await?,
        };
        let quarantines = Quarantines::load(Arc::clone(&self.shared)).await?;
        let mut roster = Roster::new(Arc::clone(&self.shared), myself.clone(), quarantines);
        roster.schedule(wake_ups);
        self.shared.inventory.attach(myself);
        Ok(roster)
    }

    async fn handle(
        &self,
        _myself: ActorRef<InventoryMessage>,
        message: InventoryMessage,
        roster: &mut Roster,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            InventoryMessage::Activate { event, waiter } => roster.request(event, waiter),
            InventoryMessage::Activated { event, outcome } => {
                // On the heap: it is large, and rare.
                Box::pin(roster.activated(event, *outcome)).await
            }
            InventoryMessage::Rested(event) => roster.rested(event),
            InventoryMessage::Recorded(event) => roster.recorded(event),
            InventoryMessage::WakeUp => roster.wake_up(),
            InventoryMessage::Adopt(events) => roster.adopt(events),
            InventoryMessage::Given(event) => roster.given(event),
            InventoryMessage::Move { event, to } => roster.move_to(event, to),
            InventoryMessage::Rebalance { joined } => roster.rebalance(joined),
            InventoryMessage::LookForWakeUps => roster.look_for_wake_ups(),
            InventoryMessage::Release(event) => roster.release(event),
            InventoryMessage::Lifted(event) => roster.lifted(event),
            InventoryMessage::AcknowledgeClock => roster.acknowledge_clock(),
            InventoryMessage::Reschedule(wake_ups) => roster.reschedule(wake_ups),
            InventoryMessage::Drain(done) => roster.drain(done),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<InventoryMessage>,
        event: SupervisionEvent,
        roster: &mut Roster,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(who, _) | SupervisionEvent::ActorTerminated(who, _, _) => {
                roster.shell_ended(who.get_id().pid());
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}
