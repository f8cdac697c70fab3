//! Which snapshot of an event is the newest.
//!
//! - key: (hash of event, kind, event)
//! - value: a [`SnapshotPointer`]
//! - mutability: flipped to a new snapshot once all its chunks are durable; its sequence never goes back

use foundationdb_tuple::pack;
use tessera_inventory::{EventId, Sequence};
use tessera_writer::{Chain, FORMAT_VERSION, Format};

use super::{EventPrefix, Fields, KeyKind, SnapshotId, event_of, event_prefix, parts};
use crate::StoreError;

/// Key of an event's [`SnapshotPointer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotPointerKey {
    /// Whose snapshot.
    pub event: EventId,
}

impl SnapshotPointerKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&event_prefix(self.event, KeyKind::SnapshotPointer))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<SnapshotPointerKey, StoreError> {
        let prefix: EventPrefix = parts(key, KeyKind::SnapshotPointer)?;
        Ok(SnapshotPointerKey { event: event_of(key, prefix, KeyKind::SnapshotPointer)? })
    }
}

/// Where the newest snapshot is and what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotPointer {
    /// Format of the snapshot's bytes; an older reader refuses it.
    pub format: Format,
    /// Sequence of the last event that the snapshot includes.
    pub sequence: Sequence,
    /// The log's chain at that sequence.
    pub chain: Chain,
    /// Under which id its chunks stand.
    pub id: SnapshotId,
    /// How many chunks.
    pub chunks: u32,
    /// How many bytes over all chunks.
    pub length: u64,
    /// BLAKE3 of the bytes.
    pub hash: [u8; 32],
}

impl SnapshotPointer {
    /// The stored bytes, big-endian, in the order of the fields.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut value = Vec::with_capacity(104);
        value.extend_from_slice(&self.format.version.to_be_bytes());
        value.extend_from_slice(&self.format.minimum_reader.to_be_bytes());
        value.extend_from_slice(&self.sequence.0.to_be_bytes());
        value.extend_from_slice(&self.chain.0);
        value.extend_from_slice(&self.id.0.to_be_bytes());
        value.extend_from_slice(&self.chunks.to_be_bytes());
        value.extend_from_slice(&self.length.to_be_bytes());
        value.extend_from_slice(&self.hash);
        value
    }

    /// The pointer with these bytes; refuses a format that needs a newer reader.
    pub fn decode(value: &[u8]) -> Result<SnapshotPointer, StoreError> {
        let mut fields = Fields::of(KeyKind::SnapshotPointer, value);
        let version = u16::from_be_bytes(fields.take()?);
        let minimum_reader = u16::from_be_bytes(fields.take()?);
        if minimum_reader > FORMAT_VERSION {
            return Err(StoreError::FormatTooNew { needed: minimum_reader, supported: FORMAT_VERSION });
        }
        let pointer = SnapshotPointer {
            format: Format { version, minimum_reader },
            sequence: Sequence(u64::from_be_bytes(fields.take()?)),
            chain: Chain(fields.take()?),
            id: SnapshotId(u128::from_be_bytes(fields.take()?)),
            chunks: u32::from_be_bytes(fields.take()?),
            length: u64::from_be_bytes(fields.take()?),
            hash: fields.take()?,
        };
        fields.end()?;
        Ok(pointer)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = SnapshotPointerKey { event: EventId(42) };
        assert_eq!(SnapshotPointerKey::unpack(&key.pack()).unwrap(), key);
        let pointer = SnapshotPointer {
            format: Format { version: 1, minimum_reader: 1 },
            sequence: Sequence(99),
            chain: Chain([1; 32]),
            id: SnapshotId(7),
            chunks: 3,
            length: 200_000,
            hash: [2; 32],
        };
        assert_eq!(SnapshotPointer::decode(&pointer.encode()).unwrap(), pointer);
        assert!(SnapshotPointer::decode(&pointer.encode()[1..]).is_err());
    }
}
