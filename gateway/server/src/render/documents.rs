//! Availability and seat map: rendered once per publication and worker, then served from memory.

use std::convert::Infallible;
use std::sync::{Arc, Weak};

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, SizedStream};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::web::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::stream;
use serde::Serialize;
use tessera_actors::Published;
use tessera_inventory::{Availability, Config, Counters, EventId, SeatMap};
use utoipa::ToSchema;

use super::Money;
use crate::call::Call;
use crate::caller::Reader;
use crate::gateway::Worker;
use crate::ids::{self, IdText};
use crate::instant::Rfc3339;
use crate::limits::{DOCUMENT_CACHE_MAX, DOCUMENT_SLICE_BYTES};
use crate::problem::{self, Problem};
use crate::streams::StreamPermit;
use crate::vocabulary::{PhaseName, phase_name};

/// Digits of an entity tag: 128 bits.
const ETAG_DIGITS: usize = 32;

/// How caches may keep what the public reads.
const DOCUMENT_CACHE_CONTROL: &str = "public, max-age=1";

/// The rendered documents of one event.
#[derive(Default)]
pub(crate) struct Documents {
    availability: Option<Document<Availability>>,
    /// As the organizer sees it.
    own_availability: Option<Document<Availability>>,
    seat_map: Option<Document<SeatMap>>,
}

/// A rendered document and what it was rendered from. The weak reference keeps the address from being used again, so that
/// comparing addresses is sound, and lets the view itself go.
struct Document<T> {
    source: Weak<T>,
    config_version: u32,
    body: Bytes,
    etag: HeaderValue,
}

impl<T> Document<T> {
    fn is_of(&self, source: &Arc<T>, config_version: u32) -> bool {
        self.source.as_ptr() == Arc::as_ptr(source) && self.config_version == config_version
    }
}

/// Who reads which view of an event.
pub(crate) struct Reading<'a> {
    pub(crate) call: &'a Call,
    pub(crate) reader: Reader,
    pub(crate) event: EventId,
    pub(crate) published: &'a Published,
    /// Whether the event is the reader's own.
    pub(crate) owns: bool,
}

/// The availability document, or 304. What is sold by a code only is shown to the organizer only.
pub(crate) fn availability(reading: &Reading<'_>) -> Result<HttpResponse, Problem> {
    let worker = &reading.call.worker;
    let (body, etag) = availability_document(worker, reading.event, reading.published, reading.owns)?;
    let mut response = download(reading, &etag, DOCUMENT_CACHE_CONTROL, &body)?;
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("authorization"));
    Ok(response)
}

/// The availability document, for who is sent each new one.
pub(crate) fn availability_bytes(
    worker: &Worker,
    event: EventId,
    published: &Published,
    owns: bool,
) -> Result<Bytes, Problem> {
    availability_document(worker, event, published, owns).map(|(body, _)| body)
}

fn availability_document(
    worker: &Worker,
    event: EventId,
    published: &Published,
    owns: bool,
) -> Result<(Bytes, HeaderValue), Problem> {
    let view = &published.availability;
    let sequence = view.sequence.0;
    // A strong tag names the bytes: the organizer's are others.
    let source = if owns {
        let slot: Slot<Availability> = |documents| &mut documents.own_availability;
        Source { event, view, etag: format!("\"{sequence}-own\""), slot }
    } else {
        Source { event, view, etag: format!("\"{sequence}\""), slot: |documents| &mut documents.availability }
    };
    rendered(worker, published, &source, || {
        let config = published.config.as_ref().map(|(_, config)| &**config);
        serde_json::to_vec(&availability_reply(event, view, config, owns))
    })
}

