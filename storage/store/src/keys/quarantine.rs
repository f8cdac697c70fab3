//! An event that is set aside until an operator lifts its quarantine.
//!
//! - key: (kind, event)
//! - value: the quarantine repository's row
//! - mutability: set when the event is quarantined, cleared when an operator lifts the quarantine

use foundationdb_tuple::pack;
use tessera_inventory::EventId;
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of a quarantined event's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuarantineKey {
    /// Which event.
    pub event: EventId,
}

impl QuarantineKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::Quarantine.number(), Uuid::from_u128(self.event.0)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<QuarantineKey, StoreError> {
        let (kind, event): (u16, Uuid) = parts(key, KeyKind::Quarantine)?;
        if kind != KeyKind::Quarantine.number() {
            return Err(foreign(key, KeyKind::Quarantine));
        }
        Ok(QuarantineKey { event: EventId(event.as_u128()) })
    }

    /// Every quarantined event: `begin <= key < end`.
    #[must_use]
    pub fn range() -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::Quarantine.number(),))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = QuarantineKey { event: EventId(42) };
        assert_eq!(QuarantineKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = QuarantineKey::range();
        assert!(begin <= key.pack() && key.pack() < end);
    }
}
