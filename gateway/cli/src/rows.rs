//! Which rows of an installation go into a new one: those that come from nowhere else. What follows the log is written again by its
//! followers.

use std::collections::BTreeMap;

use tessera_inventory::{EventId, Sequence, Timestamp};
use tessera_projections::{catalogue, waitlist};
use tessera_store::keys::{
    CatalogueEventKey, FollowerCursor, FollowerCursorKey, KeyKind, OrganizerEventKey, PaymentDueKey,
    PaymentInFlightKey, PaymentKey, QuarantineKey, ReceiptIndexKey, ReceiptPageKey, ReceiptTreeKey,
    ReconciliationKey, RefundKey, RefundRunKey, RefundRunOpenKey, SandboxPaymentKey, TicketDesignKey,
    VenueChunkKey, WakeUpKey,
};
use tessera_store::{Row, StoreError, Table, transact};

/// Rows read or written in one transaction.
pub(crate) const ROWS_PER_TRANSACTION: usize = 50;

/// Where the log of each event ends in the new installation.
pub(crate) type LogEnds = BTreeMap<EventId, Sequence>;

/// What the new installation is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Logs that are there to their ends.
    Sound,
    /// What could be read of a damaged installation.
    Damaged,
}

/// The row as it goes into the new installation, if it does.
#[rustfmt::skip] // several kinds a line
pub(crate) fn keep((key, value): &Row, ends: &LogEnds, source: Source) -> Result<Option<Row>, StoreError> {
    let same = || Ok(Some((key.clone(), value.clone())));
    let Some(kind) = KeyKind::of(key) else { return same() };
    match kind {
        KeyKind::CatalogueEvent | KeyKind::OrganizerEvent | KeyKind::CatalogueRequest | KeyKind::VenueChunk
        | KeyKind::ApiKey | KeyKind::OrganizerApiKeys | KeyKind::Installation | KeyKind::ReceiptKeys
        | KeyKind::TicketKeys | KeyKind::TicketDesign | KeyKind::EntryDevice | KeyKind::WebhookEndpoint
        | KeyKind::WebhookStanding | KeyKind::WebhookPending | KeyKind::WebhookDue
        | KeyKind::WebhookFinished | KeyKind::Payment | KeyKind::PaymentDue | KeyKind::PaymentReference
        | KeyKind::ProviderEvent | KeyKind::ProviderEventDue | KeyKind::Refund | KeyKind::RefundRun
        | KeyKind::RefundRunOpen | KeyKind::PaymentContact | KeyKind::PaymentInFlight
        | KeyKind::PaymentContactBySubject | KeyKind::PaymentContactDue
        | KeyKind::SandboxPayment | KeyKind::LedgerEntry | KeyKind::LedgerBalance | KeyKind::LedgerMark
        | KeyKind::Payout | KeyKind::Terms | KeyKind::MessagePending | KeyKind::MessageDue
        | KeyKind::MessageFinished | KeyKind::InboxItem | KeyKind::MessageTemplate | KeyKind::Contact
        | KeyKind::PushSubscription | KeyKind::Broadcast | KeyKind::MessageAccount | KeyKind::Suppressed
        | KeyKind::BroadcastSeen | KeyKind::Quarantine | KeyKind::Reconciliation => same(),
        // Its effects are done and must not be done again; but it never stands beyond the log.
        KeyKind::FollowerCursor => kept_cursor(key, value, ends),
        // Refusals stand nowhere else. But a tree that goes beyond a log that was cut could not go on: there it begins anew.
        KeyKind::ReceiptTree | KeyKind::ReceiptPage | KeyKind::ReceiptIndex if source == Source::Sound => {
            same()
        }
        KeyKind::ReceiptTree | KeyKind::ReceiptPage | KeyKind::ReceiptIndex => Ok(None),
        // Of the processes that serve there, not of what is served.
        KeyKind::Node | KeyKind::NodeBeat | KeyKind::Owner | KeyKind::Owned => Ok(None),
        // Made from the log.
        KeyKind::Head
        | KeyKind::LogRecord
        | KeyKind::SnapshotChunk
        | KeyKind::SnapshotPointer
        | KeyKind::Order
        | KeyKind::OrderBySubject
        | KeyKind::EventOrders
        | KeyKind::EntryScan
        | KeyKind::EntryConflict
        | KeyKind::EntryStatistics
        | KeyKind::EntryChange
        | KeyKind::EntryTicket
        | KeyKind::ProjectionCursor
        | KeyKind::WaitlistEntry
        | KeyKind::WaitlistBySubject
        | KeyKind::WakeUp => Ok(None),
    }
}

