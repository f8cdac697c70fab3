//! Performs what a writer puts out.

use std::sync::Arc;

use ractor::ActorRef;
use tessera_records::RecordEncoder;
use tessera_store::{AppendOutcome, Batch, StoreError};
use tessera_writer::{
    Alert, ClockReading, ClockState, Head, Lane, Monotonic, Output, Refused, Reply, StopReason, StoreFailure,
    Writer,
};

use super::publisher::Publisher;
use super::shadow;
use super::timer::Timer;
use super::{Ended, ShellMessage};
use crate::blocking::{Panicked, caught};
use crate::followers::FollowerKind;
use crate::ingress::Ticket;
use crate::meters::{ReplyTally, number, seconds};
use crate::shared::Shared;
use crate::slot::Slot;
use crate::timeline::TurnTimes;
use crate::{ROOM_IDLE_MS_MIN, STORE_HANGS_MS, WAKE_UPS_MAX};

/// The clocks are looked at, and idleness is judged, at least this often, in milliseconds.
const LOOK_AROUND_MS_MAX: u64 = 30_000;
/// While the store hangs, who has given up is told at least this often, in milliseconds.
const SWEEP_EVERY_MS: u64 = 100;

/// What a shell starts with.
#[derive(Debug)]
pub(crate) struct ShellArguments {
    pub(crate) shared: Arc<Shared>,
    pub(crate) slot: Arc<Slot>,
    pub(crate) writer: Writer<Ticket, RecordEncoder>,
    /// What the writer wants done first.
    pub(crate) outputs: Vec<Output<Ticket>>,
    pub(crate) publisher: Publisher,
}

/// One writer, and all that its outputs need to be performed.
#[derive(Debug)]
pub(crate) struct Performer {
    shared: Arc<Shared>,
    slot: Arc<Slot>,
    myself: ActorRef<ShellMessage>,
    /// `None` once it has ended.
    writer: Option<Writer<Ticket, RecordEncoder>>,
    outputs: Vec<Output<Ticket>>,
    publisher: Publisher,
    timer: Timer,
    tally: ReplyTally,
    turn: TurnTimes,
    /// When the call to the store that is under way began.
    store_asked_at: Option<Monotonic>,
    /// The head after the append that is under way.
    appending: Option<Head>,
    /// Whether somebody will look whether that call hangs.
    is_watched: bool,
    damage: Option<String>,
    /// Whether operators see that something waits because its clock is doubted.
    doubts_clock: bool,
}

impl Performer {
    pub(crate) fn new(myself: ActorRef<ShellMessage>, arguments: ShellArguments) -> Performer {
        let ShellArguments { shared, slot, writer, outputs, publisher } = arguments;
        let shell = myself.clone();
        let timer = Timer::start(&shared.environment, move || shell.cast(ShellMessage::TimerFired).is_ok());
        let now = shared.environment.clock.monotonic();
        slot.set_used_at(now);
        let mut performer = Performer {
            slot,
            myself,
            writer: Some(writer),
            outputs,
            publisher,
            timer,
            tally: ReplyTally::default(),
            turn: TurnTimes::began(0, now),
            store_asked_at: None,
            appending: None,
            is_watched: false,
            damage: None,
            doubts_clock: false,
            shared,
        };
        performer.note_clock();
        performer
    }

    pub(crate) fn now(&self) -> Monotonic {
        self.shared.environment.clock.monotonic()
    }

    pub(crate) fn slot(&self) -> Arc<Slot> {
        Arc::clone(&self.slot)
    }

    /// The writer, and where its outputs go until [`Performer::perform`].
    pub(crate) fn writer(
        &mut self,
    ) -> (Option<&mut Writer<Ticket, RecordEncoder>>, &mut Vec<Output<Ticket>>) {
        (self.writer.as_mut(), &mut self.outputs)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.writer.is_none()
    }

    /// Perform what has been put out, in order. But publish before the first reply, so that who has its reply never reads an older
    /// view; and close before it, so that who asks again finds the next writer, not this one.
    pub(crate) fn perform(&mut self) {
        let mut outputs = std::mem::take(&mut self.outputs);
        for output in &outputs {
            match output {
                Output::Publish => self.publish(),
                Output::Stop(_) => self.slot.ingress.close(),
                _ => {}
            }
        }
        self.slot.recent.keep(outputs.iter().filter_map(|output| match output {
            Output::Reply { reply: Reply::Accepted { sequence, event, .. }, .. } => Some((*sequence, event)),
            _ => None,
        }));
        for output in outputs.drain(..) {
            self.perform_one(output);
        }
        self.outputs = outputs;
        self.tally.flush(&self.shared.meters);
    }

