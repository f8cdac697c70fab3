//! The way to other nodes, and from them: ports that the composition root fills.

use std::time::Duration;

use futures::future::BoxFuture;
use tessera_cluster::{NodeId, OwnerRow};
use tessera_inventory::EventId;
use tessera_money::Lane;
use tessera_projections::webhooks::EndpointId;
use tessera_writer::Ask;

use crate::Answer;

/// Another node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    /// Its registration. Who answers at the address under another one is not the node that is meant.
    pub node: NodeId,
    /// Where it is reached, `host:port`.
    pub address: String,
}

/// An ask on its way to the node that owns its event.
#[derive(Clone, Debug)]
pub struct ForwardedAsk {
    /// The event.
    pub event: EventId,
    /// What is asked. Its idempotency key travels with it, so that nothing is done twice whichever way it comes.
    pub ask: Ask,
    /// The time that is left until the client gives up.
    pub give_up: Duration,
    /// How often it may still be sent to another node. With 0 whoever is asked answers, or says that the event is not its own, and no more.
    pub hops: u8,
    /// The term of the ownership by which it was sent here; 0: nobody owned the event. Who knows of no later one points nowhere.
    pub term: u64,
}

/// What became of an ask that was sent to another node.
#[derive(Clone, Debug)]
pub enum Forwarded {
    /// Its answer.
    Answer(Answer),
    /// The event is not that node's, and nothing was executed.
    NotOwner {
        /// Whose it is since, as far as that node knows.
        owner: Option<OwnerRow>,
    },
    /// It was not sent: certainly not executed.
    NotSent,
    /// It was sent, and the answer did not come: it may have been executed.
    Unanswered,
}

/// What one node tells another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// An event is its own now, or was repaired: activate it before anybody asks.
    Given(EventId),
    /// An operator wants an event of it at another node.
    Move {
        /// Which.
        event: EventId,
        /// Where.
        to: NodeId,
    },
    /// Something may be due for a webhook endpoint, which it looks after.
    Webhooks(EndpointId),
    /// Something may be due in a lane of payments, which it looks after.
    Payments(Lane),
    /// An operator wants it to hand everything over and to take no more.
    Drain,
}

/// The way to other nodes.
pub trait Peers: Send + Sync + 'static {
    /// Send an ask to another node. The future resolves within its `give_up`.
    fn forward(&self, to: &Peer, ask: &ForwardedAsk) -> BoxFuture<'static, Forwarded>;

    /// Tell another node something. Nobody waits for it, and it may be lost.
    fn tell(&self, to: &Peer, told: Told);
}

/// What other nodes ask of this one.
pub trait ServePeers: Send + Sync + 'static {
    /// The registration of this node; `None` while it has none.
    fn node(&self) -> Option<NodeId>;

    /// Answer an ask, or say whose it is.
    fn serve(&self, ask: ForwardedAsk) -> BoxFuture<'static, Forwarded>;

    /// Hear what another node tells.
    fn hear(&self, told: Told);
}
