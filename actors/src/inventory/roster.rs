//! Which events are active, on their way there, resting after a failure, or asleep until something is due.

mod handing;
mod sleep;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ractor::{Actor, ActorRef};
use tessera_cluster::NodeId;
use tessera_inventory::EventId;
use tessera_writer::{Input, Monotonic, Verdict};
use tokio::sync::oneshot;

use self::sleep::stored_wake_ups;
use super::activation::{Activated, Failure, activate};
use super::performer::ShellArguments;
use super::quarantines::Quarantines;
use super::shell::Shell;
use super::supervisor::Waiter;
use super::timer::Timer;
use super::wake_ups::WakeUps;
use super::{Ended, InventoryMessage, ShellMessage};
use crate::blocking::caught;
use crate::meters::{number, seconds};
use crate::shared::Shared;
use crate::slot::Slot;
use crate::supervision::backoff_ms;
use crate::{ACTIVATIONS_AT_ONCE_MAX, ActivateError, NotExecuted};

/// Waiters of one event are looked through for those who left whenever there are this many, and twice as many, and so on.
const WAITERS_SWEPT_AT: usize = 64;
/// While all places are taken, an event is asked for its place at most once in this time, in milliseconds: looking for it is a walk over
/// all active events.
const MAKE_ROOM_EVERY_MS: u64 = 100;
/// So many events are asked to make room at a time.
const MAKE_ROOM_EVENTS_MAX: usize = 32;

/// Where an event stands.
#[derive(Debug)]
enum Stage {
    /// Its activation waits for others.
    Queued,
    /// Its activation is under way.
    Activating { began_at: Monotonic },
    /// It has a writer.
    Active { slot: Arc<Slot> },
    /// Its writer has ended in good order; its wake-up is being recorded.
    Recording,
    /// It failed lately and is not tried before its pause is over; then it is, when `again` or when somebody waits.
    Resting { again: bool },
}

#[derive(Debug)]
struct Entry {
    stage: Stage,
    waiters: Vec<Waiter>,
    /// Something is due in it: it is activated, and after a failure tried again, whether or not anybody waits.
    is_due: bool,
    /// Activations in a row that the store or another owner has ended.
    failures: u32,
    /// The registration under which it was claimed.
    owner: Option<NodeId>,
    /// The node that gets it once its writer has handed over.
    moves_to: Option<NodeId>,
}

impl Entry {
    fn queued(waiters: Vec<Waiter>, is_due: bool) -> Entry {
        Entry { stage: Stage::Queued, waiters, is_due, failures: 0, owner: None, moves_to: None }
    }
}

/// The events of this process.
#[derive(Debug)]
pub(crate) struct Roster {
    shared: Arc<Shared>,
    myself: ActorRef<InventoryMessage>,
    events: BTreeMap<EventId, Entry>,
    shells: BTreeMap<u64, EventId>,
    /// Events that callers wait for; they go first.
    queue: VecDeque<EventId>,
    /// Events that nobody waits for: something is due in them. One that is asked for meanwhile stands in both.
    due_queue: VecDeque<EventId>,
    activating: usize,
    /// Which start of the supervisor this is.
    generation: u64,
    quarantines: Quarantines,
    wake_ups: WakeUps,
    alarm: Timer,
    /// When room was last made, or looked for.
    room_made_at: Option<Monotonic>,
    /// Whether events that another node ranks first for are given to it.
    is_rebalancing: bool,
    /// Held by a look for wake-ups that is under way.
    look: Option<Arc<()>>,
    drained: Vec<oneshot::Sender<()>>,
}

impl Roster {
    /// The roster of a supervisor that starts; whatever an earlier one began ends without effect.
    pub(crate) fn new(
        shared: Arc<Shared>,
        myself: ActorRef<InventoryMessage>,
        quarantines: Quarantines,
    ) -> Roster {
        let supervisor = myself.clone();
        let alarm =
            Timer::start(&shared.environment, move || supervisor.cast(InventoryMessage::WakeUp).is_ok());
        Roster {
            generation: shared.generation.fetch_add(1, Ordering::AcqRel) + 1,
            shared,
            myself,
            events: BTreeMap::new(),
            shells: BTreeMap::new(),
            queue: VecDeque::new(),
            due_queue: VecDeque::new(),
            activating: 0,
            quarantines,
            wake_ups: WakeUps::default(),
            alarm,
            room_made_at: None,
            is_rebalancing: false,
            look: None,
            drained: Vec::new(),
        }
    }

