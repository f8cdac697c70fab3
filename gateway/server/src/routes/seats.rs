//! Seats: the hall as it is built, and the compact map of their states.

use actix_web::http::header::{self, HeaderValue};

use crate::call::Call;
use crate::caller::Reader;
use crate::problem;
use crate::render::documents::{self, Reading};
use crate::render::hall;
use crate::router::Answer;

/// `GET /v1/events/{event}/seats`
pub(crate) async fn read(call: Call, reader: Reader) -> Answer {
    let event = call.event()?;
    let owns = reader.owns(&call, event).await?;
    let published = call.published(event, owns).await?;
    let (version, config) = published.config.as_ref().ok_or_else(problem::not_configured)?;
    let hall = call.gateway().halls.of(event, *version, config).await?;
    let gzip = hall::accepts_gzip(call.headers());
    let (body, etag) = if gzip { (&hall.gzip, &hall.gzip_etag) } else { (&hall.plain, &hall.plain_etag) };
    let reading = Reading { call: &call, reader, event, published: &published, owns };
    let mut response = documents::download(&reading, etag, "public, max-age=60", body)?;
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if gzip && headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

/// `GET /v1/events/{event}/seat-map`
pub(crate) async fn read_map(call: Call, reader: Reader) -> Answer {
    let event = call.event()?;
    let owns = reader.owns(&call, event).await?;
    let published = call.published(event, owns).await?;
    documents::seat_map(&Reading { call: &call, reader, event, published: &published, owns })
}
