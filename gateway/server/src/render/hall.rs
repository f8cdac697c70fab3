//! The hall: every section, row, block and seat. Rendered once per configuration, kept plain and compressed.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::web::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};
use tessera_inventory::{Config, EventId, Row, Seat, SeatIndex};
use tokio::sync::OnceCell;
use utoipa::ToSchema;

use super::documents;
use crate::limits::{HALL_CACHE_BYTES_MAX, HALL_CACHE_MAX};
use crate::problem::{self, Problem};

/// A rendered hall.
#[derive(Debug)]
pub(crate) struct Hall {
    pub(crate) plain: Bytes,
    pub(crate) gzip: Bytes,
    pub(crate) plain_etag: HeaderValue,
    pub(crate) gzip_etag: HeaderValue,
}

impl Hall {
    fn bytes(&self) -> usize {
        self.plain.len() + self.gzip.len()
    }
}

/// The hall of one configuration: rendered by the first who asks, and the others wait for it. The weak reference keeps the
/// address from being used again, so that comparing addresses is sound.
#[derive(Clone, Debug)]
struct Slot {
    source: Weak<Config>,
    hall: Arc<OnceCell<Arc<Hall>>>,
}

/// The rendered halls of the process.
#[derive(Debug)]
pub(crate) struct Halls {
    slots: Mutex<HashMap<EventId, Slot>>,
    bytes_max: usize,
}

impl Default for Halls {
    fn default() -> Halls {
        Halls { slots: Mutex::default(), bytes_max: HALL_CACHE_BYTES_MAX }
    }
}

impl Halls {
    /// The hall of this configuration; rendered once, off the threads that serve, when it is new.
    pub(crate) async fn of(
        &self,
        event: EventId,
        version: u32,
        config: &Arc<Config>,
    ) -> Result<Arc<Hall>, Problem> {
        let slot = self.slot(event, config);
        if let Some(hall) = slot.get() {
            return Ok(Arc::clone(hall));
        }
        let rendered = slot.get_or_try_init(async || {
            let source = Arc::clone(config);
            let rendered = actix_web::web::block(move || render(version, &source)).await;
            let rendered = rendered.map_err(|error| problem::internal(error.to_string()))?;
            rendered.map(Arc::new).map_err(|error| problem::internal(error.to_string()))
        });
        let hall = Arc::clone(rendered.await?);
        self.make_room(event);
        Ok(hall)
    }

    /// The place of this configuration's hall; one of an older configuration makes room for it.
    fn slot(&self, event: EventId, config: &Arc<Config>) -> Arc<OnceCell<Arc<Hall>>> {
        let mut slots = self.slots();
        if let Some(slot) = slots.get(&event).filter(|slot| slot.source.as_ptr() == Arc::as_ptr(config)) {
            return Arc::clone(&slot.hall);
        }
        if slots.len() >= HALL_CACHE_MAX && !slots.contains_key(&event) {
            slots.clear();
        }
        let slot = Slot { source: Arc::downgrade(config), hall: Arc::default() };
        slots.insert(event, slot.clone());
        slot.hall
    }

    /// Keeps only the newest hall where all of them together have become too large.
    fn make_room(&self, newest: EventId) {
        let mut slots = self.slots();
        let bytes: usize = slots.values().filter_map(|slot| slot.hall.get()).map(|hall| hall.bytes()).sum();
        if bytes > self.bytes_max {
            slots.retain(|event, _| *event == newest);
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<EventId, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the client takes gzip.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers.get_all("accept-encoding").filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').map(str::trim).any(|coding| {
            let (name, quality) = coding.split_once(';').unwrap_or((coding, "q=1"));
            name.trim() == "gzip" && !matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
        })
    })
}

/// The labels of a seat.
#[derive(Serialize, ToSchema)]
#[schema(as = SeatPlace)]
pub(crate) struct SeatPlace<'a> {
    pub(crate) section: &'a str,
    pub(crate) row: &'a str,
    pub(crate) seat: &'a str,
}

/// The labels of the seat with this index; `None` where the hall has fewer.
pub(crate) fn seat_place(config: &Config, index: SeatIndex) -> Option<SeatPlace<'_>> {
    let mut left = usize::try_from(index.0).ok()?;
    for row in config.rows.iter() {
        for block in &row.blocks {
            if let Some(seat) = block.get(left) {
                return Some(SeatPlace { section: section(config, row), row: &row.label, seat: label(seat) });
            }
            left -= block.len();
        }
    }
    None
}

fn section<'a>(config: &'a Config, row: &Row) -> &'a str {
    config.sections.get(row.section.index()).map_or("", |name| &**name)
}

