//! An event, found by its organizer.
//!
//! - key: (kind, organizer, event); UUIDv7 ids sort by when they were minted, so a range lists events oldest first
//! - value: empty
//! - mutability: written once, with the event's catalogue row

use foundationdb_tuple::pack;
use tessera_inventory::EventId;
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of one event of an organizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrganizerEventKey {
    /// The 128 bits of the organizer's id.
    pub organizer: u128,
    /// Which event.
    pub event: EventId,
}

impl OrganizerEventKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let kind = KeyKind::OrganizerEvent.number();
        pack(&(kind, Uuid::from_u128(self.organizer), Uuid::from_u128(self.event.0)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<OrganizerEventKey, StoreError> {
        let (kind, organizer, event): (u16, Uuid, Uuid) = parts(key, KeyKind::OrganizerEvent)?;
        if kind != KeyKind::OrganizerEvent.number() {
            return Err(foreign(key, KeyKind::OrganizerEvent));
        }
        Ok(OrganizerEventKey { organizer: organizer.as_u128(), event: EventId(event.as_u128()) })
    }

    /// Every event of `organizer`, oldest first: `begin <= key < end`.
    #[must_use]
    pub fn range(organizer: u128) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::OrganizerEvent.number(), Uuid::from_u128(organizer)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = OrganizerEventKey { organizer: 7, event: EventId(42) };
        assert_eq!(OrganizerEventKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = OrganizerEventKey::range(7);
        assert!(begin <= key.pack() && key.pack() < end);
        let other = OrganizerEventKey { organizer: 8, ..key };
        assert!(other.pack() >= end);
    }
}
