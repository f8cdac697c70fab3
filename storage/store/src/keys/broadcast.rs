//! A message to everybody who has tickets of an event, and how far it has got.
//!
//! - key: (kind, event, number of the run)
//! - value: the repository's row
//! - mutability: written once, rewritten with every step of the run

use foundationdb_tuple::pack;
use tessera_inventory::EventId;
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of a broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BroadcastKey {
    /// To whose buyers.
    pub event: EventId,
    /// Which run, from 1.
    pub run: u64,
}

impl BroadcastKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::Broadcast.number(), Uuid::from_u128(self.event.0), self.run))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<BroadcastKey, StoreError> {
        let (kind, event, run): (u16, Uuid, u64) = parts(key, KeyKind::Broadcast)?;
        if kind != KeyKind::Broadcast.number() {
            return Err(foreign(key, KeyKind::Broadcast));
        }
        Ok(BroadcastKey { event: EventId(event.as_u128()), run })
    }

    /// All of an event, the oldest first: `begin <= key < end`.
    #[must_use]
    pub fn range_of(event: EventId) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::Broadcast.number(), Uuid::from_u128(event.0)))
    }

    /// All of every event: `begin <= key < end`.
    #[must_use]
    pub fn range() -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::Broadcast.number(),))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_in_the_order_of_runs() {
        let key = BroadcastKey { event: EventId(42), run: 256 };
        assert_eq!(BroadcastKey::unpack(&key.pack()).unwrap(), key);
        for (begin, end) in [BroadcastKey::range_of(EventId(42)), BroadcastKey::range()] {
            assert!(begin <= key.pack() && key.pack() < end);
        }
        assert!(BroadcastKey { run: 255, ..key }.pack() < key.pack());
    }
}
