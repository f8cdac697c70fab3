//! When an event must be activated so that time can do what is due in it.
//!
//! - key: (kind, event)
//! - value: a [`Timestamp`], 8 bytes big-endian; 0: at once (the event is active, or its process ended while it was)
//! - mutability: set to 0 at activation, to the next thing due at passivation, cleared where nothing is due

use foundationdb_tuple::pack;
use tessera_inventory::{EventId, Timestamp};
use uuid::Uuid;

use super::{Fields, KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of an event's wake-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WakeUpKey {
    /// Which event.
    pub event: EventId,
}

impl WakeUpKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::WakeUp.number(), Uuid::from_u128(self.event.0)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<WakeUpKey, StoreError> {
        let (kind, event): (u16, Uuid) = parts(key, KeyKind::WakeUp)?;
        if kind != KeyKind::WakeUp.number() {
            return Err(foreign(key, KeyKind::WakeUp));
        }
        Ok(WakeUpKey { event: EventId(event.as_u128()) })
    }

    /// Every wake-up: `begin <= key < end`.
    #[must_use]
    pub fn range() -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::WakeUp.number(),))
    }

    /// The stored bytes of a time.
    #[must_use]
    pub fn encode(due_at: Timestamp) -> [u8; 8] {
        due_at.0.to_be_bytes()
    }

    /// The time of these bytes.
    pub fn decode(value: &[u8]) -> Result<Timestamp, StoreError> {
        let mut fields = Fields::of(KeyKind::WakeUp, value);
        let due_at = Timestamp(u64::from_be_bytes(fields.take()?));
        fields.end()?;
        Ok(due_at)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = WakeUpKey { event: EventId(42) };
        assert_eq!(WakeUpKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = WakeUpKey::range();
        assert!(begin <= key.pack() && key.pack() < end);
        assert_eq!(WakeUpKey::decode(&WakeUpKey::encode(Timestamp(99))).unwrap(), Timestamp(99));
        assert!(WakeUpKey::decode(b"short").is_err());
    }
}
