//! Nodes in the world: their beginnings and their ends, what reaches them, and the shell around an activation.

use tessera_inventory::Event;
use tessera_records::for_each;
use tessera_store::LogRecord;
use tessera_writer::{
    Activation, ActivationInput, ActivationOutput, ActivationStop, AppendAnswer, Input, Monotonic,
    ReplayRecord, Reply, Request, WriterOptions,
};

use super::clients::PATIENCE_US;
use super::{Step, World};
use crate::catalogue::EVENT;
use crate::node::{Attempt, Call, NodeInput, Role};
use crate::oracle::{Violation, broken};
use crate::plan::CrashPoint;
use crate::shadow::Shadows;
use crate::store::StoreAnswer;

impl World {
    /// The node takes the event over; what it was before in this event is forgotten.
    pub(super) fn start(&mut self, node: usize) -> Result<(), Violation> {
        if !matches!(self.nodes[node].role, Role::Away) {
            return Ok(());
        }
        self.asleep = None;
        self.nodes[node].life += 1;
        self.nodes[node].is_garbled = false;
        let options = self.options();
        let snapshot = self.shadows.as_ref().map_or(Ok(None), Shadows::newest)?;
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
        options.with_record_bytes(self.plan.record_bytes_max).with_receipts(self.plan.receipts)
    }

    pub(super) fn crash(&mut self, node: usize) {
        if !matches!(self.nodes[node].role, Role::Away) {
            self.summary.crashes += 1;
        }
        self.notary_dies(node);
        if let Some(shadows) = &mut self.shadows {
            shadows.die(node);
        }
        if self.cluster.is_some() {
            self.nodes[node].forget();
            self.process_dies(node);
        } else {
            self.starts_again(node);
        }
    }

    /// What the node was in this event is over; it takes the event over once more.
    pub(super) fn starts_again(&mut self, node: usize) {
        self.nodes[node].forget();
        let wait_us = self.prng.between(10_000, 2_000_000);
        self.after(wait_us, Step::Start(node));
    }

    /// Whether the plan kills the node here.
    pub(super) fn dies_at(&mut self, node: usize, point: CrashPoint) -> bool {
        let Some(crash) = self.plan.crash.filter(|crash| crash.point == point) else { return false };
        self.crash_points += 1;
        let dies = self.crash_points == crash.nth;
        if dies {
            self.trace.note(self.now_us, format_args!("node {node} is killed: {point:?}"));
            self.crash(node);
        }
        dies
    }

    pub(super) fn arrive(&mut self, node: usize, client: usize, attempt: Attempt) -> Result<(), Violation> {
        if let Some(wait_us) = self.pause_us(node) {
            self.after(wait_us, Step::Arrive { node, client, attempt });
            return Ok(());
        }
        if self.forward(node, client, attempt) {
            return Ok(());
        }
        let give_up_at = Monotonic(self.nodes[node].monotonic(self.now_us).0 + PATIENCE_US);
        let ask = self.oracle.ask(attempt).clone();
        let Role::Serving(writer) = &mut self.nodes[node].role else {
            self.oracle.denied(attempt);
            self.answer(node, attempt, &Reply::NotExecuted);
            return self.wake_for_request(node);
        };
        if writer.submit(Request { ticket: attempt, ask, give_up_at }).is_err() {
            self.oracle.denied(attempt);
            self.answer(node, attempt, &Reply::NotExecuted);
            return Ok(());
        }
        let queued = writer.queued() as u64;
        self.nodes[node].open.took(attempt, give_up_at);
        self.summary.queued_max = self.summary.queued_max.max(queued);
        self.wake(node);
        Ok(())
    }

    /// What the node must wait for, if it is paused.
    pub(super) fn pause_us(&self, node: usize) -> Option<u64> {
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