fn label(seat: &Seat) -> &str {
    std::str::from_utf8(&seat.label).unwrap_or_default().trim_end_matches('\0')
}

fn render(version: u32, config: &Arc<Config>) -> std::io::Result<Hall> {
    let plain = serde_json::to_vec(&HallReply {
        configuration_version: version,
        sections: &config.sections,
        categories: config.categories.iter().map(|category| &*category.name).collect(),
        rows: Rows(config),
    })?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&plain)?;
    Ok(Hall {
        gzip: encoder.finish()?.into(),
        plain: plain.into(),
        plain_etag: documents::etag(&format!("\"c{version}\"")),
        gzip_etag: documents::etag(&format!("\"c{version}-gzip\"")),
    })
}

/// The hall as it is built.
#[derive(Serialize, ToSchema)]
#[schema(as = Hall)]
pub(crate) struct HallReply<'a> {
    configuration_version: u32,
    #[schema(value_type = Vec<String>)]
    sections: &'a [Box<str>],
    categories: Vec<&'a str>,
    #[schema(value_type = Vec<RowReply>)]
    rows: Rows<'a>,
}

struct Rows<'a>(&'a Config);

/// A row, its blocks from left to right.
#[derive(Serialize, ToSchema)]
#[schema(as = HallRow)]
pub(crate) struct RowReply<'a> {
    section: &'a str,
    label: &'a str,
    blocks: Vec<Vec<SeatReply<'a>>>,
}

/// A seat.
#[derive(Serialize, ToSchema)]
#[schema(as = HallSeat)]
pub(crate) struct SeatReply<'a> {
    index: u32,
    label: &'a str,
    category: &'a str,
    x_mm: i32,
    y_mm: i32,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    accessible: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    companion: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    restricted_view: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    channel: Option<&'a str>,
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let config = self.0;
        let mut index = 0;
        let mut list = serializer.serialize_seq(Some(config.rows.len()))?;
        for row in config.rows.iter() {
            list.serialize_element(&row_reply(config, row, &mut index))?;
        }
        list.end()
    }
}

fn row_reply<'a>(config: &'a Config, row: &'a Row, index: &mut u32) -> RowReply<'a> {
    let mut seat = |seat: &'a Seat| {
        let reply = SeatReply {
            index: *index,
            label: label(seat),
            category: config.categories.get(seat.category.index()).map_or("", |found| &*found.name),
            x_mm: seat.position.x_mm,
            y_mm: seat.position.y_mm,
            accessible: seat.accessible,
            companion: seat.companion,
            restricted_view: seat.restricted_view,
            channel: seat
                .channel
                .and_then(|channel| config.channels.get(channel.index()))
                .map(|found| &*found.name),
        };
        *index += 1;
        reply
    };
    RowReply {
        section: section(config, row),
        label: &row.label,
        blocks: row.blocks.iter().map(|block| block.iter().map(&mut seat).collect()).collect(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::auth::Keys;
    use crate::venue::{self, Venue};

    fn config() -> Arc<Config> {
        let text = br#"{"currency":"EUR","categories":[{"name":"C","focal_point":{"x_mm":0,"y_mm":0}}],
            "sections":["A"],"rows":[{"section":"A","label":"1","blocks":[{"from":1,"to":100,"x_mm":0,"y_mm":0,"category":"C"}]}],
            "ticket_types":[{"name":"T","price":1,"category":"C"}]}"#;
        let venue = crate::json::parse::<Venue>(text).unwrap();
        Arc::new(venue::resolve(&Keys::derive(&[1; 32]), &venue).unwrap())
    }

    #[tokio::test]
    async fn those_who_ask_at_once_get_the_one_that_is_rendered() {
        let (halls, first, second) = (Halls::default(), config(), config());
        let asked = futures::future::join_all((0..100).map(|_| halls.of(EventId(1), 1, &first))).await;
        let hall = asked[0].as_ref().unwrap();
        assert!(asked.iter().all(|other| Arc::ptr_eq(other.as_ref().unwrap(), hall)), "rendered once");
        let newer = halls.of(EventId(1), 2, &second).await.unwrap();
        assert!(!Arc::ptr_eq(&newer, hall) && newer.plain_etag != hall.plain_etag);
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_in_bytes() {
        let config = config();
        let one = Halls::default().of(EventId(1), 1, &config).await.unwrap().bytes();
        let halls = Halls { bytes_max: 3 * one, ..Halls::default() };
        for event in 1..=3 {
            halls.of(EventId(event), 1, &config).await.unwrap();
        }
        assert_eq!(halls.slots().len(), 3);
        halls.of(EventId(4), 1, &config).await.unwrap();
        assert_eq!(halls.slots().keys().copied().collect::<Vec<_>>(), [EventId(4)]);
    }
}
