//! An event, found by the node that owns it: what others adopt when the node is gone.
//!
//! - key: (kind, node, event)
//! - value: empty
//! - mutability: written and cleared with [`super::OwnerKey`], in the same transaction

use foundationdb_tuple::pack;
use tessera_inventory::EventId;
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of one event of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedKey {
    /// The 128 bits of the owner's id.
    pub node: u128,
    /// Which event.
    pub event: EventId,
}

impl OwnedKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::Owned.number(), Uuid::from_u128(self.node), Uuid::from_u128(self.event.0)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<OwnedKey, StoreError> {
        let (kind, node, event): (u16, Uuid, Uuid) = parts(key, KeyKind::Owned)?;
        if kind != KeyKind::Owned.number() {
            return Err(foreign(key, KeyKind::Owned));
        }
        Ok(OwnedKey { node: node.as_u128(), event: EventId(event.as_u128()) })
    }

    /// Every event of `node`: `begin <= key < end`.
    #[must_use]
    pub fn range(node: u128) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::Owned.number(), Uuid::from_u128(node)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = OwnedKey { node: 7, event: EventId(42) };
        assert_eq!(OwnedKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = OwnedKey::range(7);
        assert!(begin <= key.pack() && key.pack() < end);
        assert!(OwnedKey { node: 8, ..key }.pack() >= end);
    }
}
