//! One stream of another node: its asks go in, the answers come out, in the order in which they are ready.
//!
//! Whoever writes to the connection asks for the next frame of answers; then, and only then, further asks are read and those under
//! way get on. So there is no task, no channel and no wake-up of its own for any of it, and a node that does not read its answers is
//! not read either.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, Either, select};
use futures::stream::{BoxStream, FuturesUnordered};
use futures::{FutureExt, Stream, StreamExt};
use prost::Message;
use tessera_actors::{Forwarded, ForwardedAsk};
use tessera_cluster::NodeId;
use tessera_records::RecordEncoder;
use tonic::{Status, Streaming};

use super::{Shared, Stage};
use crate::hello;
use crate::limits::{FRAME_BYTES, HELLO_MS_MAX, MESSAGE_BYTES_MAX, SERVED_AT_ONCE_MAX, SERVED_LATE_MS_MAX};
use crate::wire::{AnswerFrame, AskFrame, Hello, Tiding, decode_ask, encode_answer, put_answer};

/// See the module.
pub(super) struct Serving {
    shared: Arc<Shared>,
    asks: Streaming<Bytes>,
    standing: Standing,
    stages: BoxStream<'static, Stage>,
    served: FuturesUnordered<BoxFuture<'static, (u64, Forwarded)>>,
    records: RecordEncoder,
    /// The next frame of answers.
    frame: Vec<u8>,
}

enum Standing {
    /// The hello has not come; until then.
    Greeting(BoxFuture<'static, ()>),
    /// As this node.
    Taking(NodeId),
    /// Nothing more is taken, and the other node knows.
    Leaving,
    /// The other node sends nothing more.
    Ended,
}

impl Serving {
    pub(super) fn new(shared: Arc<Shared>, asks: Streaming<Bytes>) -> Serving {
        shared.meters.streams_in.increment(1);
        let clock = &shared.environment.clock;
        let late = clock.sleep_until(clock.monotonic().plus_ms(HELLO_MS_MAX));
        let stages = futures::stream::unfold(shared.stage.clone(), |mut stages| async move {
            stages.changed().await.ok()?;
            let stage = *stages.borrow_and_update();
            Some((stage, stages))
        });
        Serving {
            standing: Standing::Greeting(late),
            stages: stages.boxed(),
            asks,
            served: FuturesUnordered::new(),
            records: RecordEncoder::default(),
            frame: Vec::new(),
            shared,
        }
    }

    /// The answer to the other node's hello, if there is one.
    fn greet(&mut self, first: Option<Result<Bytes, Status>>) -> Result<Hello, Status> {
        let first = first.ok_or_else(|| Status::invalid_argument("no hello came"))??;
        let heard = AskFrame::decode(first).map_err(|error| Status::invalid_argument(error.to_string()))?;
        let node = self.shared.serve.node().ok_or_else(|| Status::unavailable("not registered"))?;
        let ours = hello::ours(self.shared.installation, node);
        hello::check(heard.hello, &ours).map_err(|error| Status::failed_precondition(error.to_string()))?;
        self.standing = Standing::Taking(node);
        Ok(ours)
    }

    /// Read every ask that has come, as long as there is room, and begin to serve it.
    fn take(&mut self, cx: &mut Context<'_>) -> Result<(), Status> {
        while !matches!(self.standing, Standing::Ended)
            && self.served.len() < SERVED_AT_ONCE_MAX
            && let Poll::Ready(frame) = self.asks.poll_next_unpin(cx)
        {
            let Some(frame) = frame else {
                self.standing = Standing::Ended;
                break;
            };
            let frame =
                AskFrame::decode(frame?).map_err(|error| Status::invalid_argument(error.to_string()))?;
            self.leave_if_another();
            let taking = matches!(self.standing, Standing::Taking(_));
            for envelope in frame.asks {
                let give_up = Duration::from_micros(envelope.give_up_us);
                match decode_ask(envelope.ask, give_up) {
                    Ok(ask) if taking => self.serve(envelope.number, ask),
                    Ok(_) => self.put(envelope.number, &Forwarded::NotSent),
                    Err(error) => {
                        tracing::warn!(%error, "an ask of another node cannot be read and is not executed");
                        self.put(envelope.number, &Forwarded::NotSent);
                    }
                }
            }
            if taking {
                frame.told.into_iter().filter_map(Tiding::told).for_each(|told| self.shared.serve.hear(told));
            }
        }
        Ok(())
    }

