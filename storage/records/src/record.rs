//! A record: the events of one append, packed.
//!
//! It is one protobuf message: field 1, once and first, is the header; field 2, repeated, the events. This codec writes
//! and reads the two tags itself, so that events stream past one by one.

use std::{borrow::Borrow, sync::Arc};

use prost::Message;
use tessera_inventory::{Event, Sequence, Timestamp};
use tessera_writer::{Encode, format_of};

use crate::{
    RecordError,
    error::malformed,
    framing::{BODY_TAG, HEADER_TAG, check_format, put_field, split_field},
    from_wire, hold,
    to_wire::put_event,
    wire,
};

/// Writes records; keeps its memory from one to the next.
#[derive(Debug, Default)]
pub struct RecordEncoder {
    message: wire::Event,
}

/// A decoded record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Sequence of the first event.
    pub first_sequence: Sequence,
    /// The events, in the order of their sequences.
    pub events: Vec<Event>,
}

/// What stands at the front of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// Format it was written in.
    pub format_version: u16,
    /// Sequence of the first event.
    pub first_sequence: Sequence,
    /// Logged time that the first event's distance counts from.
    pub base_at: Timestamp,
    /// How many events follow.
    pub count: u32,
}

impl RecordEncoder {
    /// Append to `out` the record of `events`, the first of which has sequence `first`.
    pub fn encode_record<E: Borrow<Event>>(&mut self, first: Sequence, events: &[E], out: &mut Vec<u8>) {
        let mut before = events.first().map_or(Timestamp(0), |event| event.borrow().at);
        let format = format_of(events.iter().map(Borrow::borrow)).into();
        let header = wire::Header {
            format_version: format,
            minimum_reader: format,
            first_sequence: first.0,
            base_at_ms: before.0,
            // A turn is bounded far below; were it not, the decoder would refuse the record.
            count: u32::try_from(events.len()).unwrap_or(u32::MAX),
        };
        put_field(HEADER_TAG, &header, out);
        for event in events {
            let event = event.borrow();
            if !hold::put_event(event, before, out) {
                put_event(&mut self.message, event, before);
                put_field(BODY_TAG, &self.message, out);
            }
            before = event.at;
        }
    }
}

impl Encode for RecordEncoder {
    fn encode(&mut self, first: Sequence, events: &[Arc<Event>], out: &mut Vec<u8>) {
        self.encode_record(first, events, out);
    }
}

/// As [`RecordEncoder::encode_record`], with memory of its own.
pub fn encode_record<E: Borrow<Event>>(first: Sequence, events: &[E], out: &mut Vec<u8>) {
    RecordEncoder::default().encode_record(first, events, out);
}

/// The record that `bytes` are.
///
/// # Errors
/// [`RecordError`]: nothing of it is to be used.
pub fn decode_record(bytes: &[u8]) -> Result<Record, RecordError> {
    let mut events = Vec::new();
    let header = for_each(bytes, |_, event| events.push(event))?;
    Ok(Record { first_sequence: header.first_sequence, events })
}

/// Give every event of the record to `take`, with its sequence. A record of a format that this binary does not read is
/// refused before the first.
///
/// # Errors
/// [`RecordError`]: the events given so far are not to be used.
pub fn for_each(bytes: &[u8], mut take: impl FnMut(Sequence, Event)) -> Result<RecordHeader, RecordError> {
    let (header, mut rest) = split_header(bytes)?;
    let mut at = header.base_at;
    for position in 0..u64::from(header.count) {
        let (message, after) = split_field(BODY_TAG, rest)?;
        let event = match hold::read_event(message, at) {
            Some(event) => event,
            None => from_wire::event(wire::Event::decode(message)?, at)?,
        };
        at = event.at;
        rest = after;
        take(header.first_sequence.plus(position), event);
    }
    if rest.is_empty() { Ok(header) } else { Err(malformed("a record ends after its last event")) }
}

/// The header of a record, checked.
///
/// # Errors
/// [`RecordError`] where this binary cannot read the record.
pub fn decode_header(bytes: &[u8]) -> Result<RecordHeader, RecordError> {
    split_header(bytes).map(|(header, _)| header)
}

fn split_header(bytes: &[u8]) -> Result<(RecordHeader, &[u8]), RecordError> {
    let (message, rest) = split_field(HEADER_TAG, bytes)?;
    let header = wire::Header::decode(message)?;
    let format_version = check_format(header.format_version, header.minimum_reader)?;
    if header.first_sequence.checked_add(header.count.into()).is_none() {
        return Err(malformed("sequences fit 64 bits"));
    }
    let base_at = Timestamp(header.base_at_ms);
    let first_sequence = Sequence(header.first_sequence);
    Ok((RecordHeader { format_version, first_sequence, base_at, count: header.count }, rest))
}
