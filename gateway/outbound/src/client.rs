//! One request, over a connection of its own or one that is kept.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use crate::answer::{Answer, Head};
use crate::connections::{Connection, Connections};
use crate::limits::DEADLINE_MAX;
use crate::target::Target;
use crate::tls;

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("tessera/", env!("CARGO_PKG_VERSION")));

/// Sends requests.
pub struct Client {
    private_targets: bool,
    /// Made for the first target that speaks TLS: reading the system's certificates takes a while.
    tls: OnceLock<TlsConnector>,
    connections: Connections,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// `https://…` or `http://…`.
    pub url: &'a str,
    /// Beside `Host` and `User-Agent`.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: Bytes,
    /// Whether it does no harm that it comes twice, as where a kept connection ends at the moment at which it is sent. One that may not, and
    /// may have left, is [`NoAnswer::NotAnswered`].
    pub may_repeat: bool,
    /// How long it may take from the look-up of the name to the answer, at most [`DEADLINE_MAX`].
    pub deadline: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// It was certainly not received.
    #[error("{0}")]
    NotSent(io::Error),
    /// It may have been.
    #[error("{0}")]
    NotAnswered(io::Error),
}

/// A connection, and the answer that came over it, whose body is still to come.
type Answered = (Connection, Response<Incoming>);

impl Client {
    /// `private_targets`: whether requests may go to addresses that are not public. Where others than the operator name the address, they
    /// should not.
    #[must_use]
    pub fn new(private_targets: bool) -> Client {
        Client { private_targets, tls: OnceLock::new(), connections: Connections::default() }
    }

    /// Send a request whose answer counts once its head is there: what it says besides is not read.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn tell(&self, request: &Request<'_>) -> Result<Head, NoAnswer> {
        let target = target(request)?;
        let (connection, answered) = self.exchange(&target, request, until(request)).await?;
        let (head, body) = split(answered);
        // It has answered, in time: how long its body takes is no part of that.
        self.connections.keep_after(target.origin(), connection, body).await;
        Ok(head)
    }

    /// Send a request and read its answer, which has at most `bytes_max` bytes.
    ///
    /// # Errors
    /// [`NoAnswer`]: also where the answer is longer, or does not come to its end in time.
    pub async fn ask(&self, request: &Request<'_>, bytes_max: usize) -> Result<Answer, NoAnswer> {
        let (target, until) = (target(request)?, until(request));
        let (connection, answered) = self.exchange(&target, request, until).await?;
        let (head, body) = split(answered);
        let read = timeout_at(until, Limited::new(body, bytes_max).collect()).await;
        let body = match read {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) => return Err(NoAnswer::NotAnswered(io::Error::other(error))),
            Err(_) => return Err(NoAnswer::NotAnswered(late())),
        };
        // It ends within a moment, or is not kept: the answer is there.
        let _ = timeout_at(until, self.connections.keep(target.origin(), connection)).await;
        Ok(Answer { head, body })
    }

    async fn exchange(
        &self,
        target: &Target,
        request: &Request<'_>,
        until: Instant,
    ) -> Result<Answered, NoAnswer> {
        let may_repeat = request.may_repeat;
        let request = assemble(target, request).map_err(NoAnswer::NotSent)?;
        let mut is_sent = false;
        if let Some(kept) = self.connections.take(&target.origin()) {
            // It may have ended at the same moment. Then the request goes over another, which may be the second time that it comes.
            match timeout_at(until, send(kept, request.clone())).await {
                Ok(Ok(answered)) => return Ok(answered),
                Ok(Err(unsent)) if !unsent.is_whole && !may_repeat => {
                    return Err(NoAnswer::NotAnswered(unsent.error));
                }
                Ok(Err(unsent)) => is_sent = !unsent.is_whole,
                Err(_) => return Err(NoAnswer::NotAnswered(late())),
            }
        }
        let failed = |error| if is_sent { NoAnswer::NotAnswered(error) } else { NoAnswer::NotSent(error) };
        let made = timeout_at(until, self.connect(target)).await;
        let made = made.unwrap_or_else(|_| Err(late())).map_err(failed)?;
        match timeout_at(until, send(made, request)).await {
            Ok(Ok(answered)) => Ok(answered),
            Ok(Err(unsent)) if unsent.is_whole => Err(failed(unsent.error)),
            Ok(Err(unsent)) => Err(NoAnswer::NotAnswered(unsent.error)),
            Err(_) => Err(NoAnswer::NotAnswered(late())),
        }
    }

    async fn connect(&self, target: &Target) -> io::Result<Connection> {
        let stream = target.connect(self.private_targets).await?;
        stream.set_nodelay(true)?;
        let begun = if target.secure {
            let name = ServerName::try_from(target.host.clone()).map_err(io::Error::other)?;
            let secure = self.tls()?.connect(name, stream).await?;
            Connection::begin(TokioIo::new(secure)).await
        } else {
            Connection::begin(TokioIo::new(stream)).await
        };
        begun.map_err(io::Error::other)
    }

    fn tls(&self) -> io::Result<&TlsConnector> {
        match self.tls.get() {
            Some(connector) => Ok(connector),
            None => {
                let connector = tls::connector(tls::system_roots()?)?;
                Ok(self.tls.get_or_init(|| connector))
            }
        }
    }
}

/// A request that has no answer.
struct Unsent {
    error: io::Error,
    /// Nothing of it has left.
    is_whole: bool,
}

async fn send(mut connection: Connection, request: hyper::Request<Full<Bytes>>) -> Result<Answered, Unsent> {
    match connection.sender.try_send_request(request).await {
        Ok(answered) => Ok((connection, answered)),
        Err(mut error) => {
            let is_whole = error.take_message().is_some();
            Err(Unsent { error: io::Error::other(error.into_error()), is_whole })
        }
    }
}

fn target(request: &Request<'_>) -> Result<Target, NoAnswer> {
    Target::parse(request.url).map_err(|wrong| NoAnswer::NotSent(io::Error::other(wrong)))
}

fn until(request: &Request<'_>) -> Instant {
    Instant::now() + request.deadline.min(DEADLINE_MAX)
}

fn late() -> io::Error {
    io::Error::other("it did not answer in time")
}

fn split(answered: Response<Incoming>) -> (Head, Incoming) {
    let (parts, body) = answered.into_parts();
    (Head { status: parts.status, headers: parts.headers }, body)
}

fn assemble(target: &Target, request: &Request<'_>) -> io::Result<hyper::Request<Full<Bytes>>> {
    let mut builder = hyper::Request::builder()
        .method(request.method.clone())
        .uri(&target.path)
        .header(header::HOST, &target.authority)
        .header(header::USER_AGENT, USER_AGENT);
    for (name, value) in request.headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Full::new(request.body.clone())).map_err(io::Error::other)
}

#[cfg(test)]
mod tests;
