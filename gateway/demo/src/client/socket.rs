//! One socket, and one try over it: no patience and no second try, which are the business of who holds it.
//!
//! It speaks HTTP/1.1 by itself, as much of it as the API does: a library with tasks, channels and header maps costs a generator of load more than
//! the kernel does. A request is one write; a reply is read where it came in, and its body is a part of what was read.

use std::io::{self, ErrorKind};

use bytes::{Bytes, BytesMut};
use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::framing::{Chunks, Extent, Head, Unreadable, checked, take_head};
use super::{Call, Cut, Reply, Server};

/// Room that is made for what comes, in bytes: most replies fit.
const READ_BYTES: usize = 2_048;
/// Room that there is at least when something is read, in bytes.
const READ_BYTES_LEAST: usize = 512;
/// Room for a request besides its body, in bytes.
const REQUEST_BYTES: usize = 512;

/// A kept-alive HTTP/1.1 socket, opened when first needed. To drop a try in the middle closes it.
#[derive(Debug)]
pub struct Socket {
    server: Server,
    /// Taken out while it is in use, so that no half of a reply is ever left in it.
    line: Option<Line>,
}

/// An open connection.
#[derive(Debug)]
struct Line {
    stream: TcpStream,
    request: Vec<u8>,
    received: BytesMut,
}

impl Socket {
    /// A socket that its first request opens.
    #[must_use]
    pub fn new(server: &Server) -> Self {
        Socket { server: server.clone(), line: None }
    }

    /// Where it leads, for messages.
    #[must_use]
    pub fn address(&self) -> String {
        self.server.address()
    }

    /// Whether it was open when it was last used.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.line.is_some()
    }

    /// Close it; the next request opens another.
    pub fn close(&mut self) {
        self.line = None;
    }

    /// One try: the whole request out, the whole reply in. A socket that the server has closed meanwhile is opened again first.
    ///
    /// # Errors
    /// What the operating system says, or what is wrong with the reply; the request may have arrived all the same.
    pub async fn exchange(&mut self, call: &Call) -> io::Result<Reply> {
        let mut line = self.ready().await?;
        line.send(&self.server, call).await?;
        let head = line.head().await?;
        let body = line.body(head.extent).await?;
        // What follows a reply that was asked for once belongs to nothing.
        if head.is_kept_alive && line.received.is_empty() {
            self.line = Some(line);
        }
        let Head { status, replayed, etag, retry_after, .. } = head;
        Ok(Reply { status, replayed, etag, retry_after, body })
    }

    /// Half a try: the request as far as the cut, and the end of the connection.
    ///
    /// # Errors
    /// What the operating system says: less than that was sent.
    pub async fn cut_off(&mut self, call: &Call, cut: Cut) -> io::Result<()> {
        let mut line = self.ready().await?;
        line.send_half(&self.server, call, cut).await
    }

    /// The open connection; one that the server has closed meanwhile is opened again.
    async fn ready(&mut self) -> io::Result<Line> {
        match self.line.take().filter(Line::is_quiet) {
            Some(line) => Ok(line),
            None => Line::open(&self.server).await,
        }
    }
}

impl Line {
    async fn open(server: &Server) -> io::Result<Self> {
        let stream = TcpStream::connect(server.address).await?;
        stream.set_nodelay(true)?;
        let (request, received) = (Vec::with_capacity(REQUEST_BYTES), BytesMut::with_capacity(READ_BYTES));
        Ok(Line { stream, request, received })
    }

    /// Whether nothing has come that nobody asked for: neither an end nor bytes.
    fn is_quiet(&self) -> bool {
        let looked = self.stream.try_read(&mut [0]);
        matches!(looked, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    async fn send(&mut self, server: &Server, call: &Call) -> io::Result<()> {
        self.request.clear();
        write_request(server, call, &mut self.request)?;
        self.stream.write_all(&self.request).await
    }

    async fn send_half(&mut self, server: &Server, call: &Call, cut: Cut) -> io::Result<()> {
        self.request.clear();
        write_request(server, call, &mut self.request)?;
        let head = self.request.len() - call.body.len();
        let bytes = cut.bytes(head, self.request.len());
        self.stream.write_all(&self.request[..bytes]).await
    }

    async fn head(&mut self) -> io::Result<Head> {
        loop {
            if let Some(head) = take_head(&mut self.received).map_err(unreadable)? {
                return Ok(head);
            }
            self.more(READ_BYTES).await?;
        }
    }

    async fn body(&mut self, extent: Extent) -> io::Result<Bytes> {
        match extent {
            Extent::Length(length) => {
                while self.received.len() < length {
                    self.more(length - self.received.len()).await?;
                }
                Ok(self.received.split_to(length).freeze())
            }
            Extent::Chunked => {
                let mut chunks = Chunks::default();
                while !chunks.take(&mut self.received).map_err(unreadable)? {
                    self.more(READ_BYTES).await?;
                }
                Ok(chunks.body.freeze())
            }
            Extent::Connection => {
                while self.read(READ_BYTES).await? > 0 {
                    checked(self.received.len() as u64).map_err(unreadable)?;
                }
                Ok(self.received.split().freeze())
            }
        }
    }

    /// Read more of a reply that is not complete.
    async fn more(&mut self, expected: usize) -> io::Result<()> {
        match self.read(expected).await? {
            0 => Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                "the connection was closed before the reply was complete",
            )),
            _ => Ok(()),
        }
    }

    /// Read what has come, waiting for it; 0: the end.
    async fn read(&mut self, expected: usize) -> io::Result<usize> {
        if self.received.capacity() - self.received.len() < expected.min(READ_BYTES_LEAST) {
            self.received.reserve(expected.max(READ_BYTES));
        }
        self.stream.read_buf(&mut self.received).await
    }
}

fn unreadable(error: Unreadable) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

/// The bytes of a request.
fn write_request(server: &Server, call: &Call, out: &mut Vec<u8>) -> io::Result<()> {
    // A path from a reply could otherwise end the line and go on as a header.
    if !call.path.starts_with('/') || !call.path.bytes().all(|byte| byte.is_ascii_graphic()) {
        let reason = format!("{:?} is no path", call.path);
        return Err(io::Error::new(ErrorKind::InvalidInput, reason));
    }
    for part in [call.method.as_str(), " ", &call.path, " HTTP/1.1\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    let mut header = |name: &str, value: &[u8]| {
        for part in [name.as_bytes(), value, b"\r\n"] {
            out.extend_from_slice(part);
        }
    };
    header("host: ", server.host.as_bytes());
    let optional = [
        ("authorization: ", &call.credential),
        ("idempotency-key: ", &call.key),
        ("if-none-match: ", &call.known),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            header(name, value.as_bytes());
        }
    }
    if call.method != Method::GET {
        header("content-type: ", call.content.name());
        header("content-length: ", call.body.len().to_string().as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&call.body);
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