/// The compact seat map, or 304.
pub(crate) fn seat_map(reading: &Reading<'_>) -> Result<HttpResponse, Problem> {
    let map = &reading.published.seat_map;
    let etag = format!("\"{}\"", map.sequence.0);
    let source = Source { event: reading.event, view: map, etag, slot: |documents| &mut documents.seat_map };
    let (body, etag) = rendered(&reading.call.worker, reading.published, &source, || {
        serde_json::to_vec(&SeatMapReply {
            sequence: map.sequence.0,
            seats: map.seats,
            states: STANDARD.encode(&map.states),
        })
    })?;
    download(reading, &etag, DOCUMENT_CACHE_CONTROL, &body)
}

/// Where a rendered document is kept.
type Slot<T> = fn(&mut Documents) -> &mut Option<Document<T>>;

/// What a document is rendered from, its tag, and where it is kept.
struct Source<'a, T> {
    event: EventId,
    view: &'a Arc<T>,
    etag: String,
    slot: Slot<T>,
}

/// The document of a view and its tag: as it is kept, or rendered.
fn rendered<T>(
    worker: &Worker,
    published: &Published,
    source: &Source<'_, T>,
    render: impl Fn() -> serde_json::Result<Vec<u8>>,
) -> Result<(Bytes, HeaderValue), Problem> {
    let config_version = published.config.as_ref().map_or(0, |(version, _)| *version);
    let mut cache = worker.documents.borrow_mut();
    if cache.len() >= DOCUMENT_CACHE_MAX && !cache.contains_key(&source.event) {
        cache.clear();
    }
    let slot = (source.slot)(cache.entry(source.event).or_default());
    let document = match slot.take() {
        Some(document) if document.is_of(source.view, config_version) => document,
        _ => Document {
            source: Arc::downgrade(source.view),
            config_version,
            body: render().map_err(|error| problem::internal(error.to_string()))?.into(),
            etag: etag(&source.etag),
        },
    };
    let shared = (document.body.clone(), document.etag.clone());
    *slot = Some(document);
    Ok(shared)
}

/// A document that many connections share, or 304. A large one goes out in slices, so that a connection that does not read
/// keeps one of them and the permit; the library would copy a whole body for each.
pub(crate) fn download(
    reading: &Reading<'_>,
    etag: &HeaderValue,
    public: &'static str,
    document: &Bytes,
) -> Result<HttpResponse, Problem> {
    let call = reading.call;
    let control = if reading.owns { "private, no-store" } else { public };
    cacheable(call.headers(), etag, control, || {
        body(call, document, || call.download_permit(reading.reader.principal(), reading.owns))
    })
}

/// The body of a document that many connections share; `permit` is asked for where it is large.
pub(crate) fn body(
    call: &Call,
    document: &Bytes,
    permit: impl FnOnce() -> Result<StreamPermit, Problem>,
) -> Result<BoxBody, Problem> {
    let mut rest = document.clone();
    if rest.len() <= DOCUMENT_SLICE_BYTES || call.is_head() {
        return Ok(BoxBody::new(rest));
    }
    let permit = permit()?;
    let size = rest.len() as u64;
    let slices = std::iter::from_fn(move || {
        let _held = &permit;
        let slice = rest.split_to(rest.len().min(DOCUMENT_SLICE_BYTES));
        (!slice.is_empty()).then_some(Ok::<_, Infallible>(slice))
    });
    Ok(BoxBody::new(SizedStream::new(size, stream::iter(slices))))
}

