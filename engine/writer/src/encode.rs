//! From a turn's events to the records of its appends.

use std::collections::VecDeque;
use std::sync::Arc;

use tessera_inventory::{Event, Sequence};

/// Turns events into the bytes of a log record. Injected: the writer knows no format.
pub trait Encode {
    /// Append to `out` the record of `events`, the first of which has sequence `first`. The same events give the same bytes.
    fn encode(&mut self, first: Sequence, events: &[Arc<Event>], out: &mut Vec<u8>);
}

/// One record of a turn: the bytes of one append.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) record: Arc<[u8]>,
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
        parts.push_back(Part { record: Arc::from(scratch.as_slice()), last });
        return;
    }
    let (left, right) = events.split_at(events.len() / 2);
    pack(encoder, first, left, scratch, record_bytes_max, parts);
    pack(encoder, first.plus(left.len() as u64), right, scratch, record_bytes_max, parts);
}