    /// Somebody needs the writer of an event.
    pub(crate) fn request(&mut self, event: EventId, waiter: Waiter) {
        let refusal = if self.shared.health.is_draining() {
            Some(NotExecuted::Draining)
        } else if let Some(reason) = self.quarantines.refusal(event) {
            Some(reason)
        } else if !self.events.contains_key(&event)
            && self.events.len() >= self.shared.limits.active_events_max
        {
            Some(NotExecuted::TooManyActivations)
        } else {
            None
        };
        if refusal == Some(NotExecuted::TooManyActivations) {
            self.make_room();
        }
        if let Some(reason) = refusal {
            let _ = waiter.send(Err(ActivateError::NotNow { reason }));
            return;
        }
        match self.events.get_mut(&event) {
            Some(Entry { stage: Stage::Active { slot }, .. }) if !slot.ingress.is_closed() => {
                let _ = waiter.send(Ok(Arc::clone(slot)));
            }
            Some(entry) => {
                if entry.waiters.len() >= WAITERS_SWEPT_AT && entry.waiters.len().is_power_of_two() {
                    entry.waiters.retain(|waiter| !waiter.is_closed());
                }
                if matches!(entry.stage, Stage::Queued) && entry.waiters.is_empty() {
                    self.queue.push_back(event);
                }
                entry.waiters.push(waiter);
            }
            None => self.enqueue_for(event, vec![waiter]),
        }
    }

    /// Somebody waits for the event.
    fn enqueue_for(&mut self, event: EventId, waiters: Vec<Waiter>) {
        self.enqueue(event, Entry::queued(waiters, false));
    }

    /// Something is due in the event.
    fn enqueue_due(&mut self, event: EventId) {
        self.enqueue(event, Entry::queued(Vec::new(), true));
    }

    fn enqueue(&mut self, event: EventId, entry: Entry) {
        let queue = if entry.waiters.is_empty() { &mut self.due_queue } else { &mut self.queue };
        queue.push_back(event);
        self.events.insert(event, Entry { stage: Stage::Queued, ..entry });
        self.start_activations();
    }

    fn start_activations(&mut self) {
        while self.activating < ACTIVATIONS_AT_ONCE_MAX {
            let Some(event) = self.queue.pop_front().or_else(|| self.due_queue.pop_front()) else { return };
            let began_at = self.now();
            let Some(entry) = self.events.get_mut(&event) else { continue };
            if !matches!(entry.stage, Stage::Queued) {
                continue;
            }
            entry.stage = Stage::Activating { began_at };
            self.activating += 1;
            self.shared.meters.activations.increment(1);
            let (shared, myself, generation) =
                (Arc::clone(&self.shared), self.myself.clone(), self.generation);
            self.shared.environment.spawn.spawn(Box::pin(async move {
                let outcome = Box::pin(caught(activate(shared, event, generation))).await;
                let outcome = Box::new(outcome.unwrap_or_else(|panicked| Err(panicked.into())));
                let _ = myself.cast(InventoryMessage::Activated { event, outcome });
            }));
        }
    }

    /// An activation ended.
    pub(crate) async fn activated(&mut self, event: EventId, outcome: Result<Activated, Failure>) {
        self.activating -= 1;
        match outcome {
            Ok(activated) if !self.shared.health.is_draining() => self.serve(event, activated).await,
            // The event is ours and nothing has been done with it: the next process claims it in turn.
            Ok(_) => self.dismiss(event, NotExecuted::Draining),
            Err(failure) => self.activation_failed(event, failure),
        }
        self.start_activations();
        self.finish_drain();
    }

    async fn serve(&mut self, event: EventId, activated: Activated) {
        let now = self.now();
        let Activated { writer, outputs, publisher, owner, published, snapshot_at } = activated;
        let slot =
            Arc::new(Slot::new(event, (&self.shared.limits, &self.shared.meters), published, snapshot_at));
        let shared = Arc::clone(&self.shared);
        let arguments = ShellArguments { shared, slot: Arc::clone(&slot), writer, outputs, publisher };
        let shell = match Actor::spawn_linked(None, Shell, arguments, self.myself.get_cell()).await {
            Ok((shell, _)) => shell,
            Err(error) => return self.panicked(event, &error.to_string()),
        };
        let pid = shell.get_id().pid();
        slot.attach(shell);
        self.shells.insert(pid, event);
        self.wake_ups.remove(event);
        self.shared.directory.insert(Arc::clone(&slot));
        slot.nudge_followers(&self.shared);
        if self.shared.cluster.as_ref().is_some_and(|cluster| cluster.me() != owner) {
            // The registration that claimed it went while the event was on its way.
            slot.lose_ownership();
        }
        if let Some(entry) = self.events.get_mut(&event) {
            if let Stage::Activating { began_at } = entry.stage {
                let elapsed = now.0.saturating_sub(began_at.0);
                self.shared.meters.activation_seconds.record(seconds(elapsed));
                tracing::debug!(?event, sequence = %slot.durable(), micros = elapsed, "an event was activated");
            }
            entry.stage = Stage::Active { slot: Arc::clone(&slot) };
            (entry.is_due, entry.failures) = (false, 0);
            (entry.owner, entry.moves_to) = (owner, None);
            for waiter in entry.waiters.drain(..) {
                let _ = waiter.send(Ok(Arc::clone(&slot)));
            }
        }
        self.report();
    }

