//! What goes into a desk and what comes out of it.

use std::collections::BTreeMap;

use tessera_inventory::Timestamp;

use crate::{
    Abilities, Alarm, Answer, Ask, AskAnswer, Change, Fact, Operation, Payment, PaymentId, ProviderEventId,
    ProviderId, ProviderKey,
};

/// What a desk begins with.
#[derive(Clone, Debug, Default)]
pub struct DeskOptions {
    /// The installation, so that two that share an account at a provider do not share keys.
    pub installation: u128,
    /// What each provider can do. Of one that is not here nothing is known; whoever is called for it answers [`Answer::NotOurs`].
    pub providers: BTreeMap<ProviderId, Abilities>,
}

/// What happens to a desk. Rows are given as they are stored.
#[derive(Clone, Debug)]
pub enum Input {
    /// The timer of [`Output::ArmTimer`], or any time earlier or later.
    Tick,
    /// Rows of the lane were written by somebody else.
    Wake,
    /// These rows were written just now, by whoever follows the log.
    Written(Vec<Payment>),
    /// The answer to [`Output::ReadDue`].
    Due {
        /// The payments that are due, the first first.
        payments: Vec<Payment>,
        /// When the next is that is not among them.
        next_at: Option<Timestamp>,
    },
    /// The store did not answer [`Output::ReadDue`].
    DueFailed,
    /// A provider has said something of its own accord.
    Told {
        /// The row of the payment that it is about.
        payment: Box<Payment>,
        /// What.
        facts: Vec<Fact>,
        /// The event it came by, to be marked handled.
        handled: Option<ProviderEventId>,
    },
    /// The answer to [`Output::Call`].
    Answered {
        /// Of which payment.
        payment: PaymentId,
        /// What it was called for.
        operation: Operation,
        /// What it said.
        answer: Answer,
    },
    /// The answer to [`Output::Ask`].
    Decided {
        /// Of which payment.
        payment: PaymentId,
        /// What was asked.
        ask: Ask,
        /// What the log said.
        answer: AskAnswer,
    },
    /// The answer to [`Output::Record`].
    Recorded {
        /// Which.
        batch: u64,
        /// The rows of its payments as they stand now.
        rows: Vec<Payment>,
    },
    /// [`Output::Record`] failed, or may have failed.
    RecordFailed {
        /// Which.
        batch: u64,
    },
}

/// What the shell must do for a desk, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Read the payments of the lane that are due, at most so many, the first first.
    ReadDue {
        /// How many.
        most: usize,
    },
    /// Record these in one transaction. One at most is under way.
    Record {
        /// Which: counted from 1.
        batch: u64,
        /// What, each of another payment.
        changes: Vec<Change>,
    },
    /// Call the provider.
    Call {
        /// About which payment: its row.
        payment: Box<Payment>,
        /// What for.
        operation: Operation,
        /// Under which key.
        key: ProviderKey,
    },
    /// Ask the log, under a key of the attempt and the ask.
    Ask {
        /// About which payment: its row.
        payment: Box<Payment>,
        /// What.
        ask: Ask,
    },
    /// Give [`Input::Tick`] at this time (replaces an earlier timer).
    ArmTimer(Timestamp),
    /// Tell an operator.
    Alert(DeskAlert),
}

/// What operators are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeskAlert {
    /// Something is wrong with a payment.
    Payment {
        /// Which.
        payment: PaymentId,
        /// What.
        alarm: Alarm,
    },
    /// A provider does not know us or does not let us: its settings are wrong.
    ProviderRefuses {
        /// Which.
        provider: ProviderId,
        /// What it says.
        detail: Box<str>,
    },
}
