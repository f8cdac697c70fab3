//! A node of the cluster.
//!
//! - key: (kind, node)
//! - value: the nodes repository's row
//! - mutability: set when the node registers and when its standing changes, cleared when nothing that it owned is left

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of the row of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeKey {
    /// The 128 bits of its id.
    pub node: u128,
}

impl NodeKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::Node.number(), Uuid::from_u128(self.node)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<NodeKey, StoreError> {
        let (kind, node): (u16, Uuid) = parts(key, KeyKind::Node)?;
        if kind != KeyKind::Node.number() {
            return Err(foreign(key, KeyKind::Node));
        }
        Ok(NodeKey { node: node.as_u128() })
    }

    /// Every node: `begin <= key < end`.
    #[must_use]
    pub fn range() -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::Node.number(),))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = NodeKey { node: 42 };
        assert_eq!(NodeKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = NodeKey::range();
        assert!(begin <= key.pack() && key.pack() < end);
    }
}