    fn activation_failed(&mut self, event: EventId, failure: Failure) {
        self.shared.meters.activation_failures.increment(1);
        match failure {
            Failure::Fenced => self.rest(event, NotExecuted::Restarting),
            Failure::Elsewhere => self.dismiss(event, NotExecuted::Elsewhere),
            Failure::NotServing => self.rest_unregistered(event),
            Failure::Unavailable { reason } => {
                tracing::warn!(?event, reason, "an event could not be activated: the store is away");
                self.rest(event, NotExecuted::StoreAway);
            }
            Failure::Unreadable { error } => self.quarantine(event, &error.to_string()),
            Failure::WentBack { lacks } => {
                self.quarantines.went_back(event, lacks);
                self.dismiss(event, NotExecuted::StoreWentBack);
            }
            Failure::SetAside { row } => {
                self.quarantines.found(&row);
                let reason = self.quarantines.refusal(event);
                self.dismiss(event, reason.unwrap_or(NotExecuted::Quarantined));
            }
            Failure::Violated { reason } => self.quarantine(event, &reason),
            Failure::StoreFailed { reason } => {
                self.dismiss(event, NotExecuted::StoreAway);
                self.shared.health.fail(reason);
            }
            Failure::Panicked { reason } => self.panicked(event, &reason),
        }
    }

    /// A shell ended, whatever the reason.
    pub(crate) fn shell_ended(&mut self, pid: u64) {
        let Some(event) = self.shells.remove(&pid) else { return };
        let Some(slot) = self.shared.directory.remove(event) else { return };
        slot.ingress.close();
        let ended = slot.end(Ended::Panicked { reason: "the actor ended without a reason".to_owned() });
        // Afterwards: they store their places once they see the end.
        slot.nudge_followers(&self.shared);
        self.report();
        match ended.clone() {
            Ended::HandedOver { wakes_at } => self.handed_over(&slot, wakes_at),
            Ended::Fenced { epoch, wakes_at } => {
                self.shared.meters.fenced.increment(1);
                tracing::warn!(?event, %epoch, "the event has another owner");
                self.fenced(event, wakes_at);
                self.rest(event, NotExecuted::Restarting);
            }
            Ended::StoreFailed { reason } => {
                self.dismiss(event, NotExecuted::StoreAway);
                self.shared.health.fail(reason);
            }
            Ended::Damaged { reason } => self.quarantine(event, &reason),
            Ended::Panicked { reason } => self.panicked(event, &reason),
        }
        self.finish_drain();
    }

    fn panicked(&mut self, event: EventId, reason: &str) {
        self.shared.meters.panics.increment(1);
        let now = self.now();
        match self.quarantines.failed(event, now, reason) {
            Verdict::RestartAt(at) => {
                self.shared.meters.restarts.increment(1);
                let wait_ms = at.since_ms(now);
                tracing::error!(?event, reason, wait_ms, "a writer failed; it is rebuilt from the log");
                self.rest_until(event, at, true);
            }
            Verdict::Quarantined => self.dismiss(event, NotExecuted::Quarantined),
        }
    }

    fn quarantine(&mut self, event: EventId, reason: &str) {
        self.quarantines.set(event, reason);
        self.dismiss(event, NotExecuted::Quarantined);
    }

    /// An operator has repaired an event.
    pub(crate) fn release(&mut self, event: EventId) {
        self.quarantines.lift(event);
        if !self.events.contains_key(&event) && !self.shared.health.is_draining() {
            self.enqueue_due(event);
        }
    }

    /// An operator has told another node that an event may be served, if it has not been set aside anew meanwhile.
    pub(crate) fn lifted(&mut self, event: EventId) {
        if self.shared.health.aside(event).is_some_and(|aside| aside.is_recorded) {
            self.quarantines.lift(event);
        }
    }

