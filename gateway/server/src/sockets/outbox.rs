//! What leaves a connection: filled by its actor, emptied by the HTTP worker as fast as the client reads.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use actix::Addr;
use actix_web::web::Bytes;
use futures::Stream;

use super::connection::{Connection, Gone};
use crate::limits::DOCUMENT_SLICE_BYTES;
use crate::streams::StreamPermit;

#[derive(Default)]
struct State {
    /// One batch and its ping, the ping of a heartbeat before it, a pong, and the end: never more.
    waiting: VecDeque<Bytes>,
    pong_waits: bool,
    ended: bool,
    reader: Option<Waker>,
}

/// The actor's end.
pub(super) struct Outbox(Rc<RefCell<State>>);

/// The connection's end; what is to be its body, once the actor is known.
pub(super) struct Unread {
    state: Rc<RefCell<State>>,
    permit: StreamPermit,
}

/// The body of the reply.
pub(super) struct Body {
    state: Rc<RefCell<State>>,
    connection: Addr<Connection>,
    /// As long as the connection is there, whether or not its client reads.
    _permit: StreamPermit,
}

/// An outbox, and the body that empties it.
pub(super) fn outbox(permit: StreamPermit) -> (Outbox, Unread) {
    let state = Rc::new(RefCell::new(State::default()));
    (Outbox(Rc::clone(&state)), Unread { state, permit })
}

impl Unread {
    /// The body of this actor's connection.
    pub(super) fn of(self, connection: Addr<Connection>) -> Body {
        Body { state: self.state, connection, _permit: self.permit }
    }
}

impl Outbox {
    /// Puts frames behind those that wait.
    pub(super) fn push(&self, frames: impl IntoIterator<Item = Bytes>) {
        self.change(|state| state.waiting.extend(frames));
    }

    /// Answers a ping, unless an answer waits already: who floods us with pings gets one.
    pub(super) fn pong(&self, frame: Bytes) {
        self.change(|state| {
            if !state.pong_waits {
                state.pong_waits = true;
                state.waiting.push_back(frame);
            }
        });
    }

    /// Nothing follows; `last` is the end.
    pub(super) fn end(&self, last: Option<Bytes>) {
        self.change(|state| {
            if !state.ended {
                state.waiting.extend(last);
                state.ended = true;
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.0.borrow_mut();
        change(&mut state);
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }
}

impl Stream for Body {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.state.borrow_mut();
        let Some(first) = state.waiting.front_mut() else {
            if state.ended {
                return Poll::Ready(None);
            }
            state.reader = Some(context.waker().clone());
            return Poll::Pending;
        };
        // The library would copy a whole document into its buffer.
        let slice = first.split_to(first.len().min(DOCUMENT_SLICE_BYTES));
        if first.is_empty() {
            state.waiting.pop_front();
        }
        if state.waiting.is_empty() {
            state.pong_waits = false;
        }
        Poll::Ready(Some(Ok(slice)))
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.connection.do_send(Gone);
    }
}
