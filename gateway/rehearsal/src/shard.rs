//! One generator thread: its sessions, its sockets, its notes. A thread has a runtime of its own, so nothing here is contended but by who looks on.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tessera_demo::client::{Call, Cut, Reply, Server};
use tessera_demo::error::DemoError;
use tessera_demo::wire::Problem;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use crate::error::RehearsalError;
use crate::notes::{Ended, Notes, Reception, Request};
use crate::plan::Arrival;
use crate::session;
use crate::sockets::Sockets;
use crate::stage::{Clock, Stage};

/// Most sockets of a thread to the pages where buyers pay.
const PAGE_SOCKETS_MAX: u32 = 64;
/// Time between two looks of a thread at itself: how late its timers are, and what is open.
const BEAT_US: u64 = 20_000;

/// One generator thread.
#[derive(Debug)]
pub struct Shard {
    pub(crate) stage: Arc<Stage>,
    pub(crate) clock: Clock,
    sockets: Sockets,
    /// To the pages where buyers pay, once one was sent there.
    pages: OnceCell<Sockets>,
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
    /// Dropped by the client's own network, on purpose; it may have arrived.
    Dropped {
        /// When it was sent.
        sent_us: u64,
    },
    /// Cut off half-way by the client's own network, on purpose: it cannot have arrived as a whole.
    HalfSent {
        /// When its sending began.
        sent_us: u64,
    },
    /// No whole request was sent: there was no socket for as long as its client was patient, or it broke before the cut.
    NotSent,
}

/// How the network of a client treats a try.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Network {
    /// It carries the request, and its client waits as any other.
    Sound,
    /// It carries the request, and fails so much later, on purpose.
    Fails(Duration),
    /// It fails while the request is being sent, on purpose.
    Cuts(Cut),
}

impl Shard {
    /// A thread with so many sockets.
    #[must_use]
    pub fn new(stage: &Arc<Stage>, clock: Clock, sockets_max: u32) -> Arc<Self> {
        Arc::new(Shard {
            stage: Arc::clone(stage),
            clock,
            sockets: Sockets::new(&stage.server, sockets_max),
            pages: OnceCell::new(),
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

    /// One try, which was due then: its client's patience counts from that moment.
    pub(crate) async fn send(&self, request: Request, call: &Call, due_us: u64, network: Network) -> Tried {
        self.send_over(&self.sockets, request, call, due_us, network).await
    }

    /// One try at the page of a provider, where the network is sound.
    pub(crate) async fn send_to_page(&self, base: &str, request: Request, call: &Call, due_us: u64) -> Tried {
        let opened = self.pages.get_or_try_init(|| async {
            let server = Server::locate(base).await?;
            Ok::<_, DemoError>(Sockets::new(&server, PAGE_SOCKETS_MAX))
        });
        match opened.await {
            Ok(sockets) => self.send_over(sockets, request, call, due_us, Network::Sound).await,
            Err(_) => Tried::NotSent,
        }
    }

    async fn send_over(
        &self,
        sockets: &Sockets,
        request: Request,
        call: &Call,
        due_us: u64,
        network: Network,
    ) -> Tried {
        self.notes().due(due_us);
        let mut socket = sockets.take().await;
        let sent_us = self.clock.now_us();
        let left = match network {
            Network::Sound | Network::Cuts(_) => {
                self.stage.patience.saturating_sub(Duration::from_micros(sent_us.saturating_sub(due_us)))
            }
            Network::Fails(after) => after,
        };
        if left.is_zero() && !matches!(network, Network::Fails(_)) {
            sockets.give(socket);
            self.note(Reception::Unanswered, due_us);
            return Tried::NotSent;
        }
        self.notes().sent(sent_us);
        let was_open = socket.is_open();
        let attempt = async {
            match network {
                Network::Cuts(cut) => socket.cut_off(call, cut).await.map(|()| None),
                Network::Sound | Network::Fails(_) => socket.exchange(call).await.map(Some),
            }
        };
        let tried = tokio::time::timeout(left, attempt).await;
        if !matches!(tried, Ok(Ok(_))) {
            socket.close();
        }
        sockets.changed(was_open, socket.is_open());
        sockets.give(socket);
        match (tried, network) {
            (Ok(Ok(Some(reply))), _) => {
                let reception = Reception::of(request, reply.status);
                let status = reply.status;
                match reception {
                    Reception::Failed => {
                        self.notes().defect(request, &format!("{status} {}", problem_code(&reply)));
                    }
                    Reception::TurnedAway => {
                        self.notes().turned_away(&format!("{status} {}", problem_code(&reply)));
                    }
                    _ => {}
                }
                let at_us = self.note(reception, due_us);
                Tried::Reply { reply, at_us }
            }
            (Ok(Ok(None)), _) => {
                self.note(Reception::HalfSent, due_us);
                Tried::HalfSent { sent_us }
            }
            (_, Network::Cuts(_)) => {
                self.note(Reception::Unanswered, due_us);
                Tried::NotSent
            }
            (Err(_), Network::Fails(_)) => {
                self.note(Reception::Dropped, due_us);
                Tried::Dropped { sent_us }
            }
            _ => {
                self.note(Reception::Unanswered, due_us);
                Tried::Nothing
            }
        }
    }

    fn note(&self, reception: Reception, due_us: u64) -> u64 {
        let at_us = self.clock.now_us();
        self.notes().received(reception, at_us, at_us.saturating_sub(due_us));
        at_us
    }

    /// An operation that was first due then ends now; its latency in microseconds. Without an answer it counts with at least the patience of its
    /// client: a connection that breaks at once is no fast answer, and nobody knows how long the answer would have taken.
    pub(crate) fn end(&self, request: Request, due_us: u64, answered: bool) -> u64 {
        let waited_us = self.clock.now_us().saturating_sub(due_us);
        let patience_us = u64::try_from(self.stage.patience.as_micros()).unwrap_or(u64::MAX);
        let latency_us = if answered { waited_us } else { waited_us.max(patience_us) };
        self.notes().ended(request, latency_us, answered);
        latency_us
    }
}

/// The code of a problem document; of another body, that it has none.
fn problem_code(reply: &Reply) -> String {
    let problem: Option<Problem> = serde_json::from_slice(&reply.body).ok();
    problem
        .map(|problem| problem.code)
        .filter(|code| !code.is_empty())
        .unwrap_or_else(|| "without a code".into())
}
