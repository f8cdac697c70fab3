//! Identifiers of the API: TypeIDs.
//!
//! `evt_` carries the UUIDv7 of an event. `hld_`, `ord_`, `tkt_` and `wle_` carry a UUIDv8 of {48-bit keyed tag of the event,
//! 12-bit ticket index, 62-bit claim number}: nothing has to be looked up to understand one, and one of another event
//! or another installation is told apart by its tag.

use std::fmt;

use mti::prelude::{FromStr, TypeIdSuffix};
use serde::{Serialize, Serializer};
use tessera_inventory::{ClaimNumber, EntryNumber, EventId, Sequence, TicketRef, Timestamp};
use tessera_store::keys::WebhookPlace;
use uuid::Uuid;

use crate::auth::Keys;
use crate::openapi::schema;

schema::schemas! {
    IdText, "Id" => schema::text(
        "^(evt|hld|ord|tkt|wle|key|org|whk|nod|rfr|dev|pyo)_[0-7][0-9a-hjkmnp-tv-z]{25}$",
        "A TypeID: what it names, and 128 bits.",
    );
}

const PREFIX_BYTES: usize = 4;
const SUFFIX_BYTES: usize = 26;
const TAG_BITS: u32 = 48;
const INDEX_BITS: u32 = 12;
const NUMBER_BITS: u32 = 62;

/// Most tickets of one order that an identifier can name.
pub const TICKET_INDEX_MAX: u16 = (1 << INDEX_BITS) - 1;
const _: () = assert!(tessera_inventory::HOLD_UNITS_MAX <= TICKET_INDEX_MAX);

/// What an identifier names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `evt_`
    Event,
    /// `hld_`
    Hold,
    /// `ord_`
    Order,
    /// `tkt_`
    Ticket,
    /// `wle_`
    WaitlistEntry,
    /// `key_`
    ApiKey,
    /// `org_`
    Organizer,
    /// `rct_`
    Receipt,
    /// `whk_`
    WebhookEndpoint,
    /// `nod_`
    Node,
    /// `rfr_`
    RefundRun,
    /// `dev_`
    EntryDevice,
    /// `pyo_`
    Payout,
}

impl Kind {
    const fn prefix(self) -> &'static [u8; PREFIX_BYTES] {
        match self {
            Kind::Event => b"evt_",
            Kind::Hold => b"hld_",
            Kind::Order => b"ord_",
            Kind::Ticket => b"tkt_",
            Kind::WaitlistEntry => b"wle_",
            Kind::ApiKey => b"key_",
            Kind::Organizer => b"org_",
            Kind::Receipt => b"rct_",
            Kind::WebhookEndpoint => b"whk_",
            Kind::Node => b"nod_",
            Kind::RefundRun => b"rfr_",
            Kind::EntryDevice => b"dev_",
            Kind::Payout => b"pyo_",
        }
    }
}

/// The text of an identifier, without an allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IdText([u8; PREFIX_BYTES + SUFFIX_BYTES]);