    fn perform_one(&mut self, output: Output<Ticket>) {
        match output {
            Output::Append { expected, next, record, attempt } => {
                self.append(expected, Batch { next, record }, attempt);
            }
            Output::ReadHead => {
                self.store_asked(false);
                let (found, myself) = (self.shared.log.head(self.slot.event), self.myself.clone());
                self.shared.environment.spawn.spawn(Box::pin(async move {
                    let away = |panicked: Panicked| Err(StoreError::Unavailable { reason: panicked.reason });
                    let _ = myself.cast(ShellMessage::HeadRead(caught(found).await.unwrap_or_else(away)));
                }));
            }
            Output::Reply { ticket, reply } => {
                self.tally.count(&reply);
                if let Some(timeline) = &ticket.timeline
                    && reply.is_decided()
                {
                    let now = self.now();
                    timeline.served_by(self.turn.traced(now));
                }
                ticket.answer(reply);
            }
            Output::Refused(refused) => self.refused(refused),
            Output::Publish => {}
            Output::ArmTimer(at) => self.timer.arm(at),
            Output::Alert(alert) => self.alert(&alert),
            Output::Stop(reason) => self.stopped(reason),
        }
    }

    /// Hand refusals to the notary; what it has no room for is never proven.
    fn refused(&self, refused: Vec<Refused>) {
        self.slot.refused.push(refused);
        self.slot.nudge(&self.shared, FollowerKind::Notary);
    }

