//! How far a supervisor's follower (payment, waitlist, notification) has worked off the log of an event.
//!
//! - key: (hash of event, kind, event, name of the follower)
//! - value: a [`FollowerCursor`]
//! - mutability: moved forward by the follower that holds the fence; taken over by raising the fence

use foundationdb_tuple::pack;
use tessera_inventory::{EventId, Sequence};
use uuid::Uuid;

use super::{Fields, KeyKind, event_of, event_prefix, parts};
use crate::StoreError;

/// Key of a [`FollowerCursor`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowerCursorKey {
    /// Whose log.
    pub event: EventId,
    /// Which follower; a short name that is never reused for another purpose.
    pub follower: String,
}

impl FollowerCursorKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::FollowerCursor);
        pack(&(hash, kind, event, self.follower.as_str()))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<FollowerCursorKey, StoreError> {
        let (hash, kind, event, follower): (u64, u16, Uuid, String) = parts(key, KeyKind::FollowerCursor)?;
        let event = event_of(key, (hash, kind, event), KeyKind::FollowerCursor)?;
        Ok(FollowerCursorKey { event, follower })
    }
}

/// The position of a follower, and who may move it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowerCursor {
    /// Raised by one at each takeover; a follower that finds another value stops.
    pub fence: u64,
    /// Sequence of the last event whose effects are done.
    pub sequence: Sequence,
}

impl FollowerCursor {
    /// The stored bytes, big-endian: fence 8, sequence 8.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [self.fence.to_be_bytes(), self.sequence.0.to_be_bytes()].concat()
    }

    /// The cursor with these bytes.
    pub fn decode(value: &[u8]) -> Result<FollowerCursor, StoreError> {
        let mut fields = Fields::of(KeyKind::FollowerCursor, value);
        let fence = u64::from_be_bytes(fields.take()?);
        let sequence = Sequence(u64::from_be_bytes(fields.take()?));
        fields.end()?;
        Ok(FollowerCursor { fence, sequence })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = FollowerCursorKey { event: EventId(42), follower: "payment".to_owned() };
        assert_eq!(FollowerCursorKey::unpack(&key.pack()).unwrap(), key);
        let cursor = FollowerCursor { fence: 4, sequence: Sequence(77) };
        assert_eq!(FollowerCursor::decode(&cursor.encode()).unwrap(), cursor);
        assert!(FollowerCursor::decode(b"short").is_err());
    }
}
