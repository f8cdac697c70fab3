//! Connections that are kept for a moment after an answer, so that the requests of a burst do not begin one each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::rt::{Read, Write};
use tokio::time::Instant;

use crate::limits::{CONNECTION_AGE, CONNECTION_IDLE, CONNECTIONS_KEPT_MAX, DEADLINE_MAX, UNREAD_BYTES_MAX};
use crate::target::Origin;

/// A connection on which nothing is under way.
pub(crate) struct Connection {
    /// Sends over it.
    pub(crate) sender: SendRequest<Full<Bytes>>,
    made_at: Instant,
    idle_since: Instant,
}

impl Connection {
    /// Begins to speak HTTP. It ends with its sender, its receiver, or when it is too old.
    pub(crate) async fn begin(
        stream: impl Read + Write + Unpin + Send + 'static,
    ) -> hyper::Result<Connection> {
        let (sender, connection) = handshake(stream).await?;
        // What is dropped here is a connection of our own, never an append.
        #[allow(clippy::disallowed_methods)]
        let life = tokio::time::timeout(CONNECTION_AGE + DEADLINE_MAX, connection);
        tokio::spawn(life);
        let now = Instant::now();
        Ok(Connection { sender, made_at: now, idle_since: now })
    }

    /// Whether another request may go over it, and is through before it ends.
    fn is_good(&self) -> bool {
        !self.sender.is_closed()
            && self.idle_since.elapsed() < CONNECTION_IDLE
            && self.made_at.elapsed() < CONNECTION_AGE
    }
}

/// Those that are kept, by where they lead: the longest idle first.
#[derive(Default)]
pub(crate) struct Connections(Mutex<BTreeMap<Origin, VecDeque<Connection>>>);

impl Connections {
    /// One that leads there, if one is kept. It may end at any moment, as all do.
    pub(crate) fn take(&self, origin: &Origin) -> Option<Connection> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let there = kept.get_mut(origin)?;
        std::iter::from_fn(|| there.pop_back()).find(Connection::is_good)
    }

    /// Keeps a connection whose answer nobody looks at, if it is read to its end within a moment, and ends any other. Its request has its turn
    /// until then, so a receiver that does not come to an end has no more connections than it has turns.
    pub(crate) async fn keep_after(&self, origin: Origin, connection: Connection, answer: Incoming) {
        let kept = async {
            let is_read = Limited::new(answer, UNREAD_BYTES_MAX).collect().await.is_ok();
            if is_read {
                self.keep(origin, connection).await;
            }
        };
        // What is dropped here is a connection of our own, never an append.
        #[allow(clippy::disallowed_methods)]
        let _ = tokio::time::timeout(CONNECTION_IDLE, kept).await;
    }

    /// Keeps a connection whose answer has been read to its end.
    pub(crate) async fn keep(&self, origin: Origin, mut connection: Connection) {
        if connection.sender.ready().await.is_ok() {
            self.put(origin, Connection { idle_since: Instant::now(), ..connection });
        }
    }

    fn put(&self, origin: Origin, connection: Connection) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, there| {
            // What is behind one that is good is looked at when it is taken.
            while there.front().is_some_and(|first| !first.is_good()) {
                there.pop_front();
            }
            !there.is_empty()
        });
        if kept.values().map(VecDeque::len).sum::<usize>() < CONNECTIONS_KEPT_MAX {
            kept.entry(origin).or_default().push_back(connection);
        }
    }

    /// Whether none is kept.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().unwrap().values().all(VecDeque::is_empty)
    }
}
