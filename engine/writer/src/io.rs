//! What goes into the writer and what comes out of it. The shell around it performs the outputs, in order.

use std::sync::Arc;

use tessera_inventory::{ClaimNumber, ClaimView, Command, Event, Rejection, Sequence};

use crate::Head;

/// Monotonic time of the process, in microseconds from any fixed origin. It never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Monotonic(pub u64);

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

/// The answer to one request. It leaves only after the state it was decided on is durable.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Accepted; the event is durable.
    Accepted {
        /// Its sequence.
        sequence: Sequence,
        /// The event.
        event: Arc<Event>,
    },
    /// Accepted before under the same key: render the event of this sequence from the log.
    Repeated {
        /// Its sequence.
        sequence: Sequence,
    },
    /// Refused at this sequence.
    Rejected {
        /// The sequence it was decided on.
        sequence: Sequence,
        /// Why.
        rejection: Rejection,
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
    /// The durable state moved on: publish a new availability.
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
    /// Wall time at activation is implausible against the last logged time: openings and expiries are blocked.
    ClockJump {
        /// Wall time minus last logged time, in milliseconds.
        difference_ms: i64,
    },
    /// Outcomes of appends are unknown again and again.
    StoreStalled {
        /// Resubmissions so far.
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
