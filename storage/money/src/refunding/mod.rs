//! Refund runs as they go on: over the orders of an event in steps. Each step asks the log for some of them under keys of (run, order), and then
//! writes how far it came. So a run that is stopped anywhere goes on where it was, what was asked for before is found and not given back twice, and
//! two clerks of one run do no harm.

mod step;

use futures::future::BoxFuture;
use tessera_inventory::{
    ClaimNumber, ClaimView, Command, Event, EventId, RefundReason, RefundedUnits, Rejection, Sequence,
    Timestamp,
};
use tessera_projections::orders::OrdersBySubject;
use tessera_store::Log;
use tessera_store::keys::RefundRunKey;

use crate::hash::first_half;
use crate::refund_runs::{PER_SECOND, Progress, RefundRun, RefundRuns, State};

/// What the log said to a refund.
#[derive(Clone, Debug)]
pub enum Said {
    /// It is accepted, or was before: with its event.
    Accepted(Box<Event>),
    /// It is refused.
    Refused(Rejection),
    /// It may or may not have been accepted.
    Unknown,
}

/// Whoever reaches the writers of events.
pub trait Writers: Send + Sync {
    /// What the writer of an event says to a command.
    fn ask(&self, event: EventId, command: Command) -> BoxFuture<'_, Said>;

    /// An order as the log has it, if there is one; `None`: nobody answers.
    fn read(&self, event: EventId, order: ClaimNumber) -> BoxFuture<'_, Option<Option<Box<ClaimView>>>>;
}

/// What follows a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Another, after so many milliseconds.
    AfterMs(u64),
    /// Nothing: the run has ended, is paused, or is gone.
    Over,
}

/// What a run works with.
pub struct Clerk<'a> {
    /// The log of its event.
    pub log: &'a dyn Log,
    /// The runs.
    pub runs: &'a RefundRuns,
    /// The orders.
    pub orders: &'a OrdersBySubject,
    /// Whoever decides.
    pub writers: &'a dyn Writers,
}

/// The run of all orders of an event that was called off at this place of its log, but for those that were paid by hand: nobody but whoever took that
/// money can say that it was given back. Its id follows from that, so that it is begun once.
pub(crate) fn of_cancelled(event: EventId, organizer: u128, (at, now): (Sequence, Timestamp)) -> RefundRun {
    RefundRun {
        key: key_of_cancelled(event, at),
        organizer,
        ticket_types: Vec::new(),
        units: RefundedUnits::Restock,
        reason: RefundReason::Cancelled,
        per_second: PER_SECOND,
        through: at,
        begun_at: now,
        fingerprint: 0,
        state: State::Runs,
        progress: Progress::default(),
        ended_at: None,
    }
}

fn key_of_cancelled(event: EventId, at: Sequence) -> RefundRunKey {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"refunds of a cancelled event");
    hasher.update(&event.0.to_be_bytes());
    hasher.update(&at.0.to_be_bytes());
    RefundRunKey { event, run: first_half(&hasher.finalize()) }
}

/// Whether a run was begun by the cancellation of its event, and by nobody's request.
fn is_of_cancelled(run: &RefundRun) -> bool {
    run.key == key_of_cancelled(run.key.event, run.through)
}
