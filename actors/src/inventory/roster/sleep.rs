//! Between waking and sleep: wake-ups and their alarm, room for others, what is recorded before an event sleeps.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tessera_cluster::NodeId;
use tessera_inventory::{EventId, Timestamp};
use tessera_store::StoreError;
use tessera_writer::Monotonic;

use super::{MAKE_ROOM_EVENTS_MAX, MAKE_ROOM_EVERY_MS, Roster, Stage, answer_all};
use crate::inventory::{InventoryMessage, ShellMessage, wake_up_rows};
use crate::shared::Shared;
use crate::slot::Slot;
use crate::{NotExecuted, ROOM_IDLE_MS_MIN};

/// The recording waits this long at most for the followers, in milliseconds: longer than any drain.
const FOLLOW_WAIT_MS_MAX: u64 = 120_000;
/// In a cluster an event that a follower is stuck in is woken again after this time, in milliseconds.
const STUCK_AGAIN_MS: u64 = 600_000;
/// Pause after the stored wake-ups could not be read, in milliseconds.
const READ_AGAIN_MS: u64 = 1_000;

impl Roster {
    /// Take over the wake-ups that are stored.
    pub(crate) fn schedule(&mut self, wake_ups: Vec<(EventId, Timestamp)>) {
        let (wall, now) = (self.shared.environment.clock.wall(), self.now());
        for (event, due_at) in wake_ups {
            self.wake_ups.set(event, now.plus_ms(due_at.0.saturating_sub(wall.0)));
        }
        self.arm_alarm();
    }

    /// The wall clock is another one than when the wake-ups were reckoned: idle events wake when it says, or as before if that is
    /// sooner. Who is woken too early finds nothing due and sleeps again; a row may be older than what an event has done since.
    pub(crate) fn reschedule(&mut self, wake_ups: Vec<(EventId, Timestamp)>) {
        let (wall, now) = (self.shared.environment.clock.wall(), self.now());
        for (event, due_at) in wake_ups {
            if !self.events.contains_key(&event) && !self.quarantines.contains(event) {
                self.wake_ups.set_no_later(event, now.plus_ms(due_at.0.saturating_sub(wall.0)));
            }
        }
        self.arm_alarm();
    }

    /// Another owner has the event, or had it: a claim of unknown outcome, for one, lands late and nobody acts on it. So time is let
    /// into it again when something is due, though not at once: two owners would take it from each other without end.
    pub(super) fn fenced(&mut self, event: EventId, wakes_at: Option<Monotonic>) {
        let Some(wakes_at) = wakes_at else { return };
        let at_least = self.now().plus_ms(self.shared.limits.passivation_due_ms_min);
        self.wake_ups.set(event, wakes_at.max(at_least));
        self.arm_alarm();
    }

    /// All places are taken: the events that were asked least recently go to sleep if they are idle; those that
    /// could not are passed over for a while. Who was turned away comes again.
    pub(super) fn make_room(&mut self) {
        let now = self.now();
        if self.room_made_at.is_some_and(|at| now.since_ms(at) < MAKE_ROOM_EVERY_MS) {
            return;
        }
        self.room_made_at = Some(now);
        let slots = self.events.values().filter_map(|entry| match &entry.stage {
            Stage::Active { slot } => Some(slot),
            _ => None,
        });
        let may_go =
            |slot: &&Arc<Slot>| now.since_ms(slot.used_at()) >= ROOM_IDLE_MS_MIN && slot.stays_until() <= now;
        let mut idle: Vec<_> = slots.filter(may_go).collect();
        idle.sort_unstable_by_key(|slot| slot.used_at());
        for shell in idle.into_iter().take(MAKE_ROOM_EVENTS_MAX).filter_map(|slot| slot.shell()) {
            let _ = shell.cast(ShellMessage::MakeRoom);
        }
    }

