//! Reading a damaged segment: every intact frame, and the holes between them.

use tessera_store::StoreError;

use crate::frame::{Claim, FRAME_ALIGNMENT, FRAME_MAGIC, Frame, Position, SEGMENT_HEADER_BYTES, frame_bytes};
use crate::scan::is_zero;

/// What stands in a segment, in order.
pub(super) enum Piece<'a> {
    /// An intact frame.
    Frame(Frame<'a>),
    /// Bytes that are no intact frame.
    Hole(Hole<'a>),
}

/// Bytes that are no intact frame, up to the next one or to the end of the segment.
pub(super) struct Hole<'a> {
    pub(super) position: Position,
    pub(super) bytes: &'a [u8],
    /// Whether an intact frame follows in the segment.
    pub(super) before_frame: bool,
}

/// Give every piece of segment `number` to `take`; zeros at the end are none. Answers where the last frame ends.
pub(super) fn pieces<'a>(
    number: u64,
    bytes: &'a [u8],
    mut take: impl FnMut(Piece<'a>),
) -> Result<u64, StoreError> {
    let mut at = SEGMENT_HEADER_BYTES;
    let mut end = at;
    while at < bytes.len() {
        let position = Position { segment: number, offset: at as u64 };
        if let Some(frame) = Frame::decode(&bytes[at..], position)? {
            at += frame_bytes(frame.payload.len());
            end = at;
            take(Piece::Frame(frame));
            continue;
        }
        let until = next_frame(number, bytes, at)?;
        let hole = &bytes[at..until.unwrap_or(bytes.len())];
        if until.is_some() || !is_zero(hole) {
            take(Piece::Hole(Hole { position, bytes: hole, before_frame: until.is_some() }));
        }
        at = until.unwrap_or(bytes.len());
    }
    Ok(end as u64)
}

/// Offset of the first intact frame after `after`.
fn next_frame(number: u64, bytes: &[u8], after: usize) -> Result<Option<usize>, StoreError> {
    for offset in (after..bytes.len()).step_by(FRAME_ALIGNMENT).skip(1) {
        let position = Position { segment: number, offset: offset as u64 };
        if bytes[offset..].starts_with(&FRAME_MAGIC) && Frame::decode(&bytes[offset..], position)?.is_some() {
            return Ok(Some(offset));
        }
    }
    Ok(None)
}

impl Hole<'_> {
    /// The frames that may have stood here, if their headers, one after the other, fill the hole exactly.
    pub(super) fn claims(&self) -> Option<Vec<Claim>> {
        let mut claims = Vec::new();
        let mut at = 0;
        while at < self.bytes.len() {
            let offset = self.position.offset + at as u64;
            let claim = Frame::claim(&self.bytes[at..], Position { offset, ..self.position })?;
            let payload_bytes = usize::try_from(claim.payload_bytes).ok();
            let payload_bytes = payload_bytes.filter(|bytes| *bytes <= self.bytes.len())?;
            at += frame_bytes(payload_bytes);
            claims.push(claim);
            if !self.before_frame && is_zero(self.bytes.get(at..)?) {
                break;
            }
        }
        (at <= self.bytes.len()).then_some(claims)
    }
}
