//! The first word on a stream: both sides say which protocol they speak, which installation they serve, and which node is meant
//! or answers.

use tessera_cluster::NodeId;
use tessera_records::wide::halves;

use crate::limits::{PROTOCOL_VERSION, PROTOCOL_VERSION_MIN};
use crate::wire::Hello;

/// Why two nodes do not speak with each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Mismatch {
    #[error("no hello came first")]
    Missing,
    #[error(
        "it speaks versions {version_min} to {version} of the protocol between nodes, and this node {PROTOCOL_VERSION_MIN} to \
         {PROTOCOL_VERSION}"
    )]
    Version { version: u32, version_min: u32 },
    #[error("it serves another installation")]
    Installation,
    #[error("there is node {found}, and node {meant} is meant")]
    Node { meant: NodeId, found: NodeId },
}

/// What a node of this installation says: the node that is meant, or that answers.
pub(crate) fn ours(installation: u128, node: NodeId) -> Hello {
    let (installation_high, installation_low) = halves(installation);
    let (node_high, node_low) = halves(node.0);
    Hello {
        version: PROTOCOL_VERSION,
        version_min: PROTOCOL_VERSION_MIN,
        installation_high,
        installation_low,
        node_high,
        node_low,
    }
}

/// Whether what was heard fits what is said.
pub(crate) fn check(heard: Option<Hello>, said: &Hello) -> Result<(), Mismatch> {
    let heard = heard.ok_or(Mismatch::Missing)?;
    if heard.version < PROTOCOL_VERSION_MIN || heard.version_min > PROTOCOL_VERSION {
        return Err(Mismatch::Version { version: heard.version, version_min: heard.version_min });
    }
    if heard.installation() != said.installation() {
        return Err(Mismatch::Installation);
    }
    if heard.node() != said.node() {
        return Err(Mismatch::Node { meant: said.node(), found: heard.node() });
    }
    Ok(())
}
