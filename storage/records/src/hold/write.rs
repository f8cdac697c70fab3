//! Writing: every length is known before the first byte is written.

use tessera_inventory::{Event, EventBody, HoldPlaced, KeyMark, Line, Origin, SeatIndex, Timestamp};

use super::{ORIGIN_OFFER, tag};
use crate::{
    framing::BODY_TAG,
    wide::{after_ms, halves},
};

/// Bytes of a fixed 64-bit field with its tag.
const FIXED_FIELD: usize = 9;

/// Append the field of `event` to a record, if it is a placed hold of one subject without a quote, and no offer to an entry; otherwise nothing, and `false`.
pub(crate) fn put_event(event: &Event, before: Timestamp, out: &mut Vec<u8>) -> bool {
    let EventBody::HoldPlaced(placed) = &event.body else { return false };
    if !placed.subjects.extra.is_empty() || placed.quote.is_some() || placed.entry.is_some() {
        return false;
    }
    let later_ms = event.at.0.wrapping_sub(before.0);
    let hold = Hold::of(placed, event.at);
    let hold_length = hold.length(placed);
    let key_length = event.key.as_ref().map(key_length);
    let length = varint_field_length(later_ms)
        + key_length.map_or(0, length_delimited)
        + length_delimited(hold_length);
    out.reserve(length_delimited(length));
    put_length(out, BODY_TAG, length);
    put_varint_field(out, tag::EVENT_LATER, later_ms);
    if let (Some(key), Some(length)) = (&event.key, key_length) {
        put_length(out, tag::EVENT_KEY, length);
        let (high, low) = halves(key.digest);
        put_fixed_field(out, tag::KEY_DIGEST_HIGH, high);
        put_fixed_field(out, tag::KEY_DIGEST_LOW, low);
        put_fixed_field(out, tag::KEY_FINGERPRINT, key.fingerprint);
    }
    put_length(out, tag::EVENT_HOLD_PLACED, hold_length);
    hold.put(placed, out);
    true
}

fn key_length(key: &KeyMark) -> usize {
    let (high, low) = halves(key.digest);
    fixed_field_length(high) + fixed_field_length(low) + fixed_field_length(key.fingerprint)
}

/// The words of a placed hold.
struct Hold {
    subject: (u64, u64),
    deadline: u64,
    life: u64,
    /// As a word, where there is one: channel 0 is written too.
    channel: Option<u8>,
    origin: u64,
}

impl Hold {
    fn of(placed: &HoldPlaced, at: Timestamp) -> Hold {
        Hold {
            subject: halves(placed.subjects.primary.0),
            deadline: zigzag(after_ms(at, placed.deadline_at)),
            life: zigzag(after_ms(placed.deadline_at, placed.life_ends_at)),
            channel: placed.channel.map(|channel| channel.0),
            origin: match placed.origin {
                Origin::Direct => 0,
                Origin::Offer => ORIGIN_OFFER,
            },
        }
    }

    fn length(&self, placed: &HoldPlaced) -> usize {
        let lines: usize = placed.lines.iter().map(|line| length_delimited(line_length(line))).sum();
        fixed_field_length(self.subject.0)
            + fixed_field_length(self.subject.1)
            + varint_field_length(self.deadline)
            + varint_field_length(self.life)
            + self.channel.map_or(0, |channel| 1 + varint_length(channel.into()))
            + varint_field_length(self.origin)
            + lines
    }

    fn put(&self, placed: &HoldPlaced, out: &mut Vec<u8>) {
        put_fixed_field(out, tag::HOLD_SUBJECT_HIGH, self.subject.0);
        put_fixed_field(out, tag::HOLD_SUBJECT_LOW, self.subject.1);
        put_varint_field(out, tag::HOLD_DEADLINE, self.deadline);
        put_varint_field(out, tag::HOLD_LIFE, self.life);
        if let Some(channel) = self.channel {
            out.push(tag::HOLD_CHANNEL);
            put_varint(out, channel.into());
        }
        put_varint_field(out, tag::HOLD_ORIGIN, self.origin);
        for line in &placed.lines {
            put_line(line, out);
        }
    }
}

fn line_length(line: &Line) -> usize {
    let seats = seats_length(&line.seats);
    varint_field_length(line.ticket_type.0.into())
        + varint_field_length(line.terms.0.into())
        + varint_field_length(line.quantity.into())
        + varint_field_length(zigzag(line.price_minor))
        + if line.seats.is_empty() { 0 } else { length_delimited(seats) }
}

fn seats_length(seats: &[SeatIndex]) -> usize {
    deltas(seats).map(|delta| varint_length(delta.into())).sum()
}

fn put_line(line: &Line, out: &mut Vec<u8>) {
    put_length(out, tag::HOLD_LINE, line_length(line));
    put_varint_field(out, tag::LINE_TICKET_TYPE, line.ticket_type.0.into());
    put_varint_field(out, tag::LINE_TERMS, line.terms.0.into());
    put_varint_field(out, tag::LINE_QUANTITY, line.quantity.into());
    put_varint_field(out, tag::LINE_PRICE, zigzag(line.price_minor));
    if !line.seats.is_empty() {
        put_length(out, tag::LINE_SEATS, seats_length(&line.seats));
        deltas(&line.seats).for_each(|delta| put_varint(out, delta.into()));
    }
}

fn deltas(seats: &[SeatIndex]) -> impl Iterator<Item = u32> {
    let mut before = 0;
    seats.iter().map(move |seat| {
        let delta = seat.0.wrapping_sub(before);
        before = seat.0;
        delta
    })
}

/// Signed numbers near 0 as small unsigned ones, as protobuf's `sint64` has them.
const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// Bytes of a varint: one per 7 bits begun.
const fn varint_length(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Bytes of a field, which is left out where it is 0.
const fn varint_field_length(value: u64) -> usize {
    if value == 0 { 0 } else { 1 + varint_length(value) }
}

const fn fixed_field_length(value: u64) -> usize {
    if value == 0 { 0 } else { FIXED_FIELD }
}

const fn length_delimited(length: usize) -> usize {
    1 + varint_length(length as u64) + length
}

#[inline]
fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        // The low 7 bits, with the mark that more follow.
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

#[inline]
fn put_varint_field(out: &mut Vec<u8>, tag: u8, value: u64) {
    if value != 0 {
        out.push(tag);
        put_varint(out, value);
    }
}

#[inline]
fn put_fixed_field(out: &mut Vec<u8>, tag: u8, value: u64) {
    if value != 0 {
        let mut field = [tag; FIXED_FIELD];
        field[1..].copy_from_slice(&value.to_le_bytes());
        out.extend_from_slice(&field);
    }
}

#[inline]
fn put_length(out: &mut Vec<u8>, tag: u8, length: usize) {
    out.push(tag);
    put_varint(out, length as u64);
}
