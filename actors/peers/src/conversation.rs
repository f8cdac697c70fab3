//! What is said with one other node: connect, greet, send what is asked, read what is answered, rest after a failure.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use futures::{Stream, StreamExt};
use http::uri::PathAndQuery;
use prost::Message;
use tessera_actors::{Clock, Forwarded, Peer};
use tessera_writer::Monotonic;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

use crate::asks::Asks;
use crate::codec::{FrameCodec, PATH};
use crate::hello;
use crate::limits::{
    CONNECT_MS_MAX, CONNECTION_WINDOW_BYTES, FRAME_BYTES_MAX, HELLO_MS_MAX, PING_AFTER_MS,
    PING_ANSWER_MS_MAX, REST_MS_MAX, REST_MS_MIN, STREAM_IDLE_MS_MAX, STREAM_WINDOW_BYTES,
};
use crate::security::{Security, SecurityError};
use crate::streams::{Shared, WeakShared};
use crate::wire::{AnswerFrame, AskFrame, decode_answer};

/// See the module. It runs as long as somebody asks something of the node.
pub(crate) struct Conversation {
    to: Peer,
    asks: Arc<Asks>,
    shared: WeakShared,
    /// Failures since the node was last heard.
    failures: u32,
}

/// Why a node was not heard, or is not any more.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Security(#[from] SecurityError),
    #[error("the address is none")]
    Address(#[source] tonic::transport::Error),
    #[error("it cannot be connected to")]
    Connect(#[source] tonic::transport::Error),
    #[error("{what} took too long")]
    Late { what: &'static str },
    #[error("it is not the node that is meant: {0}")]
    Other(#[from] hello::Mismatch),
    #[error("the stream broke")]
    Broken(#[source] Status),
    #[error("the stream ended")]
    Ended,
    #[error("it said what this binary cannot read")]
    Unreadable(#[from] prost::DecodeError),
}

impl Conversation {
    pub(crate) fn new(to: Peer, asks: Arc<Asks>, shared: WeakShared) -> Conversation {
        Conversation { to, asks, shared, failures: 0 }
    }

    pub(crate) async fn run(mut self) {
        while self.is_wanted().await
            && let Some(shared) = self.shared.upgrade()
        {
            let course = self.stream(&shared).await;
            if self.asks.is_closed() {
                break;
            }
            match course {
                Ok(()) => self.failures = 1,
                Err(lost) => self.note(&lost),
            }
            self.asks.rest();
            let rested = shared.environment.clock.sleep_until(self.rest_until(&shared));
            drop(shared);
            rested.await;
            self.asks.rested();
        }
        self.asks.close();
        if let Some(shared) = self.shared.upgrade() {
            shared.remove(&self.to, &self.asks);
        }
    }

    /// Waits until there is something to say; false once there will not be.
    async fn is_wanted(&self) -> bool {
        while let Some(shared) = self.shared.upgrade() {
            let now = shared.environment.clock.monotonic();
            let idle = shared.environment.clock.sleep_until(now.plus_ms(STREAM_IDLE_MS_MAX));
            drop(shared);
            let wanted = std::future::poll_fn(|cx| self.asks.poll_wanted(cx));
            match select(wanted, idle).await {
                Either::Left(_) => return !self.asks.is_closed(),
                Either::Right(_) => {
                    self.asks.close_if_idle(now);
                }
            }
        }
        false
    }

    fn note(&mut self, lost: &Lost) {
        self.failures = self.failures.saturating_add(1);
        let node = self.to.node;
        // A node that is away is told of once, not with every attempt.
        if self.failures == 1 {
            tracing::warn!(%node, address = self.to.address, error = %causes(lost), "no stream to the node");
        } else {
            tracing::debug!(%node, address = self.to.address, error = %causes(lost), "no stream to the node");
        }
    }

    /// The end of the rest: it doubles with every failure in a row, and its second half is random, so that nodes do not come back at
    /// once.
    fn rest_until(&self, shared: &Shared) -> Monotonic {
        let doublings = self.failures.saturating_sub(1).min(16);
        let rest_ms = (REST_MS_MIN << doublings).min(REST_MS_MAX);
        let spread =
            u64::try_from(shared.environment.random.bits() % u128::from(rest_ms / 2 + 1)).unwrap_or(0);
        shared.environment.clock.monotonic().plus_ms(rest_ms / 2 + spread)
    }

    /// One stream from its first to its last word, in order.
    async fn stream(&mut self, shared: &Shared) -> Result<(), Lost> {
        let clock = &shared.environment.clock;
        let endpoint = endpoint(&self.to.address, &shared.security)?;
        let connected = within(clock, CONNECT_MS_MAX, "the connection", endpoint.connect()).await?;
        let channel = connected.map_err(Lost::Connect)?;
        let mut answers = within(clock, HELLO_MS_MAX, "the hello", self.greet(shared, channel)).await??;
        self.failures = 0;
        self.asks.open();
        shared.meters.streams_out.increment(1);
        let course = self.listen(clock, &mut answers).await;
        shared.meters.streams_out.decrement(1);
        course
    }

    /// Begins a stream, and hears who answers.
    async fn greet(&self, shared: &Shared, channel: Channel) -> Result<Streaming<Bytes>, Lost> {
        let hello = hello::ours(shared.installation, self.to.node);
        let frames = Frames {
            hello: Some(AskFrame { hello: Some(hello), ..AskFrame::default() }.encode_to_vec()),
            number: self.asks.begin_stream(),
            asks: Arc::clone(&self.asks),
            clock: Arc::clone(&shared.environment.clock),
        };
        let mut client = Grpc::new(channel).max_decoding_message_size(FRAME_BYTES_MAX);
        client.ready().await.map_err(Lost::Connect)?;
        let path = PathAndQuery::from_static(PATH);
        let response =
            client.streaming(Request::new(frames), path, FrameCodec).await.map_err(Lost::Broken)?;
        let mut answers = response.into_inner();
        let first = answers.next().await.ok_or(Lost::Ended)?.map_err(Lost::Broken)?;
        hello::check(AnswerFrame::decode(first)?.hello, &hello)?;
        Ok(answers)
    }

    /// Gives every answer to who waits for it, until the other node has left or nothing is asked for a while.
    async fn listen(&self, clock: &Arc<dyn Clock>, answers: &mut Streaming<Bytes>) -> Result<(), Lost> {
        let mut leaving = false;
        let mut since = clock.monotonic();
        let mut idle = clock.sleep_until(since.plus_ms(STREAM_IDLE_MS_MAX));
        loop {
            let heard = match select(answers.next(), &mut idle).await {
                Either::Left((heard, _)) => heard,
                Either::Right(_) if self.asks.close_if_idle(since) => return Ok(()),
                Either::Right(_) => {
                    since = clock.monotonic();
                    idle = clock.sleep_until(since.plus_ms(STREAM_IDLE_MS_MAX));
                    continue;
                }
            };
            let Some(frame) = heard else { return if leaving { Ok(()) } else { Err(Lost::Ended) } };
            let frame = AnswerFrame::decode(frame.map_err(Lost::Broken)?)?;
            for envelope in frame.answers {
                self.asks.answer(envelope.number, self.read(envelope.answer));
            }
            if frame.goodbye {
                leaving = true;
                self.asks.leave();
            }
        }
    }

    /// An answer that cannot be read tells only that the ask was taken.
    fn read(&self, answer: Bytes) -> Forwarded {
        decode_answer(answer).unwrap_or_else(|error| {
            tracing::error!(node = %self.to.node, %error, "an answer of another node cannot be read");
            Forwarded::Unanswered
        })
    }
}

/// The stream of frames to the other node. Whoever writes to the connection asks for the next one as soon as there is room, and
/// takes everything that has come meanwhile.
struct Frames {
    hello: Option<Vec<u8>>,
    number: u64,
    asks: Arc<Asks>,
    clock: Arc<dyn Clock>,
}

impl Stream for Frames {
    type Item = Vec<u8>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        if let Some(hello) = self.hello.take() {
            return Poll::Ready(Some(hello));
        }
        self.asks.poll_frame(self.number, self.clock.monotonic(), cx)
    }
}

fn endpoint(address: &str, security: &Security) -> Result<Endpoint, Lost> {
    security.admits_dialling(address)?;
    let endpoint = match security {
        Security::Plain => Endpoint::from_shared(format!("http://{address}")),
        Security::Mutual(tls) => Endpoint::from_shared(format!("https://{address}"))
            .and_then(|endpoint| endpoint.tls_config(tls.client())),
    };
    Ok(endpoint
        .map_err(Lost::Address)?
        .tcp_nodelay(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_keep_alive_interval(Duration::from_millis(PING_AFTER_MS))
        .keep_alive_timeout(Duration::from_millis(PING_ANSWER_MS_MAX))
        .keep_alive_while_idle(true))
}

/// The result of `future`, unless it takes longer than `ms`. It is dropped then: it awaits a connection or a greeting, never a commit.
async fn within<F: Future>(
    clock: &Arc<dyn Clock>,
    ms: u64,
    what: &'static str,
    future: F,
) -> Result<F::Output, Lost> {
    let timer = clock.sleep_until(clock.monotonic().plus_ms(ms));
    match select(Box::pin(future), timer).await {
        Either::Left((output, _)) => Ok(output),
        Either::Right(_) => Err(Lost::Late { what }),
    }
}

/// An error and its causes on one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
