//! What stands in a segment: one header, then frames.
//!
//! A frame is one append. It names its own place and the place where its synced batch begins: that tells a torn last
//! batch (its frames share one beginning, and nothing came after) from damage to what was synced before.

use tessera_inventory::{EventId, Sequence};
use tessera_store::keys::{HEAD_VALUE_BYTES, decode_head, encode_head};
use tessera_store::{LogRecord, StoreError};
use tessera_writer::Head;

/// Size of a segment's header, in bytes.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 64;
/// Size of a frame without its payload, in bytes.
pub(crate) const FRAME_HEADER_BYTES: usize = 192;
/// Frames begin at multiples of this, in bytes.
pub(crate) const FRAME_ALIGNMENT: usize = 8;
/// First bytes of a frame.
pub(crate) const FRAME_MAGIC: [u8; 4] = *b"TsF1";

const SEGMENT_MAGIC: [u8; 8] = *b"TsSegmt1";
const HEADS_AT: usize = 56;

const _: () = assert!(HEADS_AT + 2 * HEAD_VALUE_BYTES == FRAME_HEADER_BYTES);
const _: () = assert!(SEGMENT_HEADER_BYTES.is_multiple_of(FRAME_ALIGNMENT));

/// A place in the journal: everything before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// Number of the segment, from 1.
    pub(crate) segment: u64,
    /// Offset in it, in bytes.
    pub(crate) offset: u64,
}

/// The header of a segment in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// Its number.
    pub(crate) number: u64,
    /// Where the frames of the segment before it end (0 for the first).
    pub(crate) previous_end: u64,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        bytes[0..8].copy_from_slice(&SEGMENT_MAGIC);
        bytes[8..16].copy_from_slice(&self.number.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.previous_end.to_be_bytes());
        let checksum = crc32c::crc32c(&bytes[..24]);
        bytes[24..28].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }

    /// The header of segment `number` at the front of `bytes`; `None` when it is not intact.
    pub(crate) fn decode(bytes: &[u8], number: u64) -> Option<SegmentHeader> {
        let header = SegmentHeader { number, previous_end: u64_at(bytes, 16)? };
        (bytes.get(..SEGMENT_HEADER_BYTES)? == header.encode()).then_some(header)
    }
}

/// One append as it stands in the journal.
pub(crate) struct Frame<'a> {
    pub(crate) position: Position,
    /// Offset in the same segment at which the synced batch of this frame begins.
    pub(crate) batch_start: u64,
    pub(crate) event: EventId,
    pub(crate) expected: Head,
    pub(crate) next: Head,
    pub(crate) payload: &'a [u8],
}

/// What the header of a frame that is not intact says.
pub(crate) struct Claim {
    pub(crate) event: EventId,
    pub(crate) expected: Head,
    pub(crate) next: Head,
    pub(crate) payload_bytes: u64,
}

/// Bytes that a frame with this payload takes in a segment.
pub(crate) const fn frame_bytes(payload_bytes: usize) -> usize {
    (FRAME_HEADER_BYTES + payload_bytes).next_multiple_of(FRAME_ALIGNMENT)
}

