//! The head of an event: the one value that fences its writers.
//!
//! - key: (hash of event, kind, event)
//! - value: [`HEAD_VALUE_BYTES`] bytes, big-endian: format version 2, minimum reader 2, epoch 8, sequence 8, batch 16,
//!   chain 32
//! - mutability: compared and swapped by every append

use foundationdb_tuple::pack;
use tessera_inventory::{Epoch, EventId, Sequence};
use tessera_writer::{BatchId, Chain, FORMAT_VERSION, Format, Head};

use super::{EventPrefix, Fields, KeyKind, event_of, event_prefix, parts};
use crate::StoreError;

/// Size of an encoded head, in bytes.
pub const HEAD_VALUE_BYTES: usize = 68;

/// Key of an event's [`Head`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadKey {
    /// Whose head.
    pub event: EventId,
}

impl HeadKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&event_prefix(self.event, KeyKind::Head))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<HeadKey, StoreError> {
        let prefix: EventPrefix = parts(key, KeyKind::Head)?;
        Ok(HeadKey { event: event_of(key, prefix, KeyKind::Head)? })
    }
}

/// The stored bytes of a head.
#[must_use]
pub fn encode_head(head: &Head) -> [u8; HEAD_VALUE_BYTES] {
    let mut value = [0; HEAD_VALUE_BYTES];
    value[0..2].copy_from_slice(&head.format.version.to_be_bytes());
    value[2..4].copy_from_slice(&head.format.minimum_reader.to_be_bytes());
    value[4..12].copy_from_slice(&head.epoch.0.to_be_bytes());
    value[12..20].copy_from_slice(&head.sequence.0.to_be_bytes());
    value[20..36].copy_from_slice(&head.batch_id.0.to_be_bytes());
    value[36..68].copy_from_slice(&head.chain.0);
    value
}

/// The head with these bytes: [`StoreError::FormatTooNew`] when a newer reader is needed, [`StoreError::Damaged`] when
/// they are no head.
pub fn decode_head(value: &[u8]) -> Result<Head, StoreError> {
    let mut fields = Fields::of(KeyKind::Head, value);
    let version = u16::from_be_bytes(fields.take()?);
    let minimum_reader = u16::from_be_bytes(fields.take()?);
    if minimum_reader > FORMAT_VERSION {
        return Err(StoreError::FormatTooNew { needed: minimum_reader, supported: FORMAT_VERSION });
    }
    let head = Head {
        format: Format { version, minimum_reader },
        epoch: Epoch(u64::from_be_bytes(fields.take()?)),
        sequence: Sequence(u64::from_be_bytes(fields.take()?)),
        batch_id: BatchId(u128::from_be_bytes(fields.take()?)),
        chain: Chain(fields.take()?),
    };
    fields.end()?;
    Ok(head)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn example() -> Head {
        Head {
            format: Format { version: 1, minimum_reader: 1 },
            epoch: Epoch(3),
            sequence: Sequence(0x0102_0304),
            batch_id: BatchId(0xfeed),
            chain: Chain([0xab; 32]),
        }
    }

    #[test]
    fn round_trip() {
        let key = HeadKey { event: EventId(42) };
        assert_eq!(HeadKey::unpack(&key.pack()).unwrap(), key);
        assert_eq!(decode_head(&encode_head(&example())).unwrap(), example());
        assert_eq!(decode_head(&encode_head(&Head::GENESIS)).unwrap(), Head::GENESIS);
    }

    #[test]
    fn golden_bytes_of_version_1() {
        let hex: String = encode_head(&example()).iter().map(|byte| format!("{byte:02x}")).collect();
        let golden = format!(
            "{}{}{}{}{}{}",
            "0001",
            "0001",
            "0000000000000003",
            "0000000001020304",
            "0000000000000000000000000000feed",
            "ab".repeat(32)
        );
        assert_eq!(hex, golden);
    }

    #[test]
    fn a_newer_head_is_refused() {
        let mut value = encode_head(&example());
        value[3] = 9;
        assert_eq!(
            decode_head(&value),
            Err(StoreError::FormatTooNew { needed: 9, supported: FORMAT_VERSION })
        );
    }

    #[test]
    fn wrong_lengths_are_damage() {
        let value = encode_head(&example());
        assert!(matches!(decode_head(&value[..67]), Err(StoreError::Damaged { .. })));
        let longer = [&value[..], &[0]].concat();
        assert!(matches!(decode_head(&longer), Err(StoreError::Damaged { .. })));
    }
}
