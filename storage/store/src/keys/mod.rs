//! Keys: the same bytes on every store.
//!
//! A key is a tuple (FoundationDB's tuple layer, so that keys sort like their parts). Keys of one event begin with an
//! 8-byte hash of the event's id, which spreads events over the cluster, then the kind, then the id itself; the
//! hash has its top bit set, so that it never meets a key that begins with a kind.

mod api_key;
mod catalogue_event;
mod catalogue_request;
mod event_orders;
mod follower_cursor;
mod head;
mod installation;
mod ledger_balance;
mod ledger_entry;
mod ledger_mark;
mod log_record;
mod node;
mod node_beat;
mod order;
mod order_by_subject;
mod organizer_api_keys;
mod organizer_event;
mod owned;
mod owner;
mod payment;
mod payment_contact;
mod payment_due;
mod payment_in_flight;
mod payment_reference;
mod projection_cursor;
mod provider_event;
mod provider_event_due;
mod quarantine;
mod receipt_index;
mod receipt_keys;
mod receipt_page;
mod receipt_tree;
mod reconciliation;
mod refund;
mod snapshot_chunk;
mod snapshot_pointer;
mod venue_chunk;
mod wake_up;
mod webhook_due;
mod webhook_endpoint;
mod webhook_finished;
mod webhook_pending;
mod webhook_place;
mod webhook_standing;

use std::fmt;

use foundationdb_tuple::{TuplePack, TupleUnpack, pack, unpack};
use tessera_inventory::EventId;
use uuid::Uuid;

pub use api_key::ApiKeyKey;
pub use catalogue_event::CatalogueEventKey;
pub use catalogue_request::CatalogueRequestKey;
pub use event_orders::EventOrdersKey;
pub use follower_cursor::{FollowerCursor, FollowerCursorKey};
pub use head::{HEAD_VALUE_BYTES, HeadKey, decode_head, encode_head};
pub use installation::InstallationKey;
pub use ledger_balance::LedgerBalanceKey;
pub use ledger_entry::LedgerEntryKey;
pub use ledger_mark::LedgerMarkKey;
pub use log_record::{LOG_RECORD_HEADER_BYTES, LogRecordHeader, LogRecordKey};
pub use node::NodeKey;
pub use node_beat::NodeBeatKey;
pub use order::OrderKey;
pub use order_by_subject::OrderBySubjectKey;
pub use organizer_api_keys::OrganizerApiKeysKey;
pub use organizer_event::OrganizerEventKey;
pub use owned::OwnedKey;
pub use owner::OwnerKey;
pub use payment::PaymentKey;
pub use payment_contact::PaymentContactKey;
pub use payment_due::PaymentDueKey;
pub use payment_in_flight::PaymentInFlightKey;
pub use payment_reference::PaymentReferenceKey;
pub use projection_cursor::{ProjectionCursor, ProjectionCursorKey};
pub use provider_event::ProviderEventKey;
pub use provider_event_due::ProviderEventDueKey;
pub use quarantine::QuarantineKey;
pub use receipt_index::ReceiptIndexKey;
pub use receipt_keys::ReceiptKeysKey;
pub use receipt_page::ReceiptPageKey;
pub use receipt_tree::ReceiptTreeKey;
pub use reconciliation::ReconciliationKey;
pub use refund::RefundKey;
pub use snapshot_chunk::{SnapshotChunkKey, SnapshotId};
pub use snapshot_pointer::{SnapshotPointer, SnapshotPointerKey};
pub use venue_chunk::VenueChunkKey;
pub use wake_up::WakeUpKey;
pub use webhook_due::WebhookDueKey;
pub use webhook_endpoint::WebhookEndpointKey;
pub use webhook_finished::WebhookFinishedKey;
pub use webhook_pending::WebhookPendingKey;
pub use webhook_place::WebhookPlace;
pub use webhook_standing::WebhookStandingKey;

use crate::StoreError;

