//! What other nodes ask of this one.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_cluster::{NodeId, OwnerRow};

use super::operations::hand_over;
use super::{Forwarded, ForwardedAsk, ServePeers, Told};
use crate::inventory::InventoryMessage;
use crate::payments::DeskMessage;
use crate::webhooks::CourierMessage;
use crate::{Answer, InventoryRouter};

impl ServePeers for InventoryRouter {
    fn node(&self) -> Option<NodeId> {
        self.shared.cluster.as_ref().and_then(|cluster| cluster.me())
    }

    fn serve(&self, asked: ForwardedAsk) -> BoxFuture<'static, Forwarded> {
        let router = self.clone();
        async move {
            let ForwardedAsk { event, ask, give_up, hops, term } = asked;
            let give_up_at = router.deadline(give_up);
            match router.ask_here(event, ask, give_up_at, None).await {
                // Who sent it looks again, where this node points, or in the store. This node points nowhere else than to a later owner than the
                // one that was meant, so that no two nodes send an ask to each other.
                Answer::NotExecuted { reason, .. } if reason.may_be_elsewhere() => {
                    let cluster = router.shared.cluster.as_ref();
                    let known = cluster.and_then(|cluster| cluster.owners.find(event));
                    let later = known.filter(|owner| hops > 0 && owner.term > term);
                    Forwarded::NotOwner {
                        owner: later.map(|owner| OwnerRow { node: owner.peer.node, term: owner.term }),
                    }
                }
                answer => Forwarded::Answer(answer),
            }
        }
        .boxed()
    }

    fn hear(&self, told: Told) {
        match told {
            Told::Given(event) => {
                if let Some(cluster) = &self.shared.cluster {
                    cluster.owners.forget(event);
                }
                self.shared.inventory.cast(InventoryMessage::Given(event));
            }
            Told::Move { event, to } => {
                self.shared.inventory.cast(InventoryMessage::Move { event, to });
            }
            Told::Webhooks(endpoint) => {
                self.shared.courier.cast(CourierMessage::Take(endpoint));
            }
            Told::Payments(lane) => {
                self.shared.money.desks.cast(DeskMessage::Take(lane));
            }
            Told::Drain => {
                let (shared, spawn) = (Arc::clone(&self.shared), Arc::clone(&self.shared.environment.spawn));
                spawn.spawn(Box::pin(async move { hand_over(&shared).await }));
            }
        }
    }
}
