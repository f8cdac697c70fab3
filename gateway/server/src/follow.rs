//! Following one event for a client: waiting until there is more, and the pages of its change feed. Nothing is buffered beyond one page: a
//! slow reader is simply read for later.

use std::rc::Rc;
use std::sync::Arc;

use actix_web::web::{Bytes, BytesMut};
use tessera_actors::Published;
use tessera_inventory::{EventId, Sequence};
use tessera_projections::api_keys::SecretHash;
use tokio::sync::watch;

use crate::gateway::Worker;
use crate::ids::EventTag;
use crate::limits::{STREAM_PAGE_BYTES, STREAM_PAGE_EVENTS, STREAM_RETRY};
use crate::render::changes::Renderer;
use crate::routes::changes::{configuration, keep_published};
use crate::sockets::after;

/// Why a client cannot follow any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Not from this server, not now.
    NotNow,
    /// The organizer key that it came with was revoked.
    Revoked,
}

/// One event, as one client watches it.
pub(crate) struct Watched {
    pub(crate) worker: Rc<Worker>,
    pub(crate) event: EventId,
    /// The organizer key that its client came with, and the revocations since the last look.
    key: Option<(SecretHash, watch::Receiver<()>)>,
    moved: Option<watch::Receiver<Sequence>>,
}

impl Watched {
    pub(crate) fn new(worker: Rc<Worker>, event: EventId, key: Option<SecretHash>) -> Watched {
        let key = key.map(|key| (key, worker.gateway.api_keys.revocations()));
        Watched { worker, event, key, moved: None }
    }

    /// Opens the event; what moves after this call ends the next wait.
    pub(crate) async fn look(&mut self) -> Result<Arc<Published>, Ended> {
        if let Some((key, revocations)) = &mut self.key {
            revocations.borrow_and_update();
            let live = self.worker.gateway.api_keys.find(key).await.map_err(|_| Ended::NotNow)?;
            live.ok_or(Ended::Revoked)?;
        }
        let inventory = &self.worker.gateway.inventory;
        let opened = inventory.activate(self.event, self.worker.gateway.deadline).await;
        let published = opened.map_err(|_| Ended::NotNow)?;
        if self.moved.is_none() {
            self.moved = inventory.subscribe(self.event);
        }
        if let Some(moved) = &mut self.moved {
            moved.borrow_and_update();
        }
        // What was published until the subscription belongs to this look.
        Ok(inventory.published(self.event).unwrap_or(published))
    }

    /// Waits until there may be something to see: the event has moved since the last look, or the client's key may have been revoked.
    pub(crate) async fn moved(&mut self) {
        let Watched { worker, key, moved, .. } = self;
        let revoked = async {
            match key {
                // The sender lives as long as the gateway: there is no end to be told of.
                Some((_, revocations)) => revocations.changed().await.unwrap_or(()),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = follow(worker, moved) => {}
            () = revoked => {}
        }
    }
}

async fn follow(worker: &Worker, event: &mut Option<watch::Receiver<Sequence>>) {
    match event {
        Some(moved) => {
            if moved.changed().await.is_err() {
                // The writer ended; the next look opens the event again.
                *event = None;
            }
        }
        None => {
            let clock = &worker.gateway.environment.clock;
            clock.sleep_until(after(&**clock, STREAM_RETRY)).await;
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
    pub(crate) fn new(watched: Watched, organizer: bool, after: Sequence) -> Pages {
        Pages { watched, organizer, after }
    }

    /// The items that the client does not have, each written by `put`; empty where there are none yet.
    pub(crate) async fn read(&mut self, put: fn(&mut BytesMut, Sequence, &[u8])) -> Result<Bytes, Ended> {
        self.watched.look().await?;
        let Watched { worker, event, .. } = &self.watched;
        let (gateway, event) = (&worker.gateway, *event);
        let changes = gateway.inventory.changes(event, self.after, STREAM_PAGE_EVENTS).await;
        let mut changes = changes.map_err(|_| Ended::NotNow)?;
        let published = gateway.inventory.activate(event, gateway.deadline).await;
        let published = published.map_err(|_| Ended::NotNow)?;
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
            let item = serde_json::to_vec(&renderer.item(*sequence, event)).map_err(|_| Ended::NotNow)?;
            put(&mut page, *sequence, &item);
            self.after = *sequence;
        }
        Ok(page.freeze())
    }

    /// Waits until there may be more.
    pub(crate) async fn moved(&mut self) {
        self.watched.moved().await;
    }
}
