//! One chunk of the venue file behind a version of an event's configuration, as the organizer gave it.
//!
//! - key: (hash of event, kind, event, version of the configuration, chunk number from 0)
//! - value: up to [`crate::CHUNK_BYTES`] of the file
//! - mutability: written once; cleared when the file of a later version takes its place

use foundationdb_tuple::pack;
use tessera_inventory::EventId;
use uuid::Uuid;

use super::{KeyKind, event_of, event_prefix, parts, range_of};
use crate::StoreError;

/// Key of one chunk of a venue file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VenueChunkKey {
    /// Whose configuration.
    pub event: EventId,
    /// Which version of it.
    pub version: u32,
    /// Number of the chunk, from 0.
    pub chunk: u32,
}

impl VenueChunkKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::VenueChunk);
        pack(&(hash, kind, event, self.version, self.chunk))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<VenueChunkKey, StoreError> {
        let (hash, kind, event, version, chunk): (u64, u16, Uuid, u32, u32) =
            parts(key, KeyKind::VenueChunk)?;
        let event = event_of(key, (hash, kind, event), KeyKind::VenueChunk)?;
        Ok(VenueChunkKey { event, version, chunk })
    }

    /// Every chunk of one version: `begin <= key < end`.
    #[must_use]
    pub fn range(event: EventId, version: u32) -> (Vec<u8>, Vec<u8>) {
        let (hash, kind, event) = event_prefix(event, KeyKind::VenueChunk);
        range_of(&(hash, kind, event, version))
    }

    /// Every chunk of the versions before `version`: `begin <= key < end`.
    #[must_use]
    pub fn range_before(event: EventId, version: u32) -> (Vec<u8>, Vec<u8>) {
        let (begin, _) = range_of(&event_prefix(event, KeyKind::VenueChunk));
        let (end, _) = VenueChunkKey::range(event, version);
        (begin, end)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn key(version: u32, chunk: u32) -> VenueChunkKey {
        VenueChunkKey { event: EventId(42), version, chunk }
    }

    #[test]
    fn round_trip() {
        let key = key(3, 70_000);
        assert_eq!(VenueChunkKey::unpack(&key.pack()).unwrap(), key);
    }

    #[test]
    fn the_ranges_of_versions_do_not_meet() {
        let (begin, end) = VenueChunkKey::range(EventId(42), 300);
        assert!(key(300, 0).pack() >= begin && key(300, u32::MAX).pack() < end);
        assert!(key(299, 9).pack() < begin && key(301, 0).pack() >= end);
        let (begin, end) = VenueChunkKey::range_before(EventId(42), 300);
        assert!(key(1, 0).pack() >= begin && key(299, u32::MAX).pack() < end && key(300, 0).pack() >= end);
    }
}
