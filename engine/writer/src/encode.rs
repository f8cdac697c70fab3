//! From a turn's events to the records of its appends.

use std::collections::VecDeque;
use std::sync::Arc;

use tessera_inventory::{Event, Sequence};

use crate::OLDEST_FORMAT_VERSION;

/// Turns events into the bytes of a log record. Injected: the writer knows no format.
pub trait Encode {
    /// Append to `out` the record of `events`, the first of which has sequence `first`. The same events give the same bytes.
    fn encode(&mut self, first: Sequence, events: &[Arc<Event>], out: &mut Vec<u8>);
}

/// The oldest format that can say all of these events.
#[must_use]
pub fn format_of<'a>(events: impl Iterator<Item = &'a Event>) -> u16 {
    events.map(|event| event.body.format()).max().unwrap_or(OLDEST_FORMAT_VERSION)
}

/// One record of a turn: the bytes of one append.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) record: Arc<[u8]>,
    /// The format that it is written in.
    pub(crate) format: u16,
    pub(crate) last: Sequence,
}

/// Pack `events` into as few records as fit the limit, in order; a single event over it is a record of its own.
pub(crate) fn pack<E: Encode>(
    encoder: &mut E,
    first: Sequence,
    events: &[Arc<Event>],
    scratch: &mut Vec<u8>,
    record_bytes_max: usize,
    parts: &mut VecDeque<Part>,
) {
    scratch.clear();
    encoder.encode(first, events, scratch);
    if scratch.len() <= record_bytes_max || events.len() <= 1 {
        let last = Sequence(first.0 + events.len() as u64 - 1);
        let format = format_of(events.iter().map(AsRef::as_ref));
        parts.push_back(Part { record: Arc::from(scratch.as_slice()), format, last });
        return;
    }
    let (left, right) = events.split_at(events.len() / 2);
    pack(encoder, first, left, scratch, record_bytes_max, parts);
    pack(encoder, first.plus(left.len() as u64), right, scratch, record_bytes_max, parts);
}
