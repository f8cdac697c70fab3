//! One generator thread: its sessions, its sockets, its notes. A thread has a runtime of its own, so nothing here is contended but by who looks on.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tessera_demo::client::{Call, Reply};
use tokio::task::JoinSet;

use crate::error::RehearsalError;
use crate::notes::{Ended, Notes, Reception, Request};
use crate::plan::Arrival;
use crate::session;
use crate::sockets::Sockets;
use crate::stage::{Clock, Stage};

/// Time between two looks of a thread at itself: how late its timers are, and what is open.
const BEAT_US: u64 = 20_000;
/// Statuses that say *later*.
const LATER: [u16; 2] = [429, 503];

/// One generator thread.
#[derive(Debug)]
pub struct Shard {
    pub(crate) stage: Arc<Stage>,
    pub(crate) clock: Clock,
    sockets: Sockets,
    buyers: AtomicU32,
    notes: Mutex<Notes>,
}

/// What one try came to.
pub(crate) enum Tried {
    /// Answered.
    Reply {
        /// With what.
        reply: Reply,
        /// When.
        at_us: u64,
    },
    /// Not answered; it may have arrived.
    Nothing,
    /// Nothing was sent: there was no socket for as long as its client was patient.
    NotSent,
}

/// How long a try is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    /// As any client.
    Ordinary,
    /// Until its network fails, on purpose.
    Unlucky(Duration),
}

impl Shard {
    /// A thread with so many sockets.
    #[must_use]
    pub fn new(stage: &Arc<Stage>, clock: Clock, sockets_max: u32) -> Arc<Self> {
        Arc::new(Shard {
            stage: Arc::clone(stage),
            clock,
            sockets: Sockets::new(&stage.server, sockets_max),
            buyers: AtomicU32::new(0),
            notes: Mutex::new(Notes::new(stage.behaviours.iter().map(|behaviour| behaviour.name()))),
        })
    }

    /// What it has seen so far.
    pub fn notes(&self) -> MutexGuard<'_, Notes> {
        // A thread that panicked here ends the run; counters are whole between any two lines.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sockets that are open, and sessions on their way.
    #[must_use]
    pub fn open(&self) -> [u32; 2] {
        [self.sockets.open(), self.buyers.load(Ordering::Relaxed)]
    }

    /// Run sessions when they are due, whatever became of the earlier ones, until the last has ended.
    ///
    /// # Errors
    /// [`RehearsalError::Task`] when a session panicked.
    pub async fn run(self: Arc<Self>, arrivals: Vec<Arrival>) -> Result<(), RehearsalError> {
        let mut sessions = JoinSet::new();
        let beating = tokio::spawn(Arc::clone(&self).beat());
        for arrival in arrivals {
            self.wait_until(arrival.due_us).await;
            sessions.spawn(Arc::clone(&self).attend(arrival));
            while let Some(ended) = sessions.try_join_next() {
                ended?;
            }
        }
        while let Some(ended) = sessions.join_next().await {
            ended?;
        }
        beating.abort();
        let [sockets, buyers] = self.open();
        self.notes().look(self.clock.now_us(), sockets, buyers);
        Ok(())
    }

    async fn attend(self: Arc<Self>, arrival: Arrival) {
        self.buyers.fetch_add(1, Ordering::Relaxed);
        self.notes().arrived(arrival.behaviour);
        let ended: Ended = session::attend(&self, arrival).await;
        self.notes().left(arrival.behaviour, ended);
        self.buyers.fetch_sub(1, Ordering::Relaxed);
    }

    async fn beat(self: Arc<Self>) {
        loop {
            self.wait_until(self.clock.now_us() + BEAT_US).await;
            let [sockets, buyers] = self.open();
            self.notes().look(self.clock.now_us(), sockets, buyers);
        }
    }

    /// Sleep until then, and note how late it became.
    pub(crate) async fn wait_until(&self, due_us: u64) {
        self.clock.sleep_until(due_us).await;
        let now_us = self.clock.now_us();
        self.notes().late(now_us, now_us.saturating_sub(due_us));
    }

    /// One try of a request that was due then. Its latency, and its client's patience, count from that moment.
    pub(crate) async fn send(&self, request: Request, call: &Call, due_us: u64, patience: Patience) -> Tried {
        self.notes().due(due_us);
        let mut socket = self.sockets.take().await;
        let sent_us = self.clock.now_us();
        let left = match patience {
            Patience::Ordinary => {
                self.stage.patience.saturating_sub(Duration::from_micros(sent_us.saturating_sub(due_us)))
            }
            Patience::Unlucky(until) => until,
        };
        if left.is_zero() && matches!(patience, Patience::Ordinary) {
            self.sockets.give(socket);
            self.note(request, Reception::Unanswered, due_us);
            return Tried::NotSent;
        }
        self.notes().sent(sent_us);
        let was_open = socket.is_open();
        let tried = tokio::time::timeout(left, socket.exchange(call)).await;
        if !matches!(tried, Ok(Ok(_))) {
            socket.close();
        }
        self.sockets.changed(was_open, socket.is_open());
        self.sockets.give(socket);
        let is_command = matches!(request, Request::Command(_));
        match (tried, patience) {
            (Ok(Ok(reply)), _) => {
                let reception = match reply.status {
                    status if LATER.contains(&status) => Reception::TurnedAway,
                    _ if !is_command => Reception::Read,
                    _ if reply.accepted() => Reception::Accepted,
                    _ => Reception::Refused,
                };
                let at_us = self.note(request, reception, due_us);
                Tried::Reply { reply, at_us }
            }
            (Err(_), Patience::Unlucky(_)) => {
                self.note(request, Reception::Dropped, due_us);
                Tried::Nothing
            }
            _ => {
                self.note(request, Reception::Unanswered, due_us);
                Tried::Nothing
            }
        }
    }

    fn note(&self, request: Request, reception: Reception, due_us: u64) -> u64 {
        let at_us = self.clock.now_us();
        self.notes().received(request, reception, at_us, at_us.saturating_sub(due_us));
        at_us
    }
}
