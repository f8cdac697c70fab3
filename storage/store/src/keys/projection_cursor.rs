//! How far a projection has followed the log of an event.
//!
//! - key: (hash of event, kind, event, name of the projection)
//! - value: a [`ProjectionCursor`]
//! - mutability: moved forward in the transaction that writes the projection's rows

use foundationdb_tuple::pack;
use tessera_inventory::{EventId, Sequence};
use tessera_writer::Chain;
use uuid::Uuid;

use super::{Fields, KeyKind, event_of, event_prefix, parts};
use crate::StoreError;

/// Key of a [`ProjectionCursor`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectionCursorKey {
    /// Whose log.
    pub event: EventId,
    /// Which projection; a short name that is never reused for other rows.
    pub projection: String,
}

impl ProjectionCursorKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::ProjectionCursor);
        pack(&(hash, kind, event, self.projection.as_str()))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<ProjectionCursorKey, StoreError> {
        let (hash, kind, event, projection): (u64, u16, Uuid, String) =
            parts(key, KeyKind::ProjectionCursor)?;
        let event = event_of(key, (hash, kind, event), KeyKind::ProjectionCursor)?;
        Ok(ProjectionCursorKey { event, projection })
    }
}

/// The position of a projection in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectionCursor {
    /// Sequence of the last event whose rows are written.
    pub sequence: Sequence,
    /// The log's chain there; a follower that reads on checks that the log continues from it.
    pub chain: Chain,
}

impl ProjectionCursor {
    /// The stored bytes, big-endian: sequence 8, chain 32.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&self.sequence.0.to_be_bytes()[..], &self.chain.0].concat()
    }

    /// The cursor with these bytes.
    pub fn decode(value: &[u8]) -> Result<ProjectionCursor, StoreError> {
        let mut fields = Fields::of(KeyKind::ProjectionCursor, value);
        let sequence = Sequence(u64::from_be_bytes(fields.take()?));
        let chain = Chain(fields.take()?);
        fields.end()?;
        Ok(ProjectionCursor { sequence, chain })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = ProjectionCursorKey { event: EventId(42), projection: "orders_by_subject".to_owned() };
        assert_eq!(ProjectionCursorKey::unpack(&key.pack()).unwrap(), key);
        let cursor = ProjectionCursor { sequence: Sequence(77), chain: Chain([3; 32]) };
        assert_eq!(ProjectionCursor::decode(&cursor.encode()).unwrap(), cursor);
        assert!(ProjectionCursor::decode(b"short").is_err());
    }
}
