//! From a request to the owner of its event, wherever that is.

use std::sync::Arc;
use std::time::Duration;

use tessera_inventory::EventId;
use tessera_store::StoreError;
use tessera_writer::{Ask, Monotonic};

use super::{Cluster, Elsewhere, Forwarded, ForwardedAsk, HOPS};
use crate::shared::Shared;
use crate::timeline::Timeline;
use crate::{Answer, InventoryRouter, NotExecuted};

/// Pauses before an ask that certainly was not executed looks for the owner again, in milliseconds: an event that is handed over is
/// without an owner for some milliseconds, one whose node is dead for seconds. After the last the caller is told.
const LOOK_AGAIN_AFTER_MS: [u64; 8] = [0, 2, 5, 10, 20, 50, 100, 200];

/// Where the owner of an event is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Here, or it should be.
    Here,
    /// At another node.
    There(Elsewhere),
}

/// What one attempt to get an answer came to.
enum Attempt {
    Answer(Answer),
    /// It was not executed, and looking for the owner again may help.
    Again(NotExecuted),
    /// Nobody owns the event, and the node that it belongs to did not take it.
    Declined,
}

impl Attempt {
    /// What this process answered.
    fn of(answer: Answer) -> Attempt {
        match answer {
            Answer::NotExecuted { reason, .. } if reason.may_be_elsewhere() => Attempt::Again(reason),
            answer => Attempt::Answer(answer),
        }
    }
}

impl InventoryRouter {
    /// Ask the owner of an event, here or elsewhere.
    pub(crate) async fn ask_cluster(
        &self,
        cluster: &Cluster,
        event: EventId,
        ask: Ask,
        (give_up_at, timeline): (Monotonic, Option<&Arc<Timeline>>),
    ) -> Answer {
        let mut reason = NotExecuted::Elsewhere;
        let mut is_declined = false;
        for pause_ms in LOOK_AGAIN_AFTER_MS {
            if pause_ms > 0 && !self.paused(pause_ms, give_up_at).await {
                break;
            }
            match self.attempt(cluster, event, &ask, is_declined, (give_up_at, timeline)).await {
                Ok(Attempt::Answer(answer)) => return answer,
                Ok(Attempt::Again(why)) => reason = why,
                Ok(Attempt::Declined) => is_declined = true,
                Err(error) => {
                    tracing::debug!(?event, %error, "the owner of an event could not be looked up");
                    reason = NotExecuted::StoreAway;
                }
            }
        }
        self.not_executed(reason)
    }

    /// Where clients reach the node that has an event, if that is another one and says so.
    #[must_use]
    pub fn owner_address(&self, event: EventId) -> Option<String> {
        let cluster = self.shared.cluster.as_ref()?;
        let owner = cluster.owners.find(event)?;
        cluster.members().find(owner.peer.node)?.row.client_address.clone()
    }

    /// Wait a little; `false` where the caller gives up before that.
    async fn paused(&self, pause_ms: u64, give_up_at: Monotonic) -> bool {
        let environment = &self.shared.environment;
        let until = environment.clock.monotonic().plus_ms(pause_ms);
        if until >= give_up_at {
            return false;
        }
        environment.clock.sleep_until(until).await;
        true
    }

    async fn attempt(
        &self,
        cluster: &Cluster,
        event: EventId,
        ask: &Ask,
        is_declined: bool,
        (give_up_at, timeline): (Monotonic, Option<&Arc<Timeline>>),
    ) -> Result<Attempt, StoreError> {
        match way(&self.shared, cluster, event).await? {
            // Whoever it belongs to does not take it: any node may claim what nobody owns.
            Way::There(Elsewhere { term: 0, .. }) if is_declined => {
                Ok(Attempt::of(self.ask_here(event, ask.clone(), give_up_at, timeline).await))
            }
            Way::Here => Ok(Attempt::of(self.ask_here(event, ask.clone(), give_up_at, timeline).await)),
            Way::There(owner) => Ok(self.forward(cluster, event, ask, owner, give_up_at).await),
        }
    }

