//! Who owned an event when it was last looked up.

use std::hash::{BuildHasherDefault, DefaultHasher};

use papaya::HashMap;
use tessera_cluster::NodeId;
use tessera_inventory::EventId;

use super::Peer;

/// Owners that are remembered, at most; beyond it all are forgotten, and looked up again.
const OWNERS_MAX: usize = 100_000;

/// An owner that is not this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    pub(crate) peer: Peer,
    /// The term of its ownership; 0: nobody owns the event, and it belongs there.
    pub(crate) term: u64,
    /// How often what is sent there may be sent on: not again, where another node only pointed there.
    pub(crate) hops: u8,
}

/// The owners of events that other nodes have. It may be wrong: who is asked says so, and the store is looked at.
#[derive(Debug, Default)]
pub(crate) struct Owners(HashMap<EventId, Elsewhere, BuildHasherDefault<DefaultHasher>>);

impl Owners {
    pub(crate) fn find(&self, event: EventId) -> Option<Elsewhere> {
        self.0.pin().get(&event).cloned()
    }

    /// Unless a later owner is remembered already.
    pub(crate) fn remember(&self, event: EventId, owner: Elsewhere) {
        let owners = self.0.pin();
        if owners.get(&event).is_some_and(|known| known.term > owner.term) {
            return;
        }
        if owners.len() >= OWNERS_MAX {
            owners.clear();
        }
        owners.insert(event, owner);
    }

    pub(crate) fn forget(&self, event: EventId) {
        self.0.pin().remove(&event);
    }

    /// This owner did not answer as one: it is forgotten, and whoever was remembered since is not.
    pub(crate) fn forget_owner(&self, event: EventId, (node, term): (NodeId, u64)) {
        let is_it = |_: &EventId, known: &Elsewhere| known.peer.node == node && known.term == term;
        // An error means that another is remembered.
        let _ = self.0.pin().remove_if(&event, is_it);
    }
}
