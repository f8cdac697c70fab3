//! WebSockets: the availability and the change feed, pushed. A connection is an actor on the arbiter of its HTTP worker.
//!
//! One *batch* (a document, or a page of items) is in flight: after each goes a ping, and the next leaves when its pong has come. A ping
//! carries bits that its client cannot guess, so that a pong proves what was read. So a slow reader costs the same wherever its bytes pile
//! up, here or in the buffers of the system, and for availability the latest state wins: what was overtaken meanwhile is never rendered.

mod connection;
mod feed;
mod frames;
mod latest;
mod outbox;

use std::time::Duration;

use actix::{AsyncContext, Context, StreamHandler};
use actix_http::ws;
use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::Bytes;

use connection::Connection;
pub(crate) use feed::Feed;
pub(crate) use latest::Latest;
use tessera_actors::Clock;
use tessera_writer::Monotonic;

use crate::call::Call;
use crate::code::Code;
use crate::follow::Ended;
use crate::problem::Problem;
use crate::router::Answer;
use crate::streams::StreamPermit;

/// The version of the protocol that is spoken.
const VERSION: &str = "13";

/// What a connection pushes.
pub(crate) enum Source {
    /// The newest availability.
    Latest(Latest),
    /// Every item of the change feed.
    Feed(Feed),
}

impl Source {
    /// Waits for something that the client does not have: its frames.
    async fn next(&mut self) -> Result<Vec<Bytes>, Ended> {
        match self {
            Source::Latest(latest) => latest.next().await,
            Source::Feed(feed) => feed.next().await,
        }
    }
}

/// The instant that is so far ahead, on the injected clock.
pub(crate) fn after(clock: &dyn Clock, wait: Duration) -> Monotonic {
    let Monotonic(now) = clock.monotonic();
    Monotonic(now.saturating_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)))
}

/// Whether the request asks for a WebSocket.
pub(crate) fn is_wanted(call: &Call) -> bool {
    let upgrade = call.headers().get(header::UPGRADE).map_or(&b""[..], |value| value.as_bytes());
    call.request.method() == Method::GET && upgrade.eq_ignore_ascii_case(b"websocket")
}

/// Answers the handshake, and starts the connection on the arbiter of this worker.
///
/// # Errors
/// `invalid_header` for a handshake that is none.
pub(crate) fn open(call: &Call, source: Source, permit: StreamPermit) -> Answer {
    let head = call.request.head();
    ws::verify_handshake(head).map_err(|error| {
        let detail = format!("not a WebSocket handshake: {error}");
        let name = HeaderName::from_static("sec-websocket-version");
        Problem::new(Code::InvalidHeader, detail).with_header(name, HeaderValue::from_static(VERSION))
    })?;
    let key = call.headers().get(header::SEC_WEBSOCKET_KEY).map_or(&b""[..], |value| value.as_bytes());
    let accept = ws::hash_key(key);
    let (outbox, body) = outbox::outbox(permit);
    let inbound = frames::inbound(call.take_payload());
    let (closing, environment) = (call.gateway().closing.subscribe(), call.gateway().environment.clone());
    let context = Context::new();
    let address = context.address();
    Connection::add_stream_to(context, inbound, Connection::new(outbox, source, closing, environment));
    let body = body.of(address);
    let mut builder = HttpResponse::build(StatusCode::SWITCHING_PROTOCOLS);
    builder.upgrade("websocket").insert_header((header::SEC_WEBSOCKET_ACCEPT, &accept[..]));
    Ok(builder.streaming(body))
}

impl Connection {
    fn add_stream_to(
        mut context: Context<Connection>,
        inbound: impl futures::Stream<Item = frames::Inbound> + 'static,
        connection: Connection,
    ) {
        <Connection as StreamHandler<frames::Inbound>>::add_stream(inbound, &mut context);
        context.run(connection);
    }
}
