//! Nodes in the world: the shell around activation and writer, with every place where it may be killed.

use tessera_inventory::Event;
use tessera_records::{RecordEncoder, for_each};
use tessera_store::LogRecord;
use tessera_writer::{
    Activation, ActivationInput, ActivationOutput, ActivationStop, AppendAnswer, ClockState, Input,
    Monotonic, Output, ReplayRecord, Reply, Request, StopReason, WriterOptions,
};

use super::clients::PATIENCE_US;
use super::{Step, World};
use crate::catalogue::EVENT;
use crate::node::{Attempt, Call, Node, NodeInput, Role};
use crate::oracle::{Decided, Speaker, Violation, broken};
use crate::plan::CrashPoint;
use crate::store::StoreAnswer;

/// How often a clock that is not believed is read again, in microseconds.
const READ_CLOCKS_US: u64 = 5_000_000;

impl World {
    /// The node takes the event over; what it was before in this event is forgotten.
    pub(super) fn start(&mut self, node: usize) -> Result<(), Violation> {
        if !matches!(self.nodes[node].role, Role::Away) {
            return Ok(());
        }
        self.nodes[node].life += 1;
        self.nodes[node].is_garbled = false;
        let options = self.options();
        let snapshot =
            if self.prng.chance(self.plan.snapshots) { self.oracle.snapshot(&mut self.prng)? } else { None };
        if snapshot.is_some() {
            self.note("activation from a snapshot");
        }
        let mut activation = Box::new(match snapshot {
            Some((state, chain)) => Activation::from_snapshot(state, chain, options),
            None => Activation::new(EVENT, options),
        });
        let mut out = Vec::new();
        activation.handle(ActivationInput::Start, self.nodes[node].monotonic(self.now_us), &mut out);
        self.nodes[node].role = Role::Activating(activation);
        self.perform_activation(node, out)
    }

    fn options(&mut self) -> WriterOptions {
        let owner = self.prng.bits();
        let options = match self.plan.mutant {
            Some(mutant) => mutant.options(owner),
            None => WriterOptions::new(owner),
        };
        options.with_record_bytes(self.plan.record_bytes_max)
    }

    pub(super) fn crash(&mut self, node: usize) {
        if !matches!(self.nodes[node].role, Role::Away) {
            self.summary.crashes += 1;
        }
        self.nodes[node].forget();
        let wait_us = self.prng.between(10_000, 2_000_000);
        self.after(wait_us, Step::Start(node));
    }

    /// As the product's shell does after a panic: everybody who waits is told, and the writer is built again from the log.
    pub(super) fn panic(&mut self, node: usize) -> Result<(), Violation> {
        if !matches!(self.nodes[node].role, Role::Serving(_)) {
            return Ok(());
        }
        let Role::Serving(writer) = std::mem::replace(&mut self.nodes[node].role, Role::Away) else {
            return Ok(());
        };
        let Node { decided_at, trusted, .. } = self.nodes[node];
        let speaker = Speaker { head: *writer.head(), decided_at, trusted };
        let mut out = Vec::new();
        writer.abandon(&mut out);
        for output in out {
            self.trace.note(self.now_us, format_args!("node {node} panicked: {output:?}"));
            if let Output::Reply { ticket, reply } = output {
                self.oracle.replied(speaker, ticket, &reply)?;
                self.answer(node, ticket, &reply);
            }
        }
        self.crash(node);
        Ok(())
    }

    /// Whether the plan kills the node here.
    fn dies_at(&mut self, node: usize, point: CrashPoint) -> bool {
        let Some(crash) = self.plan.crash.filter(|crash| crash.point == point) else { return false };
        self.crash_points += 1;
        let dies = self.crash_points == crash.nth;
        if dies {
            self.trace.note(self.now_us, format_args!("node {node} is killed: {point:?}"));
            self.crash(node);
        }
        dies
    }

