//! Server-Sent Events: the change feed as a stream. Nothing is buffered beyond one page: a slow reader is simply read for later.

use std::collections::VecDeque;
use std::rc::Rc;

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use futures::stream;
use tessera_inventory::{EventId, Sequence};
use tokio::sync::watch;

use crate::call::Call;
use crate::gateway::Worker;
use crate::ids::EventTag;
use crate::limits::{STREAM_HEARTBEAT, STREAM_PAGE_EVENTS};
use crate::render::changes::Renderer;
use crate::streams::StreamPermit;

/// What a client does when the connection is lost: come back after a second.
const PREAMBLE: &[u8] = b"retry: 1000\n\n";
const HEARTBEAT: &[u8] = b": still here\n\n";

struct Feed {
    worker: Rc<Worker>,
    event: EventId,
    organizer: bool,
    after: Sequence,
    pending: VecDeque<Bytes>,
    moved: Option<watch::Receiver<Sequence>>,
    closing: watch::Receiver<bool>,
    _permit: StreamPermit,
}

/// Opens a stream of what follows `after`.
pub(super) fn open(
    call: &Call,
    event: EventId,
    organizer: bool,
    after: Sequence,
    permit: StreamPermit,
) -> HttpResponse {
    let feed = Feed {
        worker: Rc::clone(&call.worker),
        event,
        organizer,
        after,
        pending: VecDeque::from([Bytes::from_static(PREAMBLE)]),
        moved: None,
        closing: call.gateway().closing.subscribe(),
        _permit: permit,
    };
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
        loop {
            if *self.closing.borrow() {
                return None;
            }
            if let Some(chunk) = self.pending.pop_front() {
                return Some(chunk);
            }
            self.read().await?;
            if self.pending.is_empty() && !self.wait().await? {
                return Some(Bytes::from_static(HEARTBEAT));
            }
        }
    }

    /// Reads the next page from the log.
    async fn read(&mut self) -> Option<()> {
        let inventory = &self.worker.gateway.inventory;
        let deadline = self.worker.gateway.deadline;
        // Subscribed before the read, so that nothing durable after it is missed.
        if self.moved.is_none() {
            inventory.activate(self.event, deadline).await.ok()?;
            self.moved = inventory.subscribe(self.event);
        }
        if let Some(moved) = &mut self.moved {
            moved.borrow_and_update();
        }
        let mut changes = inventory.changes(self.event, self.after, STREAM_PAGE_EVENTS).await.ok()?;
        let published = inventory.activate(self.event, deadline).await.ok()?;
        // What is not published yet moves `moved` when it is.
        super::changes::keep_published(&mut changes, &published);
        let Some((last, _)) = changes.last() else { return Some(()) };
        let config = super::changes::configuration(&published);
        let tag = EventTag::new(&self.worker.gateway.keys, self.event);
        let renderer = Renderer { tag, config: &config, organizer: self.organizer };
        let mut page = Vec::new();
        for (sequence, event) in &changes {
            page.extend_from_slice(format!("id: {}\ndata: ", sequence.0).as_bytes());
            serde_json::to_writer(&mut page, &renderer.item(*sequence, event)).ok()?;
            page.extend_from_slice(b"\n\n");
        }
        self.after = *last;
        self.pending.push_back(page.into());
        Some(())
    }

    /// Waits for something new: `false` when it is time for a sign of life instead.
    async fn wait(&mut self) -> Option<bool> {
        let Some(moved) = &mut self.moved else { return Some(false) };
        tokio::select! {
            changed = moved.changed() => {
                if changed.is_err() {
                    // The writer ended; the next read opens the event again.
                    self.moved = None;
                }
                Some(true)
            }
            _ = self.closing.wait_for(|closing| *closing) => None,
            () = tokio::time::sleep(STREAM_HEARTBEAT) => Some(false),
        }
    }
}
