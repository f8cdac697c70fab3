//! Server-Sent Events: the change feed as a stream.

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{HttpResponse, HttpResponseBuilder};
use futures::stream;
use tessera_inventory::Sequence;
use tokio::sync::watch;

use crate::call::Call;
use crate::follow::Pages;
use crate::limits::STREAM_HEARTBEAT;
use crate::streams::StreamPermit;

/// What a client does when the connection is lost: come back after a second.
const PREAMBLE: &[u8] = b"retry: 1000\n\n";
const HEARTBEAT: &[u8] = b": still here\n\n";

struct Feed {
    pages: Pages,
    /// Whether it has said how to come back.
    is_begun: bool,
    closing: watch::Receiver<bool>,
    _permit: StreamPermit,
}

/// Opens a stream of these pages.
pub(super) fn open(call: &Call, pages: Pages, permit: StreamPermit) -> HttpResponse {
    let feed = Feed { pages, is_begun: false, closing: call.gateway().closing.subscribe(), _permit: permit };
    let body = stream::unfold(feed, |mut feed| async {
        let chunk = feed.next().await?;
        Some((Ok::<Bytes, std::convert::Infallible>(chunk), feed))
    });
    headers().streaming(Box::pin(body))
}

/// The answer to someone who wants the headers of a stream only.
pub(super) fn head() -> HttpResponse {
    headers().finish()
}

fn headers() -> HttpResponseBuilder {
    let mut builder = HttpResponse::Ok();
    builder
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header(("x-accel-buffering", "no"));
    builder
}

impl Feed {
    /// The next chunk; `None` ends the stream, and the client comes back with its `Last-Event-ID`.
    async fn next(&mut self) -> Option<Bytes> {
        if !std::mem::replace(&mut self.is_begun, true) {
            return Some(Bytes::from_static(PREAMBLE));
        }
        loop {
            if *self.closing.borrow() {
                return None;
            }
            let page = self.pages.read(put).await.ok()?;
            if !page.is_empty() {
                return Some(page);
            }
            tokio::select! {
                () = self.pages.moved() => {}
                _ = self.closing.wait_for(|closing| *closing) => return None,
                () = tokio::time::sleep(STREAM_HEARTBEAT) => return Some(Bytes::from_static(HEARTBEAT)),
            }
        }
    }
}

fn put(page: &mut BytesMut, Sequence(sequence): Sequence, item: &[u8]) {
    page.extend_from_slice(format!("id: {sequence}\ndata: ").as_bytes());
    page.extend_from_slice(item);
    page.extend_from_slice(b"\n\n");
}