/// What a key is about. The number is stored: it is never changed and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum KeyKind {
    /// [`HeadKey`].
    Head = 1,
    /// [`LogRecordKey`].
    LogRecord = 2,
    /// [`SnapshotChunkKey`].
    SnapshotChunk = 3,
    /// [`SnapshotPointerKey`].
    SnapshotPointer = 4,
    /// [`OrderBySubjectKey`].
    OrderBySubject = 5,
    /// [`ProjectionCursorKey`].
    ProjectionCursor = 6,
    /// [`CatalogueEventKey`].
    CatalogueEvent = 7,
    /// [`ApiKeyKey`].
    ApiKey = 8,
    /// [`FollowerCursorKey`].
    FollowerCursor = 9,
    /// [`WakeUpKey`].
    WakeUp = 10,
    /// [`QuarantineKey`].
    Quarantine = 11,
    /// [`NodeKey`].
    Node = 12,
    /// [`NodeBeatKey`].
    NodeBeat = 13,
    /// [`OwnerKey`].
    Owner = 14,
    /// [`OwnedKey`].
    Owned = 15,
    /// [`ReconciliationKey`].
    Reconciliation = 16,
    /// [`OrderKey`].
    Order = 32,
    /// [`EventOrdersKey`].
    EventOrders = 33,
    /// [`OrganizerEventKey`].
    OrganizerEvent = 35,
    /// [`VenueChunkKey`].
    VenueChunk = 36,
    /// [`CatalogueRequestKey`].
    CatalogueRequest = 37,
    /// [`InstallationKey`].
    Installation = 38,
    /// [`OrganizerApiKeysKey`].
    OrganizerApiKeys = 39,
    /// [`ReceiptTreeKey`].
    ReceiptTree = 48,
    /// [`ReceiptPageKey`].
    ReceiptPage = 49,
    /// [`ReceiptIndexKey`].
    ReceiptIndex = 50,
    /// [`ReceiptKeysKey`].
    ReceiptKeys = 51,
    /// [`WebhookEndpointKey`].
    WebhookEndpoint = 56,
    /// [`WebhookStandingKey`].
    WebhookStanding = 57,
    /// [`WebhookPendingKey`].
    WebhookPending = 58,
    /// [`WebhookDueKey`].
    WebhookDue = 59,
    /// [`WebhookFinishedKey`].
    WebhookFinished = 60,
    /// [`PaymentKey`].
    Payment = 64,
    /// [`PaymentDueKey`].
    PaymentDue = 65,
    /// [`PaymentReferenceKey`].
    PaymentReference = 66,
    /// [`ProviderEventKey`].
    ProviderEvent = 67,
    /// [`ProviderEventDueKey`].
    ProviderEventDue = 68,
    /// [`RefundKey`].
    Refund = 69,
    /// [`PaymentContactKey`].
    PaymentContact = 71,
    /// [`LedgerEntryKey`].
    LedgerEntry = 72,
    /// [`LedgerBalanceKey`].
    LedgerBalance = 73,
    /// [`LedgerMarkKey`].
    LedgerMark = 74,
    /// [`PaymentInFlightKey`].
    PaymentInFlight = 78,
}

/// Every kind.
const KINDS: [KeyKind; 43] = [
    KeyKind::Head,
    KeyKind::LogRecord,
    KeyKind::SnapshotChunk,
    KeyKind::SnapshotPointer,
    KeyKind::OrderBySubject,
    KeyKind::ProjectionCursor,
    KeyKind::CatalogueEvent,
    KeyKind::ApiKey,
    KeyKind::FollowerCursor,
    KeyKind::WakeUp,
    KeyKind::Quarantine,
    KeyKind::Node,
    KeyKind::NodeBeat,
    KeyKind::Owner,
    KeyKind::Owned,
    KeyKind::Reconciliation,
    KeyKind::Order,
    KeyKind::EventOrders,
    KeyKind::OrganizerEvent,
    KeyKind::VenueChunk,
    KeyKind::CatalogueRequest,
    KeyKind::Installation,
    KeyKind::OrganizerApiKeys,
    KeyKind::ReceiptTree,
    KeyKind::ReceiptPage,
    KeyKind::ReceiptIndex,
    KeyKind::ReceiptKeys,
    KeyKind::WebhookEndpoint,
    KeyKind::WebhookStanding,
    KeyKind::WebhookPending,
    KeyKind::WebhookDue,
    KeyKind::WebhookFinished,
    KeyKind::Payment,
    KeyKind::PaymentDue,
    KeyKind::PaymentReference,
    KeyKind::ProviderEvent,
    KeyKind::ProviderEventDue,
    KeyKind::Refund,
    KeyKind::PaymentContact,
    KeyKind::LedgerEntry,
    KeyKind::LedgerBalance,
    KeyKind::LedgerMark,
    KeyKind::PaymentInFlight,
];

