//! What devices tell.

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_inventory::{
    ClaimNumber, CommandBody, ConflictKind, EventBody, EventId, Scan, ScansRecorded, Sequence, TicketRef,
};
use tessera_tickets::ORDER_NUMBER_END;
use utoipa::ToSchema;

use crate::call::{Call, Decided};
use crate::caller::{CheckInsWrite, Organizer};
use crate::code::Code;
use crate::ids::IdText;
use crate::instant::Rfc3339;
use crate::json;
use crate::limits::SCANS_BYTES_MAX;
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;

/// An upload of a device.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScansRequest {
    /// Number of the device.
    #[schema(minimum = 1, maximum = 4294967295usize)]
    device: u32,
    /// How far the device's clock was found to be ahead of the server's, in milliseconds; the times of its scans are corrected by it.
    #[serde(default)]
    clock_offset_ms: i64,
    /// In the order in which they were made.
    #[schema(min_items = 1, max_items = 500)]
    scans: Vec<ScanItem>,
}

/// A scan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OfflineScan)]
pub(crate) struct ScanItem {
    /// Among the scans of this device for this event, from 1, without a gap.
    #[schema(minimum = 1)]
    number: u64,
    at: Rfc3339,
    #[schema(maximum = 65535)]
    gate: u16,
    direction: Direction,
    /// Number of the order, as the QR says it.
    #[schema(maximum = 1099511627775usize)]
    order: u64,
    /// Position in the order, as the QR says it.
    #[schema(maximum = 255)]
    index: u8,
    /// As the QR says it.
    #[schema(maximum = 255)]
    generation: u8,
    /// Whether the holder passed.
    admitted: bool,
}

/// Which way somebody wanted to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ScanDirection)]
pub(crate) enum Direction {
    In,
    Out,
}

/// What became of an upload.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScansReply {
    /// The sequence that recorded it; null where all of it was recorded before.
    #[schema(required)]
    sequence: Option<u64>,
    /// Number of the next scan of the device.
    next: u64,
    scans: Vec<ScanOutcome>,
    /// What contradicts what the log knew by then.
    conflicts: Vec<ScanConflictItem>,
}

/// What became of a scan.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScanOutcome {
    number: u64,
    outcome: Outcome,
}

/// It was recorded now, or before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ScanOutcomeName)]
pub(crate) enum Outcome {
    Recorded,
    Seen,
}

/// A scan that contradicts what is known.
#[derive(Serialize, ToSchema)]
#[schema(as = ScanConflict)]
pub(crate) struct ScanConflictItem {
    /// Number of the scan.
    number: u64,
    ticket: IdText,
    #[schema(value_type = ConflictKindName)]
    kind: &'static str,
    /// The other passage of a double admission.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    other: Option<OtherPassageItem>,
}

/// The other passage of a double admission.
#[derive(Serialize, ToSchema)]
#[schema(as = OtherPassage)]
pub(crate) struct OtherPassageItem {
    at: Rfc3339,
    gate: u16,
    /// Null: online.
    #[schema(required)]
    device: Option<u32>,
}

/// Kinds of conflicts.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "it is there for the document")]
pub(crate) enum ConflictKindName {
    DoubleAdmission,
    AdmittedAfterRefund,
    AdmittedByOldCode,
    AdmittedInDispute,
    WrongGate,
    UnknownTicket,
}

/// The name of a kind of conflict.
pub(crate) const fn kind_name(kind: ConflictKind) -> &'static str {
    match kind {
        ConflictKind::DoubleAdmission => "double_admission",
        ConflictKind::AfterRefund => "admitted_after_refund",
        ConflictKind::OldCode => "admitted_by_old_code",
        ConflictKind::InDispute => "admitted_in_dispute",
        ConflictKind::WrongGate => "wrong_gate",
        ConflictKind::UnknownTicket => "unknown_ticket",
    }
}

