//! What is this node's: before an activation, and now and then.

use tessera_cluster::{Claim, NodeId};
use tessera_inventory::EventId;
use tessera_store::StoreError;

use super::Cluster;
use crate::inventory::Failure;
use crate::shared::Shared;

/// Owned events that are read at once.
const OWNED_PER_PAGE: usize = 1_000;

impl Cluster {
    /// Every event of this node, as the store says.
    pub(crate) async fn owned(&self) -> Result<Vec<EventId>, StoreError> {
        let mut owned = Vec::new();
        let Some(me) = self.me() else { return Ok(owned) };
        loop {
            let page = self.nodes.owned(me, owned.last().copied(), OWNED_PER_PAGE).await?;
            let is_last = page.len() < OWNED_PER_PAGE;
            owned.extend(page);
            if is_last {
                return Ok(owned);
            }
        }
    }

    /// Claim an event for this node, to be activated. Answers the registration that owns it now.
    pub(crate) async fn claim(&self, shared: &Shared, event: EventId) -> Result<NodeId, Failure> {
        let me = self.me().ok_or(Failure::NotServing)?;
        let (claim, aside) = self.nodes.claim(me, event).await?;
        match claim {
            Claim::Take(owner) => {
                self.owners.forget(event);
                // Nobody had an event that is claimed for the first time since it slept.
                shared.meters.takeovers.increment(u64::from(owner.term > 1));
            }
            Claim::Ours(_) => self.owners.forget(event),
            Claim::Elsewhere(owner) => {
                self.owns_now(event, owner);
                return Err(Failure::Elsewhere);
            }
            Claim::NotServing => return Err(Failure::NotServing),
        }
        match aside {
            Some(row) => Err(Failure::SetAside { row: Box::new(row) }),
            None => Ok(me),
        }
    }
}