    /// Nothing may cancel an append once it is begun: no timeout, no select, no abort. Its answer comes as a message.
    fn append(&mut self, expected: Head, batch: Batch, attempt: u32) {
        let meters = &self.shared.meters;
        if attempt == 0 {
            meters.append_bytes.record(number(batch.record.len() as u64));
            meters.queue_existing.record(number(self.slot.ingress.depth(Lane::Existing)));
            meters.queue_new.record(number(self.slot.ingress.depth(Lane::New)));
        } else {
            meters.append_retries.increment(1);
        }
        self.store_asked(true);
        self.appending = Some(batch.next);
        let (outcome, myself) =
            (self.shared.log.append(self.slot.event, expected, batch), self.myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            let unknown = |panicked: Panicked| AppendOutcome::Unknown { reason: panicked.reason };
            // The shell may have ended meanwhile; what the append did is in the log.
            let _ = myself.cast(ShellMessage::AppendDone(caught(outcome).await.unwrap_or_else(unknown)));
        }));
    }

    /// What is stored of this event is damaged: it is set aside when the writer has stopped. Answers why.
    pub(crate) fn damaged(&mut self, error: &StoreError) -> String {
        let reason = error.to_string();
        self.damage = Some(reason.clone());
        reason
    }

    /// One task watches all calls of a second, not one each.
    fn store_asked(&mut self, appends: bool) {
        let now = self.now();
        self.turn.stores(appends, now);
        self.store_asked_at = Some(now);
        if !self.is_watched {
            self.is_watched = true;
            self.send_at(now.plus_ms(STORE_HANGS_MS), ShellMessage::WatchStore);
        }
    }

    /// Whether the call to the store that is under way is not answered: the writer knows only of those that were.
    pub(crate) fn store_hangs(&self) -> bool {
        self.store_asked_at.is_some_and(|at| self.now().since_ms(at) >= STORE_HANGS_MS)
    }

    /// Look again for as long as a call is under way.
    pub(crate) fn watch_store(&mut self) {
        self.is_watched = self.store_asked_at.is_some();
        let Some(asked_at) = self.store_asked_at else { return };
        let again_at = asked_at.plus_ms(STORE_HANGS_MS).max(self.now().plus_ms(SWEEP_EVERY_MS));
        self.send_at(again_at, ShellMessage::WatchStore);
    }

    pub(crate) fn head_answered(&mut self) {
        self.store_asked_at = None;
    }

    pub(crate) fn append_answered(&mut self, outcome: &AppendOutcome) {
        if let (Some(head), AppendOutcome::Committed) = (self.appending.take(), outcome) {
            self.shared.witness_head(self.slot.event, head);
        }
        let now = self.now();
        let elapsed = now.0.saturating_sub(self.store_asked_at.take().unwrap_or(now).0);
        self.shared.meters.append_seconds.record(seconds(elapsed));
        tracing::debug!(event = ?self.slot.event, micros = elapsed, "an append was answered");
    }

    pub(crate) fn turn_began(&mut self, requests: usize, now: Monotonic) {
        self.shared.meters.turn_requests.record(number(requests as u64));
        tracing::debug!(event = ?self.slot.event, requests, "a turn began");
        self.turn = TurnTimes::began(requests, now);
    }

    fn publish(&mut self) {
        let now = self.now();
        let elapsed = now.0.saturating_sub(self.turn.began_at().0);
        self.shared.meters.turn_seconds.record(seconds(elapsed));
        let Some(state) = self.writer.as_ref().and_then(Writer::durable_state) else { return };
        self.slot.publish(self.publisher.view(state, now));
        if let Some(at) = self.publisher.refresh_at(state) {
            self.send_at(at, ShellMessage::RefreshSeatMap);
        }
        self.slot.nudge_followers(&self.shared);
        shadow::nudge(&self.shared, &self.slot);
    }

    pub(crate) fn refresh_seat_map(&mut self) {
        let now = self.now();
        self.publisher.refresh_came();
        // While an append is under way the publication after it refreshes the map, or arms the next refresh.
        let Some(state) = self.writer.as_ref().and_then(Writer::durable_state) else { return };
        self.slot.publish(self.publisher.view(state, now));
    }

    pub(crate) fn timer_fired(&mut self) -> bool {
        let now = self.now();
        self.timer.fired(now)
    }

    pub(crate) fn busy(&self) {
        self.slot.set_used_at(self.now());
    }

    pub(crate) fn look_again_later(&self) {
        let after_ms = (self.shared.limits.idle_ms / 2).min(LOOK_AROUND_MS_MAX);
        self.send_at(self.now().plus_ms(after_ms), ShellMessage::LookAround);
    }

    fn send_at(&self, at: Monotonic, message: ShellMessage) {
        let (sleep, myself) = (self.shared.environment.clock.sleep_until(at), self.myself.clone());
        self.shared.environment.spawn.spawn(Box::pin(async move {
            sleep.await;
            let _ = myself.cast(message);
        }));
    }

    /// A new reading of the clocks, when the writer does not believe the last.
    pub(crate) fn doubted_clock(&self) -> Option<ClockReading> {
        let state = self.writer.as_ref()?.clock_state(self.now());
        (state != ClockState::Trusted).then(|| self.shared.read_clocks())
    }

    /// Whether the event is idle and can sleep; its slot is closed then, with nothing in it.
    pub(crate) fn may_passivate(&self) -> bool {
        let limits = &self.shared.limits;
        self.may_sleep(limits.idle_ms, limits.passivation_due_ms_min)
    }

    /// The same for an event whose place others need.
    pub(crate) fn may_make_room(&self) -> bool {
        self.may_sleep(ROOM_IDLE_MS_MIN, ROOM_IDLE_MS_MIN)
    }

    /// It could not make room: another is asked next time.
    pub(crate) fn stay(&self) {
        self.slot.stay_until(self.now().plus_ms(ROOM_IDLE_MS_MIN));
    }

    /// Let operators see whether something waits because the clock is doubted.
    pub(crate) fn note_clock(&mut self) {
        let now = self.now();
        let doubts = self.writer.as_ref().is_some_and(|writer| writer.waits_for_clock(now));
        if std::mem::replace(&mut self.doubts_clock, doubts) != doubts {
            self.shared.note_doubted_clock(self.slot.event, doubts);
        }
    }

    fn may_sleep(&self, idle_ms_min: u64, due_ms_min: u64) -> bool {
        let now = self.now();
        let Some(writer) = &self.writer else { return false };
        let nothing_near = writer.wakes_at(now).is_none_or(|at| at > now.plus_ms(due_ms_min));
        now.since_ms(self.slot.used_at()) >= idle_ms_min
            && writer.is_idle()
            && !writer.waits_for_clock(now)
            && nothing_near
            && !writer.remembers_refusals(now)
            && self.slot.followers_are_done()
            && !self.slot.has_subscribers()
            && self.shared.health.wake_ups() < WAKE_UPS_MAX
            && self.slot.ingress.close_if_empty()
    }

    pub(crate) fn close(&self) {
        self.slot.ingress.close();
    }

    fn alert(&mut self, alert: &Alert) {
        match alert {
            Alert::ClockJump { difference_ms } => {
                self.note_clock();
                self.shared.meters.clock_alerts.increment(1);
                let event = self.slot.event;
                tracing::error!(
                    ?event,
                    difference_ms,
                    "the wall clock is implausible: openings and expiries wait"
                );
            }
            Alert::StoreStalled { attempts } => {
                tracing::warn!(event = ?self.slot.event, attempts, "the store does not answer");
            }
        }
    }

    fn stopped(&mut self, reason: StopReason) {
        let now = self.now();
        let ended = match reason {
            StopReason::Fenced { found } => {
                Ended::Fenced { epoch: found.epoch, wakes_at: self.wakes_at(now) }
            }
            StopReason::StoreFailed { reason } => match self.damage.take() {
                Some(reason) => Ended::Damaged { reason },
                None => Ended::StoreFailed { reason },
            },
            StopReason::HandedOver => Ended::HandedOver { wakes_at: self.wakes_at(now) },
        };
        self.end(ended);
    }

    /// When time does something next in an event whose writer stops; at once where that is not known.
    fn wakes_at(&self, now: Monotonic) -> Option<Monotonic> {
        let writer = self.writer.as_ref()?;
        let is_known = writer.durable_state().is_some() && !writer.waits_for_clock(now);
        if is_known { writer.wakes_at(now) } else { Some(now) }
    }

    /// After a panic: everybody who waits is told.
    pub(crate) fn panicked(&mut self, reason: String) {
        tracing::error!(event = ?self.slot.event, reason, "the writer panicked; it is rebuilt from the log");
        self.abandon(Ended::Panicked { reason });
    }

    /// The state is not what it should be: nothing more is decided on it.
    pub(crate) fn violated(&mut self, reason: String) {
        self.abandon(Ended::Damaged { reason });
    }

    fn abandon(&mut self, ended: Ended) {
        self.slot.ingress.close();
        let mut outputs = Vec::new();
        if let Some(writer) = self.writer.take() {
            // Tickets that a second panic leaves behind tell their callers by being dropped.
            let abandoned = std::panic::AssertUnwindSafe(|| writer.abandon(&mut outputs));
            let _ = std::panic::catch_unwind(abandoned);
        }
        for output in outputs {
            if let Output::Reply { ticket, reply } = output {
                self.tally.count(&reply);
                ticket.answer(reply);
            }
        }
        self.tally.flush(&self.shared.meters);
        self.end(ended);
    }

    fn end(&mut self, ended: Ended) {
        self.writer = None;
        self.note_clock();
        self.slot.ingress.close();
        self.slot.end(ended);
    }
}

impl Drop for Performer {
    /// However the shell ends, nobody is left waiting in its queue.
    fn drop(&mut self) {
        self.slot.ingress.close();
        if self.doubts_clock {
            self.shared.note_doubted_clock(self.slot.event, false);
        }
    }
}

/// The store's answer in the writer's words. Damage stops this event; only a failed store stops the process.
pub(crate) fn head_answer(
    performer: &mut Performer,
    found: Result<Head, StoreError>,
) -> Result<Head, StoreFailure> {
    found.map_err(|error| match error {
        StoreError::Unavailable { reason }
        | StoreError::Outdated { reason }
        | StoreError::OutcomeUnknown { reason } => StoreFailure::Unavailable { reason },
        StoreError::Fatal { reason } => StoreFailure::Fatal { reason },
        StoreError::Locked { .. } => StoreFailure::Fatal { reason: error.to_string() },
        StoreError::Damaged { .. } | StoreError::FormatTooNew { .. } | StoreError::TooLarge { .. } => {
            StoreFailure::Fatal { reason: performer.damaged(&error) }
        }
    })
}
