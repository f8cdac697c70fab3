//! The meeting place of one active event: requests go in, the published view comes out, nobody waits for a lock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwap, ArcSwapOption};
use ractor::ActorRef;
use tessera_inventory::{EventId, Sequence};
use tessera_projections::receipts::DRAFT_REFUSALS_MAX;
use tessera_writer::{Ask, Input, Lane, Monotonic, Reply};
use tokio::sync::{Notify, oneshot, watch};

use crate::followers::{FOLLOWERS, FollowerKind};
use crate::ingress::{Ingress, Refused, WakeFlag};
use crate::inventory::{Ended, Shadow, ShellMessage};
use crate::meters::Meters;
use crate::recent_events::RecentEvents;
use crate::refused_queue::RefusedQueue;
use crate::reply_desk::DeskSender;
use crate::shared::Shared;
use crate::timeline::Timeline;
use crate::{Limits, Published};

/// What the threads that serve share with the shell of one ownership. It ends with the ownership; the next has its own.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) event: EventId,
    pub(crate) ingress: Ingress,
    pub(crate) wake: WakeFlag,
    pub(crate) shadow: Shadow,
    pub(crate) recent: RecentEvents,
    pub(crate) refused: RefusedQueue,
    /// Microseconds of monotonic time.
    used_at: AtomicU64,
    stalled: AtomicBool,
    shell: OnceLock<ActorRef<ShellMessage>>,
    ended: OnceLock<Ended>,
    /// Microseconds of monotonic time.
    stays_until: AtomicU64,
    published: ArcSwap<Published>,
    durable: AtomicU64,
    /// Tells subscribers; gone once the ownership has ended, whoever still holds the slot.
    moves: ArcSwapOption<watch::Sender<Sequence>>,
    follower_wakes: [WakeFlag; FOLLOWERS],
    worked_off: [AtomicU64; FOLLOWERS],
    /// How far each follower's place is stored: behind what it has worked off, while nothing depends on it.
    stored: [AtomicU64; FOLLOWERS],
    stuck: [AtomicBool; FOLLOWERS],
    /// A follower got on, or gave up.
    followed: Notify,
}

/// Why a request did not get to the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TurnedAway {
    /// Its lane is full.
    Full,
    /// The store does not answer.
    Stalled,
    /// The ownership has ended or is ending.
    Ended,
}

impl Slot {
    pub(crate) fn new(
        event: EventId,
        (limits, meters): (&Limits, &Meters),
        published: Published,
        snapshot_at: Sequence,
    ) -> Slot {
        let sequence = published.availability.sequence;
        Slot {
            event,
            ingress: Ingress::new(limits),
            wake: WakeFlag::new(),
            shadow: Shadow::new(snapshot_at),
            recent: RecentEvents::default(),
            refused: RefusedQueue::new(meters),
            used_at: AtomicU64::new(0),
            stalled: AtomicBool::new(false),
            shell: OnceLock::new(),
            ended: OnceLock::new(),
            stays_until: AtomicU64::new(0),
            published: ArcSwap::from_pointee(published),
            durable: AtomicU64::new(sequence.0),
            moves: ArcSwapOption::from_pointee(watch::Sender::new(sequence)),
            follower_wakes: std::array::from_fn(|_| WakeFlag::new()),
            worked_off: std::array::from_fn(|_| AtomicU64::new(0)),
            stored: std::array::from_fn(|_| AtomicU64::new(0)),
            stuck: std::array::from_fn(|_| AtomicBool::new(false)),
            followed: Notify::new(),
        }
    }

    /// Called once, before the slot is in the directory.
    pub(crate) fn attach(&self, shell: ActorRef<ShellMessage>) {
        // A second shell for one slot would be a second writer: the first one stays.
        let _ = self.shell.set(shell);
    }

    pub(crate) fn shell(&self) -> Option<&ActorRef<ShellMessage>> {
        self.shell.get()
    }

    /// Give a request to the writer.
    pub(crate) fn push(
        &self,
        ask: Ask,
        give_up_at: Monotonic,
        desk: Option<DeskSender>,
        timeline: Option<Arc<Timeline>>,
    ) -> Result<oneshot::Receiver<Reply>, (TurnedAway, Ask)> {
        if self.is_stalled() && Lane::of(&ask) == Lane::New {
            return Err((TurnedAway::Stalled, ask));
        }
        let pushed = self.ingress.push(ask, give_up_at, desk, timeline);
        let receiver = pushed.map_err(|(refused, ask)| match refused {
            Refused::Full => (TurnedAway::Full, ask),
            Refused::Closed => (TurnedAway::Ended, ask),
        })?;
        if self.wake.raise() {
            let woken = self.shell.get().is_some_and(|shell| shell.cast(ShellMessage::Wake).is_ok());
            if !woken {
                self.ingress.close();
            }
        }
        Ok(receiver)
    }

    /// Called by the shell, as its last act, and by the supervisor when the shell is gone. The first reason stays and comes back.
    /// Subscribers are told by the end of their channel.
    pub(crate) fn end(&self, ended: Ended) -> &Ended {
        let ended = self.ended.get_or_init(|| ended);
        self.moves.store(None);
        ended
    }

