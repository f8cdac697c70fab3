//! The asks to one node: those that wait for their frame, and those that were sent and wait for their answer. No I/O here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use prost::Message;
use tessera_actors::{Forwarded, Told};
use tessera_writer::Monotonic;
use tokio::sync::oneshot;

use crate::limits::{
    ASKS_IN_FLIGHT_MAX, ASKS_WAITING_BYTES_MAX, FRAME_ASKS_MAX, FRAME_BYTES, TOLD_WAITING_MAX,
};
use crate::wire::{AskFrame, Tiding, put_ask};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Asks {
    state: Mutex<State>,
}

/// How it stands with the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Standing {
    /// There is none; what is asked waits for it.
    #[default]
    Opening,
    /// Frames flow.
    Open,
    /// The other node said goodbye: what was sent is still answered.
    Leaving,
    /// It failed: nothing is taken.
    Resting,
    /// It will never be opened again.
    Closed,
}

#[derive(Debug, Default)]
struct State {
    standing: Standing,
    /// Counts the streams, so that one that broke takes nothing of its successor.
    stream: u64,
    /// In the order of their numbers.
    queue: VecDeque<Queued>,
    queue_bytes: usize,
    told: VecDeque<Tiding>,
    /// Who waits, queued or sent, by number.
    waiting: BTreeMap<u64, oneshot::Sender<Forwarded>>,
    next_number: u64,
    last_used_at: Monotonic,
    /// Of the task that waits for something to send.
    waker: Option<Waker>,
}

#[derive(Debug)]
struct Queued {
    number: u64,
    give_up_at: Monotonic,
    ask: Vec<u8>,
}

impl Asks {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever is about to ask says so first: asks that are in use are not closed for idleness. False where they are over.
    pub(crate) fn is_in_use(&self, now: Monotonic) -> bool {
        let mut state = self.state();
        state.last_used_at = now;
        state.standing != Standing::Closed
    }

    /// Take an ask: its number, and where its answer comes. `None` where the node is away, or too much waits for it.
    pub(crate) fn put(
        &self,
        ask: Vec<u8>,
        give_up_at: Monotonic,
    ) -> Option<(u64, oneshot::Receiver<Forwarded>)> {
        let mut state = self.state();
        let full = state.waiting.len() >= ASKS_IN_FLIGHT_MAX;
        if full || state.queue_bytes + ask.len() > ASKS_WAITING_BYTES_MAX || !state.takes() {
            return None;
        }
        let number = state.next_number;
        state.next_number += 1;
        state.queue_bytes += ask.len();
        state.queue.push_back(Queued { number, give_up_at, ask });
        let (sender, receiver) = oneshot::channel();
        state.waiting.insert(number, sender);
        wake(state);
        Some((number, receiver))
    }

    /// Tell something, as soon as there is room; it is lost where the node is away, or too much waits.
    pub(crate) fn tell(&self, told: Told) {
        let mut state = self.state();
        if state.takes() && state.told.len() < TOLD_WAITING_MAX {
            state.told.push_back(told.into());
            wake(state);
        }
    }

    /// Nobody waits for this ask any more. Whether it was never sent.
    pub(crate) fn forget(&self, number: u64) -> bool {
        let mut state = self.state();
        state.waiting.remove(&number);
        let Ok(at) = state.queue.binary_search_by_key(&number, |queued| queued.number) else { return false };
        let bytes = state.queue.remove(at).map_or(0, |queued| queued.ask.len());
        state.queue_bytes -= bytes;
        true
    }

    /// The answer to an ask has come.
    pub(crate) fn answer(&self, number: u64, forwarded: Forwarded) {
        let sender = self.state().waiting.remove(&number);
        if let Some(sender) = sender {
            // Who gave up in this instant misses nothing: to him the outcome is unknown.
            let _ = sender.send(forwarded);
        }
    }

