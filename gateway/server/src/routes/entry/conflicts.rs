//! What contradicts what, with both sides.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tessera_projections::entry::{Conflict, ConflictSide, Standing};
use tessera_store::keys::EntryConflictKey;
use utoipa::ToSchema;

use super::scans::{ConflictKindName, kind_name};
use crate::call::Call;
use crate::caller::{EventsRead, Organizer};
use crate::ids::{EventTag, IdText};
use crate::instant::Rfc3339;
use crate::problem;
use crate::render;
use crate::router::Answer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// An admission that contradicts another one, or the log.
#[derive(Serialize, ToSchema)]
#[schema(as = EntryConflict)]
pub(crate) struct ConflictItem {
    ticket: IdText,
    #[schema(value_type = ConflictKindName)]
    kind: &'static str,
    /// `withdrawn`: the way out between two admissions turned up.
    standing: StandingName,
    /// The admission; of two, the later one.
    admission: PassageItem,
    /// The earlier admission.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    other: Option<PassageItem>,
    /// The refund, transfer, re-issue or opening of the dispute in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    other_sequence: Option<u64>,
    /// What brought it about, or changed its standing.
    sequence: u64,
}

/// Whether a conflict stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ConflictStanding)]
pub(crate) enum StandingName {
    Open,
    Withdrawn,
}

/// A passage of a gate.
#[derive(Serialize, ToSchema)]
#[schema(as = EntryPassage)]
pub(crate) struct PassageItem {
    at: Rfc3339,
    gate: u16,
    /// Null: online.
    #[schema(required)]
    device: Option<u32>,
    /// Among the scans of the device; online, the sequence.
    number: u64,
}

/// A page of conflicts.
#[derive(Serialize, ToSchema)]
#[schema(as = EntryConflictList)]
pub(crate) struct ConflictList {
    items: Vec<ConflictItem>,
    /// Where the next page begins; null at the end.
    #[schema(required)]
    next: Option<String>,
    /// How far the log was followed.
    sequence: u64,
}

/// `GET /v1/events/{event}/entry/conflicts`
pub(crate) async fn list(call: Call, watcher: Organizer<EventsRead>) -> Answer {
    let access = watcher.own_event(&call).await?;
    let event = access.event();
    let query: ListQuery = call.query()?;
    let limit = crate::routes::list_limit(query.limit)?;
    let after = crate::routes::cursor(query.cursor.as_deref(), |text| {
        let key = EntryConflictKey::unpack(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        (key.event == event).then_some(key)
    })?;
    let page = call.gateway().entry.conflicts(event, after, limit).await;
    let page = page.map_err(|error| problem::store(&error))?;
    let tag = call.tag(event);
    let reply = ConflictList {
        items: page.conflicts.iter().map(|conflict| item(tag, conflict)).collect(),
        next: page.next.map(|key| URL_SAFE_NO_PAD.encode(key.pack())),
        sequence: page.sequence.0,
    };
    render::read(call.headers(), &reply)
}

fn item(tag: EventTag, conflict: &Conflict) -> ConflictItem {
    let other_sequence = match conflict.other {
        ConflictSide::Event(sequence) => Some(sequence.0),
        ConflictSide::Passage { .. } | ConflictSide::None => None,
    };
    let (at, device, number) = conflict.key.second;
    let gate = passage(&conflict.admission).map_or(0, |passage| passage.gate);
    let device = Some(device).filter(|&device| device != 0);
    ConflictItem {
        ticket: tag.ticket(conflict.key.ticket),
        kind: kind_name(conflict.kind),
        standing: match conflict.standing {
            Standing::Open => StandingName::Open,
            Standing::Withdrawn => StandingName::Withdrawn,
        },
        admission: PassageItem { at: Rfc3339(at), gate, device, number },
        other: passage(&conflict.other),
        other_sequence,
        sequence: conflict.sequence.0,
    }
}

fn passage(side: &ConflictSide) -> Option<PassageItem> {
    match *side {
        ConflictSide::Passage { at, device, number, gate } => {
            Some(PassageItem { at: Rfc3339(at), gate, device, number })
        }
        ConflictSide::Event(_) | ConflictSide::None => None,
    }
}