    /// Record when the event must be woken before anybody may activate it again, and not before its followers have worked it off: until
    /// then the row says "at once".
    pub(super) fn handed_over(&mut self, slot: &Arc<Slot>, wakes_at: Option<Monotonic>) {
        let event = slot.event;
        let mut owner = None;
        if let Some(entry) = self.events.get_mut(&event) {
            entry.stage = Stage::Recording;
            owner = entry.owner;
        }
        if let Some((me, to)) = owner.and_then(|me| Some((me, self.heir(event)?))) {
            return self.give(slot, (me, to), wakes_at);
        }
        self.shared.meters.passivations.increment(1);
        if let Some(at) = wakes_at {
            self.wake_ups.set(event, at);
            self.arm_alarm();
        }
        let wall = self.shared.environment.clock.wall();
        let due_at = wakes_at.map(|at| wall.plus_ms(at.since_ms(self.now())));
        let generation = self.generation;
        let (shared, slot, myself) = (Arc::clone(&self.shared), Arc::clone(slot), self.myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            record(&shared, &slot, (owner, generation), due_at).await;
            let _ = myself.cast(InventoryMessage::Recorded(event));
        }));
    }

    /// The wake-up is recorded.
    pub(crate) fn recorded(&mut self, event: EventId) {
        if let Some(entry) = self.events.remove(&event)
            && !entry.waiters.is_empty()
        {
            if self.shared.health.is_draining() {
                answer_all(entry.waiters, NotExecuted::Draining);
            } else {
                self.enqueue_for(event, entry.waiters);
            }
        }
        self.report();
        self.finish_drain();
    }

    /// Activate every idle event in which something is due, as many as fit.
    pub(crate) fn wake_up(&mut self) {
        let now = self.now();
        if !self.alarm.fired(now) {
            return;
        }
        while !self.shared.health.is_draining() && self.events.len() < self.shared.limits.active_events_max {
            let Some(event) = self.wake_ups.take_due(now) else { break };
            self.wake(event, now);
        }
        if self.wake_ups.next_due_at().is_some_and(|due_at| due_at <= now) {
            self.make_room();
        }
        self.arm_alarm();
    }

    /// Something is due in an event. Who rests is tried again after the rest, and who is on its way if it does not get there; who has
    /// only just ended is looked at again in a moment.
    fn wake(&mut self, event: EventId, now: Monotonic) {
        let again_at = now.plus_ms(self.shared.limits.restart_backoff_ms_min);
        let is_quarantined = self.quarantines.contains(event);
        match self.events.get_mut(&event) {
            None if !is_quarantined => self.enqueue_due(event),
            None => {}
            Some(entry) => match &mut entry.stage {
                Stage::Resting { again } => *again = true,
                Stage::Queued | Stage::Activating { .. } => entry.is_due = true,
                Stage::Recording => self.wake_ups.set(event, again_at),
                Stage::Active { .. } => {}
            },
        }
    }

    pub(super) fn arm_alarm(&mut self) {
        self.report();
        if self.shared.health.is_draining() {
            // Nothing is woken any more.
            return;
        }
        let Some(due_at) = self.wake_ups.next_due_at() else { return };
        let now = self.now();
        // Something due that did not fit is looked at again after a pause.
        let due_at =
            if due_at > now { due_at } else { now.plus_ms(self.shared.limits.restart_backoff_ms_min) };
        if self.alarm.wanted().is_none_or(|at| due_at < at) {
            self.alarm.arm(due_at);
        }
    }
}

/// Every wake-up that is stored, however long the store is away; in a cluster those that this node looks after.
pub(super) async fn stored_wake_ups(shared: &Shared) -> Vec<(EventId, Timestamp)> {
    loop {
        let found = match wake_up_rows::all(&*shared.table).await {
            Ok(wake_ups) => looked_after(shared, wake_ups).await,
            Err(error) => Err(error),
        };
        match found {
            Ok(wake_ups) => return wake_ups,
            Err(_) if shared.health.has_failed() => return Vec::new(),
            Err(error) => {
                tracing::warn!(%error, "the wake-ups of idle events could not be read; it is tried again");
                shared.environment.sleep_ms(READ_AGAIN_MS).await;
            }
        }
    }
}

/// Of these, what this node looks after. What must be woken at once is active somewhere, or is adopted, unless nobody owns it.
async fn looked_after(
    shared: &Shared,
    wake_ups: Vec<(EventId, Timestamp)>,
) -> Result<Vec<(EventId, Timestamp)>, StoreError> {
    let Some(cluster) = &shared.cluster else { return Ok(wake_ups) };
    let members = cluster.members();
    let Some(me) = members.me else { return Ok(Vec::new()) };
    let mut ours = Vec::new();
    for (event, due_at) in wake_ups {
        if members.first_for(event) != Some(me) || shared.directory.find(event).is_some() {
            continue;
        }
        if due_at > Timestamp(0) || cluster.nodes.owner(event).await?.is_none() {
            ours.push((event, due_at));
        }
    }
    Ok(ours)
}

/// Wait until every follower has worked the event off, or for as long as is reasonable. Whether they have.
pub(super) async fn is_followed(shared: &Shared, slot: &Slot) -> bool {
    let end_at = shared.environment.after_ms(FOLLOW_WAIT_MS_MAX);
    tokio::select! {
        biased;
        () = slot.followed() => {}
        () = shared.environment.clock.sleep_until(end_at) => {}
    }
    slot.all_have_stored()
}

/// Record when an event that was handed over must be woken. Where that cannot be, its row goes on saying "at once": the next process
/// activates the event for nothing, or for its followers, and misses nothing. In a cluster others go on meanwhile, so it is released, to be
/// looked at again in a while.
pub(super) async fn record(
    shared: &Shared,
    slot: &Slot,
    (owner, generation): (Option<NodeId>, u64),
    due_at: Option<Timestamp>,
) {
    let event = slot.event;
    let is_followed = is_followed(shared, slot).await;
    if shared.generation.load(Ordering::Acquire) != generation {
        // The supervisor that asked for it is gone; the next may have activated the event.
        return;
    }
    if !is_followed {
        tracing::warn!(?event, "an event was handed over before its followers had worked it off");
    }
    let recorded = match (&shared.cluster, owner) {
        (Some(cluster), Some(me)) => {
            let again_at = shared.environment.clock.wall().plus_ms(STUCK_AGAIN_MS);
            let due_at =
                if is_followed { due_at } else { Some(due_at.map_or(again_at, |at| at.min(again_at))) };
            cluster.nodes.release(me, event, due_at).await
        }
        _ if is_followed => wake_up_rows::mark_passive(&*shared.table, event, due_at).await,
        _ => Ok(()),
    };
    if let Err(error) = recorded {
        tracing::warn!(?event, %error, "the wake-up of an idle event could not be recorded");
    }
}
