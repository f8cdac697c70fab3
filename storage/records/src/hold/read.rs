//! Reading: fields in the order in which they are written, each at most once.

use tessera_inventory::{
    ChannelId, Event, EventBody, HoldPlaced, KeyMark, Line, Origin, SeatIndex, Subject, Subjects, TermsId,
    TicketTypeId, Timestamp,
};

use super::{ORIGIN_OFFER, tag};
use crate::wide::{at_after, whole};

/// The event of these bytes, if it is a placed hold in the form in which they are written; `None` says nothing about
/// whether they are good.
pub(crate) fn read_event(bytes: &[u8], before: Timestamp) -> Option<Event> {
    let mut fields = Fields { rest: bytes };
    let at = Timestamp(before.0.wrapping_add(fields.varint_field(tag::EVENT_LATER)?));
    let key = if fields.is_next(tag::EVENT_KEY) { Some(key(fields.message()?)?) } else { None };
    if !fields.is_next(tag::EVENT_HOLD_PLACED) {
        return None;
    }
    let hold = fields.message()?;
    fields.end()?;
    Some(Event { at, key, body: EventBody::HoldPlaced(hold_placed(hold, at)?) })
}

fn key(mut fields: Fields<'_>) -> Option<KeyMark> {
    let high = fields.fixed_field(tag::KEY_DIGEST_HIGH)?;
    let low = fields.fixed_field(tag::KEY_DIGEST_LOW)?;
    let fingerprint = fields.fixed_field(tag::KEY_FINGERPRINT)?;
    fields.end()?;
    Some(KeyMark { digest: whole(high, low), fingerprint })
}

fn hold_placed(mut fields: Fields<'_>, at: Timestamp) -> Option<HoldPlaced> {
    let high = fields.fixed_field(tag::HOLD_SUBJECT_HIGH)?;
    let low = fields.fixed_field(tag::HOLD_SUBJECT_LOW)?;
    let deadline_at = at_after(at, unzigzag(fields.varint_field(tag::HOLD_DEADLINE)?));
    let life_ends_at = at_after(deadline_at, unzigzag(fields.varint_field(tag::HOLD_LIFE)?));
    let channel = if fields.is_next(tag::HOLD_CHANNEL) {
        Some(ChannelId(fields.varint()?.try_into().ok()?))
    } else {
        None
    };
    let origin = match fields.varint_field(tag::HOLD_ORIGIN)? {
        0 => Origin::Direct,
        ORIGIN_OFFER => Origin::Offer,
        _ => return None,
    };
    // Most holds have one line.
    let mut lines = Vec::with_capacity(1);
    while fields.is_next(tag::HOLD_LINE) {
        lines.push(line(fields.message()?)?);
    }
    fields.end()?;
    let subjects = Subjects { primary: Subject(whole(high, low)), extra: Vec::new() };
    Some(HoldPlaced { subjects, deadline_at, life_ends_at, channel, origin, lines, quote: None, entry: None })
}

fn line(mut fields: Fields<'_>) -> Option<Line> {
    let ticket_type = fields.varint_field(tag::LINE_TICKET_TYPE)?.try_into().ok()?;
    let terms = fields.varint_field(tag::LINE_TERMS)?.try_into().ok()?;
    let quantity = fields.varint_field(tag::LINE_QUANTITY)?.try_into().ok()?;
    let price_minor = unzigzag(fields.varint_field(tag::LINE_PRICE)?);
    let seats = if fields.is_next(tag::LINE_SEATS) { seats(fields.message()?)? } else { Vec::new() };
    fields.end()?;
    Some(Line { ticket_type: TicketTypeId(ticket_type), terms: TermsId(terms), quantity, price_minor, seats })
}

fn seats(mut deltas: Fields<'_>) -> Option<Vec<SeatIndex>> {
    // A distance takes at least a byte.
    let mut seats = Vec::with_capacity(deltas.rest.len());
    let mut before: u32 = 0;
    while !deltas.rest.is_empty() {
        before = before.wrapping_add(deltas.varint()?.try_into().ok()?);
        seats.push(SeatIndex(before));
    }
    Some(seats)
}

const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// Takes fields off the front of a message.
struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Takes `tag` off, if it is next.
    #[inline]
    fn is_next(&mut self, tag: u8) -> bool {
        match self.rest.split_first() {
            Some((&next, rest)) if next == tag => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// The field with this tag, 0 where it is not next.
    #[inline]
    fn varint_field(&mut self, tag: u8) -> Option<u64> {
        if self.is_next(tag) { self.varint() } else { Some(0) }
    }

    /// As [`Fields::varint_field`].
    #[inline]
    fn fixed_field(&mut self, tag: u8) -> Option<u64> {
        if !self.is_next(tag) {
            return Some(0);
        }
        let (word, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u64::from_le_bytes(*word))
    }

    #[inline]
    fn message(&mut self) -> Option<Fields<'a>> {
        let length = usize::try_from(self.varint()?).ok()?;
        let (message, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Fields { rest: message })
    }

    #[inline]
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for (position, &byte) in self.rest.iter().enumerate().take(9) {
            value |= u64::from(byte & 0x7f) << (7 * position);
            if byte < 0x80 {
                self.rest = &self.rest[position + 1..];
                return Some(value);
            }
        }
        self.last_varint_byte(value)
    }

    /// The tenth byte holds the last bit.
    #[cold]
    fn last_varint_byte(&mut self, value: u64) -> Option<u64> {
        match self.rest.get(9) {
            Some(&byte @ 0..=1) => {
                self.rest = &self.rest[10..];
                Some(value | u64::from(byte) << 63)
            }
            _ => None,
        }
    }

    fn end(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }
}