impl IdText {
    /// The identifier of these 128 bits.
    #[must_use]
    pub fn new(kind: Kind, bits: u128) -> IdText {
        let mut text = [0; PREFIX_BYTES + SUFFIX_BYTES];
        let suffix = TypeIdSuffix::from(Uuid::from_u128(bits));
        text[..PREFIX_BYTES].copy_from_slice(kind.prefix());
        text[PREFIX_BYTES..].copy_from_slice(suffix.as_bytes());
        IdText(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Prefix and suffix are ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for IdText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for IdText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for IdText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The 128 bits of an identifier of this kind; `None` for a malformed one or one of another kind.
#[must_use]
pub fn parse(kind: Kind, text: &str) -> Option<u128> {
    let suffix = text.strip_prefix(std::str::from_utf8(kind.prefix()).ok()?)?;
    Some(TypeIdSuffix::from_str(suffix).ok()?.to_uuid().as_u128())
}

/// The identifier of a webhook message: what it is about, and to whom it goes. Whatever is sent again has it again. It has no dot,
/// which separates it in what is signed.
#[must_use]
pub fn message(endpoint: u128, place: &WebhookPlace) -> String {
    let suffix = |bits: u128| TypeIdSuffix::from(Uuid::from_u128(bits)).to_string();
    let WebhookPlace { event, sequence, copy, .. } = *place;
    match event.0 {
        0 => format!("msg_ping_{copy:x}_{}", suffix(endpoint)),
        event => format!("msg_{}_{}_{}", suffix(event), sequence.0, suffix(endpoint)),
    }
}

/// What the message of this identifier is about; `None` for what is none about an event, or to another endpoint.
#[must_use]
pub fn parse_message(endpoint: u128, text: &str) -> Option<(EventId, Sequence)> {
    let mut parts = text.strip_prefix("msg_")?.split('_');
    let (event, sequence) = (parts.next()?, parts.next()?);
    let event = EventId(TypeIdSuffix::from_str(event).ok()?.to_uuid().as_u128());
    let sequence = Sequence(sequence.parse().ok()?);
    let place = WebhookPlace { at: Timestamp(0), event, sequence, copy: 0 };
    (message(endpoint, &place) == text).then_some((event, sequence))
}

/// The text of an event's identifier.
#[must_use]
pub fn event(event: EventId) -> IdText {
    IdText::new(Kind::Event, event.0)
}

/// The event that an identifier names.
#[must_use]
pub fn parse_event(text: &str) -> Option<EventId> {
    parse(Kind::Event, text).filter(|bits| Uuid::from_u128(*bits).get_version_num() == 7).map(EventId)
}

/// Reads and writes the identifiers of what belongs to one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTag(u64);

impl EventTag {
    /// The tag of an event in this installation.
    #[must_use]
    pub fn new(keys: &Keys, event: EventId) -> EventTag {
        EventTag(keys.event_tag(event) & ((1 << TAG_BITS) - 1))
    }

    /// The identifier of a hold.
    #[must_use]
    pub fn hold(self, number: ClaimNumber) -> IdText {
        IdText::new(Kind::Hold, self.bits(number, 0))
    }

    /// The identifier of an order.
    #[must_use]
    pub fn order(self, number: ClaimNumber) -> IdText {
        IdText::new(Kind::Order, self.bits(number, 0))
    }

    /// The identifier of a ticket.
    #[must_use]
    pub fn ticket(self, ticket: TicketRef) -> IdText {
        IdText::new(Kind::Ticket, self.bits(ticket.order, ticket.index))
    }

    /// The identifier of an entry of the waitlist.
    #[must_use]
    pub fn entry(self, number: EntryNumber) -> IdText {
        IdText::new(Kind::WaitlistEntry, self.bits(ClaimNumber(number.0), 0))
    }

    /// The entry of the waitlist that an identifier names; `None` for a malformed or foreign one.
    #[must_use]
    pub fn parse_entry(self, text: &str) -> Option<EntryNumber> {
        self.parse_claim(Kind::WaitlistEntry, text).map(|number| EntryNumber(number.0))
    }

    /// The hold that an identifier names; `None` for a malformed or foreign one.
    #[must_use]
    pub fn parse_hold(self, text: &str) -> Option<ClaimNumber> {
        self.parse_claim(Kind::Hold, text)
    }

    /// The order that an identifier names; `None` for a malformed or foreign one.
    #[must_use]
    pub fn parse_order(self, text: &str) -> Option<ClaimNumber> {
        self.parse_claim(Kind::Order, text)
    }

    /// The ticket that an identifier names; `None` for a malformed or foreign one.
    #[must_use]
    pub fn parse_ticket(self, text: &str) -> Option<TicketRef> {
        let (order, index) = self.read(parse(Kind::Ticket, text)?)?;
        Some(TicketRef { order, index })
    }

    fn parse_claim(self, kind: Kind, text: &str) -> Option<ClaimNumber> {
        let (number, index) = self.read(parse(kind, text)?)?;
        (index == 0).then_some(number)
    }

    // UUIDv8: 48 bits tag, 4 bits version, 12 bits index, 2 bits variant, 62 bits number.
    fn bits(self, number: ClaimNumber, index: u16) -> u128 {
        let number = u128::from(number.0 & ((1 << NUMBER_BITS) - 1));
        let index = u128::from(index & TICKET_INDEX_MAX);
        (u128::from(self.0) << 80) | (0x8 << 76) | (index << 64) | (0b10 << 62) | number
    }

    fn read(self, bits: u128) -> Option<(ClaimNumber, u16)> {
        let number = u64::try_from(bits & ((1 << NUMBER_BITS) - 1)).ok()?;
        let index = u16::try_from((bits >> 64) & u128::from(TICKET_INDEX_MAX)).ok()?;
        let number = ClaimNumber(number);
        (self.bits(number, index) == bits && number.0 > 0).then_some((number, index))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_read_back_and_foreign_ones_do_not() {
        let keys = Keys::derive(&[7; 32]);
        let event_id = EventId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_0001).as_u128());
        let tag = EventTag::new(&keys, event_id);
        assert_eq!(parse_event(event(event_id).as_str()), Some(event_id));
        for number in [1, 2, 1_234, u64::from(u32::MAX), (1 << NUMBER_BITS) - 1] {
            let number = ClaimNumber(number);
            assert_eq!(tag.parse_hold(tag.hold(number).as_str()), Some(number));
            assert_eq!(tag.parse_order(tag.order(number).as_str()), Some(number));
            assert_eq!(tag.parse_hold(tag.order(number).as_str()), None, "another kind");
            let ticket = TicketRef { order: number, index: 49 };
            assert_eq!(tag.parse_ticket(tag.ticket(ticket).as_str()), Some(ticket));
            let foreign = EventTag::new(&keys, EventId(event_id.0 + 1));
            assert_eq!(foreign.parse_hold(tag.hold(number).as_str()), None, "another event");
            let elsewhere = EventTag::new(&Keys::derive(&[8; 32]), event_id);
            assert_eq!(elsewhere.parse_hold(tag.hold(number).as_str()), None, "another installation");
        }
        for text in
            ["", "hld_", "hld_0", "evt_00000000000000000000000000", "HLD_01h455vb4pex5vsknk084sn02q", "é"]
        {
            assert_eq!(tag.parse_hold(text), None);
            assert_eq!(parse_event(text), None);
        }
    }

    #[test]
    fn a_message_is_named_by_what_it_is_about_and_whom_it_goes_to() {
        let place = WebhookPlace { at: Timestamp(7), event: EventId(5), sequence: Sequence(12), copy: 0 };
        let text = message(9, &place);
        assert_eq!(parse_message(9, &text), Some((EventId(5), Sequence(12))));
        assert_eq!(message(9, &WebhookPlace { at: Timestamp(8), copy: 3, ..place }), text, "sent again");
        assert_eq!(parse_message(10, &text), None, "another endpoint");
        let ping = WebhookPlace { event: EventId(0), sequence: Sequence(0), copy: 255, ..place };
        assert!(message(9, &ping).starts_with("msg_ping_ff_") && !text.contains('.'));
        for wrong in [message(9, &ping).as_str(), "", "msg_", "msg_x_1_y", &text.replace("_12_", "_012_")] {
            assert_eq!(parse_message(9, wrong), None, "{wrong}");
        }
    }
}
