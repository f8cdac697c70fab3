//! Becoming the writer of an event: read the head, replay the log, claim the head with the next epoch, replay what came meanwhile.
//!
//! Replay comes before the claim, so that an owner that still serves is interrupted for a moment only; a claim that finds the head
//! moved on by that owner is repeated at once, without reading. Nothing is served before replay has reached the claimed head.

use tessera_inventory::{Epoch, Event, EventId, Inventory, Sequence};

use crate::mutant::Mutant;
use crate::options::BatchIds;
use crate::writer::{Ownership, backoff_ms};
use crate::{
    AppendAnswer, CLAIMS_MAX, Chain, ClockReading, Encode, FORMAT_VERSION, Head, Monotonic, Output,
    StoreFailure, Writer, WriterOptions,
};

/// What happens to an activation.
#[derive(Debug)]
pub enum ActivationInput {
    /// Begin.
    Start,
    /// The answer to [`ActivationOutput::ReadHead`].
    HeadRead(Result<Head, StoreFailure>),
    /// The answer to [`ActivationOutput::ReadLog`] has been given in full to [`Activation::replay`], or failed.
    LogRead(Result<(), StoreFailure>),
    /// The answer to [`ActivationOutput::Append`].
    AppendDone(AppendAnswer),
    /// The timer of [`ActivationOutput::ArmTimer`].
    Tick,
}

/// What the shell must do for an activation.
#[derive(Debug)]
pub enum ActivationOutput {
    /// Read `head`; answer with [`ActivationInput::HeadRead`].
    ReadHead,
    /// Read records after this sequence, some or all; give each to [`Activation::replay`], then [`ActivationInput::LogRead`].
    ReadLog {
        /// The last sequence that is known.
        after: Sequence,
    },
    /// Swap the head; no record goes with it. Answer with [`ActivationInput::AppendDone`].
    Append {
        /// The head that must stand there.
        expected: Head,
        /// The head afterwards: the next epoch.
        next: Head,
        /// 0 for the first attempt; grows with every resubmission.
        attempt: u32,
    },
    /// Give [`ActivationInput::Tick`] at this time.
    ArmTimer(Monotonic),
    /// The event is ours: call [`Activation::into_writer`].
    Activated,
    /// It failed and will put out nothing more.
    Stop(ActivationStop),
}

/// Why an activation ended without a writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActivationStop {
    /// Another owner claimed the event first, or moves faster than it can be claimed.
    Fenced {
        /// What stood there.
        found: Head,
    },
    /// The log was written by a newer release; nothing was applied.
    FormatTooNew {
        /// The oldest format a reader must know.
        needed: u16,
    },
    /// What is stored is not what was written. Nothing is served from it.
    Damaged {
        /// Where, and what was expected.
        reason: String,
    },
    /// The store failed for good.
    StoreFailed {
        /// For the operator.
        reason: String,
    },
}

/// One record of the log, beside the events that it decodes to.
#[derive(Clone, Copy, Debug)]
pub struct ReplayRecord<'a> {
    /// Sequence of its first event.
    pub first_sequence: Sequence,
    /// Sequence of its last event.
    pub last_sequence: Sequence,
    /// Epoch of the writer that appended it.
    pub epoch: Epoch,
    /// The chain after it.
    pub chain: Chain,
    /// Its bytes, as they stand in the log.
    pub bytes: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
struct Claim {
    expected: Head,
    next: Head,
    attempt: u32,
}

/// A call to the store that is to be made again.
#[derive(Clone, Copy, Debug)]
enum Call {
    ReadHead,
    ReadLog,
    Claim(Claim),
}

#[derive(Debug)]
enum Stage {
    Fresh,
    ReadingHead,
    /// Towards `goal`, reading after the sequence `after`.
    Replaying {
        goal: Head,
        claimed: bool,
        after: Sequence,
    },
    Claiming(Claim),
    Active(Head),
    Stopped,
}

/// On the way to becoming the writer of an event. Like the writer, it neither waits nor reads clocks.
#[derive(Debug)]
pub struct Activation {
    state: Inventory,
    chain: Chain,
    epoch: Epoch,
    stage: Stage,
    again: Option<(Call, Monotonic)>,
    failures: u32,
    claims: u32,
    batch_ids: BatchIds,
    options: WriterOptions,
}

impl Activation {
    /// Replay the whole log.
    #[must_use]
    pub fn new(event: EventId, options: WriterOptions) -> Self {
        Self::from_snapshot(Inventory::new(event), Chain::default(), options)
    }

