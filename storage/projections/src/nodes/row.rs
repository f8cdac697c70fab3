//! Nodes as they are stored.

use prost::Message;
use tessera_cluster::{Beat, Load, NodeId, NodeRow, OwnerRow, Standing};
use tessera_inventory::Timestamp;
use tessera_store::StoreError;

use crate::damage::damaged;

/// Standings as they are stored.
const STANDINGS: [(Standing, u32); 3] =
    [(Standing::Serving, 1), (Standing::Draining, 2), (Standing::Evicted, 3)];

#[derive(Clone, PartialEq, Message)]
struct StoredNode {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    peer_address: String,
    #[prost(string, optional, tag = "3")]
    client_address: Option<String>,
    #[prost(uint64, tag = "4")]
    lease_ms: u64,
    #[prost(string, tag = "5")]
    release: String,
    #[prost(uint32, tag = "6")]
    standing: u32,
}

#[derive(Clone, PartialEq, Message)]
struct StoredBeat {
    #[prost(uint64, tag = "1")]
    number: u64,
    #[prost(uint32, tag = "2")]
    owned_events: u32,
    #[prost(uint64, tag = "3")]
    wall_ms: u64,
}

#[derive(Clone, PartialEq, Message)]
struct StoredOwner {
    #[prost(bytes = "vec", tag = "1")]
    node: Vec<u8>,
    #[prost(uint64, tag = "2")]
    term: u64,
}

pub(super) fn encode_node(row: &NodeRow) -> Vec<u8> {
    let NodeRow { name, peer_address, client_address, lease_ms, release, standing } = row.clone();
    let number = STANDINGS.iter().find(|(known, _)| *known == standing).map_or(0, |(_, number)| *number);
    StoredNode { name, peer_address, client_address, lease_ms, release, standing: number }.encode_to_vec()
}

pub(super) fn decode_node(bytes: &[u8]) -> Result<NodeRow, StoreError> {
    let StoredNode { name, peer_address, client_address, lease_ms, release, standing } =
        StoredNode::decode(bytes).map_err(|_| damaged("the row of a node cannot be read".to_owned()))?;
    let known = STANDINGS.iter().find(|(_, number)| *number == standing);
    let standing = known.ok_or_else(|| damaged(format!("a node has the unknown standing {standing}")))?.0;
    Ok(NodeRow { name, peer_address, client_address, lease_ms, release, standing })
}

pub(super) fn encode_beat(beat: &Beat) -> Vec<u8> {
    let Beat { number, load: Load { owned_events }, wall } = *beat;
    StoredBeat { number, owned_events, wall_ms: wall.0 }.encode_to_vec()
}

pub(super) fn decode_beat(bytes: &[u8]) -> Result<Beat, StoreError> {
    let StoredBeat { number, owned_events, wall_ms } =
        StoredBeat::decode(bytes).map_err(|_| damaged("the beat of a node cannot be read".to_owned()))?;
    Ok(Beat { number, load: Load { owned_events }, wall: Timestamp(wall_ms) })
}

pub(super) fn encode_owner(row: OwnerRow) -> Vec<u8> {
    StoredOwner { node: row.node.0.to_be_bytes().to_vec(), term: row.term }.encode_to_vec()
}

pub(super) fn decode_owner(bytes: &[u8]) -> Result<OwnerRow, StoreError> {
    let unreadable = || damaged("the owner of an event cannot be read".to_owned());
    let StoredOwner { node, term } = StoredOwner::decode(bytes).map_err(|_| unreadable())?;
    let node = node.try_into().map_err(|_| unreadable())?;
    Ok(OwnerRow { node: NodeId(u128::from_be_bytes(node)), term })
}
