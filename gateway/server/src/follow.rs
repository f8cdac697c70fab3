//! Following one event for a client: waiting until there is more, and the pages of its change feed. Nothing is buffered beyond one page: a
//! slow reader is simply read for later.

use std::rc::Rc;
use std::sync::Arc;

use actix_web::web::{Bytes, BytesMut};
use tessera_actors::Published;
use tessera_inventory::{EventId, Sequence};
use tokio::sync::watch;

use crate::gateway::Worker;
use crate::ids::EventTag;
use crate::limits::{STREAM_PAGE_BYTES, STREAM_PAGE_EVENTS, STREAM_RETRY};
use crate::render::changes::Renderer;
use crate::routes::changes::{configuration, keep_published};
use crate::sockets::after;

/// One event, as one client watches it.
pub(crate) struct Watched {
    pub(crate) worker: Rc<Worker>,
    pub(crate) event: EventId,
    moved: Option<watch::Receiver<Sequence>>,
}

impl Watched {
    pub(crate) fn new(worker: Rc<Worker>, event: EventId) -> Watched {
        Watched { worker, event, moved: None }
    }

    /// Opens the event; what moves after this call ends the next wait. `None`: not from this server, not now.
    pub(crate) async fn look(&mut self) -> Option<Arc<Published>> {
        let inventory = &self.worker.gateway.inventory;
        let published = inventory.activate(self.event, self.worker.gateway.deadline).await.ok()?;
        if self.moved.is_none() {
            self.moved = inventory.subscribe(self.event);
        }
        if let Some(moved) = &mut self.moved {
            moved.borrow_and_update();
        }
        // What was published until the subscription belongs to this look.
        Some(inventory.published(self.event).unwrap_or(published))
    }

    /// Waits until the event has moved since the last look, or may have.
    pub(crate) async fn moved(&mut self) {
        match &mut self.moved {
            Some(moved) => {
                if moved.changed().await.is_err() {
                    // The writer ended; the next look opens the event again.
                    self.moved = None;
                }
            }
            None => {
                let clock = &self.worker.gateway.environment.clock;
                clock.sleep_until(after(&**clock, STREAM_RETRY)).await;
            }
        }
    }
}

/// The change feed of one event, as one client reads it.
pub(crate) struct Pages {
    watched: Watched,
    organizer: bool,
    /// What the client has.
    after: Sequence,
}

impl Pages {
    pub(crate) fn new(worker: Rc<Worker>, event: EventId, organizer: bool, after: Sequence) -> Pages {
        Pages { watched: Watched::new(worker, event), organizer, after }
    }

    /// The items that the client does not have, each written by `put`; empty where there are none yet.
    pub(crate) async fn read(&mut self, put: fn(&mut BytesMut, Sequence, &[u8])) -> Option<Bytes> {
        self.watched.look().await?;
        let Watched { worker, event, .. } = &self.watched;
        let (gateway, event) = (&worker.gateway, *event);
        let mut changes = gateway.inventory.changes(event, self.after, STREAM_PAGE_EVENTS).await.ok()?;
        let published = gateway.inventory.activate(event, gateway.deadline).await.ok()?;
        // What is not published yet ends the next wait when it is.
        keep_published(&mut changes, &published);
        let config = configuration(&published);
        let tag = EventTag::new(&gateway.keys, event);
        let renderer = Renderer { tag, config: &config, organizer: self.organizer };
        let mut page = BytesMut::new();
        for (sequence, event) in &changes {
            if page.len() >= STREAM_PAGE_BYTES {
                break;
            }
            put(&mut page, *sequence, &serde_json::to_vec(&renderer.item(*sequence, event)).ok()?);
            self.after = *sequence;
        }
        Some(page.freeze())
    }

    /// Waits until there may be more.
    pub(crate) async fn moved(&mut self) {
        self.watched.moved().await;
    }
}