/// A strong entity tag.
pub(crate) fn etag(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// The strong entity tag of these bytes.
pub(crate) fn etag_of(bytes: &[u8]) -> HeaderValue {
    let hash = blake3::hash(bytes).to_hex();
    etag(&format!("\"{}\"", &hash[..ETAG_DIGITS]))
}

/// A document with its entity tag, or 304 when the client has it.
pub(crate) fn cacheable(
    headers: &HeaderMap,
    etag: &HeaderValue,
    control: &'static str,
    body: impl FnOnce() -> Result<BoxBody, Problem>,
) -> Result<HttpResponse, Problem> {
    let known = headers.get_all(header::IF_NONE_MATCH).any(|value| names(value.as_bytes(), etag.as_bytes()));
    let mut builder = HttpResponse::build(if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    builder.insert_header((header::ETAG, etag.clone()));
    builder.insert_header((header::CACHE_CONTROL, HeaderValue::from_static(control)));
    if known {
        return Ok(builder.finish());
    }
    builder.insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")));
    Ok(builder.body(body()?))
}

/// Whether an `If-None-Match` names this tag (weakly compared, as the header demands).
fn names(header: &[u8], etag: &[u8]) -> bool {
    header
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .any(|one| one == b"*" || one.strip_prefix(b"W/").unwrap_or(one) == etag)
}

/// The states of all seats.
#[derive(Serialize, ToSchema)]
#[schema(as = SeatMap)]
pub(crate) struct SeatMapReply {
    sequence: u64,
    seats: u32,
    /// Base64; two bits a seat, the lowest index in the lowest bits: 0 free, 1 held, 2 sold, 3 killed.
    states: String,
}

/// What is free.
#[derive(Serialize, ToSchema)]
#[schema(as = Availability)]
pub(crate) struct AvailabilityReply<'a> {
    event: IdText,
    sequence: u64,
    at: Rfc3339,
    #[schema(value_type = PhaseName)]
    phase: &'static str,
    configuration_version: u32,
    pools: Vec<Named<'a>>,
    categories: Vec<Named<'a>>,
    ticket_types: Vec<TypeReply<'a>>,
    live_holds: u32,
    orders: u32,
}

/// The counters of a pool or a category.
#[derive(Serialize, ToSchema)]
#[schema(as = Counters)]
pub(crate) struct Named<'a> {
    name: &'a str,
    free: u32,
    held: u32,
    sold: u32,
    killed: u32,
}

/// A ticket type as buyers see it.
#[derive(Serialize, ToSchema)]
#[schema(as = OfferedTicketType)]
pub(crate) struct TypeReply<'a> {
    name: &'a str,
    available: u32,
    price: Money<'a>,
    open: bool,
}

fn availability_reply<'a>(
    event: EventId,
    view: &Availability,
    config: Option<&'a Config>,
    owns: bool,
) -> AvailabilityReply<'a> {
    let named = |name: &'a str, counters: &Counters| Named {
        name,
        free: counters.free,
        held: counters.held,
        sold: counters.sold,
        killed: counters.killed,
    };
    let pools = config.map_or(&[][..], |config| &config.pools);
    let categories = config.map_or(&[][..], |config| &config.categories);
    let types =
        config.into_iter().flat_map(|config| config.ticket_types.iter().map(move |one| (one, config)));
    AvailabilityReply {
        event: ids::event(event),
        sequence: view.sequence.0,
        at: Rfc3339(view.at),
        phase: phase_name(view.phase),
        configuration_version: view.config_version,
        pools: pools.iter().zip(&view.pools).map(|(pool, counters)| named(&pool.name, counters)).collect(),
        categories: categories
            .iter()
            .zip(&view.categories)
            .map(|(category, counters)| named(&category.name, counters))
            .collect(),
        ticket_types: types
            .zip(&view.ticket_types)
            .filter(|((ticket_type, _), _)| owns || ticket_type.access_code.is_none())
            .map(|((ticket_type, config), state)| TypeReply {
                name: &ticket_type.name,
                available: state.available,
                price: Money::new(ticket_type.price_minor, config),
                open: state.open,
            })
            .collect(),
        live_holds: view.live_holds,
        orders: view.orders,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_if_none_match_names_tags_weakly() {
        for (header, known) in [
            ("\"7\"", true),
            ("W/\"7\"", true),
            ("\"1\", \"7\"", true),
            ("*", true),
            ("\"8\"", false),
            ("7", false),
            ("", false),
        ] {
            assert_eq!(names(header.as_bytes(), b"\"7\""), known, "{header}");
        }
    }
}