    /// Resolves once there is something to send, or never will be.
    pub(crate) fn poll_wanted(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.is_wanted() || state.standing == Standing::Closed {
            return Poll::Ready(());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The next stream begins. Its number.
    pub(crate) fn begin_stream(&self) -> u64 {
        let mut state = self.state();
        state.stream += 1;
        state.stream
    }

    /// The stream is open: frames may flow.
    pub(crate) fn open(&self) {
        let mut state = self.state();
        if state.standing == Standing::Opening {
            state.standing = Standing::Open;
        }
        wake(state);
    }

    /// The next frame of a stream: everything that waits, up to the bounds of a frame. `None`: nothing comes any more.
    pub(crate) fn poll_frame(
        &self,
        stream: u64,
        now: Monotonic,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Vec<u8>>> {
        let mut state = self.state();
        if state.stream != stream {
            return Poll::Ready(None);
        }
        match state.standing {
            Standing::Open if state.is_wanted() => Poll::Ready(Some(state.frame(now))),
            Standing::Opening | Standing::Open => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
            Standing::Leaving | Standing::Resting | Standing::Closed => Poll::Ready(None),
        }
    }

    /// The other node takes no more. What it was sent is still answered, what was not is not sent.
    pub(crate) fn leave(&self) {
        self.end(Standing::Leaving, false);
    }

    /// The stream is gone, and until [`Asks::rested`] nothing is taken.
    pub(crate) fn rest(&self) {
        self.end(Standing::Resting, true);
    }

    /// What is asked waits for a stream again.
    pub(crate) fn rested(&self) {
        let mut state = self.state();
        if state.standing == Standing::Resting {
            state.standing = Standing::Opening;
        }
    }

    /// The end of these asks.
    pub(crate) fn close(&self) {
        self.end(Standing::Closed, true);
    }

    /// The end of these asks, if nothing waits and nothing was asked since `since`. Whether it is.
    pub(crate) fn close_if_idle(&self, since: Monotonic) -> bool {
        let mut state = self.state();
        let busy = state.is_wanted() || !state.waiting.is_empty() || state.last_used_at > since;
        if !busy {
            state.standing = Standing::Closed;
            wake(state);
        }
        !busy
    }

    /// Whether these asks are over.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().standing == Standing::Closed
    }

    fn end(&self, standing: Standing, sent_too: bool) {
        let (not_sent, unanswered) = {
            let mut state = self.state();
            if state.standing != Standing::Closed {
                state.standing = standing;
            }
            state.told.clear();
            state.queue_bytes = 0;
            let queue = std::mem::take(&mut state.queue);
            let not_sent: Vec<_> =
                queue.iter().filter_map(|queued| state.waiting.remove(&queued.number)).collect();
            let unanswered = if sent_too { std::mem::take(&mut state.waiting) } else { BTreeMap::new() };
            wake(state);
            (not_sent, unanswered)
        };
        // Who gave up in this instant is told by his own clock.
        for sender in not_sent {
            let _ = sender.send(Forwarded::NotSent);
        }
        for sender in unanswered.into_values() {
            let _ = sender.send(Forwarded::Unanswered);
        }
    }
}

impl State {
    fn takes(&self) -> bool {
        matches!(self.standing, Standing::Opening | Standing::Open)
    }

    fn is_wanted(&self) -> bool {
        !self.queue.is_empty() || !self.told.is_empty()
    }

    fn frame(&mut self, now: Monotonic) -> Vec<u8> {
        let told = self.told.drain(..).collect();
        let mut frame = AskFrame { hello: None, asks: Vec::new(), told }.encode_to_vec();
        frame.reserve(self.queue_bytes.min(FRAME_BYTES) + FRAME_BYTES / 16);
        let mut asks = 0;
        while asks < FRAME_ASKS_MAX
            && let Some(next) = self.queue.front()
            && (asks == 0 || frame.len() + next.ask.len() <= FRAME_BYTES)
            && let Some(Queued { number, give_up_at, ask }) = self.queue.pop_front()
        {
            self.queue_bytes -= ask.len();
            put_ask(number, give_up_at.0.saturating_sub(now.0), ask, &mut frame);
            asks += 1;
        }
        frame
    }
}

/// Wake whoever waits for something to send, without the lock.
fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