    pub(super) fn close(&mut self, node: usize, input: Input) -> Result<(), Violation> {
        if matches!(self.nodes[node].role, Role::Serving(_)) {
            self.nodes[node].lease_lost |= matches!(input, Input::OwnershipLost);
            self.writer_input(node, input)
        } else {
            Ok(())
        }
    }

    pub(super) fn arrive(&mut self, node: usize, client: usize, attempt: Attempt) -> Result<(), Violation> {
        if let Some(wait_us) = self.pause_us(node) {
            self.after(wait_us, Step::Arrive { node, client, attempt });
            return Ok(());
        }
        let give_up_at = Monotonic(self.nodes[node].monotonic(self.now_us).0 + PATIENCE_US);
        let ask = self.oracle.ask(attempt).clone();
        let Role::Serving(writer) = &mut self.nodes[node].role else {
            self.oracle.denied(attempt);
            self.answer(node, attempt, &Reply::NotExecuted);
            return Ok(());
        };
        if writer.submit(Request { ticket: attempt, ask, give_up_at }).is_err() {
            self.oracle.denied(attempt);
            self.answer(node, attempt, &Reply::NotExecuted);
            return Ok(());
        }
        self.summary.queued_max = self.summary.queued_max.max(writer.queued() as u64);
        self.wake(node);
        Ok(())
    }

    /// What the node must wait for, if it is paused.
    fn pause_us(&self, node: usize) -> Option<u64> {
        let wait_us = self.nodes[node].paused_until_us.saturating_sub(self.now_us);
        (wait_us > 0).then_some(wait_us)
    }

    pub(super) fn input(&mut self, node: usize, life: u64, input: NodeInput) -> Result<(), Violation> {
        if self.nodes[node].life != life {
            return Ok(());
        }
        if let Some(wait_us) = self.pause_us(node) {
            self.after(wait_us, Step::Input { node, life, input });
            return Ok(());
        }
        if matches!(input, NodeInput::Timer(number) if number != self.nodes[node].timers) {
            return Ok(());
        }
        if self.dies_at(node, CrashPoint::Step) {
            return Ok(());
        }
        if let NodeInput::Store(StoreAnswer::Append(AppendAnswer::Unknown)) = &input {
            self.summary.unknown_appends += 1;
        }
        match (&self.nodes[node].role, input) {
            (Role::Activating(_), input) => self.activation_input(node, input),
            (Role::Serving(_), NodeInput::Store(StoreAnswer::Append(answer))) => {
                self.writer_input(node, Input::AppendDone(answer))
            }
            (Role::Serving(_), NodeInput::Store(StoreAnswer::Head(head))) => {
                self.writer_input(node, Input::HeadRead(head))
            }
            (Role::Serving(_), NodeInput::Timer(_)) => self.writer_input(node, Input::Tick),
            (Role::Serving(_), NodeInput::BeginTurn) => self.writer_input(node, Input::BeginTurn),
            (Role::Serving(_), NodeInput::ReadClocks) => {
                let reading = self.nodes[node].reading(self.now_us);
                self.read_clocks_later(node);
                self.writer_input(node, Input::WallClock(reading))
            }
            (Role::Serving(_), NodeInput::Store(StoreAnswer::Log(_))) | (Role::Away, _) => Ok(()),
        }
    }

