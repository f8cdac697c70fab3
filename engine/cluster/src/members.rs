//! Who is there, as one node sees it.

use std::collections::BTreeMap;

use tessera_inventory::EventId;
use tessera_writer::Monotonic;

use crate::{Beat, NodeId, NodeRow, Standing, place, rank};

/// A node, as another sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its row.
    pub row: NodeRow,
    /// Its last beat that was seen.
    pub beat: Beat,
    /// When that was seen first, on the clock of the node that looked.
    pub beat_seen_at: Monotonic,
    /// How old it was then at most, in milliseconds: so long ago it was not there yet. `None`: it was found, and may be of any time.
    pub beat_age_ms_max: Option<u64>,
}

/// The nodes of the cluster, as one of them sees it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Members {
    /// Who looks; `None` while it is not registered.
    pub me: Option<NodeId>,
    /// Every node whose row is there, evicted ones too.
    pub nodes: BTreeMap<NodeId, Member>,
}

impl Members {
    /// Who should take an event that nobody owns; `None` while no node that serves is known.
    #[must_use]
    pub fn place(&self, event: EventId) -> Option<NodeId> {
        let loads: Vec<_> =
            self.serving().map(|(node, member)| (node, member.beat.load.owned_events)).collect();
        place(event, &loads)
    }

    /// Who ranks first for an event, whatever its load.
    #[must_use]
    pub fn first_for(&self, event: EventId) -> Option<NodeId> {
        rank(event, self.serving().map(|(node, _)| node)).into_iter().next()
    }

    /// The nodes that take events.
    pub fn serving(&self) -> impl Iterator<Item = (NodeId, &Member)> {
        self.nodes
            .iter()
            .filter(|(_, member)| member.row.standing == Standing::Serving)
            .map(|(node, member)| (*node, member))
    }

    /// Nodes that are gone and have left something to adopt, or only their row.
    pub fn gone(&self) -> impl Iterator<Item = NodeId> {
        self.nodes
            .iter()
            .filter(|(_, member)| member.row.standing == Standing::Evicted)
            .map(|(node, _)| *node)
    }

    /// A node that is there.
    #[must_use]
    pub fn find(&self, node: NodeId) -> Option<&Member> {
        self.nodes.get(&node).filter(|member| member.row.standing != Standing::Evicted)
    }
}
