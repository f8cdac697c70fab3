//! The cluster as operators see it.

use tessera_cluster::{NodeId, Standing};

use super::Cluster;
use crate::shared::Shared;

/// A node, as this one sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its registration.
    pub node: NodeId,
    /// What operators call it.
    pub name: String,
    /// Where other nodes reach it.
    pub peer_address: String,
    /// Where clients may reach it.
    pub client_address: Option<String>,
    /// The release that it runs.
    pub release: String,
    /// What it does.
    pub standing: Standing,
    /// Events that it owned at its last beat.
    pub owned_events: u32,
    /// How long ago its last beat was seen first, in milliseconds of this node's monotonic clock.
    pub beat_age_ms: u64,
    /// The length of its lease, in milliseconds.
    pub lease_ms: u64,
}

/// The cluster, as this node sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterStatus {
    /// The registration of this node; `None` while it has none.
    pub me: Option<NodeId>,
    /// Whether its lease could not be renewed for its whole length.
    pub is_doubtful: bool,
    /// Every node whose row is there, in the order of their ids.
    pub nodes: Vec<NodeStatus>,
}

impl ClusterStatus {
    pub(crate) fn of(shared: &Shared, cluster: &Cluster) -> ClusterStatus {
        let now = shared.environment.clock.monotonic();
        let members = cluster.members();
        let status = |(node, member): (&NodeId, &tessera_cluster::Member)| NodeStatus {
            node: *node,
            name: member.row.name.clone(),
            peer_address: member.row.peer_address.clone(),
            client_address: member.row.client_address.clone(),
            release: member.row.release.clone(),
            standing: member.row.standing,
            owned_events: member.beat.load.owned_events,
            beat_age_ms: now.since_ms(member.beat_seen_at),
            lease_ms: member.row.lease_ms,
        };
        let nodes = members.nodes.iter().map(status).collect();
        ClusterStatus { me: members.me, is_doubtful: cluster.is_doubtful(), nodes }
    }
}
