//! The public's eye on the sale: it polls the availability document and the seat map, as any page would.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http::header::HeaderValue;
use tokio::sync::watch;

use crate::client::{Call, Connection, Server};
use crate::error::DemoError;
use crate::progress::{Glance, Progress};
use crate::sale::Sale;
use crate::wire::{Availability, SeatMap};

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Status of a document that has not changed.
const NOT_MODIFIED: u16 = 304;

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Every availability document, in the order in which they came.
    pub availabilities: Vec<Availability>,
    /// Looks answered with *not modified*.
    pub unchanged: u64,
    /// The newest seat map.
    pub seat_map: Option<SeatMap>,
    /// Documents that were older than one seen before (scenario 46).
    pub went_back: Vec<String>,
}

impl Seen {
    /// Note an availability document.
    fn availability(&mut self, document: Availability) {
        let newest = self.availabilities.last().map_or(0, |last| last.sequence);
        self.follows("availability", newest, document.sequence);
        self.availabilities.push(document);
    }

    /// Note a seat map.
    fn seat_map(&mut self, map: SeatMap) {
        let newest = self.seat_map.as_ref().map_or(0, |last| last.sequence);
        self.follows("seat map", newest, map.sequence);
        self.seat_map = Some(map);
    }

    fn follows(&mut self, what: &str, newest: u64, sequence: u64) {
        if sequence < newest {
            self.went_back.push(format!("{what}: sequence {sequence} was shown after {newest}"));
        }
    }
}

/// A page that looks at the sale.
#[derive(Debug)]
pub struct Watcher {
    connection: Connection,
    event: String,
    known: [Option<HeaderValue>; 2],
    /// What was seen.
    pub seen: Seen,
}

impl Watcher {
    /// A page about an event.
    #[must_use]
    pub fn new(server: &Server, event: &str) -> Self {
        Watcher {
            connection: Connection::new(server),
            event: event.to_owned(),
            known: [None, None],
            seen: Seen::default(),
        }
    }

    /// The availability document, if it has changed.
    ///
    /// # Errors
    /// [`DemoError`] when the server is gone or the document is not what the API promises.
    pub async fn availability(&mut self) -> Result<Option<Availability>, DemoError> {
        let document: Option<Availability> = self.look(0, "availability").await?;
        if let Some(document) = &document {
            self.seen.availability(document.clone());
        }
        Ok(document)
    }

    /// The seat map, if it has changed.
    ///
    /// # Errors
    /// [`DemoError`] when the server is gone or the document is not what the API promises.
    pub async fn seat_map(&mut self) -> Result<Option<SeatMap>, DemoError> {
        let map: Option<SeatMap> = self.look(1, "seat-map").await?;
        if let Some(map) = &map {
            self.seen.seat_map(map.clone());
        }
        Ok(map)
    }

    async fn look<T: for<'de> serde::Deserialize<'de>>(
        &mut self,
        which: usize,
        what: &str,
    ) -> Result<Option<T>, DemoError> {
        let mut call = Call::get(format!("/v1/events/{}/{what}", self.event));
        call.known.clone_from(&self.known[which]);
        let (reply, _) = self.connection.call(&call).await?;
        if reply.status == NOT_MODIFIED {
            self.seen.unchanged += 1;
            return Ok(None);
        }
        let document = serde_json::from_slice(&reply.body)
            .map_err(|error| DemoError::unreadable(what, &reply.body, error))?;
        self.known[which] = reply.etag;
        Ok(Some(document))
    }
}

/// Look again and again until `stop` says so, and show what is seen.
///
/// # Errors
/// As [`Watcher::availability`].
pub async fn watch_sale(
    mut watcher: Watcher,
    sale: Arc<Sale>,
    map: watch::Sender<Arc<Vec<u8>>>,
    progress: Arc<Progress>,
    live_holds: watch::Sender<u32>,
    mut stop: watch::Receiver<bool>,
) -> Result<Watcher, DemoError> {
    let began = Instant::now();
    while !*stop.borrow() {
        if let Some(document) = watcher.availability().await? {
            live_holds.send_replace(document.live_holds);
        }
        if let Some(states) = watcher.seat_map().await?.and_then(|map| map.decode()) {
            map.send_replace(Arc::new(states));
        }
        let live = &sale.live;
        progress.show(&Glance {
            elapsed: began.elapsed(),
            replies: live.replies.load(Ordering::Relaxed),
            accepted: live.accepted.load(Ordering::Relaxed),
            refused: live.refused.load(Ordering::Relaxed),
            served: live.served.load(Ordering::Relaxed),
            availability: watcher.seen.availabilities.last(),
        });
        // Whoever would say stop is gone: so is the sale.
        if let Ok(Err(_)) = tokio::time::timeout(LOOK_EVERY, stop.changed()).await {
            break;
        }
    }
    Ok(watcher)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_goes_back_is_noticed_whichever_it_is() {
        let availability = |sequence| Availability {
            sequence,
            phase: "on_sale".into(),
            pools: Vec::new(),
            categories: Vec::new(),
            live_holds: 0,
            orders: 0,
        };
        let map = |sequence| SeatMap { sequence, seats: 0, states: String::new() };
        let mut seen = Seen::default();
        // The two documents need not be of one age.
        seen.availability(availability(7));
        seen.seat_map(map(5));
        seen.seat_map(map(6));
        seen.availability(availability(7));
        assert_eq!(seen.went_back, [""; 0]);
        seen.seat_map(map(5));
        assert_eq!(seen.went_back, ["seat map: sequence 5 was shown after 6"]);
        seen.availability(availability(6));
        assert_eq!(seen.went_back.len(), 2);
    }
}
