//! What a node that is gone has left: each of the others claims what placement gives to it.

use std::sync::Arc;

use tessera_cluster::NodeId;
use tessera_inventory::EventId;
use tessera_store::StoreError;

use super::Cluster;
use crate::inventory::InventoryMessage;
use crate::shared::Shared;

/// Events of gone nodes that are looked at in one look at the nodes, of which there are three in the length of a lease: a takeover is no
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
                Ok(looked_at) => room -= looked_at,
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
    let left = cluster.nodes.owned(node, None, room).await?;
    if left.is_empty() && room > 0 && cluster.nodes.forget(node).await? {
        tracing::info!(%node, "everything that a gone node owned has another owner");
    }
    let here: Vec<EventId> = left.iter().copied().filter(|event| cluster.places_here(*event)).collect();
    if !here.is_empty() {
        shared.meters.takeovers.increment(here.len() as u64);
        shared.inventory.cast(InventoryMessage::Adopt(here));
    }
    Ok(left.len())
}
