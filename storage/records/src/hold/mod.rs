//! Placed holds, written and read by hand: most events of a log are such, and replay waits for nothing else.
//!
//! The bytes are exactly those that the messages in [`crate::wire`] have. Writing covers every placed hold without further
//! subjects, without a quote, and offered to no entry; reading covers such bytes in the order in which they are written. For all else both answer that they do not
//! apply, and the messages decide. Tests hold the two ways against each other.

mod read;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod write;

pub(crate) use read::read_event;
pub(crate) use write::put_event;

/// Protobuf tags: field number and wire type, one byte each.
mod tag {
    pub(super) const EVENT_LATER: u8 = 0x08;
    pub(super) const EVENT_KEY: u8 = 0x12;
    pub(super) const EVENT_HOLD_PLACED: u8 = 0x1a;
    pub(super) const KEY_DIGEST_HIGH: u8 = 0x09;
    pub(super) const KEY_DIGEST_LOW: u8 = 0x11;
    pub(super) const KEY_FINGERPRINT: u8 = 0x19;
    pub(super) const HOLD_SUBJECT_HIGH: u8 = 0x09;
    pub(super) const HOLD_SUBJECT_LOW: u8 = 0x11;
    pub(super) const HOLD_DEADLINE: u8 = 0x18;
    pub(super) const HOLD_LIFE: u8 = 0x20;
    pub(super) const HOLD_CHANNEL: u8 = 0x28;
    pub(super) const HOLD_ORIGIN: u8 = 0x30;
    pub(super) const HOLD_LINE: u8 = 0x42;
    pub(super) const LINE_TICKET_TYPE: u8 = 0x08;
    pub(super) const LINE_TERMS: u8 = 0x10;
    pub(super) const LINE_QUANTITY: u8 = 0x18;
    pub(super) const LINE_PRICE: u8 = 0x20;
    pub(super) const LINE_SEATS: u8 = 0x2a;
}

/// The word of an offer; a direct hold has none.
const ORIGIN_OFFER: u64 = crate::wire::Origin::Offer as u64;
