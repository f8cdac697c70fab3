//! What nodes keep in the store that they share.

use std::fmt;

use tessera_inventory::Timestamp;

/// Names one registration of a node: 128 random bits, new at every start and after every eviction. So a row that is gone never comes
/// back to life.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u128);

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What a node does in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It owns events and takes more.
    Serving,
    /// It hands its events to others and takes no more.
    Draining,
    /// It is gone, or must find out that it counts as gone. Nothing leads back from here.
    Evicted,
}

/// The row of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NodeRow {
    /// What operators call it.
    pub name: String,
    /// Where other nodes reach it, `host:port`.
    pub peer_address: String,
    /// Where clients may reach it, as a URL; `None`: they are told of no node.
    pub client_address: Option<String>,
    /// The length of its lease, in milliseconds.
    pub lease_ms: u64,
    /// The release that it runs.
    pub release: String,
    /// What it does.
    pub standing: Standing,
}

/// How much a node has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Load {
    /// Events that it owns.
    pub owned_events: u32,
}

/// The sign of life of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Beat {
    /// Grows with every renewal.
    pub number: u64,
    /// What it had to do then.
    pub load: Load,
    /// Its wall clock then. For the plausibility of others' clocks, never for the lease.
    pub wall: Timestamp,
}

/// Who owns an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OwnerRow {
    /// Its owner.
    pub node: NodeId,
    /// Grows with every change of the owner while the event is awake; begins anew after a sleep.
    pub term: u64,
}
