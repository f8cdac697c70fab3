//! How far the receipts of an event go.

use prost::Message;
use tessera_inventory::{EventId, Sequence};
use tessera_proof::{Frontier, Hash};
use tessera_store::StoreError;
use tessera_writer::Chain;

use crate::damage::damaged;

/// The tree of an event as far as it is signed and stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// Its right edge.
    pub edge: Frontier,
    /// The log up to here is in it.
    pub sequence: Sequence,
    /// The log's chain there.
    pub chain: Chain,
    /// The newest epoch that a leaf is of.
    pub epoch: u64,
    /// Epoch and number of the newest refusal in it.
    pub refused: (u64, u64),
    /// Number of the newest page, from 1; 0 before there is one.
    pub pages: u64,
    /// Number of the oldest page that is kept.
    pub oldest: u64,
    /// About how many bytes the pages that are kept take.
    pub kept_bytes: u64,
}

impl Default for Tree {
    fn default() -> Self {
        Tree {
            edge: Frontier::default(),
            sequence: Sequence::ZERO,
            chain: Chain::default(),
            epoch: 0,
            refused: (0, 0),
            pages: 0,
            oldest: 1,
            kept_bytes: 0,
        }
    }
}

#[derive(Clone, PartialEq, Message)]
struct TreeRow {
    #[prost(uint64, tag = "1")]
    size: u64,
    /// The roots of the perfect subtrees, one after the other.
    #[prost(bytes = "vec", tag = "2")]
    nodes: Vec<u8>,
    #[prost(uint64, tag = "3")]
    sequence: u64,
    #[prost(bytes = "vec", tag = "4")]
    chain: Vec<u8>,
    #[prost(uint64, tag = "5")]
    epoch: u64,
    #[prost(uint64, tag = "6")]
    pages: u64,
    #[prost(uint64, tag = "7")]
    oldest: u64,
    #[prost(uint64, tag = "8")]
    kept_bytes: u64,
    #[prost(uint64, tag = "9")]
    refused_epoch: u64,
    #[prost(uint64, tag = "10")]
    refused_number: u64,
}

impl Tree {
    pub(super) fn encode(&self) -> Vec<u8> {
        TreeRow {
            size: self.edge.size(),
            nodes: self.edge.nodes().concat(),
            sequence: self.sequence.0,
            chain: self.chain.0.to_vec(),
            epoch: self.epoch,
            pages: self.pages,
            oldest: self.oldest,
            kept_bytes: self.kept_bytes,
            refused_epoch: self.refused.0,
            refused_number: self.refused.1,
        }
        .encode_to_vec()
    }

    pub(super) fn decode(event: EventId, row: &[u8]) -> Result<Tree, StoreError> {
        let unreadable = || damaged(format!("the row of the receipts of {event:?} cannot be read"));
        let row = TreeRow::decode(row).map_err(|_| unreadable())?;
        let chain = Chain(row.chain.try_into().map_err(|_| unreadable())?);
        Ok(Tree {
            edge: edge_of(row.size, &row.nodes).ok_or_else(unreadable)?,
            sequence: Sequence(row.sequence),
            chain,
            epoch: row.epoch,
            refused: (row.refused_epoch, row.refused_number),
            pages: row.pages,
            oldest: row.oldest,
            kept_bytes: row.kept_bytes,
        })
    }
}

/// The edge of a tree whose nodes stand one after the other.
pub(super) fn edge_of(size: u64, nodes: &[u8]) -> Option<Frontier> {
    let (nodes, rest) = nodes.as_chunks::<{ size_of::<Hash>() }>();
    rest.is_empty().then(|| Frontier::of(size, nodes.to_vec()))?
}