    async fn forward(
        &self,
        cluster: &Cluster,
        event: EventId,
        ask: &Ask,
        Elsewhere { peer, term, hops }: Elsewhere,
        give_up_at: Monotonic,
    ) -> Attempt {
        let now = self.shared.environment.clock.monotonic();
        let give_up = Duration::from_micros(give_up_at.0.saturating_sub(now.0));
        let forwarded = ForwardedAsk { event, ask: ask.clone(), give_up, hops, term };
        match cluster.options.peers.forward(&peer, &forwarded).await {
            Forwarded::Answer(Answer::NotExecuted { reason, .. }) if reason.may_be_elsewhere() => {
                cluster.owners.forget_owner(event, (peer.node, term));
                Attempt::Again(reason)
            }
            Forwarded::Answer(answer) => {
                if let Some(sequence) = answer.sequence() {
                    cluster.mirrors.hurry(event, sequence);
                }
                if hops < HOPS {
                    // It was pointed to, and answers as the owner: the next ask may be sent on again.
                    cluster.owners.remember(event, Elsewhere { peer, term, hops: HOPS });
                }
                Attempt::Answer(answer)
            }
            Forwarded::NotOwner { owner } => {
                cluster.owners.forget_owner(event, (peer.node, term));
                // Followed once: the next attempt asks there, and then the store.
                let owner = owner.filter(|owner| hops > 0 && Some(owner.node) != cluster.me());
                if let Some((peer, term)) =
                    owner.and_then(|owner| Some((cluster.peer(owner.node)?, owner.term)))
                {
                    cluster.owners.remember(event, Elsewhere { peer, term, hops: hops - 1 });
                }
                if term == 0 { Attempt::Declined } else { Attempt::Again(NotExecuted::Elsewhere) }
            }
            Forwarded::NotSent => {
                cluster.owners.forget_owner(event, (peer.node, term));
                if term == 0 { Attempt::Declined } else { Attempt::Again(NotExecuted::Elsewhere) }
            }
            Forwarded::Unanswered => {
                cluster.owners.forget_owner(event, (peer.node, term));
                Attempt::Answer(self.outcome_unknown())
            }
        }
    }
}

/// Where the owner of an event is: active here, remembered, as the store says, or, where nobody owns it, where it belongs.
pub(crate) async fn way(shared: &Shared, cluster: &Cluster, event: EventId) -> Result<Way, StoreError> {
    if shared.directory.find(event).is_some_and(|slot| !slot.ingress.is_closed()) {
        return Ok(Way::Here);
    }
    let (me, members) = (cluster.me(), cluster.members());
    if let Some(owner) = cluster.owners.find(event) {
        if members.find(owner.peer.node).is_some() {
            return Ok(Way::There(owner));
        }
        // Who is gone, cut off from the store, has not heard of it: it still answers, and can execute nothing.
        cluster.owners.forget_owner(event, (owner.peer.node, owner.term));
    }
    let owner = cluster.nodes.owner(event).await?;
    if let Some(owner) = owner
        && let Some(row) = owner.node
    {
        if Some(owner.owner.node) == me {
            return Ok(Way::Here);
        }
        let peer = super::Peer { node: owner.owner.node, address: row.peer_address };
        let elsewhere = Elsewhere { peer, term: owner.owner.term, hops: HOPS };
        cluster.owners.remember(event, elsewhere.clone());
        return Ok(Way::There(elsewhere));
    }
    let there = members.place(event).filter(|node| Some(*node) != me).and_then(|node| cluster.peer(node));
    Ok(there.map_or(Way::Here, |peer| Way::There(Elsewhere { peer, term: 0, hops: HOPS })))
}

/// The same for a reader, who needs no owner: the store is not asked about what is active here or remembered.
pub(crate) async fn is_here(shared: &Arc<Shared>, event: EventId) -> Result<bool, StoreError> {
    match shared.cluster.as_deref() {
        Some(cluster) => Ok(way(shared, cluster, event).await? == Way::Here),
        None => Ok(true),
    }
}