    /// Answer who waits, and try again after a pause that doubles: at once then when something is due, otherwise when somebody asks.
    fn rest(&mut self, event: EventId, reason: NotExecuted) {
        let Some(entry) = self.events.get_mut(&event) else { return };
        answer_all(std::mem::take(&mut entry.waiters), reason);
        let (limits, random) = (&self.shared.limits, &*self.shared.environment.random);
        let wait_ms = backoff_ms(entry.failures, limits, random);
        entry.failures = entry.failures.saturating_add(1);
        let again = entry.is_due;
        self.rest_until(event, self.now().plus_ms(wait_ms), again);
    }

    /// The node has no registration: it is no fault of the event's.
    fn rest_unregistered(&mut self, event: EventId) {
        let Some(entry) = self.events.get_mut(&event) else { return };
        answer_all(std::mem::take(&mut entry.waiters), NotExecuted::Elsewhere);
        let again = entry.is_due;
        self.rest_until(event, self.now().plus_ms(self.shared.limits.restart_backoff_ms_min), again);
    }

    fn rest_until(&mut self, event: EventId, at: Monotonic, again: bool) {
        if self.shared.health.is_draining() {
            // The drain waits for nobody who only rests.
            return self.dismiss(event, NotExecuted::Draining);
        }
        let Some(entry) = self.events.get_mut(&event) else { return };
        entry.stage = Stage::Resting { again };
        let (sleep, myself) = (self.shared.environment.clock.sleep_until(at), self.myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            sleep.await;
            let _ = myself.cast(InventoryMessage::Rested(event));
        }));
    }

    /// The pause of an event is over.
    pub(crate) fn rested(&mut self, event: EventId) {
        let Some(entry) = self.events.get(&event) else { return };
        let Stage::Resting { again } = entry.stage else { return };
        let wanted = again || !entry.waiters.is_empty();
        let Some(entry) = self.events.remove(&event) else { return };
        if self.shared.health.is_draining() {
            answer_all(entry.waiters, NotExecuted::Draining);
        } else if wanted {
            self.enqueue(event, Entry { is_due: again, ..entry });
        }
        self.finish_drain();
    }

    fn dismiss(&mut self, event: EventId, reason: NotExecuted) {
        if let Some(entry) = self.events.remove(&event) {
            answer_all(entry.waiters, reason);
        }
    }

    /// An operator vouches for the wall clock. When idle events must be woken was reckoned by the one before.
    pub(crate) fn acknowledge_clock(&self) {
        let wall = self.shared.witness.acknowledge(&*self.shared.environment.clock);
        for slot in self.shared.directory.all() {
            if let Some(shell) = slot.shell() {
                let _ = shell.cast(ShellMessage::AcknowledgeClock(wall));
            }
        }
        let (shared, myself) = (Arc::clone(&self.shared), self.myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            let wake_ups = stored_wake_ups(&shared).await;
            let _ = myself.cast(InventoryMessage::Reschedule(wake_ups));
        }));
    }

    /// Hand over every event.
    pub(crate) fn drain(&mut self, done: oneshot::Sender<()>) {
        self.drained.push(done);
        let mut queued = std::mem::take(&mut self.queue);
        queued.append(&mut self.due_queue);
        queued
            .retain(|event| self.events.get(event).is_some_and(|entry| matches!(entry.stage, Stage::Queued)));
        for event in queued {
            self.dismiss(event, NotExecuted::Draining);
        }
        for entry in self.events.values_mut() {
            if let Stage::Active { slot } = &entry.stage
                && let Some(shell) = slot.shell()
            {
                let _ = shell.cast(ShellMessage::Close(Input::HandOver));
            }
            answer_all(std::mem::take(&mut entry.waiters), NotExecuted::Draining);
        }
        self.events.retain(|_, entry| !matches!(entry.stage, Stage::Resting { .. }));
        self.finish_drain();
    }

    fn finish_drain(&mut self) {
        if self.events.is_empty() {
            for done in self.drained.drain(..) {
                let _ = done.send(());
            }
        }
    }

    fn report(&self) {
        self.shared.meters.active_events.set(number(self.shared.directory.len() as u64));
        self.shared.meters.wake_ups.set(number(self.wake_ups.len() as u64));
        self.shared.health.set_wake_ups(self.wake_ups.len());
    }

    fn now(&self) -> Monotonic {
        self.shared.environment.clock.monotonic()
    }
}

fn answer_all(waiters: Vec<Waiter>, reason: NotExecuted) {
    for waiter in waiters {
        let _ = waiter.send(Err(ActivateError::NotNow { reason }));
    }
}