    /// Replay the log after a snapshot, which stands at a record's end with this chain.
    #[must_use]
    pub fn from_snapshot(state: Inventory, chain: Chain, options: WriterOptions) -> Self {
        Activation {
            state: crate::mutant::state_with(options.mutation, state),
            chain,
            epoch: Epoch(0),
            stage: Stage::Fresh,
            again: None,
            failures: 0,
            claims: 0,
            batch_ids: options.batch_ids(),
            options,
        }
    }

    /// Handle one input; what follows from it is pushed to `out`.
    pub fn handle(&mut self, input: ActivationInput, now: Monotonic, out: &mut Vec<ActivationOutput>) {
        match input {
            ActivationInput::Start => self.call(Call::ReadHead, out),
            ActivationInput::HeadRead(Ok(head)) => self.head_read(head, out),
            ActivationInput::LogRead(Ok(())) => self.log_read(out),
            ActivationInput::AppendDone(answer) => self.append_done(answer, now, out),
            ActivationInput::HeadRead(Err(failure)) => self.failed(Call::ReadHead, failure, now, out),
            ActivationInput::LogRead(Err(failure)) => self.failed(Call::ReadLog, failure, now, out),
            ActivationInput::Tick => self.tick(now, out),
        }
    }

    /// Apply one record of the log. Records beyond the head that is being claimed are left for later.
    pub fn replay(
        &mut self,
        record: &ReplayRecord<'_>,
        events: impl IntoIterator<Item = Event>,
        out: &mut Vec<ActivationOutput>,
    ) {
        let Stage::Replaying { goal, .. } = self.stage else { return };
        if record.last_sequence > goal.sequence {
            return;
        }
        if let Err(reason) = self.verify(record) {
            return self.stop(ActivationStop::Damaged { reason }, out);
        }
        for mut event in events {
            if self.options.mutation.is(Mutant::IdempotencyLostOnReplay) {
                event.key = None;
            }
            self.state.apply(&event);
        }
        if self.state.sequence() != record.last_sequence {
            let reason = format!(
                "the record up to sequence {} ends at {}",
                record.last_sequence,
                self.state.sequence()
            );
            return self.stop(ActivationStop::Damaged { reason }, out);
        }
        self.chain = record.chain;
        self.epoch = record.epoch;
    }

    /// The writer, once [`ActivationOutput::Activated`] was put out; `None` before.
    pub fn into_writer<T, E: Encode>(
        self,
        encoder: E,
        reading: ClockReading,
        now: Monotonic,
        out: &mut Vec<Output<T>>,
    ) -> Option<Writer<T, E>> {
        let Stage::Active(head) = self.stage else { return None };
        let Activation { state, batch_ids, options, .. } = self;
        Some(Writer::open(Ownership { state, head, batch_ids, options }, encoder, reading, now, out))
    }

    /// The state as far as it is replayed.
    #[must_use]
    pub fn state(&self) -> &Inventory {
        &self.state
    }

    fn verify(&self, record: &ReplayRecord<'_>) -> Result<(), String> {
        let (first, last) = (record.first_sequence, record.last_sequence);
        if first != self.state.sequence().plus(1) {
            return Err(format!("sequence {first} follows {}", self.state.sequence()));
        }
        if record.epoch < self.epoch {
            return Err(format!("epoch {} follows {} at sequence {first}", record.epoch, self.epoch));
        }
        let is_checked = !self.options.mutation.is(Mutant::ChainNotChecked);
        if is_checked && self.chain.extend(record.bytes) != record.chain {
            return Err(format!("the chain is broken in the record of sequences {first} to {last}"));
        }
        Ok(())
    }

    fn head_read(&mut self, head: Head, out: &mut Vec<ActivationOutput>) {
        if let Some(stop) = self.refuse(&head) {
            return self.stop(stop, out);
        }
        self.replay_to(head, false, out);
    }

    /// Why nothing may be built on this head.
    fn refuse(&self, head: &Head) -> Option<ActivationStop> {
        if head.format.minimum_reader > FORMAT_VERSION {
            return Some(ActivationStop::FormatTooNew { needed: head.format.minimum_reader });
        }
        (head.sequence < self.state.sequence()).then(|| ActivationStop::Damaged {
            reason: format!("the log ends at sequence {}; {} was seen", head.sequence, self.state.sequence()),
        })
    }

    fn replay_to(&mut self, goal: Head, claimed: bool, out: &mut Vec<ActivationOutput>) {
        let after = self.state.sequence();
        self.stage = Stage::Replaying { goal, claimed, after };
        if after < goal.sequence { self.call(Call::ReadLog, out) } else { self.replayed(goal, claimed, out) }
    }

