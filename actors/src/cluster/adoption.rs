//! What a node that is gone has left: each of the others claims what placement gives to it.

use std::sync::Arc;

use tessera_cluster::NodeId;
use tessera_inventory::EventId;
use tessera_store::StoreError;

use super::Cluster;
use crate::inventory::InventoryMessage;
use crate::shared::Shared;

/// Events of gone nodes that are adopted in one look at the nodes, of which there are three in the length of a lease: a takeover is no
/// storm. Activations are bounded beside it.
const ADOPTIONS_PER_LOOK_MAX: usize = 1_000;

/// Adopt of these nodes what belongs here, and forget who has left nothing.
pub(crate) fn adopt(shared: &Arc<Shared>, cluster: &Arc<Cluster>, gone: Vec<NodeId>) {
    if gone.is_empty() {
        return;
    }
    let (shared, cluster) = (Arc::clone(shared), Arc::clone(cluster));
    let spawn = Arc::clone(&shared.environment.spawn);
    spawn.spawn(Box::pin(async move {
        let mut room = ADOPTIONS_PER_LOOK_MAX;
        for node in gone {
            match adopt_one(&shared, &cluster, node, room).await {
                Ok(adopted) => room -= adopted,
                Err(error) => tracing::warn!(%node, %error, "what a node has left could not be read"),
            }
        }
    }));
}

async fn adopt_one(
    shared: &Shared,
    cluster: &Cluster,
    node: NodeId,
    room: usize,
) -> Result<usize, StoreError> {
    let mut here: Vec<EventId> = Vec::new();
    let mut after = None;
    // Page by page, so that what belongs to a node which is slow to take it hides nothing behind it.
    while here.len() < room {
        let left = cluster.nodes.owned(node, after, ADOPTIONS_PER_LOOK_MAX).await?;
        if left.is_empty() && after.is_none() && cluster.nodes.forget(node).await? {
            tracing::info!(%node, "everything that a gone node owned has another owner");
        }
        here.extend(left.iter().copied().filter(|event| cluster.places_here(*event)));
        after = left.last().copied();
        if left.len() < ADOPTIONS_PER_LOOK_MAX {
            break;
        }
    }
    here.truncate(room);
    // What is set aside is not activated, but its row must not name a node that is gone.
    if let Some(me) = cluster.me() {
        for event in here.iter().filter(|event| shared.health.aside(**event).is_some()) {
            cluster.nodes.claim(me, *event).await?;
        }
    }
    let adopted = here.len();
    shared.inventory.cast(InventoryMessage::Adopt(here));
    Ok(adopted)
}