/// `POST /v1/events/{event}/scans`
pub(crate) async fn record(call: Call, door: Organizer<CheckInsWrite>) -> Answer {
    let access = door.own_event(&call).await?.at_the_door();
    crate::idempotency::RequestKey::required(call.headers())?;
    let bytes = call.body_up_to(SCANS_BYTES_MAX).await?;
    let request: ScansRequest = json::parse(&bytes)?;
    // Or who finds one phone could have the scans of another taken for recorded.
    if door.device.is_some_and(|own| own != request.device) {
        let detail = "a device tells its own scans only: use its key, or one of the organizer's";
        return Err(Problem::new(Code::Forbidden, detail).with("needed", "device"));
    }
    if let Some(at) = request.scans.iter().position(|scan| scan.order >= ORDER_NUMBER_END) {
        let path = format!("scans[{at}].order");
        return Err(Problem::field(Code::OutOfRange, path, "the number of an order has 40 bits"));
    }
    let organizer = call.card(access.event()).await?.organizer;
    let devices = &call.gateway().entry_devices;
    let known = devices.get(organizer, request.device).await.map_err(|error| problem::store(&error))?;
    known.ok_or_else(|| Problem::new(Code::DeviceNotFound, "register the device first"))?;
    let scans: Vec<Scan> = request.scans.iter().map(ScanItem::scan).collect();
    let numbers: Vec<u64> = scans.iter().map(|scan| scan.number).collect();
    let body = CommandBody::RecordScans { device: request.device, scans };
    let decided = call.decide(&access, body, &bytes).await;
    let answered = match decided {
        Ok(Decided { sequence, event, mark, .. }) => {
            let EventBody::ScansRecorded(record) = &event.body else {
                return Err(problem::another_event());
            };
            let reply = recorded(&call, access.event(), (sequence, record), &numbers);
            render::decision(StatusCode::OK, mark, &reply)?
        }
        // All of it was recorded before: to tell it again changes nothing, and is no mistake.
        Err(problem) => match problem.number("next").filter(|_| problem.code() == Code::ScanNumbers) {
            Some(next) if numbers.last().is_some_and(|last| *last < next) => {
                render::json(StatusCode::OK, &seen(next, &numbers))?
            }
            _ => return Err(problem),
        },
    };
    let contacted =
        devices.contacted(organizer, request.device, call.gateway().now(), request.clock_offset_ms).await;
    if let Err(error) = contacted {
        // The scans are recorded, whatever is known of the device.
        tracing::warn!(device = request.device, %error, "the contact of a device was not noted");
    }
    Ok(answered)
}

impl ScanItem {
    fn scan(&self) -> Scan {
        Scan {
            number: self.number,
            at: self.at.0,
            gate: self.gate,
            ticket: TicketRef { order: ClaimNumber(self.order), index: self.index.into() },
            generation: self.generation,
            inward: self.direction == Direction::In,
            admitted: self.admitted,
            list: None,
        }
    }
}

fn recorded(
    call: &Call,
    event: EventId,
    (sequence, record): (Sequence, &ScansRecorded),
    numbers: &[u64],
) -> ScansReply {
    let tag = call.tag(event);
    let first = record.scans.first().map_or(u64::MAX, |scan| scan.number);
    let outcome = |&number: &u64| ScanOutcome {
        number,
        outcome: if number < first { Outcome::Seen } else { Outcome::Recorded },
    };
    let conflict = |conflict: &tessera_inventory::ScanConflict| {
        let scan = record.scans.get(usize::from(conflict.scan))?;
        let other = conflict.other.map(|other| OtherPassageItem {
            at: Rfc3339(other.at),
            gate: other.gate,
            device: Some(other.device).filter(|&device| device != 0),
        });
        let (ticket, kind) = (tag.ticket(scan.ticket), kind_name(conflict.kind));
        Some(ScanConflictItem { number: scan.number, ticket, kind, other })
    };
    ScansReply {
        sequence: Some(sequence.0),
        next: record.scans.last().map_or(1, |last| last.number.saturating_add(1)),
        scans: numbers.iter().map(outcome).collect(),
        conflicts: record.conflicts.iter().filter_map(conflict).collect(),
    }
}

fn seen(next: u64, numbers: &[u64]) -> ScansReply {
    let scans = numbers.iter().map(|&number| ScanOutcome { number, outcome: Outcome::Seen }).collect();
    ScansReply { sequence: None, next, scans, conflicts: Vec::new() }
}
