//! A node among others: `docs/adr/0011-a-cluster-of-nodes.md`.

mod adoption;
mod claiming;
mod mirror;
mod mirrors;
mod operations;
mod owners;
mod peers;
mod registrar;
mod routing;
mod serving;
mod status;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use tessera_cluster::{Load, Members, NodeId, NodeRow, OtherClocks, OwnerRow, Standing};
use tessera_inventory::{EventId, Timestamp};
use tessera_projections::nodes::Nodes;
use tessera_store::Table;
use tessera_writer::Monotonic;

pub(crate) use self::mirrors::{Mirrors, open as open_mirror};
pub use self::operations::NodeError;
pub(crate) use self::operations::{hand_over, register};
pub(crate) use self::owners::{Elsewhere, Owners};
pub use self::peers::{Forwarded, ForwardedAsk, Peer, Peers, ServePeers, Told};
pub(crate) use self::registrar::{Registrar, RegistrarMessage};
pub(crate) use self::routing::is_here;
pub use self::status::{ClusterStatus, NodeStatus};
use crate::Clock;
use crate::shared::Port;

/// How often an ask is sent to another node than the one that was found in the store: a redirect is followed once, by who sent it.
pub(crate) const HOPS: u8 = 1;

/// Whoever waits for the beats of other nodes looks this often, in milliseconds.
const CLOCKS_EVERY_MS: u64 = 100;

/// What makes a node of a process.
#[derive(Clone)]
pub struct ClusterOptions {
    /// What operators call it.
    pub name: String,
    /// Where other nodes reach it, `host:port`.
    pub peer_address: String,
    /// Where clients may reach it, as a URL.
    pub client_address: Option<String>,
    /// The length of its lease, in milliseconds; within [`tessera_cluster::LEASE_MS_MIN`] and [`tessera_cluster::LEASE_MS_MAX`].
    pub lease_ms: u64,
    /// The release that it runs.
    pub release: String,
    /// The way to the others.
    pub peers: Arc<dyn Peers>,
}

impl fmt::Debug for ClusterOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterOptions").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What the threads that serve and the supervisors share of the cluster.
pub(crate) struct Cluster {
    pub(crate) options: ClusterOptions,
    pub(crate) nodes: Nodes,
    pub(crate) owners: Owners,
    pub(crate) mirrors: Mirrors,
    pub(crate) registrar: Port<RegistrarMessage>,
    members: ArcSwap<Members>,
    is_doubtful: AtomicBool,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Cluster {
    pub(crate) fn new(options: ClusterOptions, table: Arc<dyn Table>) -> Cluster {
        Cluster {
            options,
            nodes: Nodes::new(table),
            owners: Owners::default(),
            mirrors: Mirrors::default(),
            registrar: Port::default(),
            members: ArcSwap::from_pointee(Members::default()),
            is_doubtful: AtomicBool::new(false),
        }
    }

    /// Who is there, as this node saw it last.
    pub(crate) fn members(&self) -> Arc<Members> {
        self.members.load_full()
    }

    fn set_members(&self, members: Members) {
        self.members.store(Arc::new(members));
    }

    /// The registration of this node; `None` while it has none.
    pub(crate) fn me(&self) -> Option<NodeId> {
        self.members.load().me
    }

    /// Whether the lease could not be renewed for its whole length.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.is_doubtful.load(Ordering::Acquire)
    }

    fn set_doubtful(&self, doubtful: bool) {
        self.is_doubtful.store(doubtful, Ordering::Release);
    }

    /// What the other nodes' wall clocks say about this node's.
    pub(crate) fn clocks(&self, wall: Timestamp, now: Monotonic) -> OtherClocks {
        self.members.load().clocks(wall, now)
    }

    /// Wait until it can be said whether this node's wall clock is ahead of the others': where one has not beaten since it was found, that takes as
    /// long as its lease at most. Who has no registration claims nothing anyway.
    pub(crate) async fn clocks_known(&self, clock: &dyn Clock) {
        while self.me().is_some() && self.clocks(clock.wall(), clock.monotonic()) == OtherClocks::Unknown {
            clock.sleep_until(clock.monotonic().plus_ms(CLOCKS_EVERY_MS)).await;
        }
    }

    /// Another node that is there.
    pub(crate) fn peer(&self, node: NodeId) -> Option<Peer> {
        let members = self.members.load();
        let member = members.find(node)?;
        Some(Peer { node, address: member.row.peer_address.clone() })
    }

    /// Tell every other node something.
    pub(crate) fn tell_all(&self, told: Told) {
        let members = self.members();
        for node in members.nodes.keys().filter(|node| Some(**node) != members.me) {
            if let Some(peer) = self.peer(*node) {
                self.options.peers.tell(&peer, told);
            }
        }
    }

    /// Whether this node should take an event that nobody owns; so it is, too, while it knows of no node.
    pub(crate) fn places_here(&self, event: EventId) -> bool {
        let members = self.members.load();
        members.place(event).is_none_or(|node| Some(node) == members.me)
    }

    /// The other node that looks after something which only one should, by the 128 bits of its id; `None`: this one does.
    pub(crate) fn keeper(&self, id: u128) -> Option<Peer> {
        let members = self.members.load();
        members
            .first_for(EventId(id))
            .filter(|node| Some(*node) != members.me)
            .and_then(|node| self.peer(node))
    }

    /// Who takes an event of this node over when it drains.
    pub(crate) fn successor(&self, event: EventId) -> Option<NodeId> {
        let members = self.members.load();
        members.place(event).filter(|node| Some(*node) != members.me)
    }

    /// Another node owns the event, as the store said.
    pub(crate) fn owns_now(&self, event: EventId, owner: OwnerRow) {
        match self.peer(owner.node) {
            Some(peer) => self.owners.remember(event, Elsewhere { peer, term: owner.term, hops: HOPS }),
            None => self.owners.forget(event),
        }
    }

    /// Another node owns the event, which this one gave to it: it is told.
    pub(crate) fn gave(&self, event: EventId, owner: OwnerRow) {
        self.owns_now(event, owner);
        if let Some(peer) = self.peer(owner.node) {
            self.options.peers.tell(&peer, Told::Given(event));
        }
    }

    fn row(&self, standing: Standing) -> NodeRow {
        let ClusterOptions { name, peer_address, client_address, lease_ms, release, .. } =
            self.options.clone();
        NodeRow { name, peer_address, client_address, lease_ms, release, standing }
    }

    fn load(owned_events: usize) -> Load {
        Load { owned_events: u32::try_from(owned_events).unwrap_or(u32::MAX) }
    }
}
