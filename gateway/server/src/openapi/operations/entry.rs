//! Entry with devices.

use serde_json::{Value, json};

use super::{Operation, Who, example};
use crate::auth::Scope;
use crate::code::Code;
use crate::router::Route;
use crate::routes::entry::{conflicts, devices, scans, snapshots, statistics};
use crate::routes::{Nothing, tickets};

const TAG: &str = "entry";
const DOOR: [Who; 2] = [Who::Organizer(Scope::CheckInsWrite), Who::Administrator];
const WATCHERS: [Who; 2] = [Who::Organizer(Scope::EventsRead), Who::Administrator];

/// What the document says of a route of this heading.
pub(super) fn of(route: Route) -> Option<Operation> {
    Some(match route {
        Route::ReissueTicket => reissue(),
        Route::RegisterEntryDevice => register(),
        Route::ReadEntrySnapshot => snapshot(),
        Route::ReadEntryChanges => changes(),
        Route::RecordScans => record(),
        Route::ListEntryConflicts => list_conflicts(),
        Route::ListEntryStatistics => list_statistics(),
        Route::ReadScanner => scanner(),
        Route::ReadScannerFile => scanner_file(),
        Route::ReadScannerVendored => scanner_vendored(),
        _ => return None,
    })
}

fn reissue() -> Operation {
    Operation::new("tickets", "Give a ticket a new code")
        .about("The same holder has it; the QR and code of before die.")
        .by(&[Who::Buyer, Who::HoldSecret, Who::Organizer(Scope::OrdersWrite), Who::Administrator])
        .keyed()
        .takes::<Nothing>(json!({}))
        .or_nothing()
        .answers::<tickets::Reissued>(
            200,
            "It has a new code.",
            json!({"id": example::TICKET, "generation": 1, "sequence": 1243}),
        )
        .may(&[Code::TicketNotFound, Code::TicketRefunded, Code::AlreadyCheckedIn, Code::TransfersExhausted])
        .may(&[Code::WrongPhase, Code::InDispute])
}

fn register() -> Operation {
    let device = json!({
        "id": "dev_01jz8s7w0zf5s9x3y6v2k4m8qr", "number": 7, "name": "North gate 1",
        "token": "tsk_jqDwTkxF0Xb8",
    });
    Operation::new(TAG, "Register a device that scans at gates")
        .about("A device that lost its storage is registered again: its scans are numbered anew under a new number. A device's own key registers none.")
        .by(&DOOR)
        .takes::<devices::DeviceRequest<'_>>(json!({"name": "North gate 1"}))
        .answers::<devices::DeviceReply<'_>>(201, "The device, with its token.", device)
        .may(&[Code::InvalidRequest])
}

fn sealed() -> Value {
    json!({
        "format": "entry-1", "sequence": 1250, "made_at": example::at(), "valid_until": example::at(), "more": false,
        "key": "1f2e3d4c", "bytes": "AQ==", "signature": "A".repeat(86) + "==",
    })
}

fn snapshot() -> Operation {
    Operation::new(TAG, "Read what a device goes offline with")
        .about("Keys, lists, ticket types, and the tickets that are not as printed; signed. docs/tickets.md has the format of its bytes.")
        .by(&DOOR)
        .reads::<snapshots::SealedReply>("The snapshot.", sealed())
        .may(&[Code::TooManyStreams])
}

fn changes() -> Operation {
    Operation::new(TAG, "Read what has changed for devices")
        .about("Tickets that changed after a sequence, as they are now; signed. To take them twice changes nothing.")
        .by(&DOOR)
        .taking(json!({
            "name": "after", "in": "query", "required": true, "description": "The sequence of the snapshot, or of the changes before.",
            "schema": {"type": "integer", "minimum": 0, "maximum": u64::MAX},
        }))
        .with(&[])
        .reads::<snapshots::SealedReply>("The changes.", sealed())
}

fn record() -> Operation {
    let scan = json!({
        "number": 41, "at": example::at(), "gate": 4, "direction": "in", "order": 1201, "index": 0, "generation": 0, "admitted": true,
    });
    let recorded = json!({
        "sequence": 1260, "next": 42, "scans": [{"number": 41, "outcome": "recorded"}],
        "conflicts": [{"number": 41, "ticket": example::TICKET, "kind": "double_admission",
            "other": {"at": example::at(), "gate": 3, "device": 6}}],
    });
    Operation::new(TAG, "Record what a device scanned offline")
        .about("A scan is a fact: it is not refused for what it says. What was recorded before is seen, and changes nothing. A device's key tells the scans of that device only.")
        .by(&DOOR)
        .keyed()
        .takes::<scans::ScansRequest>(json!({"device": 7, "scans": [scan]}))
        .answers::<scans::ScansReply>(200, "It is recorded.", recorded)
        .may(&[Code::DeviceNotFound, Code::ScanNumbers, Code::InvalidRequest])
}

fn cursor() -> Value {
    json!({
        "name": "cursor", "in": "query", "description": "What the page before gave as `next`.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
    })
}

fn list_conflicts() -> Operation {
    let conflict = json!({
        "ticket": example::TICKET, "kind": "double_admission", "standing": "open",
        "admission": {"at": example::at(), "gate": 4, "device": 7, "number": 41},
        "other": {"at": example::at(), "gate": 3, "device": 6, "number": 12}, "sequence": 1260,
    });
    Operation::new(TAG, "List what contradicts at the gates")
        .about(
            "With both sides, judged anew over all that is known of a ticket whenever a device tells more.",
        )
        .by(&WATCHERS)
        .taking(cursor())
        .with(&["Limit"])
        .reads::<conflicts::ConflictList>(
            "A page.",
            json!({"items": [conflict], "next": null, "sequence": 1260}),
        )
}

fn list_statistics() -> Operation {
    let counts =
        json!({"list": "Floor", "gate": 4, "minute": example::at(), "in": 61, "out": 2, "refused": 1});
    Operation::new(TAG, "List how many passed, by list, gate and minute")
        .by(&WATCHERS)
        .taking(cursor())
        .with(&["Limit"])
        .reads::<statistics::StatisticsList<'_>>(
            "A page.",
            json!({"items": [counts], "next": null, "sequence": 1260}),
        )
}

fn text(media_type: &str, example: &str) -> Value {
    json!({media_type: {"schema": {"type": "string"}, "example": example}})
}

fn scanner() -> Operation {
    Operation::new(TAG, "Open the scanner page")
        .about("For phones at gates; it goes on without a network. docs/entry.md says how it is used.")
        .by(&[Who::Anyone])
        .tagged("The page.", text("text/html", "<!doctype html>"))
}

fn scanner_file() -> Operation {
    let content = json!({
        "text/css": {"schema": {"type": "string"}},
        "text/javascript": {"schema": {"type": "string"}},
        "image/svg+xml": {"schema": {"type": "string"}},
        "application/manifest+json": {"schema": {"type": "object"}},
    });
    Operation::new(TAG, "Read a file of the scanner page")
        .by(&[Who::Anyone])
        .tagged("The file.", content)
        .may(&[Code::RouteNotFound, Code::TooManyStreams])
}

fn scanner_vendored() -> Operation {
    Operation::new(TAG, "Read a script of others that the scanner page loads")
        .by(&[Who::Anyone])
        .tagged("The script.", json!({"text/javascript": {"schema": {"type": "string"}}}))
        .may(&[Code::RouteNotFound, Code::TooManyStreams])
}
