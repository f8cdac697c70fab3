//! What operators do with nodes.

use std::sync::Arc;

use tessera_cluster::{NodeId, Standing, Transfer};
use tessera_inventory::EventId;
use tessera_store::StoreError;
use tokio::sync::oneshot;

use super::{Cluster, RegistrarMessage, Told};
use crate::Platform;
use crate::inventory::InventoryMessage;
use crate::shared::Shared;

/// Why an operator's wish about nodes was not passed on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// This process is alone.
    #[error("this server is no node of a cluster")]
    Alone,
    /// No node of this id is there.
    #[error("there is no such node")]
    NodeNotFound,
    /// It is there, and takes no events.
    #[error("the node takes no events: it drains")]
    NotServing,
    /// Nobody owns the event: it sleeps, and whoever is asked next wakes it.
    #[error("no node owns the event now")]
    NotOwned,
    /// The store does not say.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Platform {
    /// Have a node hand everything over and take no more, until it is started anew; it goes on answering, as a way to the others.
    ///
    /// # Errors
    /// [`NodeError`].
    pub fn drain_node(&self, node: NodeId) -> Result<(), NodeError> {
        let cluster = self.shared.cluster.as_ref().ok_or(NodeError::Alone)?;
        if cluster.me() == Some(node) {
            let (shared, spawn) = (Arc::clone(&self.shared), Arc::clone(&self.shared.environment.spawn));
            spawn.spawn(Box::pin(async move { hand_over(&shared).await }));
            return Ok(());
        }
        let peer = cluster.peer(node).ok_or(NodeError::NodeNotFound)?;
        cluster.options.peers.tell(&peer, Told::Drain);
        Ok(())
    }

    /// Have the owner of an event give it to another node.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn move_event(&self, event: EventId, to: NodeId) -> Result<(), NodeError> {
        let cluster = self.shared.cluster.as_ref().ok_or(NodeError::Alone)?;
        let members = cluster.members();
        let member = members.find(to).ok_or(NodeError::NodeNotFound)?;
        if member.row.standing != Standing::Serving {
            return Err(NodeError::NotServing);
        }
        let owner = cluster.nodes.owner(event).await?.ok_or(NodeError::NotOwned)?.owner.node;
        if cluster.me() == Some(owner) {
            self.shared.inventory.cast(InventoryMessage::Move { event, to });
            return Ok(());
        }
        let peer = cluster.peer(owner).ok_or(NodeError::NotOwned)?;
        cluster.options.peers.tell(&peer, Told::Move { event, to });
        Ok(())
    }
}

/// Hand every event over and take no more.
pub(crate) async fn hand_over(shared: &Shared) {
    // First, so that nobody gives this node anything any more, and nobody is refused before the others know.
    register(shared, RegistrarMessage::Drain).await;
    shared.health.start_draining();
    let (done, handed_over) = oneshot::channel();
    if shared.inventory.cast(InventoryMessage::Drain(done)) {
        // An error means that the supervisor failed meanwhile, and its writers with it.
        let _ = handed_over.await;
    }
    if let Some(cluster) = &shared.cluster
        && let Err(error) = give_the_rest(cluster).await
    {
        tracing::warn!(%error, "what this node owns besides could not be given away; others adopt it when it is gone");
    }
}

/// Give away in a while what this node owns without serving it.
pub(crate) fn give_the_rest_later(shared: &Arc<Shared>, cluster: &Arc<Cluster>) {
    let cluster = Arc::clone(cluster);
    shared.environment.spawn.spawn(Box::pin(async move {
        if let Err(error) = give_the_rest(&cluster).await {
            tracing::debug!(%error, "what this node owns besides could not be given away yet");
        }
    }));
}

/// Events that are this node's without being active here (their activation failed, or came too late) would be asked of it in vain.
async fn give_the_rest(cluster: &Cluster) -> Result<(), StoreError> {
    let Some(me) = cluster.me() else { return Ok(()) };
    for event in cluster.owned().await? {
        let Some(to) = cluster.successor(event) else { return Ok(()) };
        if let Transfer::Give(owner) = cluster.nodes.transfer(me, event, to).await? {
            cluster.gave(event, owner);
        }
    }
    Ok(())
}

/// Tell the registrar, where there is one, and wait until the store says so.
pub(crate) async fn register(shared: &Shared, message: fn(oneshot::Sender<()>) -> RegistrarMessage) {
    let Some(cluster) = &shared.cluster else { return };
    let (done, registered) = oneshot::channel();
    if cluster.registrar.cast(message(done)) {
        // An error means that the registrar failed meanwhile: the lease of its registration ends by itself.
        let _ = registered.await;
    }
}
