//! The newest availability: what was overtaken is left out.

use std::rc::Rc;
use std::sync::Arc;

use actix_web::web::Bytes;
use tessera_inventory::{EventId, Sequence};
use tessera_writer::Monotonic;
use tokio::sync::watch;

use super::{after, frames};
use crate::gateway::Worker;
use crate::limits::{SOCKET_INTERVAL, SOCKET_RETRY};
use crate::render::documents;

/// The availability of one event, as one connection sees it.
pub(crate) struct Latest {
    worker: Rc<Worker>,
    event: EventId,
    /// Whether the event is the reader's own.
    owns: bool,
    /// What the client has; `None`: nothing.
    sent: Option<Sequence>,
    /// When the next may leave.
    not_before: Monotonic,
    moved: Option<watch::Receiver<Sequence>>,
}

impl Latest {
    pub(crate) fn new(worker: Rc<Worker>, event: EventId, owns: bool) -> Latest {
        Latest { worker, event, owns, sent: None, not_before: Monotonic(0), moved: None }
    }

    /// Waits for a document that is newer than what the client has.
    pub(super) async fn next(&mut self) -> Option<Vec<Bytes>> {
        let clock = Arc::clone(&self.worker.gateway.environment.clock);
        if clock.monotonic().0 < self.not_before.0 {
            clock.sleep_until(self.not_before).await;
        }
        loop {
            let inventory = &self.worker.gateway.inventory;
            let published = inventory.activate(self.event, self.worker.gateway.deadline).await.ok()?;
            // Subscribed before the document is taken, so that nothing after it is missed.
            if self.moved.is_none() {
                self.moved = inventory.subscribe(self.event);
            }
            if let Some(moved) = &mut self.moved {
                moved.borrow_and_update();
            }
            let published = inventory.published(self.event).unwrap_or(published);
            let sequence = published.availability.sequence;
            if self.sent.is_none_or(|sent| sent < sequence) {
                let document =
                    documents::availability_bytes(&self.worker, self.event, &published, self.owns).ok()?;
                self.sent = Some(sequence);
                self.not_before = after(&*clock, SOCKET_INTERVAL);
                return Some(vec![frames::text_head(document.len()), document]);
            }
            self.wait().await;
        }
    }

    async fn wait(&mut self) {
        match &mut self.moved {
            Some(moved) => {
                if moved.changed().await.is_err() {
                    // The writer ended; the next look opens the event again.
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
