//! Reading a segment from its beginning after a restart: which frames are intact, and what the rest of it means.

use tessera_store::StoreError;

use crate::frame::{
    Claim, FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FRAME_MAGIC, Frame, Position, SEGMENT_HEADER_BYTES,
    SegmentHeader, frame_bytes,
};
use crate::index::Indexed;
use crate::mutant::{Mutant, Mutation};

/// What follows the last intact frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Zeros: nothing was ever written there.
    Zeros,
    /// Parts of one batch that was being written when the machine stopped. It was never synced, so never acknowledged.
    Torn,
    /// Something that was synced is not intact: an intact frame of a later batch follows.
    Damaged {
        /// Offset of the intact frame that proves it.
        later_frame: u64,
    },
}

/// What stands in a segment.
#[derive(Debug)]
pub(crate) struct Scan {
    /// `None` when the header is not intact: the segment is not in use, or its first batch was torn.
    pub(crate) header: Option<SegmentHeader>,
    pub(crate) frames: Vec<Indexed>,
    /// Offset at which the intact frames end.
    pub(crate) end: u64,
    pub(crate) tail: Tail,
}

/// Scan the bytes of segment `number`. Only a frame of a format that needs a newer reader is an error.
pub(crate) fn scan(number: u64, bytes: &[u8], mutation: Mutation) -> Result<Scan, StoreError> {
    let header = SegmentHeader::decode(bytes, number);
    let mut frames = Vec::new();
    let mut end = SEGMENT_HEADER_BYTES;
    let unchecked =
        |end| mutation.is(Mutant::TornTailAccepted).then(|| frame_like(number, bytes, end)).flatten();
    while header.is_some()
        && let Some(frame) = frame_at(number, bytes, end)?.or_else(|| unchecked(end))
    {
        end += frame_bytes(frame.payload.len());
        frames.push(Indexed::of(&frame));
    }
    let rest_from = if header.is_some() { end } else { 0 };
    let tail = tail(number, bytes, rest_from, end as u64)?;
    Ok(Scan { header, frames, end: end as u64, tail })
}

fn frame_at(number: u64, bytes: &[u8], offset: usize) -> Result<Option<Frame<'_>>, StoreError> {
    let rest = bytes.get(offset..).unwrap_or(&[]);
    Frame::decode(rest, Position { segment: number, offset: offset as u64 })
}

/// What begins like a frame, whatever its checksum says: a defect.
fn frame_like(number: u64, bytes: &[u8], offset: usize) -> Option<Frame<'_>> {
    let rest = bytes.get(offset..)?;
    let position = Position { segment: number, offset: offset as u64 };
    let Claim { event, expected, next, payload_bytes } = Frame::claim(rest, position)?;
    let end = FRAME_HEADER_BYTES.checked_add(usize::try_from(payload_bytes).ok()?)?;
    let payload = rest.get(FRAME_HEADER_BYTES..end)?;
    Some(Frame { position, batch_start: position.offset, event, expected, next, payload })
}

fn tail(number: u64, bytes: &[u8], rest_from: usize, end: u64) -> Result<Tail, StoreError> {
    let rest = bytes.get(rest_from..).unwrap_or(&[]);
    if is_zero(rest) {
        return Ok(Tail::Zeros);
    }
    for offset in (rest_from..bytes.len()).step_by(FRAME_ALIGNMENT) {
        if !bytes[offset..].starts_with(&FRAME_MAGIC) {
            continue;
        }
        if let Some(frame) = frame_at(number, bytes, offset)?
            && frame.batch_start > end
        {
            return Ok(Tail::Damaged { later_frame: offset as u64 });
        }
    }
    Ok(Tail::Torn)
}

/// Most of a segment is zeros: compared by blocks, which is many times faster than by bytes.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    const BLOCK: [u8; 4096] = [0; 4096];
    bytes.chunks(BLOCK.len()).all(|block| block == &BLOCK[..block.len()])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tessera_inventory::EventId;
    use tessera_store::conformance::log::batch;
    use tessera_writer::Head;

    use super::*;

    const NUMBER: u64 = 4;
    const HEADER: u64 = SEGMENT_HEADER_BYTES as u64;

    /// A segment with batches of so many frames each; answers the offsets of the frames too.
    fn segment(batches: &[u64]) -> (Vec<u8>, Vec<u64>) {
        let mut bytes = SegmentHeader { number: NUMBER, previous_end: 0 }.encode().to_vec();
        let mut head = Head::GENESIS;
        let mut offsets = Vec::new();
        for frames in batches {
            let batch_start = bytes.len() as u64;
            for _ in 0..*frames {
                let offset = bytes.len() as u64;
                let appended = batch(head, u128::from(offset), 1, b"a record of some length");
                let frame = Frame {
                    position: Position { segment: NUMBER, offset },
                    batch_start,
                    event: EventId(1),
                    expected: head,
                    next: appended.next,
                    payload: &appended.record,
                };
                frame.encode_into(&mut bytes);
                offsets.push(offset);
                head = appended.next;
            }
        }
        bytes.resize(8192, 0);
        (bytes, offsets)
    }

    fn check(bytes: &[u8], frames: usize, tail: &Tail) {
        let found = scan(NUMBER, bytes, Mutation::default()).unwrap();
        assert_eq!((found.frames.len(), &found.tail), (frames, tail));
    }

    #[test]
    fn whole_segments_end_in_zeros() {
        check(&vec![0; 4096], 0, &Tail::Zeros);
        check(&segment(&[]).0, 0, &Tail::Zeros);
        check(&segment(&[1, 3, 2]).0, 6, &Tail::Zeros);
    }

    #[test]
    fn a_hole_in_the_last_batch_is_torn_and_in_an_earlier_one_damage() {
        let (bytes, offsets) = segment(&[1, 3, 2]);
        for (frame, offset) in offsets.iter().enumerate() {
            let mut holed = bytes.clone();
            holed[usize::try_from(*offset).unwrap() + 100] ^= 1;
            let damaged = |later: usize| Tail::Damaged { later_frame: offsets[later] };
            let expected = match frame {
                0 => damaged(1),
                1..=3 => damaged(4),
                _ => Tail::Torn,
            };
            check(&holed, frame, &expected);
        }
    }

    #[test]
    fn a_torn_first_batch_may_lack_the_header() {
        let (mut bytes, _) = segment(&[3]);
        bytes[..512].fill(0);
        check(&bytes, 0, &Tail::Torn);
        let (mut bytes, offsets) = segment(&[3, 1]);
        bytes[..8].fill(0);
        check(&bytes, 0, &Tail::Damaged { later_frame: offsets[3] });
    }

    #[test]
    fn a_cut_frame_is_torn() {
        let (bytes, offsets) = segment(&[2]);
        let cut = usize::try_from(offsets[1]).unwrap() + 50;
        let mut torn = bytes.clone();
        torn[cut..].fill(0);
        check(&torn, 1, &Tail::Torn);
        let scan = |bytes: &[u8]| scan(NUMBER, bytes, Mutation::default()).unwrap();
        assert_eq!(scan(&torn).end, offsets[1]);
        assert_eq!(scan(&bytes).header.unwrap().number, NUMBER);
        assert!(offsets[0] == HEADER);
    }
}