    fn activation_input(&mut self, node: usize, input: NodeInput) -> Result<(), Violation> {
        let now = self.nodes[node].monotonic(self.now_us);
        let garbles = !self.is_calm && self.prng.chance(self.plan.garbled_reads);
        let here = &mut self.nodes[node];
        let Role::Activating(activation) = &mut here.role else { return Ok(()) };
        let mut out = Vec::new();
        let input = match input {
            NodeInput::Store(StoreAnswer::Append(answer)) => ActivationInput::AppendDone(answer),
            NodeInput::Store(StoreAnswer::Head(head)) => ActivationInput::HeadRead(head),
            NodeInput::Store(StoreAnswer::Log(Ok(mut records))) => {
                if garbles && garble(&mut records) {
                    here.is_garbled = true;
                    self.summary.tally.note("log read with a foreign record");
                }
                for record in &records {
                    let replayed = ReplayRecord {
                        first_sequence: record.first_sequence,
                        last_sequence: record.last_sequence,
                        epoch: record.epoch,
                        chain: record.chain,
                        bytes: &record.bytes,
                    };
                    let mut events: Vec<Event> = Vec::new();
                    for_each(&record.bytes, |_, event| events.push(event))
                        .map_err(|error| broken("every record can be read", error.to_string()))?;
                    activation.replay(&replayed, events, &mut out);
                }
                ActivationInput::LogRead(Ok(()))
            }
            NodeInput::Store(StoreAnswer::Log(Err(failure))) => ActivationInput::LogRead(Err(failure)),
            NodeInput::Timer(_) | NodeInput::BeginTurn | NodeInput::ReadClocks => ActivationInput::Tick,
        };
        activation.handle(input, now, &mut out);
        self.perform_activation(node, out)
    }

    fn perform_activation(&mut self, node: usize, out: Vec<ActivationOutput>) -> Result<(), Violation> {
        for output in out {
            if self.dies_at(node, CrashPoint::Step) {
                return Ok(());
            }
            self.trace.note(self.now_us, format_args!("node {node}: {output:?}"));
            match output {
                ActivationOutput::ReadHead => self.call_store(node, Call::Head),
                ActivationOutput::ReadLog { after } => self.call_store(node, Call::Log { after }),
                ActivationOutput::Append { expected, next, .. } => {
                    self.call_store(node, Call::Append { expected, next, record: [].into() });
                }
                ActivationOutput::ArmTimer(at) => self.arm(node, at),
                ActivationOutput::Activated => return self.activated(node),
                ActivationOutput::Stop(
                    ActivationStop::Fenced { .. } | ActivationStop::StoreFailed { .. },
                ) => {
                    self.nodes[node].forget();
                }
                // What was not written there was noticed.
                ActivationOutput::Stop(ActivationStop::Damaged { .. }) if self.nodes[node].is_garbled => {
                    self.nodes[node].forget();
                }
                ActivationOutput::Stop(stop) => {
                    return Err(broken("every log can be opened", format!("{stop:?}")));
                }
            }
        }
        Ok(())
    }

    fn activated(&mut self, node: usize) -> Result<(), Violation> {
        let now = self.nodes[node].monotonic(self.now_us);
        let reading = self.nodes[node].reading(self.now_us);
        let life = self.nodes[node].life;
        let Role::Activating(activation) = std::mem::replace(&mut self.nodes[node].role, Role::Away) else {
            return Ok(());
        };
        let mut out = Vec::new();
        let writer = activation.into_writer(RecordEncoder::default(), reading, now, &mut out);
        let writer = writer.ok_or_else(|| broken("an activation ends in a writer", ""))?;
        self.oracle.activated(node, life, &writer)?;
        self.nodes[node].role = Role::Serving(Box::new(writer));
        self.summary.activations += 1;
        self.route = node;
        self.read_clocks_later(node);
        self.perform(node, out)
    }

    fn writer_input(&mut self, node: usize, input: Input) -> Result<(), Violation> {
        let now = self.nodes[node].monotonic(self.now_us);
        let here = &mut self.nodes[node];
        let Role::Serving(writer) = &mut here.role else { return Ok(()) };
        if matches!(input, Input::BeginTurn | Input::Tick) && writer.wants_turn(now) {
            here.decided_at = writer.logged_now(now);
            here.decided_us = self.now_us;
            here.trusted = writer.clock_state(now) == ClockState::Trusted;
        }
        let mut out = Vec::new();
        writer.handle(input, now, &mut out);
        self.perform(node, out)
    }

    fn perform(&mut self, node: usize, out: Vec<Output<Attempt>>) -> Result<(), Violation> {
        for output in out {
            self.trace.note(self.now_us, format_args!("node {node}: {output:?}"));
            let point = match &output {
                Output::Append { .. } => CrashPoint::BeforeAppend,
                Output::Reply { .. } => CrashPoint::BeforeReply,
                Output::Publish => CrashPoint::BeforePublish,
                _ => CrashPoint::Step,
            };
            if self.dies_at(node, point)
                || (point != CrashPoint::Step && self.dies_at(node, CrashPoint::Step))
            {
                return Ok(());
            }
            if self.perform_one(node, output)? {
                return Ok(());
            }
        }
        self.wake(node);
        Ok(())
    }