    /// The registration under which the event was claimed is gone: its writer stops.
    pub(crate) fn lose_ownership(&self) {
        if let Some(shell) = self.shell() {
            let _ = shell.cast(ShellMessage::Close(Input::OwnershipLost));
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.get().is_some()
    }

    /// Called by the shell whenever it took requests in.
    pub(crate) fn set_used_at(&self, now: Monotonic) {
        self.used_at.store(now.0, Ordering::Relaxed);
    }

    pub(crate) fn used_at(&self) -> Monotonic {
        Monotonic(self.used_at.load(Ordering::Relaxed))
    }

    /// Called by the shell when it could not make room: others are asked until then.
    pub(crate) fn stay_until(&self, until: Monotonic) {
        self.stays_until.store(until.0, Ordering::Relaxed);
    }

    pub(crate) fn stays_until(&self) -> Monotonic {
        Monotonic(self.stays_until.load(Ordering::Relaxed))
    }

    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }

    pub(crate) fn set_stalled(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::Relaxed);
    }

    pub(crate) fn published(&self) -> Arc<Published> {
        self.published.load_full()
    }

    /// Swap the public view; it never goes back.
    pub(crate) fn publish(&self, published: Published) {
        let sequence = published.availability.sequence;
        assert!(sequence >= self.durable(), "the published sequence goes back");
        self.published.store(Arc::new(published));
        self.durable.store(sequence.0, Ordering::Release);
        if let Some(moves) = &*self.moves.load() {
            moves.send_if_modified(|durable| std::mem::replace(durable, sequence) != sequence);
        }
    }

    /// The last durable sequence.
    pub(crate) fn durable(&self) -> Sequence {
        Sequence(self.durable.load(Ordering::Acquire))
    }

    /// `None` once the ownership has ended.
    pub(crate) fn subscribe(&self) -> Option<watch::Receiver<Sequence>> {
        self.moves.load().as_ref().map(|moves| moves.subscribe())
    }

    pub(crate) fn has_subscribers(&self) -> bool {
        self.moves.load().as_ref().is_some_and(|moves| moves.receiver_count() > 0)
    }

    /// Tell every follower that the log has grown; each has at most one such message waiting per event.
    pub(crate) fn nudge_followers(self: &Arc<Self>, shared: &Shared) {
        for kind in FollowerKind::ALL {
            self.nudge(shared, kind);
        }
    }

    /// Tell one follower that there is something to do.
    pub(crate) fn nudge(self: &Arc<Self>, shared: &Shared, kind: FollowerKind) {
        if self.follower_wake(kind).raise() {
            shared.nudge(kind, self);
        }
    }

    /// Whether a follower has more to do than the log says.
    pub(crate) fn owes(&self, kind: FollowerKind) -> bool {
        kind == FollowerKind::Notary && !self.refused.is_empty()
    }

    /// Whether more of it waits than one page takes.
    pub(crate) fn owes_a_page(&self, kind: FollowerKind) -> bool {
        kind == FollowerKind::Notary && self.refused.len() >= DRAFT_REFUSALS_MAX
    }

    pub(crate) fn follower_wake(&self, kind: FollowerKind) -> &WakeFlag {
        &self.follower_wakes[kind.index()]
    }

    /// How far a follower has worked off the log of this ownership.
    pub(crate) fn worked_off(&self, kind: FollowerKind) -> Sequence {
        Sequence(self.worked_off[kind.index()].load(Ordering::Acquire))
    }

    /// A follower has worked off the log up to `through`, and stored its place at `stored`.
    pub(crate) fn set_worked_off(&self, kind: FollowerKind, through: Sequence, stored: Sequence) {
        self.worked_off[kind.index()].store(through.0, Ordering::Release);
        self.stored[kind.index()].store(stored.0, Ordering::Release);
        self.followed.notify_waiters();
    }

    /// Whether a follower has stored that it has worked off all that is durable.
    pub(crate) fn has_stored(&self, kind: FollowerKind) -> bool {
        self.stored[kind.index()].load(Ordering::Acquire) >= self.durable().0 && !self.owes(kind)
    }

    /// Whether every follower has.
    pub(crate) fn all_have_stored(&self) -> bool {
        FollowerKind::ALL.into_iter().all(|kind| self.has_stored(kind))
    }

    /// A follower cannot go on with this event, or can again.
    pub(crate) fn set_stuck(&self, kind: FollowerKind, stuck: bool) {
        self.stuck[kind.index()].store(stuck, Ordering::Release);
        self.followed.notify_waiters();
    }

    /// Wait until no follower of an ended ownership will get any further: each has stored the end, or is stuck.
    pub(crate) async fn followed(&self) {
        loop {
            // Registered before the look: what happens after it wakes this.
            let mut changed = std::pin::pin!(self.followed.notified());
            changed.as_mut().enable();
            let has_stopped = |kind: FollowerKind| {
                self.has_stored(kind) || self.stuck[kind.index()].load(Ordering::Acquire)
            };
            if FollowerKind::ALL.into_iter().all(has_stopped) {
                return;
            }
            changed.await;
        }
    }

    /// Whether no follower will get any further: each has worked off all that is durable, or is stuck.
    pub(crate) fn followers_are_done(&self) -> bool {
        let durable = self.durable().0;
        FollowerKind::ALL.into_iter().all(|kind| {
            let is_through = self.worked_off[kind.index()].load(Ordering::Acquire) >= durable;
            is_through && !self.owes(kind) || self.stuck[kind.index()].load(Ordering::Acquire)
        })
    }
}
