//! The change feed: every item, in order. Nothing is buffered beyond one page: a slow reader is simply read for later.

use std::rc::Rc;

use actix_web::web::{Bytes, BytesMut};
use tessera_inventory::{EventId, Sequence};
use tokio::sync::watch;

use super::{after, frames};
use crate::gateway::Worker;
use crate::ids::EventTag;
use crate::limits::{SOCKET_PAGE_BYTES, SOCKET_RETRY, STREAM_PAGE_EVENTS};
use crate::render::changes::Renderer;
use crate::routes::changes::{configuration, keep_published};

/// The change feed of one event, as one connection reads it.
pub(crate) struct Feed {
    worker: Rc<Worker>,
    event: EventId,
    organizer: bool,
    /// What the client has.
    after: Sequence,
    moved: Option<watch::Receiver<Sequence>>,
}

impl Feed {
    pub(crate) fn new(worker: Rc<Worker>, event: EventId, organizer: bool, after: Sequence) -> Feed {
        Feed { worker, event, organizer, after, moved: None }
    }

    /// Waits for items that the client does not have: a page of messages, one an item.
    pub(super) async fn next(&mut self) -> Option<Vec<Bytes>> {
        loop {
            let page = self.read().await?;
            if !page.is_empty() {
                return Some(vec![page]);
            }
            match &mut self.moved {
                Some(moved) => {
                    if moved.changed().await.is_err() {
                        // The writer ended; the next read opens the event again.
                        self.moved = None;
                    }
                }
                None => {
                    let clock = &self.worker.gateway.environment.clock;
                    clock.sleep_until(after(&**clock, SOCKET_RETRY)).await;
                }
            }
        }
    }

    async fn read(&mut self) -> Option<Bytes> {
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
        keep_published(&mut changes, &published);
        let config = configuration(&published);
        let tag = EventTag::new(&self.worker.gateway.keys, self.event);
        let renderer = Renderer { tag, config: &config, organizer: self.organizer };
        let mut page = BytesMut::new();
        for (sequence, event) in &changes {
            if page.len() >= SOCKET_PAGE_BYTES {
                break;
            }
            frames::put_text(&mut page, &serde_json::to_vec(&renderer.item(*sequence, event)).ok()?);
            self.after = *sequence;
        }
        Some(page.freeze())
    }
}
