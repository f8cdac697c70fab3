//! The writer of one event, once it owns it: what it is asked, and the turn.

mod commit;

use std::collections::VecDeque;
use std::sync::Arc;

use tessera_inventory::{Inventory, Timestamp};

use crate::clock::Clock;
use crate::encode::Part;
use crate::lanes::{Lanes, TurnBudget, Waiting};
use crate::mutant::{LATE_MS, Mutant, Mutation, TIMER_LATE_MS};
use crate::options::BatchIds;
use crate::refusals::Refusals;
use crate::turn::{Decider, DueBudget, Instant, Turn};
use crate::{
    Alert, Ask, ClockReading, ClockState, ClockWitness, Encode, Head, Input, Lane, Monotonic, Output,
    RESUBMIT_MS_MAX, RESUBMIT_MS_MIN, RefusalPlace, Reply, Request, STALLED_ATTEMPTS, WriterOptions,
};

/// One append, decided once: every attempt carries the same bytes.
#[derive(Debug)]
struct Append {
    expected: Head,
    next: Head,
    record: Arc<[u8]>,
    attempt: u32,
}

/// What the writer waits for.
#[derive(Debug)]
enum Stage {
    /// For requests, or for what is due.
    Idle,
    /// For the store's answer to an append.
    Appending(Append),
    /// For the time to submit the same append again.
    Resubmitting { append: Append, at: Monotonic },
    /// For the store's answer to a read of `head`.
    Verifying { attempt: u32 },
    /// For the time to read `head` again.
    Reverifying { attempt: u32, at: Monotonic },
    /// For nothing any more.
    Stopped,
}

/// Why the writer takes nothing more; the later one here outweighs the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Closing {
    HandOver,
    OwnershipLost,
}

/// The one writer of an event. `T` is the shell's reply ticket; `E` turns events into the bytes of a record.
///
/// Between two calls the state is ahead of the log exactly while an append is under way: [`Self::durable_state`] is `None` then.
#[derive(Debug)]
pub struct Writer<T, E> {
    state: Inventory,
    head: Head,
    clock: Clock,
    /// By how much the clock was implausible, until an operator must hear of it.
    clock_jump: Option<i64>,
    lanes: Lanes<T>,
    turn: Turn<T>,
    parts: VecDeque<Part>,
    refusals: Refusals,
    last_refusal: RefusalPlace,
    encoder: E,
    scratch: Vec<u8>,
    batch_ids: BatchIds,
    stage: Stage,
    closing: Option<Closing>,
    armed: Option<Monotonic>,
    record_bytes_max: usize,
    receipts: bool,
    mutation: Mutation,
}

/// What an activation hands to the writer it made.
#[derive(Debug)]
pub(crate) struct Ownership {
    pub(crate) state: Inventory,
    pub(crate) head: Head,
    pub(crate) batch_ids: BatchIds,
    pub(crate) options: WriterOptions,
}

impl<T, E: Encode> Writer<T, E> {
    pub(crate) fn open(
        ownership: Ownership,
        encoder: E,
        reading: ClockReading,
        now: Monotonic,
        out: &mut Vec<Output<T>>,
    ) -> Self {
        let Ownership { state, head, batch_ids, options } = ownership;
        let last_logged = (state.sequence().0 > 0).then(|| state.logged_at());
        let reading = if options.mutation.is(Mutant::WallBelieved) {
            let witness = Some(ClockWitness { now: reading.wall, since: Timestamp(0) });
            ClockReading { witness, ..reading }
        } else {
            reading
        };
        let (clock, clock_jump) = Clock::open(reading, last_logged, now);
        let mut writer = Writer {
            state,
            head,
            clock,
            clock_jump,
            lanes: Lanes::new(),
            turn: Turn::new(),
            parts: VecDeque::new(),
            refusals: Refusals::default(),
            last_refusal: RefusalPlace { epoch: head.epoch, number: 0 },
            encoder,
            scratch: Vec::new(),
            batch_ids,
            stage: Stage::Idle,
            closing: None,
            armed: None,
            record_bytes_max: options.record_bytes_max,
            receipts: options.receipts,
            mutation: options.mutation,
        };
        // After an activation everything is marked: only if somebody is to be served is there something to do.
        writer.state.decide_consequence(writer.clock.now(now));
        writer.arm_due(now, out);
        writer
    }

