//! The streams to other nodes: [`Peers`] over gRPC.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_actors::{Environment, Forwarded, ForwardedAsk, Peer, Peers, Told};
use tessera_writer::Monotonic;
use tokio::sync::oneshot;

use crate::asks::Asks;
use crate::conversation::Conversation;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::meters::Meters;
use crate::security::Security;
use crate::wire::encode_ask;

/// One stream to each node that something is asked of, opened with the first ask, closed when idle.
pub struct PeerStreams {
    shared: Arc<Shared>,
}

/// What every conversation has in common.
pub(crate) struct Shared {
    pub(crate) environment: Environment,
    pub(crate) security: Security,
    /// The installation that all nodes serve.
    pub(crate) installation: u128,
    pub(crate) meters: Meters,
    /// The asks to each node. At most so many as there are nodes: who is idle is removed.
    asks: Mutex<BTreeMap<Peer, Arc<Asks>>>,
}

impl PeerStreams {
    /// No streams yet. `installation` is the identity of the installation that all nodes serve. The futures of the environment
    /// run on a tokio runtime.
    #[must_use]
    pub fn new(environment: Environment, security: Security, installation: u128) -> PeerStreams {
        let meters = Meters::new();
        let asks = Mutex::default();
        PeerStreams { shared: Arc::new(Shared { environment, security, installation, meters, asks }) }
    }
}

impl fmt::Debug for PeerStreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerStreams").finish_non_exhaustive()
    }
}

impl Drop for PeerStreams {
    fn drop(&mut self) {
        for asks in std::mem::take(&mut *self.shared.asks()).into_values() {
            asks.close();
        }
    }
}

impl Peers for PeerStreams {
    fn forward(&self, to: &Peer, ask: &ForwardedAsk) -> BoxFuture<'static, Forwarded> {
        let began = self.shared.environment.clock.monotonic();
        let bytes = encode_ask(ask);
        let give_up_us = u64::try_from(ask.give_up.as_micros()).unwrap_or(u64::MAX);
        let give_up_at = Monotonic(began.0.saturating_add(give_up_us));
        if bytes.len() > MESSAGE_BYTES_MAX {
            tracing::error!(event = ?ask.event, bytes = bytes.len(), "an ask is too large to be forwarded");
            return self.shared.not_sent(began);
        }
        let asks = self.shared.asks_to(to, began);
        let Some((number, answer)) = asks.put(bytes, give_up_at) else { return self.shared.not_sent(began) };
        self.shared.meters.asks_out.increment(1);
        let shared = Arc::clone(&self.shared);
        let timer = shared.environment.clock.sleep_until(give_up_at);
        Box::pin(Waiting { shared, asks, number, answer, timer, began, done: false })
    }

    fn tell(&self, to: &Peer, told: Told) {
        self.shared.asks_to(to, self.shared.environment.clock.monotonic()).tell(told);
    }
}

impl Shared {
    fn asks(&self) -> MutexGuard<'_, BTreeMap<Peer, Arc<Asks>>> {
        self.asks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The asks to this node; the first begin a conversation with it.
    fn asks_to(self: &Arc<Self>, to: &Peer, now: Monotonic) -> Arc<Asks> {
        let mut all = self.asks();
        if let Some(asks) = all.get(to)
            && asks.is_in_use(now)
        {
            return Arc::clone(asks);
        }
        let asks = Arc::new(Asks::default());
        asks.is_in_use(now);
        all.insert(to.clone(), Arc::clone(&asks));
        drop(all);
        let conversation = Conversation::new(to.clone(), Arc::clone(&asks), Arc::downgrade(self));
        self.environment.spawn.spawn(conversation.run().boxed());
        asks
    }

    /// The asks to this node are over.
    pub(crate) fn remove(&self, to: &Peer, asks: &Arc<Asks>) {
        let mut all = self.asks();
        if all.get(to).is_some_and(|found| Arc::ptr_eq(found, asks)) {
            all.remove(to);
        }
    }

    fn not_sent(&self, began: Monotonic) -> BoxFuture<'static, Forwarded> {
        self.meters.forwarded(&Forwarded::NotSent, began, began);
        futures::future::ready(Forwarded::NotSent).boxed()
    }
}

/// An ask that waits for its answer, at most until its client gives up. Dropped, it is no longer sent if it was not.
struct Waiting {
    shared: Arc<Shared>,
    asks: Arc<Asks>,
    number: u64,
    answer: oneshot::Receiver<Forwarded>,
    timer: BoxFuture<'static, ()>,
    began: Monotonic,
    done: bool,
}

impl Waiting {
    fn finish(&mut self, forwarded: Forwarded) -> Poll<Forwarded> {
        self.done = true;
        self.shared.meters.asks_out.decrement(1);
        let now = self.shared.environment.clock.monotonic();
        self.shared.meters.forwarded(&forwarded, self.began, now);
        Poll::Ready(forwarded)
    }
}

impl Future for Waiting {
    type Output = Forwarded;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Forwarded> {
        if let Poll::Ready(answer) = self.answer.poll_unpin(cx) {
            // Its sender is dropped only with the asks themselves, which tell all first.
            return self.finish(answer.unwrap_or(Forwarded::Unanswered));
        }
        if self.timer.poll_unpin(cx).is_pending() {
            return Poll::Pending;
        }
        let not_sent = self.asks.forget(self.number);
        let in_time = self.answer.try_recv().ok();
        self.finish(match in_time {
            Some(forwarded) => forwarded,
            None if not_sent => Forwarded::NotSent,
            None => Forwarded::Unanswered,
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.done {
            self.asks.forget(self.number);
            self.shared.meters.asks_out.decrement(1);
        }
    }
}

/// Until the streams themselves are dropped.
pub(crate) type WeakShared = Weak<Shared>;
