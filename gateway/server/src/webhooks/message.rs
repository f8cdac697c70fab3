//! A message: the item of the change feed as its organizer reads it, with the event that it is about.

use serde::Serialize;
use tessera_inventory::{Config, Event, EventBody, EventId, Sequence, Timestamp};
use utoipa::ToSchema;

use crate::auth::Keys;
use crate::ids::{self, EventTag, IdText};
use crate::instant::Rfc3339;
use crate::openapi::schema;
use crate::render::changes::{Item, Renderer};

/// The type of the message that is sent on request.
pub(crate) const PING: &str = "ping";

/// The types of messages about events of the log.
pub(crate) const MESSAGE_TYPES: [&str; 25] = [
    "event.configured",
    "event.phase_changed",
    "hold.placed",
    "hold.renewed",
    "hold.released",
    "hold.expired",
    "order.payment_begun",
    "order.payment_failed",
    "order.confirmed",
    "order.tickets_refunded",
    "units.killed",
    "units.restored",
    "channel.released",
    "ticket_type.window_changed",
    "ticket.transferred",
    "ticket.checked_in",
    "ticket.checked_out",
    "order.sold_late",
    "order.disputed",
    "ticket.reissued",
    "entry.scans_recorded",
    "waitlist.joined",
    "waitlist.left",
    "waitlist.patience_ended",
    "entry.conflict",
];

/// The type of a message, by its name.
pub(crate) struct TypeName;

schema::schemas! {
    TypeName, "WebhookType" => schema::words(MESSAGE_TYPES, "What a message is about.");
}

/// The type of the message about an event of the log.
pub(super) const fn kind(body: &EventBody) -> &'static str {
    match body {
        EventBody::Configured { .. } => MESSAGE_TYPES[0],
        EventBody::PhaseChanged { .. } => MESSAGE_TYPES[1],
        EventBody::HoldPlaced(_) => MESSAGE_TYPES[2],
        EventBody::HoldRenewed { .. } => MESSAGE_TYPES[3],
        EventBody::HoldReleased { .. } => MESSAGE_TYPES[4],
        EventBody::Expired { .. } => MESSAGE_TYPES[5],
        EventBody::PaymentBegun { .. } => MESSAGE_TYPES[6],
        EventBody::PaymentFailed { .. } => MESSAGE_TYPES[7],
        EventBody::Confirmed { .. } => MESSAGE_TYPES[8],
        EventBody::TicketsRefunded { .. } => MESSAGE_TYPES[9],
        EventBody::UnitsKilled(_) => MESSAGE_TYPES[10],
        EventBody::UnitsRestored(_) => MESSAGE_TYPES[11],
        EventBody::ChannelReleased { .. } => MESSAGE_TYPES[12],
        EventBody::SaleWindowChanged { .. } => MESSAGE_TYPES[13],
        EventBody::TicketTransferred { .. } => MESSAGE_TYPES[14],
        EventBody::CheckedIn { .. } => MESSAGE_TYPES[15],
        EventBody::CheckedOut { .. } => MESSAGE_TYPES[16],
        EventBody::SoldLate(_) => MESSAGE_TYPES[17],
        EventBody::OrderDisputed { .. } => MESSAGE_TYPES[18],
        EventBody::TicketReissued { .. } => MESSAGE_TYPES[19],
        // There is one message about an event of the log: what contradicts makes it another one.
        EventBody::ScansRecorded(record) if record.conflicts.is_empty() => MESSAGE_TYPES[20],
        EventBody::ScansRecorded(_) => MESSAGE_TYPES[24],
        EventBody::WaitlistJoined(_) => MESSAGE_TYPES[21],
        EventBody::WaitlistLeft { .. } => MESSAGE_TYPES[22],
        EventBody::WaitlistPatienceEnded { .. } => MESSAGE_TYPES[23],
    }
}

/// What is posted to an endpoint.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookMessage)]
pub(crate) struct Message<'a> {
    /// What it is about. `ping`, whose data is the empty object, was asked for.
    #[serde(rename = "type")]
    #[schema(value_type = TypeName)]
    kind: &'static str,
    /// When it happened.
    timestamp: Rfc3339,
    data: Data<'a>,
}

/// What happened.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookData)]
pub(crate) struct Data<'a> {
    /// The event that is sold.
    event: IdText,
    /// The item of the change feed, as the organizer reads it.
    change: Item<'a>,
}

#[derive(Serialize)]
struct Ping {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Rfc3339,
    data: NoData,
}

#[derive(Serialize)]
struct NoData {}

pub(super) fn render(
    keys: &Keys,
    event: EventId,
    config: &Config,
    sequence: Sequence,
    logged: &Event,
) -> Vec<u8> {
    let renderer = Renderer { tag: EventTag::new(keys, event), config, organizer: true };
    let data = Data { event: ids::event(event), change: renderer.item(sequence, logged) };
    let message = Message { kind: kind(&logged.body), timestamp: Rfc3339(logged.at), data };
    // An item has nothing that JSON cannot write.
    serde_json::to_vec(&message).unwrap_or_default()
}

/// The message that tests an endpoint.
pub(crate) fn ping(at: Timestamp) -> Vec<u8> {
    let ping = Ping { kind: PING, timestamp: Rfc3339(at), data: NoData {} };
    serde_json::to_vec(&ping).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use tessera_inventory::{
        ClaimNumber, ConflictKind, Dispute, EntryNumber, LeftReason, ScanConflict, ScansRecorded, TicketRef,
        TicketTypeId,
    };

    use super::*;

    #[test]
    fn what_came_last_is_told_by_its_own_name() {
        let order = ClaimNumber(3);
        let disputed = EventBody::OrderDisputed { order, dispute: Dispute::Open, revoked: Vec::new() };
        let reissued = EventBody::TicketReissued { ticket: TicketRef { order, index: 0 }, generation: 1 };
        let scans = ScansRecorded { device: 1, scans: Vec::new(), conflicts: Vec::new() };
        let conflicts = vec![ScanConflict { scan: 0, kind: ConflictKind::InDispute, other: None }];
        let contradicted = ScansRecorded { conflicts, ..scans.clone() };
        let left = EventBody::WaitlistLeft { entry: EntryNumber(9), reason: LeftReason::Left };
        let ended = EventBody::WaitlistPatienceEnded { ticket_type: TicketTypeId(0) };
        assert_eq!(kind(&disputed), "order.disputed");
        assert_eq!(kind(&reissued), "ticket.reissued");
        assert_eq!(kind(&EventBody::ScansRecorded(scans)), "entry.scans_recorded");
        assert_eq!(kind(&EventBody::ScansRecorded(contradicted)), "entry.conflict");
        assert_eq!(kind(&left), "waitlist.left");
        assert_eq!(kind(&ended), "waitlist.patience_ended");
    }
}
