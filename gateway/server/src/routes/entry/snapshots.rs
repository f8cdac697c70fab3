//! What devices are told: a snapshot to go offline with, and what has changed since.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tessera_actors::Published;
use tessera_inventory::{Config, Phase, Sequence, Timestamp};
use tessera_tickets::entry::{Changes, EntryKey, EntryType, Gates, Sealed, Settings, Snapshot};
use utoipa::ToSchema;

use crate::call::Call;
use crate::caller::{Access, CheckInsWrite, Organizer};
use crate::instant::Rfc3339;
use crate::limits::ENTRY_CHANGES_MAX;
use crate::problem;
use crate::render;
use crate::router::Answer;

/// Signed bytes for devices.
#[derive(Serialize, ToSchema)]
pub(crate) struct SealedReply {
    /// `entry-1`
    format: &'static str,
    /// The sequence that it is true at; changes are asked for after this one.
    sequence: u64,
    made_at: Rfc3339,
    /// Until when a snapshot is fresh; a device goes on with an older one, and shows so.
    valid_until: Rfc3339,
    /// Whether more changes follow.
    more: bool,
    /// Name of the key that signed: the first eight digits of its id.
    #[schema(pattern = "^[0-9a-f]{8}$")]
    key: String,
    /// In base64.
    bytes: String,
    /// Ed25519 over `tessera entry v1`, a line feed, and the bytes; in base64.
    signature: String,
}

impl SealedReply {
    fn of(sealed: &Sealed, (sequence, made_at_ms, valid_until_ms): (u64, u64, u64), more: bool) -> Self {
        SealedReply {
            format: "entry-1",
            sequence,
            made_at: Rfc3339(Timestamp(made_at_ms)),
            valid_until: Rfc3339(Timestamp(valid_until_ms)),
            more,
            key: format!("{:08x}", u32::from_be_bytes(sealed.key)),
            bytes: STANDARD.encode(&sealed.bytes),
            signature: STANDARD.encode(sealed.signature),
        }
    }
}

/// `GET /v1/events/{event}/entry/snapshot`
pub(crate) async fn snapshot(call: Call, door: Organizer<CheckInsWrite>) -> Answer {
    let access = door.own_event(&call).await?;
    let settings = settings(&call, &access).await?;
    // The rows of a whole event are read and signed: as large as the largest documents.
    let _permit = call.download_permit(Some(access.principal()), true)?;
    let gateway = call.gateway();
    let read = gateway.entry.exceptions(access.event()).await;
    let (exceptions, sequence) = read.map_err(|error| problem::store(&error))?;
    let snapshot = Snapshot {
        event: access.event().0,
        sequence: sequence.0,
        made_at_ms: gateway.now().0,
        settings,
        exceptions,
    };
    let sealed = snapshot.seal(&gateway.ticket_keys.ring().signing);
    let times = (snapshot.sequence, snapshot.made_at_ms, snapshot.valid_until_ms());
    render::read(call.headers(), &SealedReply::of(&sealed, times, false))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangesQuery {
    after: u64,
}

/// `GET /v1/events/{event}/entry/changes`
pub(crate) async fn changes(call: Call, door: Organizer<CheckInsWrite>) -> Answer {
    let access = door.own_event(&call).await?;
    let query: ChangesQuery = call.query()?;
    let settings = settings(&call, &access).await?;
    let gateway = call.gateway();
    // No log is so long: what follows that number can be counted.
    let after = Sequence(query.after.min(u64::MAX >> 1));
    let read = gateway.entry.changes(access.event(), after, ENTRY_CHANGES_MAX).await;
    let changed = read.map_err(|error| problem::store(&error))?;
    let changes = Changes {
        event: access.event().0,
        after: after.0,
        sequence: changed.sequence.0,
        made_at_ms: gateway.now().0,
        settings: settings.mark(),
        more: changed.more,
        exceptions: changed.exceptions,
    };
    let sealed = changes.seal(&gateway.ticket_keys.ring().signing);
    let valid_until_ms = changes.made_at_ms.saturating_add(tessera_tickets::entry::SNAPSHOT_MS);
    let times = (changes.sequence, changes.made_at_ms, valid_until_ms);
    render::read(call.headers(), &SealedReply::of(&sealed, times, changes.more))
}

async fn settings(call: &Call, access: &Access) -> Result<Settings, problem::Problem> {
    let published = call.published(access.event(), true).await?;
    let ring = call.gateway().ticket_keys.ring();
    let key = |key: &tessera_tickets::TicketKey| EntryKey {
        public: key.public(),
        revoked: key.revoked_at_ms.is_some(),
    };
    Ok(Settings { keys: ring.keys.iter().map(key).collect(), ..of_event(&published) })
}

fn of_event(published: &Published) -> Settings {
    let open = published.availability.phase != Phase::Cancelled;
    let Some((_, config)) = &published.config else { return Settings { open, ..Settings::default() } };
    Settings { open, keys: Vec::new(), types: types(config), lists: lists(config) }
}

fn types(config: &Config) -> Vec<EntryType> {
    let admits = |at: usize| {
        let id = u16::try_from(at).map(tessera_inventory::TicketTypeId);
        id.is_ok_and(|id| config.is_admission(id))
    };
    let known = config.ticket_types.iter().enumerate();
    known.map(|(at, known)| EntryType { name: known.name.to_string(), admits: admits(at) }).collect()
}

fn lists(config: &Config) -> Vec<Gates> {
    let list = |list: &tessera_inventory::EntryList| Gates {
        name: list.name.to_string(),
        gates: list.gates.clone(),
        types: list.types.iter().map(|known| known.0).collect(),
        re_entry: list.re_entry,
        opens_at_ms: list.opens_at.map(|at| at.0),
        closes_at_ms: list.closes_at.map(|at| at.0),
    };
    config.entry.iter().map(list).collect()
}
