//! One kept-alive HTTP/1.1 connection. A broken one is opened again, and *later* (429, 503) is obeyed: the same bytes go
//! out again under the same key, as every client of the API may do.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use http::header::HeaderValue;

use crate::error::DemoError;

mod cut;
mod framing;
mod socket;

pub use cut::Cut;
pub use socket::Socket;

/// How long a request is tried before the server counts as gone.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Pause before a refused connection is tried again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause that a `Retry-After` may ask of the demo.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(5);
/// Largest head of a reply that is read, in bytes, and most headers in it.
const REPLY_HEAD_BYTES_MAX: usize = 65_536;
const REPLY_HEADERS_MAX: usize = 100;
/// Largest body of a reply that is read, in bytes: more than any document of the API has.
const REPLY_BODY_BYTES_MAX: usize = 64 << 20;
/// Longest size or trailer of a chunked body, in bytes.
const CODING_BYTES_MAX: usize = 4_096;
/// The process has as many files open as it may (Linux, and every Unix that we know of).
const EMFILE: i32 = 24;
/// The machine has.
const ENFILE: i32 = 23;

/// Where the server listens.
#[derive(Clone, Debug)]
pub struct Server {
    address: SocketAddr,
    host: HeaderValue,
}

impl Server {
    /// Read a base URL such as `http://127.0.0.1:8080` and look its host up.
    ///
    /// # Errors
    /// [`DemoError::Address`] when it is not one.
    pub async fn locate(base_url: &str) -> Result<Self, DemoError> {
        let bad = || DemoError::Address(base_url.to_owned());
        let host = base_url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/')).ok_or_else(bad)?;
        let address = tokio::net::lookup_host(host).await.map_err(|_| bad())?.next().ok_or_else(bad)?;
        Ok(Server { address, host: HeaderValue::from_str(host).map_err(|_| bad())? })
    }

    /// A server at an address that was looked up before; `host` is what requests call it.
    ///
    /// # Errors
    /// [`DemoError::Address`] when the host cannot stand in a header.
    pub fn at(address: SocketAddr, host: &str) -> Result<Self, DemoError> {
        let host = HeaderValue::from_str(host).map_err(|_| DemoError::Address(host.to_owned()))?;
        Ok(Server { address, host })
    }

    /// The address, for messages.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }
}

/// One request.
#[derive(Clone, Debug)]
pub struct Call {
    /// GET or POST.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Value of `Authorization`.
    pub credential: Option<HeaderValue>,
    /// Value of `Idempotency-Key`.
    pub key: Option<HeaderValue>,
    /// Value of `If-None-Match`.
    pub known: Option<HeaderValue>,
    /// What is sent, or nothing.
    pub body: Bytes,
    /// What the body is.
    pub content: Content,
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// JSON, as the API reads it.
    Json,
    /// The fields of a form, as a page sends them.
    Form,
}

impl Content {
    fn name(self) -> &'static [u8] {
        match self {
            Content::Json => b"application/json",
            Content::Form => b"application/x-www-form-urlencoded",
        }
    }
}

impl Call {
    /// A GET.
    #[must_use]
    pub fn get(path: String) -> Self {
        let (body, content) = (Bytes::new(), Content::Json);
        Call { method: Method::GET, path, credential: None, key: None, known: None, body, content }
    }

    /// A form of a page.
    #[must_use]
    pub fn form(path: String, fields: &'static str) -> Self {
        let body = Bytes::from_static(fields.as_bytes());
        Call { method: Method::POST, body, content: Content::Form, ..Call::get(path) }
    }

    /// A POST with a JSON body.
    #[must_use]
    pub fn post(path: String, credential: &HeaderValue, body: impl Into<Bytes>) -> Self {
        Call {
            method: Method::POST,
            path,
            credential: Some(credential.clone()),
            key: None,
            known: None,
            body: body.into(),
            content: Content::Json,
        }
    }

    /// The same under an idempotency key.
    #[must_use]
    pub fn keyed(mut self, key: HeaderValue) -> Self {
        self.key = Some(key);
        self
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Whether the reply says that it repeats an earlier one.
    pub replayed: bool,
    /// Its `ETag`.
    pub etag: Option<HeaderValue>,
    /// Seconds of its `Retry-After`.
    pub retry_after: Option<u64>,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// Whether the request was accepted.
    #[must_use]
    pub fn accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }

    #[cfg(test)]
    pub(crate) fn for_tests(status: u16, replayed: bool, body: &'static str) -> Self {
        Reply { status, replayed, etag: None, retry_after: None, body: Bytes::from_static(body.as_bytes()) }
    }
}

/// How hard it was to get a reply.
#[derive(Clone, Copy, Debug, Default)]
pub struct Effort {
    /// Time from the first byte out to the last byte in of the try that was answered.
    pub latency: Duration,
    /// Answers of *later*, obeyed.
    pub postponed: u32,
    /// Connections that broke under the request, after which it was sent again.
    pub broken: u32,
}

/// One connection, opened when first needed.
#[derive(Debug)]
pub struct Connection {
    socket: Socket,
    patience: Duration,
}

impl Connection {
    /// A connection that is opened by its first request.
    #[must_use]
    pub fn new(server: &Server) -> Self {
        Connection { socket: Socket::new(server), patience: PATIENCE }
    }

    /// Send a call until it is answered with something else than *later*.
    ///
    /// # Errors
    /// [`DemoError::ServerGone`], [`DemoError::Silent`] or [`DemoError::StillUnavailable`] when [`PATIENCE`] is over;
    /// [`DemoError::NoSockets`] at once.
    pub async fn call(&mut self, call: &Call) -> Result<(Reply, Effort), DemoError> {
        let begun = Instant::now();
        let mut effort = Effort::default();
        loop {
            let sent = Instant::now();
            // A server that has no socket left to accept with leaves a connection waiting for ever.
            let Ok(tried) = tokio::time::timeout(self.patience, self.socket.exchange(call)).await else {
                return Err(DemoError::Silent { address: self.socket.address() });
            };
            match tried {
                Ok(reply) if reply.status == 503 || reply.status == 429 => {
                    if begun.elapsed() > self.patience {
                        let (address, route) = (self.socket.address(), call.path.clone());
                        return Err(DemoError::StillUnavailable { address, route, status: reply.status });
                    }
                    effort.postponed += 1;
                    let pause = Duration::from_secs(reply.retry_after.unwrap_or(1)).min(RETRY_AFTER_MAX);
                    tokio::time::sleep(pause).await;
                }
                Ok(reply) => {
                    effort.latency = sent.elapsed();
                    return Ok((reply, effort));
                }
                Err(source) if no_sockets(&source) => return Err(DemoError::NoSockets { source }),
                Err(source) => {
                    self.socket.close();
                    if begun.elapsed() > self.patience {
                        return Err(DemoError::ServerGone { address: self.socket.address(), source });
                    }
                    effort.broken += 1;
                    tokio::time::sleep(RECONNECT_PAUSE).await;
                }
            }
        }
    }
}

/// Whether the operating system refuses a socket, or an address to connect from: more patience brings none.
fn no_sockets(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE)) || error.kind() == io::ErrorKind::AddrNotAvailable
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
