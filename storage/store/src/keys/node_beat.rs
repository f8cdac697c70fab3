//! The sign of life of a node. Apart from [`super::NodeKey`], which every claim reads: a beat must not conflict with it.
//!
//! - key: (kind, node)
//! - value: the nodes repository's row
//! - mutability: set by every renewal of the lease, cleared with the row of the node

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of the newest beat of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeBeatKey {
    /// The 128 bits of its id.
    pub node: u128,
}

impl NodeBeatKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::NodeBeat.number(), Uuid::from_u128(self.node)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<NodeBeatKey, StoreError> {
        let (kind, node): (u16, Uuid) = parts(key, KeyKind::NodeBeat)?;
        if kind != KeyKind::NodeBeat.number() {
            return Err(foreign(key, KeyKind::NodeBeat));
        }
        Ok(NodeBeatKey { node: node.as_u128() })
    }

    /// Every beat: `begin <= key < end`.
    #[must_use]
    pub fn range() -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::NodeBeat.number(),))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = NodeBeatKey { node: 42 };
        assert_eq!(NodeBeatKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = NodeBeatKey::range();
        assert!(begin <= key.pack() && key.pack() < end);
    }
}
