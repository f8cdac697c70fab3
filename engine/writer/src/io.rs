//! What goes into the writer and what comes out of it. The shell around it performs the outputs, in order.

use std::sync::Arc;

use tessera_inventory::{
    ClaimNumber, ClaimView, Command, Epoch, Event, KeyMark, PhaseCommand, Rejection, Sequence, Timestamp,
};

use crate::{ClockReading, Head};

/// Monotonic time of the process, in microseconds from any fixed origin. It never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Monotonic(pub u64);

impl Monotonic {
    /// The instant `ms` milliseconds later, saturating.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Monotonic {
        Monotonic(self.0.saturating_add(ms.saturating_mul(1_000)))
    }

    /// Whole milliseconds since `earlier`; 0 if that is not earlier.
    #[must_use]
    pub const fn since_ms(self, earlier: Monotonic) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000
    }
}

/// One request to the writer. `T` is the shell's reply ticket: where the answer goes.
#[derive(Debug)]
pub struct Request<T> {
    /// Where the answer goes.
    pub ticket: T,
    /// What is asked.
    pub ask: Ask,
    /// The client has gone by then: drop it undecided.
    pub give_up_at: Monotonic,
}

/// What is asked of the writer.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Decide a command.
    Command(Box<Command>),
    /// Read a hold or an order from durable state.
    Read(ClaimNumber),
}

/// The two lanes in front of the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Commands on existing holds, orders and tickets, the organizer's commands, and reads: reserved capacity, served first.
    Existing,
    /// New holds.
    New,
}

/// What happens to the writer. Each is handled in one synchronous call.
#[derive(Debug)]
pub enum Input {
    /// Begin a turn with what waits, if none is under way. The shell gives it whenever [`crate::Writer::wants_turn`] says so after it
    /// has performed the outputs of the call before.
    BeginTurn,
    /// The answer to [`Output::Append`].
    AppendDone(AppendAnswer),
    /// The answer to [`Output::ReadHead`].
    HeadRead(Result<Head, StoreFailure>),
    /// The timer of [`Output::ArmTimer`], or any time earlier or later.
    Tick,
    /// The clocks were read again, while [`crate::Writer::clock_state`] is not trusted.
    WallClock(ClockReading),
    /// An operator vouches for the wall clock, which says this: time goes on from there, though never back.
    AcknowledgeClock(Timestamp),
    /// Stop: finish the turn under way, take nothing more (hand-over, drain, passivation).
    HandOver,
    /// The lease is gone: take nothing more and submit nothing again; only an append in flight may still end well. Of a turn that is split
    /// over several records the rest is not submitted: what is durable of it stays, and its callers are told [`Reply::OutcomeUnknown`].
    OwnershipLost,
}

/// What became of an append, as the store says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AppendAnswer {
    /// Durable.
    Committed,
    /// `head` was not the expected value; nothing was written.
    Fenced {
        /// What stood there.
        found: Head,
    },
    /// It may be there, or may still land.
    Unknown,
    /// The store will never answer again.
    Fatal {
        /// For the operator.
        reason: String,
    },
}

/// Why the store did not answer a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreFailure {
    /// Not now: the same read may succeed later.
    Unavailable {
        /// For the operator.
        reason: String,
    },
    /// Never again: failed for good, or what is stored is damaged.
    Fatal {
        /// For the operator.
        reason: String,
    },
}