    /// Performs one output; true when that was the end of the writer.
    fn perform_one(&mut self, node: usize, output: Output<Attempt>) -> Result<bool, Violation> {
        match output {
            Output::Append { next, .. } if self.nodes[node].lease_lost => {
                return Err(broken("without the lease nothing is submitted", format!("{next:?}")));
            }
            Output::Append { expected, next, record, attempt } => {
                if attempt == 0 {
                    let Node { decided_us: at_us, trusted, was_alone, .. } = self.nodes[node];
                    self.oracle.decided(&next, Decided { at_us, trusted, was_alone });
                }
                self.call_store(node, Call::Append { expected, next, record });
                return Ok(self.dies_at(node, CrashPoint::InFlight));
            }
            Output::ReadHead => self.call_store(node, Call::Head),
            Output::Reply { ticket, reply } => {
                let Node { decided_at, trusted, .. } = self.nodes[node];
                if let Role::Serving(writer) = &self.nodes[node].role {
                    let speaker = Speaker { head: *writer.head(), decided_at, trusted };
                    self.oracle.replied(speaker, ticket, &reply)?;
                }
                self.answer(node, ticket, &reply);
            }
            Output::Publish => {
                if let Role::Serving(writer) = &self.nodes[node].role {
                    self.oracle.published(writer)?;
                }
            }
            Output::ArmTimer(at) => self.arm(node, at),
            Output::Alert(_) | Output::Refused(_) => {}
            Output::Stop(reason) => {
                self.summary.fenced += u64::from(matches!(reason, StopReason::Fenced { .. }));
                self.nodes[node].forget();
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// As the shell does: begin a turn when one is wanted, a moment later.
    fn wake(&mut self, node: usize) {
        let now = self.nodes[node].monotonic(self.now_us);
        let life = self.nodes[node].life;
        if let Role::Serving(writer) = &self.nodes[node].role
            && writer.wants_turn(now)
        {
            let wait_us = self.prng.between(0, 300);
            self.after(wait_us, Step::Input { node, life, input: NodeInput::BeginTurn });
        }
    }

    /// Set the timer, instead of any before. Timers are not exact: some fire a little early, some late.
    fn arm(&mut self, node: usize, at: Monotonic) {
        let wait_us = self.nodes[node].world_us(at).saturating_sub(self.now_us);
        let wait_us = match self.prng.between(0, 9) {
            0..3 => wait_us.saturating_sub(self.prng.between(0, 1_000)),
            3..6 => wait_us + self.prng.between(0, 50_000),
            _ => wait_us,
        };
        self.nodes[node].timers += 1;
        let (life, number) = (self.nodes[node].life, self.nodes[node].timers);
        self.after(wait_us, Step::Input { node, life, input: NodeInput::Timer(number) });
    }

    fn read_clocks_later(&mut self, node: usize) {
        let now = self.nodes[node].monotonic(self.now_us);
        let life = self.nodes[node].life;
        if let Role::Serving(writer) = &self.nodes[node].role
            && writer.clock_state(now) != ClockState::Trusted
        {
            self.after(READ_CLOCKS_US, Step::Input { node, life, input: NodeInput::ReadClocks });
        }
    }
}

/// A record whose bytes are those of the one before it: as many events, others than were written there.
fn garble(records: &mut [LogRecord]) -> bool {
    let count = |record: &LogRecord| record.last_sequence.0 - record.first_sequence.0;
    let at = (1..records.len()).find(|at| count(&records[at - 1]) == count(&records[*at]));
    match at {
        Some(at) => {
            records[at].bytes = records[at - 1].bytes.clone();
            true
        }
        None => false,
    }
}
