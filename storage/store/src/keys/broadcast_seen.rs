//! Somebody whom a broadcast has reached: one person has several orders.
//!
//! - key: (kind, event, number of the run, eight bytes of whom; of another time or place of whom and of which order)
//! - value: empty
//! - mutability: written with the message

use foundationdb_tuple::pack;
use tessera_inventory::EventId;
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of somebody whom a broadcast has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BroadcastSeenKey {
    /// To whose buyers.
    pub event: EventId,
    /// Which run.
    pub run: u64,
    /// Whom.
    pub recipient: u64,
}

impl BroadcastSeenKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let event = Uuid::from_u128(self.event.0);
        pack(&(KeyKind::BroadcastSeen.number(), event, self.run, self.recipient))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<BroadcastSeenKey, StoreError> {
        let (kind, event, run, recipient): (u16, Uuid, u64, u64) = parts(key, KeyKind::BroadcastSeen)?;
        if kind != KeyKind::BroadcastSeen.number() {
            return Err(foreign(key, KeyKind::BroadcastSeen));
        }
        Ok(BroadcastSeenKey { event: EventId(event.as_u128()), run, recipient })
    }

    /// All of a run: `begin <= key < end`.
    #[must_use]
    pub fn range(event: EventId, run: u64) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::BroadcastSeen.number(), Uuid::from_u128(event.0), run))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = BroadcastSeenKey { event: EventId(42), run: 3, recipient: u64::MAX };
        assert_eq!(BroadcastSeenKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = BroadcastSeenKey::range(EventId(42), 3);
        assert!(begin <= key.pack() && key.pack() < end);
    }
}
