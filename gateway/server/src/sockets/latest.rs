//! The newest availability: what was overtaken is left out.

use std::sync::Arc;

use actix_web::web::Bytes;
use tessera_inventory::Sequence;
use tessera_writer::Monotonic;

use super::{after, frames};
use crate::follow::{Ended, Watched};
use crate::limits::SOCKET_INTERVAL;
use crate::render::documents;

/// The availability of one event, as one connection sees it.
pub(crate) struct Latest {
    watched: Watched,
    /// Whether the event is the reader's own.
    owns: bool,
    /// What the client has; `None`: nothing.
    sent: Option<Sequence>,
    /// When the next may leave.
    not_before: Monotonic,
}

impl Latest {
    pub(crate) fn new(watched: Watched, owns: bool) -> Latest {
        Latest { watched, owns, sent: None, not_before: Monotonic(0) }
    }

    /// Waits for a document that is newer than what the client has.
    pub(super) async fn next(&mut self) -> Result<Vec<Bytes>, Ended> {
        let clock = Arc::clone(&self.watched.worker.gateway.environment.clock);
        if clock.monotonic().0 < self.not_before.0 {
            clock.sleep_until(self.not_before).await;
        }
        loop {
            let published = self.watched.look().await?;
            let sequence = published.availability.sequence;
            if self.sent.is_none_or(|sent| sent < sequence) {
                let Watched { worker, event, .. } = &self.watched;
                let document = documents::availability_bytes(worker, *event, &published, self.owns);
                let document = document.map_err(|_| Ended::NotNow)?;
                self.sent = Some(sequence);
                self.not_before = after(&*clock, SOCKET_INTERVAL);
                return Ok(vec![frames::text_head(document.len()), document]);
            }
            self.watched.moved().await;
        }
    }
}
