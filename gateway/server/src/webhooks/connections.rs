//! Connections that are kept for a moment after an answer, so that the messages of a burst do not begin one each.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::rt::{Read, Write};
use tokio::time::Instant;

use crate::limits::{
    WEBHOOK_ANSWER_BYTES_MAX, WEBHOOK_CONNECTION_AGE, WEBHOOK_CONNECTION_IDLE, WEBHOOK_CONNECTIONS_KEPT_MAX,
    WEBHOOK_DEADLINE,
};

/// Whether TLS is spoken, the host, and the port.
pub(super) type Origin = (bool, String, u16);

/// A connection on which nothing is under way.
pub(super) struct Connection {
    /// Sends over it.
    pub(super) sender: SendRequest<Full<Bytes>>,
    made_at: Instant,
    idle_since: Instant,
}

impl Connection {
    /// Begins to speak HTTP. It ends with its sender, its receiver, or when it is too old.
    pub(super) async fn begin(
        stream: impl Read + Write + Unpin + Send + 'static,
    ) -> hyper::Result<Connection> {
        let (sender, connection) = handshake(stream).await?;
        // What is dropped here is a connection of our own, never an append.
        #[allow(clippy::disallowed_methods)]
        let life = tokio::time::timeout(WEBHOOK_CONNECTION_AGE + WEBHOOK_DEADLINE, connection);
        tokio::spawn(life);
        let now = Instant::now();
        Ok(Connection { sender, made_at: now, idle_since: now })
    }

    /// Whether another message may go over it, and is through before it ends.
    fn is_good(&self) -> bool {
        !self.sender.is_closed()
            && self.idle_since.elapsed() < WEBHOOK_CONNECTION_IDLE
            && self.made_at.elapsed() < WEBHOOK_CONNECTION_AGE
    }
}

/// Those that are kept, by where they lead.
#[derive(Default)]
pub(super) struct Connections(Mutex<BTreeMap<Origin, Vec<Connection>>>);

impl Connections {
    /// One that leads there, if one is kept. It may end at any moment, as all do.
    pub(super) fn take(&self, origin: &Origin) -> Option<Connection> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let there = kept.get_mut(origin)?;
        std::iter::from_fn(|| there.pop()).find(Connection::is_good)
    }

    /// Keeps a connection whose answer is read to its end within a moment, and ends any other. Its message has its turn until then, so
    /// a receiver that does not come to an end has no more connections than it has turns.
    pub(super) async fn keep(&self, origin: Origin, mut connection: Connection, answer: Incoming) {
        let read = async {
            let is_read = Limited::new(answer, WEBHOOK_ANSWER_BYTES_MAX).collect().await.is_ok();
            is_read && connection.sender.ready().await.is_ok()
        };
        // What is dropped here is a connection of our own, never an append.
        #[allow(clippy::disallowed_methods)]
        if matches!(tokio::time::timeout(WEBHOOK_CONNECTION_IDLE, read).await, Ok(true)) {
            self.put(origin, Connection { idle_since: Instant::now(), ..connection });
        }
    }

    fn put(&self, origin: Origin, connection: Connection) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, there| {
            there.retain(Connection::is_good);
            !there.is_empty()
        });
        if kept.values().map(Vec::len).sum::<usize>() < WEBHOOK_CONNECTIONS_KEPT_MAX {
            kept.entry(origin).or_default().push(connection);
        }
    }

    /// Whether none is kept.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap().values().all(Vec::is_empty)
    }
}
