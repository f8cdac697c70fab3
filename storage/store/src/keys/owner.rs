//! The node that owns an event.
//!
//! - key: (kind, event)
//! - value: the nodes repository's row
//! - mutability: set by every claim and transfer, cleared when the event falls asleep

use foundationdb_tuple::pack;
use tessera_inventory::EventId;
use uuid::Uuid;

use super::{KeyKind, foreign, parts};
use crate::StoreError;

/// Key of an event's owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerKey {
    /// Which event.
    pub event: EventId,
}

impl OwnerKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::Owner.number(), Uuid::from_u128(self.event.0)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<OwnerKey, StoreError> {
        let (kind, event): (u16, Uuid) = parts(key, KeyKind::Owner)?;
        if kind != KeyKind::Owner.number() {
            return Err(foreign(key, KeyKind::Owner));
        }
        Ok(OwnerKey { event: EventId(event.as_u128()) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = OwnerKey { event: EventId(42) };
        assert_eq!(OwnerKey::unpack(&key.pack()).unwrap(), key);
    }
}