    fn serve(&mut self, number: u64, ask: ForwardedAsk) {
        let clock = &self.shared.environment.clock;
        let give_up_ms = u64::try_from(ask.give_up.as_millis()).unwrap_or(u64::MAX);
        let late_ms = give_up_ms.saturating_add(SERVED_LATE_MS_MAX);
        let late = clock.sleep_until(clock.monotonic().plus_ms(late_ms));
        let served = select(self.shared.serve.serve(ask), late);
        // What is dropped when its client has long gone waits for an answer, never for a commit.
        self.served.push(Box::pin(served.map(move |served| match served {
            Either::Left((forwarded, _)) => (number, forwarded),
            Either::Right(_) => (number, Forwarded::Unanswered),
        })));
    }

    /// Put every answer that is ready into the frame, as long as there is room.
    fn collect(&mut self, cx: &mut Context<'_>) {
        while self.frame.len() < FRAME_BYTES
            && let Poll::Ready(Some((number, forwarded))) = self.served.poll_next_unpin(cx)
        {
            self.put(number, &forwarded);
        }
    }

    fn put(&mut self, number: u64, forwarded: &Forwarded) {
        let mut answer = encode_answer(forwarded, &mut self.records);
        if answer.len() > MESSAGE_BYTES_MAX {
            tracing::error!(bytes = answer.len(), "an answer is too large for another node");
            answer = encode_answer(&Forwarded::Unanswered, &mut self.records);
        }
        put_answer(number, answer, &mut self.frame);
    }

    /// A node that registered anew is another one than was meant.
    fn leave_if_another(&mut self) {
        if let Standing::Taking(node) = self.standing
            && self.shared.serve.node() != Some(node)
        {
            self.leave();
        }
    }

    fn leave(&mut self) {
        if matches!(self.standing, Standing::Greeting(_) | Standing::Taking(_)) {
            self.standing = Standing::Leaving;
            let goodbye = AnswerFrame { goodbye: true, ..AnswerFrame::default() };
            self.frame.extend_from_slice(&goodbye.encode_to_vec());
        }
    }
}

impl Stream for Serving {
    type Item = Result<Vec<u8>, Status>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let serving = self.get_mut();
        while let Poll::Ready(stage) = serving.stages.poll_next_unpin(cx) {
            match stage {
                Some(Stage::Taking) => {}
                Some(Stage::Leaving) => serving.leave(),
                Some(Stage::Cut) | None => {
                    return Poll::Ready(Some(Err(Status::unavailable("shutting down"))));
                }
            }
        }
        if let Standing::Greeting(late) = &mut serving.standing {
            if late.poll_unpin(cx).is_ready() {
                return Poll::Ready(Some(Err(Status::deadline_exceeded("no hello came"))));
            }
            let Poll::Ready(first) = serving.asks.poll_next_unpin(cx) else { return Poll::Pending };
            let hello = serving
                .greet(first)
                .map(|hello| AnswerFrame { hello: Some(hello), ..AnswerFrame::default() }.encode_to_vec());
            return Poll::Ready(Some(hello));
        }
        if let Err(status) = serving.take(cx) {
            return Poll::Ready(Some(Err(status)));
        }
        serving.collect(cx);
        if !serving.frame.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut serving.frame))));
        }
        match serving.standing {
            Standing::Ended if serving.served.is_empty() => Poll::Ready(None),
            _ => Poll::Pending,
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.shared.streams.fetch_sub(1, Ordering::Relaxed);
        self.shared.meters.streams_in.decrement(1);
    }
}
