//! The shell around a writer in the world, with every place where it may be killed.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tessera_writer::{Ask, ClockState, Input, Monotonic, Output, Reply, StopReason};

use super::{Step, World};
use crate::node::{Attempt, Call, Node, NodeInput, Planned, Role, WorldEncoder, WorldWriter};
use crate::oracle::{Decided, Speaker, TurnBegun, Violation, broken};
use crate::plan::CrashPoint;
use crate::tally;

/// How often a clock that is not believed is read again, in microseconds.
const READ_CLOCKS_US: u64 = 5_000_000;

impl World {
    pub(super) fn activated(&mut self, node: usize) -> Result<(), Violation> {
        let now = self.nodes[node].monotonic(self.now_us);
        let reading = self.nodes[node].reading(self.now_us);
        let life = self.nodes[node].life;
        let encoder = WorldEncoder::with(&self.nodes[node].fuse);
        let Role::Activating(activation) = std::mem::replace(&mut self.nodes[node].role, Role::Away) else {
            return Ok(());
        };
        let mut out = Vec::new();
        let writer = activation.into_writer(encoder, reading, now, &mut out);
        let writer = writer.ok_or_else(|| broken("an activation ends in a writer", ""))?;
        self.oracle.activated(node, life, &writer)?;
        self.nodes[node].published = writer.head().sequence;
        self.nodes[node].role = Role::Serving(Box::new(writer));
        self.summary.activations += 1;
        if let Some(notaries) = &mut self.notaries {
            notaries.begin((node, life));
        }
        self.route = node;
        // Whoever put the event to rest did so while this one was on its way.
        self.asleep = None;
        self.read_clocks_later(node);
        self.perform(node, out)
    }

    /// A handler panics: at once, between two inputs, or in the midst of the next turn that has something to write.
    pub(super) fn panic(&mut self, node: usize) -> Result<(), Violation> {
        if !matches!(self.nodes[node].role, Role::Serving(_)) {
            return Ok(());
        }
        if self.prng.chance(500) {
            self.nodes[node].fuse.set(true);
            return Ok(());
        }
        self.abandon(node, Vec::new())
    }

    /// As the product's shell does after a panic: everybody who waits is told, and the writer is built again from the log. What the
    /// handler had put out by then is dropped, and whoever was to be answered by it learns no more than that.
    fn abandon(&mut self, node: usize, dropped: Vec<Output<Attempt>>) -> Result<(), Violation> {
        let Role::Serving(writer) = std::mem::replace(&mut self.nodes[node].role, Role::Away) else {
            return Ok(());
        };
        self.note("handler panicked");
        self.nodes[node].open.is_ending = true;
        let speaker = self.speaker(node, &writer);
        let mut out = Vec::new();
        writer.abandon(&mut out);
        for output in dropped {
            if let Output::Reply { ticket, .. } = output {
                out.push(Output::Reply { ticket, reply: Reply::OutcomeUnknown });
            }
        }
        for output in out {
            self.trace.note(self.now_us, format_args!("node {node} panicked: {output:?}"));
            if let Output::Reply { ticket, reply } = output {
                self.reply(node, speaker, ticket, &reply)?;
            }
        }
        self.nodes[node].open.nobody_waits()?;
        // The process goes on, and its notary with it.
        self.starts_again(node);
        Ok(())
    }

    pub(super) fn close(&mut self, node: usize, input: Input) -> Result<(), Violation> {
        if matches!(self.nodes[node].role, Role::Serving(_)) {
            self.nodes[node].lease_lost |= matches!(input, Input::OwnershipLost);
            self.nodes[node].open.is_closing = true;
            self.writer_input(node, input)
        } else {
            Ok(())
        }
    }

    /// An operator sets the clock right, and vouches for it where it is not believed.
    pub(super) fn acknowledge(&mut self, node: usize) -> Result<(), Violation> {
        let now = self.nodes[node].monotonic(self.now_us);
        let here = &mut self.nodes[node];
        here.skew_ms = 0;
        let Role::Serving(writer) = &here.role else { return Ok(()) };
        if writer.clock_state(now) == ClockState::Trusted {
            return Ok(());
        }
        // Time goes on from what was logged last, whoever logged it: as wrong as who was alone.
        here.was_alone = true;
        let wall = here.reading(self.now_us).wall;
        self.note("clock acknowledged");
        self.writer_input(node, Input::AcknowledgeClock(wall))
    }

