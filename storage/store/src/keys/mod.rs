//! Keys: the same bytes on every store.
//!
//! A key is a tuple (FoundationDB's tuple layer, so that keys sort like their parts). Keys of one event begin with an
//! 8-byte hash of the event's id, which spreads events over the cluster, then the kind, then the id itself; the
//! hash has its top bit set, so that it never meets a key that begins with a kind.

mod api_key;
mod broadcast;
mod broadcast_seen;
mod catalogue_event;
mod catalogue_request;
mod contact;
mod entry_change;
mod entry_conflict;
mod entry_device;
mod entry_scan;
mod entry_statistics;
mod entry_ticket;
mod event_orders;
mod follower_cursor;
mod head;
mod inbox_item;
mod installation;
mod ledger_balance;
mod ledger_entry;
mod ledger_mark;
mod log_record;
mod message_account;
mod message_due;
mod message_finished;
mod message_pending;
mod message_place;
mod message_template;
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
mod payment_contact_by_subject;
mod payment_contact_due;
mod payment_due;
mod payment_in_flight;
mod payment_reference;
mod payout;
mod projection_cursor;
mod provider_event;
mod provider_event_due;
mod push_subscription;
mod quarantine;
mod receipt_index;
mod receipt_keys;
mod receipt_page;
mod receipt_tree;
mod reconciliation;
mod refund;
mod refund_run;
mod refund_run_open;
mod sandbox_payment;
mod snapshot_chunk;
mod snapshot_pointer;
mod suppressed;
mod terms;
mod ticket_design;
mod ticket_keys;
mod venue_chunk;
mod waitlist_by_subject;
mod waitlist_entry;
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
pub use broadcast::BroadcastKey;
pub use broadcast_seen::BroadcastSeenKey;
pub use catalogue_event::CatalogueEventKey;
pub use catalogue_request::CatalogueRequestKey;
pub use contact::ContactKey;
pub use entry_change::EntryChangeKey;
pub use entry_conflict::{EntryConflictKey, PassageRank};
pub use entry_device::EntryDeviceKey;
pub use entry_scan::EntryScanKey;
pub use entry_statistics::EntryStatisticsKey;
pub use entry_ticket::EntryTicketKey;
pub use event_orders::EventOrdersKey;
pub use follower_cursor::{FollowerCursor, FollowerCursorKey};
pub use head::{HEAD_VALUE_BYTES, HeadKey, decode_head, encode_head};
pub use inbox_item::InboxItemKey;
pub use installation::InstallationKey;
pub use ledger_balance::LedgerBalanceKey;
pub use ledger_entry::LedgerEntryKey;
pub use ledger_mark::LedgerMarkKey;
pub use log_record::{LOG_RECORD_HEADER_BYTES, LogRecordHeader, LogRecordKey};
pub use message_account::MessageAccountKey;
pub use message_due::MessageDueKey;
pub use message_finished::MessageFinishedKey;
pub use message_pending::MessagePendingKey;
pub use message_place::{MessageLane, MessagePlace};
pub use message_template::MessageTemplateKey;
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
pub use payment_contact_by_subject::PaymentContactBySubjectKey;
pub use payment_contact_due::PaymentContactDueKey;
pub use payment_due::PaymentDueKey;
pub use payment_in_flight::PaymentInFlightKey;
pub use payment_reference::PaymentReferenceKey;
pub use payout::PayoutKey;
pub use projection_cursor::{ProjectionCursor, ProjectionCursorKey};
pub use provider_event::ProviderEventKey;
pub use provider_event_due::ProviderEventDueKey;
pub use push_subscription::PushSubscriptionKey;
pub use quarantine::QuarantineKey;
pub use receipt_index::ReceiptIndexKey;
pub use receipt_keys::ReceiptKeysKey;
pub use receipt_page::ReceiptPageKey;
pub use receipt_tree::ReceiptTreeKey;
pub use reconciliation::ReconciliationKey;
pub use refund::RefundKey;
pub use refund_run::RefundRunKey;
pub use refund_run_open::RefundRunOpenKey;
pub use sandbox_payment::SandboxPaymentKey;
pub use snapshot_chunk::{SnapshotChunkKey, SnapshotId};
pub use snapshot_pointer::{SnapshotPointer, SnapshotPointerKey};
pub use suppressed::SuppressedKey;
pub use terms::TermsKey;
pub use ticket_design::TicketDesignKey;
pub use ticket_keys::TicketKeysKey;
pub use venue_chunk::VenueChunkKey;
pub use waitlist_by_subject::WaitlistBySubjectKey;
pub use waitlist_entry::WaitlistEntryKey;
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
    /// [`RefundRunKey`].
    RefundRun = 70,
    /// [`PaymentContactKey`].
    PaymentContact = 71,
    /// [`LedgerEntryKey`].
    LedgerEntry = 72,
    /// [`LedgerBalanceKey`].
    LedgerBalance = 73,
    /// [`LedgerMarkKey`].
    LedgerMark = 74,
    /// [`PayoutKey`].
    Payout = 75,
    /// [`TermsKey`].
    Terms = 76,
    /// [`RefundRunOpenKey`].
    RefundRunOpen = 77,
    /// [`PaymentInFlightKey`].
    PaymentInFlight = 78,
    /// [`SandboxPaymentKey`].
    SandboxPayment = 79,
    /// [`TicketKeysKey`].
    TicketKeys = 80,
    /// [`EntryDeviceKey`].
    EntryDevice = 81,
    /// [`EntryScanKey`].
    EntryScan = 82,
    /// [`EntryConflictKey`].
    EntryConflict = 83,
    /// [`EntryStatisticsKey`].
    EntryStatistics = 84,
    /// [`EntryChangeKey`].
    EntryChange = 85,
    /// [`TicketDesignKey`].
    TicketDesign = 86,
    /// [`EntryTicketKey`].
    EntryTicket = 87,
    /// [`WaitlistEntryKey`].
    WaitlistEntry = 100,
    /// [`WaitlistBySubjectKey`].
    WaitlistBySubject = 101,
    /// [`PaymentContactBySubjectKey`].
    PaymentContactBySubject = 102,
    /// [`PaymentContactDueKey`].
    PaymentContactDue = 103,
    /// [`MessagePendingKey`].
    MessagePending = 88,
    /// [`MessageDueKey`].
    MessageDue = 89,
    /// [`MessageFinishedKey`].
    MessageFinished = 90,
    /// [`InboxItemKey`].
    InboxItem = 91,
    /// [`MessageTemplateKey`].
    MessageTemplate = 92,
    /// [`ContactKey`].
    Contact = 93,
    /// [`PushSubscriptionKey`].
    PushSubscription = 94,
    /// [`BroadcastKey`].
    Broadcast = 95,
    /// [`MessageAccountKey`].
    MessageAccount = 96,
    /// [`SuppressedKey`].
    Suppressed = 97,
    /// [`BroadcastSeenKey`].
    BroadcastSeen = 98,
}

