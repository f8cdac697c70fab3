//! What stands under the keys: records in chunks, the row of the format, entries of the feed.

use std::sync::Arc;

use tessera_inventory::{EventId, Sequence};
use tessera_store::keys::{LogRecordHeader, LogRecordKey};
use tessera_store::{Batch, CHUNK_BYTES, LOG_RECORD_BYTES_MAX, LogRecord, Row, StoreError};
use tessera_writer::Head;

use crate::cursor::Era;

/// Format of what this release writes.
const FORMAT_VERSION: u16 = 1;
/// Oldest release that may read it.
const MINIMUM_READER: u16 = 1;
/// Length of the row of the format, in bytes.
const FORMAT_BYTES: usize = 13;

/// The rows of a record that is appended after `expected`; none where the append only moves the head.
#[must_use]
pub fn chunks(event: EventId, expected: &Head, batch: &Batch) -> Vec<Row> {
    if batch.record.is_empty() {
        return Vec::new();
    }
    let header = LogRecordHeader {
        first_sequence: expected.sequence.plus(1),
        epoch: batch.next.epoch,
        chain: batch.next.chain,
        length: batch.record.len() as u64,
    };
    let chunks = batch.record.chunks(CHUNK_BYTES).zip(0..);
    let row = |(bytes, chunk): (&[u8], u32)| {
        let key = LogRecordKey { event, last_sequence: batch.next.sequence, chunk }.pack();
        let value = if chunk == 0 { [&header.encode()[..], bytes].concat() } else { bytes.to_vec() };
        (key, value)
    };
    chunks.map(row).collect()
}

/// A record whose chunks have not all come.
struct Partial {
    key: LogRecordKey,
    header: LogRecordHeader,
    bytes: Vec<u8>,
}

/// Puts records together from their chunks.
#[derive(Default)]
pub struct Assembler {
    partial: Option<Partial>,
}

impl Assembler {
    /// Takes the next chunk, in the order of the keys; gives the record that it completes.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where it does not follow the one before.
    pub fn take(&mut self, key: &[u8], value: &[u8]) -> Result<Option<LogRecord>, StoreError> {
        let key = LogRecordKey::unpack(key)?;
        let mut partial = match self.partial.take() {
            Some(mut partial) => {
                let follows = LogRecordKey { chunk: partial.key.chunk + 1, ..partial.key };
                if key != follows {
                    return Err(damaged(&key, "a chunk that does not follow the one before"));
                }
                partial.key = key;
                partial.bytes.extend_from_slice(value);
                partial
            }
            None if key.chunk == 0 => {
                let (header, bytes) = LogRecordHeader::decode(value)?;
                Partial { key, header, bytes: bytes.to_vec() }
            }
            None => return Err(damaged(&key, "a chunk without those before it")),
        };
        let (length, wanted) = (partial.bytes.len() as u64, partial.header.length);
        if length > wanted || wanted > LOG_RECORD_BYTES_MAX as u64 {
            return Err(damaged(&key, "more bytes than a record has"));
        }
        if length < wanted {
            partial.bytes.reserve_exact(usize::try_from(wanted - length).unwrap_or(0));
            self.partial = Some(partial);
            return Ok(None);
        }
        let LogRecordHeader { first_sequence, epoch, chain, .. } = partial.header;
        let bytes = Arc::from(partial.bytes);
        Ok(Some(LogRecord { first_sequence, last_sequence: key.last_sequence, epoch, chain, bytes }))
    }

    /// Whether a record is not complete yet.
    #[must_use]
    pub fn is_midway(&self) -> bool {
        self.partial.is_some()
    }
}

fn damaged(key: &LogRecordKey, what: &str) -> StoreError {
    let LogRecordKey { event, last_sequence, chunk } = key;
    let reason = format!("{what}: chunk {chunk} of the record through sequence {last_sequence} of {event:?}");
    StoreError::Damaged { reason }
}

/// Whether an installation may be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Whole,
    /// An import has not come to its end.
    Filling,
}

/// The row of the format: who may read the installation, and which life of it this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatRow {
    /// Which life of the installation: positions in the feed mean nothing in another one.
    pub era: Era,
    /// Whether it may be served.
    pub standing: Standing,
}

impl FormatRow {
    /// The row, where the installation may be served.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where an import has not come to its end.
    pub fn whole(self) -> Result<FormatRow, StoreError> {
        match self.standing {
            Standing::Whole => Ok(self),
            Standing::Filling => {
                let reason = "an import into this prefix is under way, or has not come to its end: clear the prefix, and import again";
                Err(StoreError::Damaged { reason: reason.to_owned() })
            }
        }
    }

    /// The stored bytes, big-endian: format version 2, minimum reader 2, era 8, standing 1 (0: whole, 1: filling).
    #[must_use]
    pub fn encode(&self) -> [u8; FORMAT_BYTES] {
        let mut value = [0; FORMAT_BYTES];
        value[0..2].copy_from_slice(&FORMAT_VERSION.to_be_bytes());
        value[2..4].copy_from_slice(&MINIMUM_READER.to_be_bytes());
        value[4..12].copy_from_slice(&self.era.0.to_be_bytes());
        value[12] = u8::from(self.standing == Standing::Filling);
        value
    }

    /// The row with these bytes.
    ///
    /// # Errors
    /// [`StoreError::FormatTooNew`] where a newer reader is needed, [`StoreError::Damaged`] where they are no such row.
    pub fn decode(value: &[u8]) -> Result<FormatRow, StoreError> {
        let unreadable = || StoreError::Damaged { reason: "the row of the format cannot be read".to_owned() };
        let (_, rest) = value.split_first_chunk::<2>().ok_or_else(unreadable)?;
        let (needed, rest) = rest.split_first_chunk::<2>().ok_or_else(unreadable)?;
        let needed = u16::from_be_bytes(*needed);
        if needed > FORMAT_VERSION {
            return Err(StoreError::FormatTooNew { needed, supported: FORMAT_VERSION });
        }
        let (era, rest) = rest.split_first_chunk::<8>().ok_or_else(unreadable)?;
        let standing = match rest {
            [0] => Standing::Whole,
            [1] => Standing::Filling,
            _ => return Err(unreadable()),
        };
        Ok(FormatRow { era: Era(u64::from_be_bytes(*era)), standing })
    }
}

/// The value of an entry of the feed: an event, and the last sequence of its log.
#[must_use]
pub fn encode_feed_entry(event: EventId, sequence: Sequence) -> Vec<u8> {
    [&event.0.to_be_bytes()[..], &sequence.0.to_be_bytes()].concat()
}

/// The entry of the feed with these bytes; `None` where they are none.
#[must_use]
pub fn decode_feed_entry(value: &[u8]) -> Option<(EventId, Sequence)> {
    let (event, sequence) = value.split_first_chunk::<16>()?;
    let sequence = u64::from_be_bytes(sequence.try_into().ok()?);
    Some((EventId(u128::from_be_bytes(*event)), Sequence(sequence)))
}

#[cfg(test)]
mod tests;