    pub(super) fn writer_input(&mut self, node: usize, input: Input) -> Result<(), Violation> {
        let now = self.nodes[node].monotonic(self.now_us);
        let here = &mut self.nodes[node];
        let Role::Serving(writer) = &mut here.role else { return Ok(()) };
        if matches!(input, Input::BeginTurn | Input::Tick) && writer.wants_turn(now) {
            here.turn = TurnBegun {
                at: writer.logged_now(now),
                at_us: self.now_us,
                trusted: writer.clock_state(now) == ClockState::Trusted,
                from: writer.head().sequence,
            };
            if here.published != here.turn.from {
                let detail = format!("{} is shown, {} is durable", here.published, here.turn.from);
                return Err(broken("what is durable is shown before the next turn", detail));
            }
        }
        let mut out = Vec::new();
        let handled = catch_unwind(AssertUnwindSafe(|| writer.handle(input, now, &mut out)));
        match handled {
            Ok(()) => self.perform(node, out),
            Err(panic) if panic.is::<Planned>() => self.abandon(node, out),
            Err(panic) => resume_unwind(panic),
        }
    }

    pub(super) fn perform(&mut self, node: usize, out: Vec<Output<Attempt>>) -> Result<(), Violation> {
        self.nodes[node].open.is_ending = out.iter().any(|output| matches!(output, Output::Stop(_)));
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
        if let Role::Serving(writer) = &self.nodes[node].role
            && writer.is_idle()
        {
            self.nodes[node].open.nobody_waits()?;
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
            Output::Append { expected, next, record, .. } => {
                let Node { turn, was_alone, life, .. } = &self.nodes[node];
                let decided = Decided { at_us: turn.at_us, trusted: turn.trusted, was_alone: *was_alone };
                self.oracle.submitted((node, *life), (&expected, &next, &record), decided)?;
                self.call_store(node, Call::Append { expected, next, record });
                return Ok(self.dies_at(node, CrashPoint::InFlight));
            }
            Output::ReadHead => self.call_store(node, Call::Head),
            Output::Reply { ticket, reply } => {
                if let Role::Serving(writer) = &self.nodes[node].role {
                    let speaker = self.speaker(node, writer);
                    self.reply(node, speaker, ticket, &reply)?;
                }
            }
            Output::Publish => {
                if let Role::Serving(writer) = &self.nodes[node].role {
                    self.oracle.published(writer)?;
                    self.nodes[node].published = writer.head().sequence;
                }
            }
            Output::ArmTimer(at) => self.arm(node, at),
            Output::Alert(alert) => self.note(tally::alert(&alert)),
            Output::Refused(refused) => {
                for each in &refused {
                    self.note("refusal put out to be proven");
                    self.nodes[node].proven.insert(each.place.number, each.clone());
                }
                let life = self.nodes[node].life;
                if let Some(notaries) = &mut self.notaries {
                    notaries.refused((node, life), refused);
                }
            }
            Output::Stop(reason) => {
                self.summary.fenced += u64::from(matches!(reason, StopReason::Fenced { .. }));
                self.nodes[node].open.nobody_waits()?;
                self.nodes[node].forget();
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn speaker(&self, node: usize, writer: &WorldWriter) -> Speaker {
        let Node { life, turn, .. } = &self.nodes[node];
        Speaker { head: *writer.head(), by: (node, *life), turn: *turn }
    }

    /// A writer answers what it has taken.
    fn reply(
        &mut self,
        node: usize,
        speaker: Speaker,
        ticket: Attempt,
        reply: &Reply,
    ) -> Result<(), Violation> {
        let here = &mut self.nodes[node];
        let (decided_at, now) = (here.monotonic(speaker.turn.at_us), here.monotonic(self.now_us));
        here.open.answered(ticket, reply, decided_at, now)?;
        if let Reply::Rejected { sequence, rejection, place } = reply {
            let told = Some((*sequence, rejection, *place));
            let proven = here.proven.get(&place.number);
            let proven = proven.map(|proven| (proven.sequence, &proven.rejection, proven.place));
            if proven != told.filter(|_| self.plan.receipts) {
                let detail = format!("told {told:?}, proven {proven:?}");
                return Err(broken("a refusal is proven as it is told, where it is to be", detail));
            }
        }
        if let (Ask::Command(command), Some(notaries)) = (self.oracle.ask(ticket), &mut self.notaries) {
            notaries.told(command, speaker.turn.at, reply);
        }
        self.oracle.replied(speaker, ticket, reply)?;
        self.answer(node, ticket, reply);
        Ok(())
    }

    /// As the shell does: begin a turn when one is wanted, a moment later.
    pub(super) fn wake(&mut self, node: usize) {
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
    pub(super) fn arm(&mut self, node: usize, at: Monotonic) {
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

    pub(super) fn read_clocks_later(&mut self, node: usize) {
        let now = self.nodes[node].monotonic(self.now_us);
        let life = self.nodes[node].life;
        if let Role::Serving(writer) = &self.nodes[node].role
            && writer.clock_state(now) != ClockState::Trusted
        {
            self.after(READ_CLOCKS_US, Step::Input { node, life, input: NodeInput::ReadClocks });
        }
    }
}