/// First byte of an integer of eight bytes in a tuple: the hash of an event.
const INTEGER_OF_8_BYTES: u8 = 0x1c;
/// First byte of an integer of one byte in a tuple: the number of a kind.
const INTEGER_OF_1_BYTE: u8 = 0x15;

impl KeyKind {
    const fn number(self) -> u16 {
        self as u16
    }

    /// The kind of a key, whatever else is in it; `None` where no kind has such keys.
    #[must_use]
    pub fn of(key: &[u8]) -> Option<KeyKind> {
        let from_kind = match key.strip_prefix(&[INTEGER_OF_8_BYTES]) {
            Some(hash_and_rest) => hash_and_rest.get(8..)?,
            None => key,
        };
        let number = *from_kind.strip_prefix(&[INTEGER_OF_1_BYTE])?.first()?;
        KINDS.into_iter().find(|kind| kind.number() == u16::from(number))
    }
}

/// The first part of every key of an event: BLAKE3 of its id, first 8 bytes, top bit set.
#[must_use]
pub fn event_hash(event: EventId) -> u64 {
    let hash = blake3::hash(&event.0.to_be_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_be_bytes(first) | (1 << 63)
}

type EventPrefix = (u64, u16, Uuid);

fn event_prefix(event: EventId, kind: KeyKind) -> EventPrefix {
    (event_hash(event), kind.number(), Uuid::from_u128(event.0))
}

/// The event of a key's first three parts, checked against its hash and the expected kind.
fn event_of(key: &[u8], (hash, kind, id): EventPrefix, expected: KeyKind) -> Result<EventId, StoreError> {
    let event = EventId(id.as_u128());
    if kind == expected.number() && hash == event_hash(event) {
        Ok(event)
    } else {
        Err(foreign(key, expected))
    }
}

fn foreign(key: &[u8], expected: KeyKind) -> StoreError {
    StoreError::Damaged { reason: format!("the key {:?} is not of kind {expected:?}", KeyBytes(key)) }
}

fn parts<'a, T: TupleUnpack<'a>>(key: &'a [u8], expected: KeyKind) -> Result<T, StoreError> {
    unpack(key).map_err(|_| foreign(key, expected))
}

/// Every key that begins with the parts of `prefix` and has more: `begin <= key < end`.
fn range_of<T: TuplePack>(prefix: &T) -> (Vec<u8>, Vec<u8>) {
    let mut begin = pack(prefix);
    let mut end = begin.clone();
    begin.push(0x00);
    end.push(0xff);
    (begin, end)
}

fn damaged_value(kind: KeyKind, actual: usize) -> StoreError {
    StoreError::Damaged {
        reason: format!("a value of kind {kind:?} has {actual} bytes, which no format has"),
    }
}

/// Takes fixed-size fields off the front of a value.
struct Fields<'a> {
    rest: &'a [u8],
    kind: KeyKind,
    whole: usize,
}

impl<'a> Fields<'a> {
    fn of(kind: KeyKind, value: &'a [u8]) -> Fields<'a> {
        Fields { rest: value, kind, whole: value.len() }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (field, rest) =
            self.rest.split_first_chunk::<N>().ok_or_else(|| damaged_value(self.kind, self.whole))?;
        self.rest = rest;
        Ok(*field)
    }

    fn end(self) -> Result<(), StoreError> {
        if self.rest.is_empty() { Ok(()) } else { Err(damaged_value(self.kind, self.whole)) }
    }
}

struct KeyBytes<'a>(&'a [u8]);

