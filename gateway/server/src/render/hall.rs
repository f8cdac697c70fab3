//! The hall: every section, row, block and seat. Rendered once per configuration, kept plain and compressed.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::web::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};
use tessera_inventory::{Config, EventId, Row, Seat};

use super::documents;
use crate::limits::HALL_CACHE_MAX;
use crate::problem::{self, Problem};

/// A rendered hall.
pub(crate) struct Hall {
    source: Weak<Config>,
    pub(crate) plain: Bytes,
    pub(crate) gzip: Bytes,
    pub(crate) plain_etag: HeaderValue,
    pub(crate) gzip_etag: HeaderValue,
}

/// The rendered halls of the process.
#[derive(Default)]
pub(crate) struct Halls {
    rendered: Mutex<HashMap<EventId, Arc<Hall>>>,
}

impl Halls {
    /// The hall of this configuration; rendered off the threads that serve when it is new.
    pub(crate) async fn of(
        &self,
        event: EventId,
        version: u32,
        config: &Arc<Config>,
    ) -> Result<Arc<Hall>, Problem> {
        if let Some(hall) = self.known(event, config) {
            return Ok(hall);
        }
        let source = Arc::clone(config);
        let rendered = actix_web::web::block(move || render(version, &source)).await;
        let hall =
            rendered.ok().and_then(Result::ok).map(Arc::new).ok_or_else(|| problem::internal("hall"))?;
        let mut halls = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        if halls.len() >= HALL_CACHE_MAX {
            halls.clear();
        }
        halls.insert(event, Arc::clone(&hall));
        Ok(hall)
    }

    fn known(&self, event: EventId, config: &Arc<Config>) -> Option<Arc<Hall>> {
        let halls = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        halls.get(&event).filter(|hall| hall.source.as_ptr() == Arc::as_ptr(config)).cloned()
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
        source: Arc::downgrade(config),
        gzip: encoder.finish()?.into(),
        plain: plain.into(),
        plain_etag: documents::etag(&format!("\"c{version}\"")),
        gzip_etag: documents::etag(&format!("\"c{version}-gzip\"")),
    })
}

#[derive(Serialize)]
struct HallReply<'a> {
    configuration_version: u32,
    sections: &'a [Box<str>],
    categories: Vec<&'a str>,
    rows: Rows<'a>,
}

struct Rows<'a>(&'a Config);

#[derive(Serialize)]
struct RowReply<'a> {
    section: &'a str,
    label: &'a str,
    blocks: Vec<Vec<SeatReply<'a>>>,
}

#[derive(Serialize)]
struct SeatReply<'a> {
    index: u32,
    label: &'a str,
    category: &'a str,
    x_mm: i32,
    y_mm: i32,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    accessible: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    companion: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    restricted_view: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
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
            label: std::str::from_utf8(&seat.label).unwrap_or_default().trim_end_matches('\0'),
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
        section: config.sections.get(row.section.index()).map_or("", |name| &**name),
        label: &row.label,
        blocks: row.blocks.iter().map(|block| block.iter().map(&mut seat).collect()).collect(),
    }
}
