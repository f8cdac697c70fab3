//! What callers of the supervision tree get back.

use std::ops::RangeInclusive;
use std::sync::Arc;

use tessera_inventory::{ClaimView, Event, Rejection, Sequence};
use tessera_store::StoreError;
use tessera_writer::RefusalPlace;

/// The answer to one ask.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Accepted and durable.
    Accepted {
        /// Sequence of the event.
        sequence: Sequence,
        /// The event.
        event: Arc<Event>,
        /// The hold or order as it stood before, where the answer shows its lines: to renew, begin payment and confirm.
        claim: Option<Box<ClaimView>>,
    },
    /// Accepted before under the same key; the event was read from the log again.
    Repeated {
        /// Sequence of the event.
        sequence: Sequence,
        /// The event.
        event: Arc<Event>,
        /// The hold or order as it stands now, as for [`Answer::Accepted`]; `None` where it has ended.
        claim: Option<Box<ClaimView>>,
    },
    /// Refused; the state it was decided on is durable.
    Rejected {
        /// The sequence it was decided on.
        sequence: Sequence,
        /// Why.
        rejection: Rejection,
        /// The name of the refusal.
        place: RefusalPlace,
    },
    /// What was read from durable state.
    Read {
        /// The sequence it is true at.
        sequence: Sequence,
        /// The hold or order, if there is one.
        claim: Option<Box<ClaimView>>,
    },
    /// Certainly not executed: try again later.
    NotExecuted {
        /// Why not.
        reason: NotExecuted,
        /// For `Retry-After`, in milliseconds.
        retry_after_ms: u64,
    },
    /// May or may not have been executed: try again with the same key.
    OutcomeUnknown {
        /// For `Retry-After`, in milliseconds.
        retry_after_ms: u64,
    },
}

impl Answer {
    /// The sequence that the answer is true at, if a turn has served it.
    #[must_use]
    pub const fn sequence(&self) -> Option<Sequence> {
        match self {
            Answer::Accepted { sequence, .. }
            | Answer::Repeated { sequence, .. }
            | Answer::Rejected { sequence, .. }
            | Answer::Read { sequence, .. } => Some(*sequence),
            Answer::NotExecuted { .. } | Answer::OutcomeUnknown { .. } => None,
        }
    }
}

/// Why something was not executed. Every reason is temporary except `Quarantined` and `StoreWentBack`, which need an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotExecuted {
    /// The queue in front of the writer is full.
    QueueFull,
    /// The process is shutting down, or the event is being handed over.
    Draining,
    /// The event keeps failing and is set aside until `tessera repair`.
    Quarantined,
    /// The store lacks what was acknowledged of this event: an older backup was restored. Nothing is sold until an operator reconciles.
    StoreWentBack,
    /// The store is away, or its outcome has been unknown for a while.
    StoreAway,
    /// Too many events are active, or too many callers wait for an activation.
    TooManyActivations,
    /// The caller's deadline passed before a decision.
    GaveUp,
    /// The event restarts after a failure.
    Restarting,
    /// Another node owns the event and cannot be reached, or no node owns it yet.
    Elsewhere,
}

/// Why an event could not be activated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActivateError {
    /// Nothing was ever written for this event.
    #[error("the event does not exist")]
    NotFound,
    /// Not now; see the reason.
    #[error("the event cannot be activated now: {reason:?}")]
    NotNow {
        /// Why not.
        reason: NotExecuted,
    },
    /// Its log or snapshot could not be read.
    #[error("the event's log could not be read")]
    Store(#[source] StoreError),
}

/// An operator has accepted what the store has of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// Where the event goes on.
    pub sequence: Sequence,
    /// How far it was seen.
    pub witnessed: Sequence,
    /// What is lost: these sequences were acknowledged, and are not there. `None` where as many are there; then they are others.
    pub lost: Option<RangeInclusive<Sequence>>,
}

/// Why an event was not reconciled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReconcileError {
    /// The store has all that was seen of it, as far as is known.
    #[error("the event is not set aside because the store went back")]
    NotSetAside,
    /// It may be reconciled in part: the same call finishes it.
    #[error("the store did not answer")]
    Store(#[from] StoreError),
}

/// Why the platform did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store could not be read.
    #[error("the store could not be read at start")]
    Store(#[from] StoreError),
    /// A supervisor did not start.
    #[error("the {supervisor} supervisor did not start: {reason}")]
    Supervisor {
        /// Which.
        supervisor: &'static str,
        /// For the operator.
        reason: String,
    },
}

impl NotExecuted {
    /// A stable name for logs and metric labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            NotExecuted::QueueFull => "queue_full",
            NotExecuted::Draining => "draining",
            NotExecuted::Quarantined => "quarantined",
            NotExecuted::StoreWentBack => "store_went_back",
            NotExecuted::StoreAway => "store_away",
            NotExecuted::TooManyActivations => "too_many_activations",
            NotExecuted::GaveUp => "gave_up",
            NotExecuted::Restarting => "restarting",
            NotExecuted::Elsewhere => "elsewhere",
        }
    }

    /// Whether another node may be the one to ask, now or in a moment.
    pub(crate) const fn may_be_elsewhere(self) -> bool {
        match self {
            NotExecuted::Draining | NotExecuted::Restarting | NotExecuted::Elsewhere => true,
            NotExecuted::QueueFull
            | NotExecuted::Quarantined
            | NotExecuted::StoreWentBack
            | NotExecuted::StoreAway
            | NotExecuted::TooManyActivations
            | NotExecuted::GaveUp => false,
        }
    }
}