/// The answer to one request. It leaves only after the state it was decided on is durable.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Accepted; the event is durable.
    Accepted {
        /// Its sequence.
        sequence: Sequence,
        /// The event.
        event: Arc<Event>,
        /// The hold or order, where the answer shows its lines: to renew, begin payment and confirm. As it stood before, or, for a
        /// duplicate that joins the answer in the same turn, as it stood when that was decided.
        claim: Option<Box<ClaimView>>,
    },
    /// Accepted before under the same key, and durable: render the event of this sequence from the log.
    Repeated {
        /// Its sequence.
        sequence: Sequence,
        /// The hold or order as it stands now, as for [`Reply::Accepted`]; `None` where it has ended.
        claim: Option<Box<ClaimView>>,
    },
    /// Refused at this sequence.
    Rejected {
        /// The sequence it was decided on.
        sequence: Sequence,
        /// Why.
        rejection: Rejection,
        /// Its name. A refusal that is given again, to the same key, keeps it.
        place: RefusalPlace,
    },
    /// What was read, at this sequence.
    Read {
        /// The sequence it is true at.
        sequence: Sequence,
        /// The claim, if there is one.
        claim: Option<Box<ClaimView>>,
    },
    /// Certainly not executed (queue full, store away, draining): try again.
    NotExecuted,
    /// The client's deadline passed before it was decided.
    GaveUp,
    /// May or may not have been executed: try again with the same key.
    OutcomeUnknown,
}

/// The name of a refusal in its event: no other has it, and the log, which holds no refusal, could not give one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusalPlace {
    /// Of the writer that refused.
    pub epoch: Epoch,
    /// Its number among the refusals of that writer, from 1, in the order of the decisions.
    pub number: u64,
}

/// A refusal, as it is proven: without who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its name.
    pub place: RefusalPlace,
    /// The sequence it was decided on.
    pub sequence: Sequence,
    /// When, in logged time.
    pub at: Timestamp,
    /// What was asked; `None`: to become a draft again.
    pub command: Option<PhaseCommand>,
    /// The request.
    pub key: Option<KeyMark>,
    /// Why.
    pub rejection: Rejection,
}

impl Reply {
    /// Whether a turn has served the request, so that the answer is one about the event's state.
    #[must_use]
    pub const fn is_decided(&self) -> bool {
        match self {
            Reply::Accepted { .. } | Reply::Repeated { .. } | Reply::Rejected { .. } | Reply::Read { .. } => {
                true
            }
            Reply::NotExecuted | Reply::GaveUp | Reply::OutcomeUnknown => false,
        }
    }
}

/// What the shell must do, in order.
#[derive(Debug)]
pub enum Output<T> {
    /// Append to the log; answer with `Input::AppendDone`. One at most is in flight. Again with the same bytes after an unknown outcome.
    Append {
        /// The head that must stand there.
        expected: Head,
        /// The head afterwards.
        next: Head,
        /// The packed record; empty when only the head moves.
        record: Arc<[u8]>,
        /// 0 for the first attempt; grows with every resubmission.
        attempt: u32,
    },
    /// Read `head` at a fresh read version; answer with `Input::HeadRead`.
    ReadHead,
    /// Give an answer.
    Reply {
        /// To whom.
        ticket: T,
        /// What.
        reply: Reply,
    },
    /// The refusals of a turn whose replies leave, in their order, to be proven: put out where [`crate::WriterOptions::with_receipts`] says so. What
    /// was accepted is in the log.
    Refused(Vec<Refused>),
    /// The durable state moved on: publish a new availability from [`crate::Writer::durable_state`], before the next turn begins.
    Publish,
    /// Call `Input::Tick` at this time (replaces an earlier timer).
    ArmTimer(Monotonic),
    /// Tell an operator.
    Alert(Alert),
    /// The writer is done and will put out nothing more.
    Stop(StopReason),
}

/// What operators are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alert {
    /// Wall time at activation is implausible, and something waits for it: openings and expiries are blocked. See
    /// [`crate::Writer::waits_for_clock`].
    ClockJump {
        /// Wall time minus the time it was compared with (witness or last logged time), in milliseconds.
        difference_ms: i64,
    },
    /// The store does not answer, again and again; new holds are turned away meanwhile.
    StoreStalled {
        /// Attempts so far.
        attempts: u32,
    },
}

/// Why a writer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Another writer owns the event.
    Fenced {
        /// The head it was fenced by.
        found: Head,
    },
    /// The store failed for good: the process must end.
    StoreFailed {
        /// For the operator.
        reason: String,
    },
    /// Handed over, drained or passivated as asked.
    HandedOver,
}