    /// Queue a request.
    ///
    /// # Errors
    /// The ticket, of a request that is not taken: answer [`Reply::NotExecuted`]. Its lane is full, the store is stalled, or the
    /// writer is closing.
    pub fn submit(&mut self, request: Request<T>) -> Result<(), T> {
        let turned_away = self.is_stalled() && Lane::of(&request.ask) == Lane::New;
        if turned_away || self.closing.is_some() || self.is_stopped() {
            return Err(request.ticket);
        }
        self.lanes.push(request)
    }

    /// Handle one input; what follows from it is pushed to `out`, to be performed in order.
    ///
    /// # Panics
    /// On an answer to what was not asked, or an invariant of the state that does not hold: use [`Self::abandon`] then.
    pub fn handle(&mut self, input: Input, now: Monotonic, out: &mut Vec<Output<T>>) {
        if self.is_stopped() {
            return;
        }
        match input {
            Input::BeginTurn => self.begin_turn(now, out),
            Input::AppendDone(answer) => self.append_done(answer, now, out),
            Input::HeadRead(found) => self.head_read(found, now, out),
            Input::Tick => self.tick(now, out),
            Input::WallClock(reading) => {
                self.clock.read_again(reading, now);
                self.arm_due(now, out);
            }
            Input::AcknowledgeClock(wall) => {
                self.clock.acknowledge(wall, now);
                self.arm_due(now, out);
            }
            Input::HandOver => self.close(Closing::HandOver, out),
            Input::OwnershipLost => self.close(Closing::OwnershipLost, out),
        }
    }

    /// Whether [`Input::BeginTurn`] would find something to do.
    #[must_use]
    pub fn wants_turn(&self, now: Monotonic) -> bool {
        matches!(self.stage, Stage::Idle) && (!self.lanes.is_empty() || self.is_due(now))
    }