impl Frame<'_> {
    /// Append the stored bytes to `buffer`.
    pub(crate) fn encode_into(&self, buffer: &mut Vec<u8>) {
        let begin = buffer.len();
        buffer.extend_from_slice(&FRAME_MAGIC);
        buffer.extend_from_slice(&[0; 4]);
        buffer.extend_from_slice(&(self.payload.len() as u64).to_be_bytes());
        buffer.extend_from_slice(&self.position.segment.to_be_bytes());
        buffer.extend_from_slice(&self.position.offset.to_be_bytes());
        buffer.extend_from_slice(&self.batch_start.to_be_bytes());
        buffer.extend_from_slice(&self.event.0.to_be_bytes());
        buffer.extend_from_slice(&encode_head(&self.expected));
        buffer.extend_from_slice(&encode_head(&self.next));
        buffer.extend_from_slice(self.payload);
        let checksum = crc32c::crc32c(&buffer[begin + 8..]);
        buffer[begin + 4..begin + 8].copy_from_slice(&checksum.to_be_bytes());
        buffer.resize(begin + frame_bytes(self.payload.len()), 0);
    }

    /// The frame at the front of `bytes`, which stand at `position`. `Ok(None)` when no intact frame stands there; an
    /// error when an intact one needs a newer reader.
    pub(crate) fn decode(bytes: &[u8], position: Position) -> Result<Option<Frame<'_>>, StoreError> {
        let Some(payload) = intact_payload(bytes, position) else { return Ok(None) };
        let head_at = |at: usize| decode_head(&bytes[at..at + HEAD_VALUE_BYTES]);
        let mut event = [0; 16];
        event.copy_from_slice(&bytes[40..56]);
        Ok(Some(Frame {
            position,
            batch_start: u64_at(bytes, 32).unwrap_or(0),
            event: EventId(u128::from_be_bytes(event)),
            expected: head_at(HEADS_AT)?,
            next: head_at(HEADS_AT + HEAD_VALUE_BYTES)?,
            payload,
        }))
    }

    /// What the header of a frame that is not intact says: right magic and place, but nothing vouches for the rest.
    pub(crate) fn claim(bytes: &[u8], position: Position) -> Option<Claim> {
        let header = bytes.get(..FRAME_HEADER_BYTES)?;
        let here = u64_at(header, 16)? == position.segment && u64_at(header, 24)? == position.offset;
        let mut event = [0; 16];
        event.copy_from_slice(&header[40..56]);
        (header[..4] == FRAME_MAGIC && here).then_some(())?;
        Some(Claim {
            event: EventId(u128::from_be_bytes(event)),
            expected: decode_head(&header[HEADS_AT..HEADS_AT + HEAD_VALUE_BYTES]).ok()?,
            next: decode_head(&header[HEADS_AT + HEAD_VALUE_BYTES..]).ok()?,
            payload_bytes: u64_at(header, 8)?,
        })
    }

    pub(crate) fn first_sequence(&self) -> Sequence {
        self.expected.sequence.plus(1)
    }

    pub(crate) fn record(&self) -> LogRecord {
        LogRecord {
            first_sequence: self.first_sequence(),
            last_sequence: self.next.sequence,
            epoch: self.next.epoch,
            chain: self.next.chain,
            bytes: self.payload.into(),
        }
    }
}

/// The payload of an intact frame: right magic, right place, right checksum.
fn intact_payload(bytes: &[u8], position: Position) -> Option<&[u8]> {
    let magic = bytes.get(..4)? == FRAME_MAGIC;
    let here = u64_at(bytes, 16)? == position.segment && u64_at(bytes, 24)? == position.offset;
    let length = usize::try_from(u64_at(bytes, 8)?).ok()?;
    let end = FRAME_HEADER_BYTES.checked_add(length)?;
    if !magic || !here {
        return None;
    }
    let checked = bytes.get(8..end)?;
    (crc32c::crc32c(checked).to_be_bytes() == bytes[4..8]).then(|| &bytes[FRAME_HEADER_BYTES..end])
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|chunk| u64::from_be_bytes(*chunk))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tessera_store::conformance::log::batch;

    use super::*;

    const POSITION: Position = Position { segment: 3, offset: 64 };

    fn encoded(payload: &[u8]) -> Vec<u8> {
        let next = batch(Head::GENESIS, 7, 2, payload).next;
        let mut bytes = Vec::new();
        let frame = Frame {
            position: POSITION,
            batch_start: 64,
            event: EventId(5),
            expected: Head::GENESIS,
            next,
            payload,
        };
        frame.encode_into(&mut bytes);
        bytes
    }

    #[test]
    fn round_trip() {
        for payload in [&b""[..], b"x", b"12345678", &[9; 1000]] {
            let bytes = encoded(payload);
            assert_eq!(bytes.len(), frame_bytes(payload.len()));
            let frame = Frame::decode(&bytes, POSITION).unwrap().unwrap();
            assert_eq!((frame.event, frame.batch_start, frame.payload), (EventId(5), 64, payload));
            assert_eq!(frame.record().first_sequence, Sequence(1));
            assert_eq!(frame.record().last_sequence, Sequence(2));
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = encoded(b"payload!");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Frame::decode(&flipped, POSITION).unwrap().is_none(), "bit {bit}");
        }
    }

    #[test]
    fn a_frame_elsewhere_is_none() {
        let elsewhere = Position { segment: 3, offset: 72 };
        assert!(Frame::decode(&encoded(b"payload"), elsewhere).unwrap().is_none());
        assert!(Frame::decode(&encoded(b"payload")[..100], POSITION).unwrap().is_none());
    }

    #[test]
    fn segment_header_round_trip() {
        let header = SegmentHeader { number: 9, previous_end: 12_345 };
        let bytes = header.encode();
        assert_eq!(SegmentHeader::decode(&bytes, 9), Some(header));
        assert_eq!(SegmentHeader::decode(&bytes, 8), None);
        let mut flipped = bytes;
        flipped[20] ^= 1;
        assert_eq!(SegmentHeader::decode(&flipped, 9), None);
    }
}
