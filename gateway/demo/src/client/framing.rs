//! How replies are framed in HTTP/1.1: pure functions over the bytes that have come so far.

use bytes::{Buf as _, BytesMut};
use http::header::HeaderValue;
use httparse::Status;

use super::{CODING_BYTES_MAX, REPLY_BODY_BYTES_MAX, REPLY_HEAD_BYTES_MAX, REPLY_HEADERS_MAX};

/// A reply that is no HTTP/1.1, or larger than this client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("the reply is not HTTP/1.1: {0}")]
    Head(httparse::Error),
    #[error("the head of the reply is larger than {REPLY_HEAD_BYTES_MAX} bytes")]
    HeadTooLarge,
    #[error("the body of the reply is larger than {REPLY_BODY_BYTES_MAX} bytes")]
    BodyTooLarge,
    #[error("the length of the reply is not one number")]
    Length,
    #[error("the reply has a coding other than chunked")]
    Coding,
    #[error("the chunks of the reply are damaged")]
    Chunks,
    #[error("the reply changes to another protocol")]
    Upgrade,
}

/// Where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// After so many bytes.
    Length(usize),
    /// After the last chunk.
    Chunked,
    /// With the connection.
    Connection,
}

/// What stands before the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Whether it has `Idempotency-Replayed`.
    pub(super) replayed: bool,
    pub(super) etag: Option<HeaderValue>,
    /// Seconds of `Retry-After`.
    pub(super) retry_after: Option<u64>,
    pub(super) extent: Extent,
    /// Whether another request may follow on the connection.
    pub(super) is_kept_alive: bool,
}

/// Take the head of a reply off the front of what has come; `None`: more must come. Interim replies (1xx) before it are passed over.
pub(super) fn take_head(received: &mut BytesMut) -> Result<Option<Head>, Unreadable> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; REPLY_HEADERS_MAX];
        let mut response = httparse::Response::new(&mut headers);
        let Status::Complete(length) = response.parse(received).map_err(Unreadable::Head)? else {
            let is_small = received.len() <= REPLY_HEAD_BYTES_MAX;
            return if is_small { Ok(None) } else { Err(Unreadable::HeadTooLarge) };
        };
        // A head that was parsed has both.
        let (status, minor) = (response.code.unwrap_or_default(), response.version.unwrap_or_default());
        if status == 101 {
            return Err(Unreadable::Upgrade);
        }
        let head = if status < 200 { None } else { Some(head_of(status, minor, response.headers)?) };
        received.advance(length);
        if head.is_some() {
            return Ok(head);
        }
    }
}

fn head_of(status: u16, minor: u8, headers: &[httparse::Header<'_>]) -> Result<Head, Unreadable> {
    let (mut length, mut is_chunked) = (None, false);
    let (mut replayed, mut etag, mut retry_after) = (false, None, None);
    let mut is_kept_alive = minor == 1;
    for header in headers {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            let read = number(header.value).ok_or(Unreadable::Length)?;
            if length.replace(read).is_some_and(|before| before != read) {
                return Err(Unreadable::Length);
            }
        } else if is("transfer-encoding") {
            if is_chunked || !header.value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                return Err(Unreadable::Coding);
            }
            is_chunked = true;
        } else if is("connection") {
            for word in header.value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                if word.eq_ignore_ascii_case(b"close") {
                    is_kept_alive = false;
                } else if word.eq_ignore_ascii_case(b"keep-alive") {
                    is_kept_alive = true;
                }
            }
        } else if is("idempotency-replayed") {
            replayed = true;
        } else if is("etag") {
            etag = HeaderValue::from_bytes(header.value).ok();
        } else if is("retry-after") {
            retry_after = number(header.value);
        }
    }
    let extent = match (length, is_chunked) {
        _ if matches!(status, 204 | 304) => Extent::Length(0),
        // Two ends: who sent it does not know where it ends, or hopes that somebody does not.
        (Some(_), true) => return Err(Unreadable::Length),
        (None, true) => Extent::Chunked,
        (Some(length), false) => Extent::Length(checked(length)?),
        (None, false) => Extent::Connection,
    };
    is_kept_alive &= extent != Extent::Connection;
    Ok(Head { status, replayed, etag, retry_after, extent, is_kept_alive })
}

/// A whole number in decimal digits, and nothing else.
fn number(value: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(value.trim_ascii()).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// The length of a body, if it is not too large.
pub(super) fn checked(length: u64) -> Result<usize, Unreadable> {
    let length = usize::try_from(length).map_err(|_| Unreadable::BodyTooLarge)?;
    if length > REPLY_BODY_BYTES_MAX { Err(Unreadable::BodyTooLarge) } else { Ok(length) }
}

/// A chunked body as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    pub(super) body: BytesMut,
    awaited: Awaited,
}

/// What comes next of a chunked body.
#[derive(Clone, Copy, Debug, Default)]
enum Awaited {
    #[default]
    Size,
    Data(usize),
    EndOfData,
    Trailer,
}

impl Chunks {
    /// Take what has come; `true`: the body is complete.
    pub(super) fn take(&mut self, received: &mut BytesMut) -> Result<bool, Unreadable> {
        loop {
            self.awaited = match self.awaited {
                Awaited::Size => match httparse::parse_chunk_size(received) {
                    Err(_) => return Err(Unreadable::Chunks),
                    Ok(Status::Partial) => return within_coding(received),
                    Ok(Status::Complete((length, size))) => {
                        received.advance(length);
                        checked((self.body.len() as u64).saturating_add(size))?;
                        // It was just found to be small.
                        let size = usize::try_from(size).unwrap_or(usize::MAX);
                        if size == 0 { Awaited::Trailer } else { Awaited::Data(size) }
                    }
                },
                Awaited::Data(left) => {
                    let come = left.min(received.len());
                    self.body.extend_from_slice(&received[..come]);
                    received.advance(come);
                    if come < left {
                        self.awaited = Awaited::Data(left - come);
                        return Ok(false);
                    }
                    Awaited::EndOfData
                }
                Awaited::EndOfData => {
                    let Some(end) = received.get(..2) else { return Ok(false) };
                    if end != b"\r\n" {
                        return Err(Unreadable::Chunks);
                    }
                    received.advance(2);
                    Awaited::Size
                }
                Awaited::Trailer => {
                    let Some(end) = received.iter().position(|byte| *byte == b'\n') else {
                        return within_coding(received);
                    };
                    let is_last = received[..end].trim_ascii().is_empty();
                    received.advance(end + 1);
                    if is_last {
                        return Ok(true);
                    }
                    Awaited::Trailer
                }
            };
        }
    }
}

/// More must come, unless what there is is too long for a size or a trailer.
fn within_coding(received: &BytesMut) -> Result<bool, Unreadable> {
    if received.len() > CODING_BYTES_MAX { Err(Unreadable::Chunks) } else { Ok(false) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
