//! Up to which epoch an operator has accepted that the store lacks what nodes have seen of an event.
//!
//! - key: (kind, event)
//! - value: an [`Epoch`], 8 bytes big-endian: what was witnessed under an earlier one is given up
//! - mutability: set by each reconciliation, with a greater epoch than the one before; never cleared

use foundationdb_tuple::pack;
use tessera_inventory::{Epoch, EventId};
use uuid::Uuid;

use super::{Fields, KeyKind, foreign, parts};
use crate::StoreError;

/// Key of an event's reconciliation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReconciliationKey {
    /// Which event.
    pub event: EventId,
}

impl ReconciliationKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::Reconciliation.number(), Uuid::from_u128(self.event.0)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<ReconciliationKey, StoreError> {
        let (kind, event): (u16, Uuid) = parts(key, KeyKind::Reconciliation)?;
        if kind != KeyKind::Reconciliation.number() {
            return Err(foreign(key, KeyKind::Reconciliation));
        }
        Ok(ReconciliationKey { event: EventId(event.as_u128()) })
    }

    /// The stored bytes of an epoch.
    #[must_use]
    pub fn encode(epoch: Epoch) -> [u8; 8] {
        epoch.0.to_be_bytes()
    }

    /// The epoch of these bytes.
    pub fn decode(value: &[u8]) -> Result<Epoch, StoreError> {
        let mut fields = Fields::of(KeyKind::Reconciliation, value);
        let epoch = Epoch(u64::from_be_bytes(fields.take()?));
        fields.end()?;
        Ok(epoch)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = ReconciliationKey { event: EventId(42) };
        assert_eq!(ReconciliationKey::unpack(&key.pack()).unwrap(), key);
        assert_eq!(ReconciliationKey::decode(&ReconciliationKey::encode(Epoch(99))).unwrap(), Epoch(99));
        assert!(ReconciliationKey::decode(b"short").is_err());
    }
}
