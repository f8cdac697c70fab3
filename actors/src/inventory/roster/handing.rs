//! Events that come from other nodes and go to them.

use std::sync::Arc;

use tessera_cluster::{NodeId, Transfer};
use tessera_inventory::EventId;
use tessera_writer::{Input, Monotonic};

use super::sleep::{is_followed, record, stored_wake_ups};
use super::{Roster, Stage, answer_all};
use crate::NotExecuted;
use crate::cluster::Cluster;
use crate::inventory::{InventoryMessage, ShellMessage};
use crate::shared::Shared;
use crate::slot::Slot;

/// Events that are given away in one look at the nodes because another ranks first for them: each is without an owner for a moment.
const MOVES_PER_LOOK_MAX: usize = 32;

impl Roster {
    /// Events of nodes that are gone belong here now: they are activated like what is due, as many as fit.
    pub(crate) fn adopt(&mut self, events: Vec<EventId>) {
        let now = self.now();
        for event in events {
            if !self.events.contains_key(&event) && !self.quarantines.contains(event) {
                self.wake_ups.set(event, now);
            }
        }
        self.arm_alarm();
    }

    /// The event is this node's, or was repaired: whether it is still set aside is looked up by its activation. What this node itself is about
    /// to set aside stays so.
    pub(crate) fn given(&mut self, event: EventId) {
        if self.shared.health.aside(event).is_some_and(|aside| aside.is_recorded) {
            self.quarantines.lift(event);
        }
        self.adopt(vec![event]);
    }

    /// Give an event to another node once its writer has handed over.
    pub(crate) fn move_to(&mut self, event: EventId, to: NodeId) {
        let Some(entry) = self.events.get_mut(&event) else { return };
        let Stage::Active { slot } = &entry.stage else { return };
        if entry.owner.is_none() || entry.owner == Some(to) {
            return;
        }
        if let Some(shell) = slot.shell()
            && shell.cast(ShellMessage::Close(Input::HandOver)).is_ok()
        {
            entry.moves_to = Some(to);
        }
    }

    /// After a node has joined: give it what it ranks first for, a few events at a time.
    pub(crate) fn rebalance(&mut self, joined: bool) {
        self.is_rebalancing |= joined;
        if !self.is_rebalancing || self.shared.health.is_draining() {
            return;
        }
        let Some(cluster) = self.shared.cluster.clone() else { return };
        let members = cluster.members();
        // Not to one that has its share already.
        let belongs_to = |event: &EventId| {
            members
                .first_for(*event)
                .filter(|to| Some(*to) != members.me && members.place(*event) == Some(*to))
        };
        let is_here = |(event, entry): (&EventId, &super::Entry)| {
            let stays = !matches!(entry.stage, Stage::Active { .. }) || entry.moves_to.is_some();
            belongs_to(event).filter(|_| !stays).map(|to| (*event, to))
        };
        let moves: Vec<_> = self.events.iter().filter_map(is_here).take(MOVES_PER_LOOK_MAX).collect();
        self.is_rebalancing = !moves.is_empty();
        for (event, to) in moves {
            tracing::info!(?event, %to, "the event goes to the node that it belongs to");
            self.move_to(event, to);
        }
    }

    /// Other nodes put events to sleep too, and may be gone when they must be woken: each event has one node that looks after it. And what
    /// this node owns is active here, unless the message that gave it was lost.
    pub(crate) fn look_for_wake_ups(&mut self) {
        let Some(cluster) = self.shared.cluster.clone() else { return };
        // One look at a time, however slow the store is.
        if self.look.as_ref().is_some_and(|look| Arc::strong_count(look) > 1) {
            return;
        }
        let look = Arc::clone(self.look.insert(Arc::new(())));
        let (shared, myself) = (Arc::clone(&self.shared), self.myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            let wake_ups = stored_wake_ups(&shared).await;
            let _ = myself.cast(InventoryMessage::Reschedule(wake_ups));
            match cluster.owned().await {
                Ok(owned) => drop(myself.cast(InventoryMessage::Adopt(owned))),
                Err(error) => tracing::warn!(%error, "what this node owns could not be read"),
            }
            drop(look);
        }));
    }

    /// Who gets an event of this node whose writer has handed over: whoever was named, or, in a drain, whoever it belongs to then.
    pub(super) fn heir(&mut self, event: EventId) -> Option<NodeId> {
        let named = self.events.get_mut(&event)?.moves_to.take();
        let cluster = self.shared.cluster.as_ref()?;
        let drains = self.shared.health.is_draining();
        named.or_else(|| cluster.successor(event).filter(|_| drains))
    }

    /// Give an event away. Its wake-up row goes on saying "at once": it is active again in a moment.
    pub(super) fn give(&mut self, slot: &Arc<Slot>, (me, to): (NodeId, NodeId), wakes_at: Option<Monotonic>) {
        let Some(cluster) = self.shared.cluster.clone() else { return };
        if let Some(entry) = self.events.get_mut(&slot.event) {
            // They look for the owner again.
            answer_all(std::mem::take(&mut entry.waiters), NotExecuted::Elsewhere);
        }
        let (drains, generation) = (self.shared.health.is_draining(), self.generation);
        let wall = self.shared.environment.clock.wall();
        let due_at = wakes_at.map(|at| wall.plus_ms(at.since_ms(self.now())));
        let (shared, slot, myself) = (Arc::clone(&self.shared), Arc::clone(slot), self.myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            let event = slot.event;
            if !given(&shared, &cluster, event, (me, to)).await {
                record(&shared, &slot, (Some(me), generation), due_at).await;
            } else if drains {
                // Before the process ends: what was refused is proven here or nowhere.
                is_followed(&shared, &slot).await;
            }
            let _ = myself.cast(InventoryMessage::Recorded(event));
        }));
    }
}

/// Whether the other node owns the event now.
async fn given(shared: &Shared, cluster: &Cluster, event: EventId, (me, to): (NodeId, NodeId)) -> bool {
    match cluster.nodes.transfer(me, event, to).await {
        Ok(Transfer::Give(owner)) => {
            shared.meters.passivations.increment(1);
            cluster.gave(event, owner);
            true
        }
        Ok(Transfer::NotOurs) => true,
        Ok(Transfer::NotServing) => false,
        Err(error) => {
            tracing::warn!(?event, %error, "an event could not be given to another node; others adopt it");
            true
        }
    }
}
