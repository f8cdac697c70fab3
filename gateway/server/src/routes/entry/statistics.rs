//! How many passed, by list, gate and minute.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tessera_inventory::{Config, Timestamp};
use tessera_projections::entry::MinuteCounts;
use tessera_store::keys::EntryStatisticsKey;
use utoipa::ToSchema;

use crate::call::Call;
use crate::caller::{EventsRead, Organizer};
use crate::instant::Rfc3339;
use crate::problem;
use crate::render;
use crate::router::Answer;

const MINUTE_MS: u64 = 60_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// Counts of a minute at a gate.
#[derive(Serialize, ToSchema)]
#[schema(as = EntryCounts)]
pub(crate) struct CountsItem<'a> {
    /// Name of the entry list; null: of none.
    #[schema(required)]
    list: Option<&'a str>,
    gate: u16,
    /// When the minute begins.
    minute: Rfc3339,
    #[serde(rename = "in")]
    inwards: u64,
    out: u64,
    /// Turned away by devices that were offline.
    refused: u64,
}

/// A page of counts.
#[derive(Serialize, ToSchema)]
#[schema(as = EntryStatistics)]
pub(crate) struct StatisticsList<'a> {
    items: Vec<CountsItem<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required)]
    next: Option<String>,
    /// How far the log was followed.
    sequence: u64,
}

/// `GET /v1/events/{event}/entry/statistics`
pub(crate) async fn list(call: Call, watcher: Organizer<EventsRead>) -> Answer {
    let access = watcher.own_event(&call).await?;
    let event = access.event();
    let query: ListQuery = call.query()?;
    let limit = crate::routes::list_limit(query.limit)?;
    let after = crate::routes::cursor(query.cursor.as_deref(), |text| {
        let key = EntryStatisticsKey::unpack(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        (key.event == event).then_some(key)
    })?;
    let published = call.published(event, true).await?;
    let config = published.config.as_ref().map(|(_, config)| &**config);
    let page = call.gateway().entry.statistics(event, after, limit).await;
    let page = page.map_err(|error| problem::store(&error))?;
    let reply = StatisticsList {
        items: page.minutes.iter().map(|minute| item(config, minute)).collect(),
        next: page.next.map(|key| URL_SAFE_NO_PAD.encode(key.pack())),
        sequence: page.sequence.0,
    };
    render::read(call.headers(), &reply)
}

fn item<'a>(config: Option<&'a Config>, minute: &MinuteCounts) -> CountsItem<'a> {
    let list = minute.of.list.checked_sub(1);
    let named = list.and_then(|at| config?.entry.get(usize::from(at)));
    CountsItem {
        list: named.map(|list| &*list.name),
        gate: minute.of.gate,
        minute: Rfc3339(Timestamp(minute.of.minute.saturating_mul(MINUTE_MS))),
        inwards: minute.counts.inwards,
        out: minute.counts.outwards,
        refused: minute.counts.refused,
    }
}
