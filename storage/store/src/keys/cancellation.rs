//! That an event was cancelled, as the orders projection saw it.
//!
//! - key: (hash of event, kind, event)
//! - value: the sequence of the cancellation, 8 bytes, big-endian
//! - mutability: written once

use foundationdb_tuple::pack;
use tessera_inventory::{EventId, Sequence};

use super::{EventPrefix, Fields, KeyKind, event_of, event_prefix, parts};
use crate::StoreError;

/// Key of an event's cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancellationKey {
    /// Which event.
    pub event: EventId,
}

impl CancellationKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&event_prefix(self.event, KeyKind::Cancellation))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<CancellationKey, StoreError> {
        let prefix: EventPrefix = parts(key, KeyKind::Cancellation)?;
        Ok(CancellationKey { event: event_of(key, prefix, KeyKind::Cancellation)? })
    }
}

/// The stored bytes of the sequence of a cancellation.
#[must_use]
pub fn encode_cancellation(sequence: Sequence) -> [u8; 8] {
    sequence.0.to_be_bytes()
}

/// The sequence of a cancellation with these bytes.
pub fn decode_cancellation(value: &[u8]) -> Result<Sequence, StoreError> {
    let mut fields = Fields::of(KeyKind::Cancellation, value);
    let sequence = Sequence(u64::from_be_bytes(fields.take()?));
    fields.end()?;
    Ok(sequence)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = CancellationKey { event: EventId(42) };
        assert_eq!(CancellationKey::unpack(&key.pack()).unwrap(), key);
        assert_eq!(decode_cancellation(&encode_cancellation(Sequence(77))).unwrap(), Sequence(77));
        assert!(decode_cancellation(b"short").is_err());
    }
}