    fn log_read(&mut self, out: &mut Vec<ActivationOutput>) {
        let Stage::Replaying { goal, claimed, after } = self.stage else { return };
        self.failures = 0;
        let reached = self.state.sequence();
        if reached == after && reached < goal.sequence {
            let reason = format!("the log ends at sequence {reached}; its head says {}", goal.sequence);
            return self.stop(ActivationStop::Damaged { reason }, out);
        }
        self.replay_to(goal, claimed, out);
    }

    fn replayed(&mut self, goal: Head, claimed: bool, out: &mut Vec<ActivationOutput>) {
        if self.chain != goal.chain {
            let reason = format!("the chain up to sequence {} is not the one that head names", goal.sequence);
            self.stop(ActivationStop::Damaged { reason }, out);
        } else if claimed || self.options.mutation.is(Mutant::SkipClaim) {
            self.stage = Stage::Active(goal);
            out.push(ActivationOutput::Activated);
        } else {
            self.claim(goal, out);
        }
    }

    fn claim(&mut self, expected: Head, out: &mut Vec<ActivationOutput>) {
        let next = Head { epoch: Epoch(expected.epoch.0 + 1), batch_id: self.batch_ids.next(), ..expected };
        self.claims += 1;
        self.call(Call::Claim(Claim { expected, next, attempt: 0 }), out);
    }

    fn append_done(&mut self, answer: AppendAnswer, now: Monotonic, out: &mut Vec<ActivationOutput>) {
        let Stage::Claiming(claim) = &self.stage else { return };
        let claim = *claim;
        match answer {
            AppendAnswer::Committed => self.replay_to(claim.next, true, out),
            AppendAnswer::Fenced { found } if found == claim.next => self.replay_to(claim.next, true, out),
            AppendAnswer::Fenced { found }
                if found.epoch != claim.expected.epoch || self.claims >= CLAIMS_MAX =>
            {
                self.stop(ActivationStop::Fenced { found }, out);
            }
            AppendAnswer::Fenced { found } => match self.refuse(&found) {
                Some(stop) => self.stop(stop, out),
                None => self.claim(found, out),
            },
            AppendAnswer::Unknown => {
                let again = Claim { attempt: claim.attempt + 1, ..claim };
                self.call_later(Call::Claim(again), now, out);
            }
            AppendAnswer::Fatal { reason } => self.stop(ActivationStop::StoreFailed { reason }, out),
        }
    }

    fn failed(&mut self, call: Call, failure: StoreFailure, now: Monotonic, out: &mut Vec<ActivationOutput>) {
        match failure {
            StoreFailure::Unavailable { .. } => self.call_later(call, now, out),
            StoreFailure::Fatal { reason } => self.stop(ActivationStop::StoreFailed { reason }, out),
        }
    }

    fn call_later(&mut self, call: Call, now: Monotonic, out: &mut Vec<ActivationOutput>) {
        self.failures += 1;
        let at = now.plus_ms(backoff_ms(self.failures));
        self.again = Some((call, at));
        out.push(ActivationOutput::ArmTimer(at));
    }

    fn tick(&mut self, now: Monotonic, out: &mut Vec<ActivationOutput>) {
        match self.again.take() {
            Some((call, at)) if at <= now => self.call(call, out),
            Some((call, at)) => {
                self.again = Some((call, at));
                out.push(ActivationOutput::ArmTimer(at));
            }
            None => {}
        }
    }

    fn call(&mut self, call: Call, out: &mut Vec<ActivationOutput>) {
        match call {
            Call::ReadHead => {
                self.stage = Stage::ReadingHead;
                out.push(ActivationOutput::ReadHead);
            }
            Call::ReadLog => {
                let late = self.options.mutation.is(Mutant::SnapshotOffByOne) && self.epoch == Epoch(0);
                let after = self.state.sequence();
                let is_late = late && after > Sequence::ZERO;
                out.push(ActivationOutput::ReadLog { after: after.plus(u64::from(is_late)) });
            }
            Call::Claim(claim) => {
                let Claim { expected, next, attempt } = claim;
                self.stage = Stage::Claiming(claim);
                out.push(ActivationOutput::Append { expected, next, attempt });
            }
        }
    }

    fn stop(&mut self, stop: ActivationStop, out: &mut Vec<ActivationOutput>) {
        self.stage = Stage::Stopped;
        self.again = None;
        out.push(ActivationOutput::Stop(stop));
    }
}