fn kept_cursor(key: &[u8], value: &[u8], ends: &LogEnds) -> Result<Option<Row>, StoreError> {
    let FollowerCursorKey { event, follower } = FollowerCursorKey::unpack(key)?;
    // The rows of waitlists are written again.
    if follower == waitlist::FOLLOWER {
        return Ok(None);
    }
    let FollowerCursor { fence, sequence } = FollowerCursor::decode(value)?;
    let end = ends.get(&event).copied().unwrap_or_default();
    let cursor = FollowerCursor { fence, sequence: sequence.min(end) };
    Ok(Some((key.to_vec(), cursor.encode())))
}

/// The event that a row which is kept is about; `None` for what is about the installation, or about an organizer.
pub(crate) fn event_of((key, value): &Row) -> Result<Option<EventId>, StoreError> {
    Ok(match KeyKind::of(key) {
        Some(KeyKind::CatalogueEvent) => Some(CatalogueEventKey::unpack(key)?.event),
        Some(KeyKind::OrganizerEvent) => Some(OrganizerEventKey::unpack(key)?.event),
        Some(KeyKind::CatalogueRequest) => Some(catalogue::requested_event(value)?),
        Some(KeyKind::VenueChunk) => Some(VenueChunkKey::unpack(key)?.event),
        Some(KeyKind::TicketDesign) => Some(TicketDesignKey::unpack(key)?.event),
        Some(KeyKind::Quarantine) => Some(QuarantineKey::unpack(key)?.event),
        Some(KeyKind::Reconciliation) => Some(ReconciliationKey::unpack(key)?.event),
        Some(KeyKind::ReceiptTree) => Some(ReceiptTreeKey::unpack(key)?.event),
        Some(KeyKind::ReceiptPage) => Some(ReceiptPageKey::unpack(key)?.event),
        Some(KeyKind::ReceiptIndex) => Some(ReceiptIndexKey::unpack(key)?.event),
        Some(KeyKind::FollowerCursor) => Some(FollowerCursorKey::unpack(key)?.event),
        Some(KeyKind::Payment) => Some(PaymentKey::unpack(key)?.event),
        Some(KeyKind::SandboxPayment) => Some(SandboxPaymentKey::unpack(key)?.event),
        Some(KeyKind::PaymentDue) => Some(PaymentDueKey::unpack(key)?.payment.event),
        Some(KeyKind::PaymentInFlight) => Some(PaymentInFlightKey::unpack(key)?.event),
        Some(KeyKind::Refund) => Some(RefundKey::unpack(key)?.payment.event),
        Some(KeyKind::RefundRun) => Some(RefundRunKey::unpack(key)?.event),
        Some(KeyKind::RefundRunOpen) => Some(RefundRunOpenKey::unpack(key)?.run.event),
        _ => None,
    })
}

/// Whether the row is in an export of everything only: it is about an organizer's webhooks or books, a provider, or how buyers are reached.
pub(crate) fn is_of_everything((key, _): &Row) -> bool {
    matches!(
        KeyKind::of(key),
        Some(
            KeyKind::WebhookEndpoint
                | KeyKind::WebhookStanding
                | KeyKind::WebhookPending
                | KeyKind::WebhookDue
                | KeyKind::WebhookFinished
                | KeyKind::PaymentReference
                | KeyKind::ProviderEvent
                | KeyKind::ProviderEventDue
                | KeyKind::PaymentContact
                | KeyKind::PaymentContactBySubject
                | KeyKind::PaymentContactDue
                | KeyKind::EntryDevice
                | KeyKind::MessagePending
                | KeyKind::MessageDue
                | KeyKind::MessageFinished
                | KeyKind::InboxItem
                | KeyKind::MessageTemplate
                | KeyKind::Contact
                | KeyKind::PushSubscription
                | KeyKind::Broadcast
                | KeyKind::MessageAccount
                | KeyKind::Suppressed
                | KeyKind::BroadcastSeen
                | KeyKind::LedgerEntry
                | KeyKind::LedgerBalance
                | KeyKind::LedgerMark
                | KeyKind::Payout
                | KeyKind::Terms
        )
    )
}

/// Lets time into every event at the next start, and its followers begin anew.
pub(crate) async fn wake(ends: &LogEnds, table: &dyn Table) -> Result<(), StoreError> {
    let at_once = WakeUpKey::encode(Timestamp(0)).to_vec();
    let rows: Vec<Row> =
        ends.keys().map(|event| (WakeUpKey { event: *event }.pack(), at_once.clone())).collect();
    for rows in rows.chunks(ROWS_PER_TRANSACTION) {
        write(table, rows).await?;
    }
    Ok(())
}

/// Writes rows in one transaction.
pub(crate) async fn write(table: &dyn Table, rows: &[Row]) -> Result<(), StoreError> {
    transact(table, |mut transaction| async move {
        rows.iter().for_each(|(key, value)| transaction.set(key, value));
        Ok((transaction, ()))
    })
    .await
}
