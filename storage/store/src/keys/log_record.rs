//! One chunk of a log record, on a store whose values are limited.
//!
//! - key: (hash of event, kind, event, last sequence of the record, chunk number from 0)
//! - value: chunk 0 begins with a [`LogRecordHeader`]; then come up to [`crate::CHUNK_BYTES`] of the record
//! - mutability: written once with its head, never changed

use foundationdb_tuple::pack;
use tessera_inventory::{Epoch, EventId, Sequence};
use tessera_writer::Chain;
use uuid::Uuid;

use super::{Fields, KeyKind, event_of, event_prefix, parts};
use crate::StoreError;

/// Size of an encoded [`LogRecordHeader`], in bytes.
pub const LOG_RECORD_HEADER_BYTES: usize = 56;

/// Key of one chunk of a log record. Keyed by the *last* sequence, so that a read after a sequence is one range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRecordKey {
    /// Whose log.
    pub event: EventId,
    /// Sequence of the last event in the record.
    pub last_sequence: Sequence,
    /// Number of the chunk, from 0.
    pub chunk: u32,
}

impl LogRecordKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::LogRecord);
        pack(&(hash, kind, event, self.last_sequence.0, self.chunk))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<LogRecordKey, StoreError> {
        let (hash, kind, event, last, chunk): (u64, u16, Uuid, u64, u32) = parts(key, KeyKind::LogRecord)?;
        let event = event_of(key, (hash, kind, event), KeyKind::LogRecord)?;
        Ok(LogRecordKey { event, last_sequence: Sequence(last), chunk })
    }

    /// Every chunk of every record of `event` whose last sequence is greater than `after`: `begin <= key < end`.
    #[must_use]
    pub fn range_after(event: EventId, after: Sequence) -> (Vec<u8>, Vec<u8>) {
        let begin = LogRecordKey { event, last_sequence: after.plus(1), chunk: 0 }.pack();
        let (_, end) = super::range_of(&event_prefix(event, KeyKind::LogRecord));
        (begin, end)
    }
}

/// What stands before the bytes of a record in its chunk 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRecordHeader {
    /// Sequence of the first event in the record.
    pub first_sequence: Sequence,
    /// Epoch of the writer that appended it.
    pub epoch: Epoch,
    /// The chain after the record.
    pub chain: Chain,
    /// Length of the whole record, over all its chunks, in bytes.
    pub length: u64,
}

impl LogRecordHeader {
    /// The stored bytes, big-endian: first sequence 8, epoch 8, chain 32, length 8.
    #[must_use]
    pub fn encode(&self) -> [u8; LOG_RECORD_HEADER_BYTES] {
        let mut value = [0; LOG_RECORD_HEADER_BYTES];
        value[0..8].copy_from_slice(&self.first_sequence.0.to_be_bytes());
        value[8..16].copy_from_slice(&self.epoch.0.to_be_bytes());
        value[16..48].copy_from_slice(&self.chain.0);
        value[48..56].copy_from_slice(&self.length.to_be_bytes());
        value
    }

    /// The header at the front of chunk 0, and the bytes after it.
    pub fn decode(value: &[u8]) -> Result<(LogRecordHeader, &[u8]), StoreError> {
        let mut fields = Fields::of(KeyKind::LogRecord, value);
        let header = LogRecordHeader {
            first_sequence: Sequence(u64::from_be_bytes(fields.take()?)),
            epoch: Epoch(u64::from_be_bytes(fields.take()?)),
            chain: Chain(fields.take()?),
            length: u64::from_be_bytes(fields.take()?),
        };
        Ok((header, fields.rest))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = LogRecordKey { event: EventId(42), last_sequence: Sequence(u64::MAX - 1), chunk: 9 };
        assert_eq!(LogRecordKey::unpack(&key.pack()).unwrap(), key);
        let header = LogRecordHeader {
            first_sequence: Sequence(5),
            epoch: Epoch(2),
            chain: Chain([7; 32]),
            length: 123_456,
        };
        let value = [&header.encode()[..], b"rest"].concat();
        assert_eq!(LogRecordHeader::decode(&value).unwrap(), (header, &b"rest"[..]));
    }

    #[test]
    fn range_after_holds_exactly_the_later_records_in_order() {
        let event = EventId(42);
        let (begin, end) = LogRecordKey::range_after(event, Sequence(300));
        let key = |last, chunk| LogRecordKey { event, last_sequence: Sequence(last), chunk }.pack();
        assert!(key(300, 5) < begin);
        let inside = [key(301, 0), key(301, 1), key(70_000, 0), key(u64::MAX, 0)];
        assert!(inside.iter().all(|key| *key >= begin && *key < end));
        assert!(inside.is_sorted());
    }
}