impl fmt::Debug for KeyBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tessera_inventory::{ClaimNumber, Sequence, Timestamp};

    use super::*;

    const EVENT: EventId = EventId(0x0198_0000_0000_7000_8000_0000_0000_0001);

    #[test]
    fn keys_are_short() {
        assert!(HeadKey { event: EVENT }.pack().len() < 32);
        assert!(
            LogRecordKey { event: EVENT, last_sequence: Sequence(1_000_000), chunk: 300 }.pack().len() <= 36
        );
    }

    #[test]
    fn a_key_is_not_read_as_another_kind() {
        let pointer = SnapshotPointerKey { event: EVENT }.pack();
        assert!(HeadKey::unpack(&pointer).is_err());
        assert!(ApiKeyKey::unpack(&pointer).is_err());
    }

    #[test]
    fn every_key_says_its_kind() {
        for kind in KINDS {
            assert_eq!(KeyKind::of(&pack(&(kind.number(), 7))), Some(kind));
            assert_eq!(KeyKind::of(&pack(&event_prefix(EVENT, kind))), Some(kind));
        }
        assert_eq!(KeyKind::of(&HeadKey { event: EVENT }.pack()), Some(KeyKind::Head));
        assert_eq!(KeyKind::of(&WakeUpKey { event: EVENT }.pack()), Some(KeyKind::WakeUp));
        assert_eq!(KeyKind::of(&InstallationKey.pack()), Some(KeyKind::Installation));
        for foreign in [&b""[..], b"\x15", b"\x15\xfe", b"row", b"\x1cshort"] {
            assert_eq!(KeyKind::of(foreign), None);
        }
    }

    #[test]
    fn events_and_kinds_never_share_a_range() {
        let other = EventId(EVENT.0 + 1);
        let (begin, end) = LogRecordKey::range_after(EVENT, Sequence::ZERO);
        for key in [
            HeadKey { event: EVENT }.pack(),
            SnapshotPointerKey { event: EVENT }.pack(),
            LogRecordKey { event: other, last_sequence: Sequence(1), chunk: 0 }.pack(),
        ] {
            assert!(key < begin || key >= end);
        }
    }

    #[test]
    fn golden_bytes_of_the_kinds() {
        let hex = |key: Vec<u8>| format!("{:?}", KeyBytes(&key));
        let hash = format!("{:016x}", event_hash(EVENT));
        let id = format!("30{:032x}", EVENT.0);
        assert_eq!(hex(HeadKey { event: EVENT }.pack()), format!("1c{hash}1501{id}"));
        assert_eq!(
            hex(LogRecordKey { event: EVENT, last_sequence: Sequence(7), chunk: 1 }.pack()),
            format!("1c{hash}1502{id}15071501")
        );
        assert_eq!(hex(CatalogueEventKey { event: EVENT }.pack()), format!("1507{id}"));
        assert_eq!(
            hex(OrderKey { event: EVENT, order: ClaimNumber(7) }.pack()),
            format!("1c{hash}1520{id}1507")
        );
        assert_eq!(
            hex(VenueChunkKey { event: EVENT, version: 2, chunk: 1 }.pack()),
            format!("1c{hash}1524{id}15021501")
        );
        assert_eq!(hex(QuarantineKey { event: EVENT }.pack()), format!("150b{id}"));
        assert_eq!(hex(NodeKey { node: EVENT.0 }.pack()), format!("150c{id}"));
        assert_eq!(hex(NodeBeatKey { node: EVENT.0 }.pack()), format!("150d{id}"));
        assert_eq!(hex(OwnerKey { event: EVENT }.pack()), format!("150e{id}"));
        assert_eq!(hex(OwnedKey { node: EVENT.0, event: EVENT }.pack()), format!("150f{id}{id}"));
        assert_eq!(hex(ReconciliationKey { event: EVENT }.pack()), format!("1510{id}"));
        assert_eq!(hex(InstallationKey.pack()), "1526");
        assert_eq!(hex(OrganizerApiKeysKey { organizer: EVENT.0 }.pack()), format!("1527{id}"));
        assert_eq!(hex(ReceiptTreeKey { event: EVENT }.pack()), format!("1c{hash}1530{id}"));
        assert_eq!(
            hex(ReceiptPageKey { event: EVENT, page: 2, chunk: 1 }.pack()),
            format!("1c{hash}1531{id}15021501")
        );
        assert_eq!(
            hex(ReceiptIndexKey { event: EVENT, epoch: 3, number: 7 }.pack()),
            format!("1c{hash}1532{id}15031507")
        );
        assert_eq!(hex(ReceiptKeysKey.pack()), "1533");
        let (organizer, endpoint) = (EVENT.0, EVENT.0);
        assert_eq!(hex(WebhookEndpointKey { organizer, endpoint }.pack()), format!("1538{id}{id}"));
        assert_eq!(hex(WebhookStandingKey { endpoint }.pack()), format!("1539{id}"));
        let place = WebhookPlace { at: Timestamp(2), event: EVENT, sequence: Sequence(7), copy: 0 };
        let tail = format!("1502{id}150714");
        assert_eq!(hex(WebhookPendingKey { endpoint, place }.pack()), format!("153a{id}{tail}"));
        let due = WebhookDueKey { endpoint, due_at: Timestamp(9), place };
        assert_eq!(hex(due.pack()), format!("153b{id}1509{tail}"));
        assert_eq!(hex(WebhookFinishedKey { endpoint, place }.pack()), format!("153c{id}{tail}"));
    }

    #[test]
    fn golden_bytes_of_the_kinds_of_money() {
        let hex = |key: Vec<u8>| format!("{:?}", KeyBytes(&key));
        let hash = format!("{:016x}", event_hash(EVENT));
        let id = format!("30{:032x}", EVENT.0);
        let (event, order) = (EVENT, ClaimNumber(7));
        let payment = PaymentKey { event, order, attempt: 1 };
        assert_eq!(hex(payment.pack()), format!("1c{hash}1540{id}15071501"));
        let due = PaymentDueKey { lane: 3, due_at: Timestamp(9), payment };
        assert_eq!(hex(due.pack()), format!("154115031509{id}15071501"));
        let (provider, name) = (2, "ab".to_owned());
        let reference = PaymentReferenceKey { provider, reference: name.clone() };
        assert_eq!(hex(reference.pack()), "1542150202616200");
        let told = ProviderEventKey { provider, event: name.clone(), chunk: 1 };
        assert_eq!(hex(told.pack()), "15431502026162001501");
        let received_at = Timestamp(9);
        let waits = ProviderEventDueKey { lane: 3, received_at, provider, event: name };
        assert_eq!(hex(waits.pack()), "154415031509150202616200");
        assert_eq!(hex(RefundKey { payment, number: 0 }.pack()), format!("1c{hash}1545{id}1507150114"));
        assert_eq!(hex(PaymentContactKey { event, order }.pack()), format!("1c{hash}1547{id}1507"));
        let (organizer, currency) = (EVENT.0, *b"EUR");
        let entry = LedgerEntryKey { organizer, currency, at: Timestamp(9), id: EVENT.0 };
        assert_eq!(hex(entry.pack()), format!("1548{id}01455552001509{id}"));
        let balance = LedgerBalanceKey { organizer, currency, account: 4, of: EVENT.0, detail: 0, part: 5 };
        assert_eq!(hex(balance.pack()), format!("1549{id}01455552001504{id}141505"));
        assert_eq!(hex(LedgerMarkKey { id: EVENT.0 }.pack()), format!("154a{id}"));
        let in_flight = PaymentInFlightKey { event, grace_until: Timestamp(9), order };
        assert_eq!(hex(in_flight.pack()), format!("1c{hash}154e{id}15091507"));
    }
}