    /// Whether nothing is under way and nobody waits: it may be passivated, if [`Self::wakes_at`] is far.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle) && self.lanes.is_empty()
    }

    /// Whether a refusal was given within [`crate::REFUSAL_KEPT_MS`]: its delayed duplicate would surprise who moved on, if it met a
    /// writer that does not remember. Wait with a passivation.
    #[must_use]
    pub fn remembers_refusals(&self, now: Monotonic) -> bool {
        self.refusals.are_wanted(now)
    }

    /// Whether it has put out [`Output::Stop`].
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        matches!(self.stage, Stage::Stopped)
    }

    /// Whether the store has not answered for [`STALLED_ATTEMPTS`] attempts: new holds are turned away.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        let attempts = match &self.stage {
            Stage::Appending(append) | Stage::Resubmitting { append, .. } => append.attempt,
            Stage::Verifying { attempt } | Stage::Reverifying { attempt, .. } => *attempt,
            Stage::Idle | Stage::Stopped => 0,
        };
        attempts >= STALLED_ATTEMPTS
    }

    /// Requests waiting in both lanes.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.lanes.len()
    }

    /// Requests waiting in one lane. A shell that keeps the queues itself hands over [`crate::TURN_COMMANDS_MAX`] of each at most.
    #[must_use]
    pub fn queued_in(&self, lane: Lane) -> usize {
        self.lanes.len_of(lane)
    }

    /// The last head that this writer knows to be durable and its own.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The state, when all of it is durable; `None` while an append is under way.
    #[must_use]
    pub fn durable_state(&self) -> Option<&Inventory> {
        let durable = self.state.sequence() == self.head.sequence;
        durable.then_some(&self.state)
    }

    /// Whether it believes its clock. While it does not, feed [`Input::WallClock`] now and then.
    #[must_use]
    pub fn clock_state(&self, now: Monotonic) -> ClockState {
        self.clock.state(now)
    }

    /// Whether something that time does waits because the clock is not believed. An event that ended long ago waits for nothing: it
    /// needs no operator, and may sleep.
    #[must_use]
    pub fn waits_for_clock(&self, now: Monotonic) -> bool {
        self.clock.state(now) != ClockState::Trusted && self.state.next_due_at().is_some()
    }

    /// Logged time now.
    #[must_use]
    pub fn logged_now(&self, now: Monotonic) -> Timestamp {
        self.clock.now(now)
    }

    /// When time does something next; a passivated event must be activated again by then. `None`: nothing is due,
    /// or an operator must look at the clock first.
    #[must_use]
    pub fn wakes_at(&self, now: Monotonic) -> Option<Monotonic> {
        let late_ms = if self.mutation.is(Mutant::WakesLate) { TIMER_LATE_MS } else { 0 };
        self.due_at(now).map(|at| at.plus_ms(late_ms))
    }

    fn due_at(&self, now: Monotonic) -> Option<Monotonic> {
        if self.state.may_have_consequence() {
            return Some(now);
        }
        if self.clock.state(now) == ClockState::Doubted {
            return None;
        }
        self.state.next_due_at().map(|due| self.clock.reaches(due))
    }

    /// After a panic in [`Self::handle`]: tell everybody who waits. The state is not to be used again; rebuild it from the log.
    pub fn abandon(mut self, out: &mut Vec<Output<T>>) {
        if self.mutation.is(Mutant::UntoldAfterPanic) {
            self.turn.replies.clear();
        }
        let deciding = self.turn.deciding.take().map(|waiting| waiting.request.ticket);
        let decided = self.turn.replies.drain(..).map(|(ticket, _)| ticket);
        let deferred = self.turn.deferred.drain(..).map(|waiting| waiting.request.ticket);
        for ticket in decided.chain(deciding).chain(deferred) {
            out.push(Output::Reply { ticket, reply: Reply::OutcomeUnknown });
        }
        self.lanes.drain(|ticket| out.push(Output::Reply { ticket, reply: Reply::NotExecuted }));
    }

    fn is_due(&self, now: Monotonic) -> bool {
        let is_due = || self.state.next_due_at().is_some_and(|due| due <= self.due_by(now));
        self.state.may_have_consequence() || (self.clock.state(now) == ClockState::Trusted && is_due())
    }

    /// What is due by this time happens now.
    fn due_by(&self, now: Monotonic) -> Timestamp {
        let now = self.clock.now(now);
        if self.mutation.is(Mutant::LateExpiry) {
            return Timestamp(now.0.saturating_sub(LATE_MS));
        }
        now.plus_ms(u64::from(self.mutation.is(Mutant::ExpiryOffByOne)))
    }

    fn begin_turn(&mut self, now: Monotonic, out: &mut Vec<Output<T>>) {
        if !self.wants_turn(now) {
            if matches!(self.stage, Stage::Idle) {
                self.arm_due(now, out);
            }
            return;
        }
        self.refusals.forget_old(now);
        self.decide_requests(now, out);
        if self.turn.events.is_empty() {
            self.verify(now, out);
        } else {
            self.clock.logged(self.clock.now(now));
            self.append_turn(out);
            if self.mutation.is(Mutant::ReplyBeforeCommit) {
                self.reply(out);
            }
        }
    }

    fn decider(&mut self, now: Monotonic) -> (Decider<'_, E>, &mut Turn<T>, &mut Lanes<T>) {
        let decider = Decider {
            state: &mut self.state,
            refusals: &mut self.refusals,
            encoder: &mut self.encoder,
            scratch: &mut self.scratch,
            at: Instant { monotonic: now, logged: self.clock.now(now) },
            durable: self.head.sequence,
            last_refusal: &mut self.last_refusal,
            receipts: self.receipts,
            mutation: self.mutation,
        };
        (decider, &mut self.turn, &mut self.lanes)
    }

    /// What is due, and what follows from the state, comes first: before the first request, and after each. While more is due than a turn
    /// may do, a lack of stock is not final.
    fn decide_requests(&mut self, now: Monotonic, out: &mut Vec<Output<T>>) {
        let due_by = (self.clock.state(now) == ClockState::Trusted).then(|| self.due_by(now));
        let mut due_budget = DueBudget::new();
        let at_once = self.mutation.is(Mutant::RefuseWithoutVerifying);
        let due_last = self.mutation.is(Mutant::CommandsBeforeDeadlines);
        let serves_all = self.mutation.is(Mutant::DecidedForTheGone);
        let mut budget = TurnBudget::new();
        let (mut decider, turn, lanes) = self.decider(now);
        loop {
            let due_by = due_by.filter(|_| !due_last || lanes.is_empty());
            let more_due =
                due_by.is_some_and(|due_by| decider.fire_due(due_by, &mut due_budget, &mut turn.events));
            let more_due = decider.follow(&mut due_budget, &mut turn.events) || more_due;
            let Some(waiting) = lanes.take(&mut budget) else { break };
            if waiting.request.give_up_at <= now && !serves_all {
                out.push(Output::Reply { ticket: waiting.request.ticket, reply: Reply::GaveUp });
                continue;
            }
            let waiting = turn.deciding.insert(waiting);
            let reply = match &waiting.request.ask {
                Ask::Command(command) => match decider.remembered(command) {
                    Some(reply) => reply,
                    None => {
                        let reply = decider.decide(&mut turn.events, command);
                        if more_due && is_lack_of_stock(&reply) {
                            turn.deferred.extend(turn.deciding.take());
                            continue;
                        }
                        turn.refused.extend(decider.refuse(command, &reply));
                        reply
                    }
                },
                Ask::Read(claim) => Reply::Read {
                    sequence: decider.state.sequence(),
                    claim: decider.state.claim(*claim).map(Box::new),
                },
            };
            let Some(Waiting { request, .. }) = turn.deciding.take() else { continue };
            if at_once && matches!(reply, Reply::Rejected { .. }) {
                out.push(Output::Reply { ticket: request.ticket, reply });
            } else {
                turn.replies.push((request.ticket, reply));
            }
        }
        lanes.put_back(&mut turn.deferred);
    }

    /// Be woken for what time does next, or tell an operator once that it waits.
    fn arm_due(&mut self, now: Monotonic, out: &mut Vec<Output<T>>) {
        if !matches!(self.stage, Stage::Idle) {
            return;
        }
        if self.waits_for_clock(now)
            && let Some(difference_ms) = self.clock_jump.take()
        {
            out.push(Output::Alert(Alert::ClockJump { difference_ms }));
        }
        if let Some(at) = self.due_at(now) {
            let late_ms = if self.mutation.is(Mutant::TimerLate) { TIMER_LATE_MS } else { 0 };
            self.arm(at.max(now).plus_ms(late_ms), out);
        }
    }

    fn arm(&mut self, at: Monotonic, out: &mut Vec<Output<T>>) {
        if self.armed != Some(at) {
            self.armed = Some(at);
            out.push(Output::ArmTimer(at));
        }
    }
}

fn is_lack_of_stock(reply: &Reply) -> bool {
    matches!(reply, Reply::Rejected { rejection, .. } if rejection.is_lack_of_stock())
}

/// The wait before this attempt.
pub(crate) fn backoff_ms(attempt: u32) -> u64 {
    let doublings = attempt.saturating_sub(1).min(20);
    (RESUBMIT_MS_MIN << doublings).min(RESUBMIT_MS_MAX)
}
