//! Before an activation: the event must be this node's.

use tessera_cluster::{Claim, NodeId};
use tessera_inventory::EventId;

use super::Cluster;
use crate::inventory::Failure;

impl Cluster {
    /// Claim an event for this node. Answers the registration that owns it now.
    pub(crate) async fn claim(&self, event: EventId) -> Result<NodeId, Failure> {
        let me = self.me().ok_or(Failure::NotServing)?;
        match self.nodes.claim(me, event).await? {
            Claim::Take(_) | Claim::Ours(_) => self.owners.forget(event),
            Claim::Elsewhere(owner) => {
                self.owns_now(event, owner);
                return Err(Failure::Elsewhere);
            }
            Claim::NotServing => return Err(Failure::NotServing),
        }
        Ok(me)
    }
}