/// Every kind.
const KINDS: [KeyKind; 71] = [
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
    KeyKind::RefundRun,
    KeyKind::PaymentContact,
    KeyKind::LedgerEntry,
    KeyKind::LedgerBalance,
    KeyKind::LedgerMark,
    KeyKind::Payout,
    KeyKind::Terms,
    KeyKind::RefundRunOpen,
    KeyKind::PaymentInFlight,
    KeyKind::SandboxPayment,
    KeyKind::TicketKeys,
    KeyKind::EntryDevice,
    KeyKind::EntryScan,
    KeyKind::EntryConflict,
    KeyKind::EntryStatistics,
    KeyKind::EntryChange,
    KeyKind::TicketDesign,
    KeyKind::EntryTicket,
    KeyKind::WaitlistEntry,
    KeyKind::WaitlistBySubject,
    KeyKind::PaymentContactBySubject,
    KeyKind::PaymentContactDue,
    KeyKind::MessagePending,
    KeyKind::MessageDue,
    KeyKind::MessageFinished,
    KeyKind::InboxItem,
    KeyKind::MessageTemplate,
    KeyKind::Contact,
    KeyKind::PushSubscription,
    KeyKind::Broadcast,
    KeyKind::MessageAccount,
    KeyKind::Suppressed,
    KeyKind::BroadcastSeen,
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
mod tests;
