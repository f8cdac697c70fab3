//! An event as the catalogue knows it.
//!
//! - key: (kind, event); UUIDv7 ids sort by when they were minted, so a range lists events oldest first
//! - value: the catalogue's row (see the gateway's repository)
//! - mutability: created with the event, rewritten when its description changes

use foundationdb_tuple::pack;
use tessera_inventory::EventId;
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of an event's catalogue row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogueEventKey {
    /// Which event.
    pub event: EventId,
}

impl CatalogueEventKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::CatalogueEvent.number(), Uuid::from_u128(self.event.0)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<CatalogueEventKey, StoreError> {
        let (kind, event): (u16, Uuid) = parts(key, KeyKind::CatalogueEvent)?;
        if kind != KeyKind::CatalogueEvent.number() {
            return Err(foreign(key, KeyKind::CatalogueEvent));
        }
        Ok(CatalogueEventKey { event: EventId(event.as_u128()) })
    }

    /// Every event, oldest first: `begin <= key < end`.
    #[must_use]
    pub fn range() -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::CatalogueEvent.number(),))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = CatalogueEventKey { event: EventId(42) };
        assert_eq!(CatalogueEventKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = CatalogueEventKey::range();
        assert!(begin <= key.pack() && key.pack() < end);
    }
}
