//! One chunk of a snapshot.
//!
//! - key: (hash of event, kind, event, snapshot id, chunk number from 0)
//! - value: up to [`crate::CHUNK_BYTES`] of the snapshot
//! - mutability: written once under a new id; cleared when another snapshot takes its place

use foundationdb_tuple::pack;
use tessera_inventory::EventId;
use uuid::Uuid;

use super::{KeyKind, event_of, event_prefix, parts, range_of};
use crate::StoreError;

/// Names one attempt at writing a snapshot; drawn at random by whoever writes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId(pub u128);

/// Key of one chunk of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotChunkKey {
    /// Whose snapshot.
    pub event: EventId,
    /// Which snapshot.
    pub id: SnapshotId,
    /// Number of the chunk, from 0.
    pub chunk: u32,
}

impl SnapshotChunkKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::SnapshotChunk);
        pack(&(hash, kind, event, Uuid::from_u128(self.id.0), self.chunk))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<SnapshotChunkKey, StoreError> {
        let (hash, kind, event, id, chunk): (u64, u16, Uuid, Uuid, u32) = parts(key, KeyKind::SnapshotChunk)?;
        let event = event_of(key, (hash, kind, event), KeyKind::SnapshotChunk)?;
        Ok(SnapshotChunkKey { event, id: SnapshotId(id.as_u128()), chunk })
    }

    /// Every chunk of one snapshot: `begin <= key < end`.
    #[must_use]
    pub fn range(event: EventId, id: SnapshotId) -> (Vec<u8>, Vec<u8>) {
        let (hash, kind, event) = event_prefix(event, KeyKind::SnapshotChunk);
        range_of(&(hash, kind, event, Uuid::from_u128(id.0)))
    }

    /// Every chunk of every snapshot of `event`: `begin <= key < end`.
    #[must_use]
    pub fn range_of_event(event: EventId) -> (Vec<u8>, Vec<u8>) {
        range_of(&event_prefix(event, KeyKind::SnapshotChunk))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = SnapshotChunkKey { event: EventId(42), id: SnapshotId(u128::MAX - 3), chunk: 70_000 };
        assert_eq!(SnapshotChunkKey::unpack(&key.pack()).unwrap(), key);
    }

    #[test]
    fn the_range_of_one_snapshot_excludes_the_others() {
        let event = EventId(42);
        let (begin, end) = SnapshotChunkKey::range(event, SnapshotId(5));
        let key = |id, chunk| SnapshotChunkKey { event, id: SnapshotId(id), chunk }.pack();
        assert!(key(5, 0) >= begin && key(5, u32::MAX) < end);
        assert!(key(4, 9) < begin && key(6, 0) >= end);
    }
}
