//! What is recorded: news, merged into the row in one transaction.

use tessera_inventory::{Sequence, Timestamp};

use crate::{Ask, AskAnswer, Fact, Operation, PaymentId, ProviderId, Want};

/// A provider's own name for something that it told by a webhook.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderEventId {
    /// Whose.
    pub provider: ProviderId,
    /// Its name.
    pub event: Box<str>,
}

/// What a call ended with, beside facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered.
    Done,
    /// It was refused for good.
    Declined {
        /// In the provider's words.
        code: Box<str>,
    },
    /// It was certainly not executed, and is to be made again under the same key.
    Later {
        /// Not before this time, where there is one.
        not_before: Option<Timestamp>,
    },
    /// It may have been executed, and is to be made again under the same key.
    Again {
        /// Not before this time, where there is one.
        not_before: Option<Timestamp>,
    },
}

/// What the log decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// What was asked.
    pub ask: Ask,
    /// What it said.
    pub answer: AskAnswer,
}

/// One piece of news about a payment. Merging it twice is as merging it once, but for counts of tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The log wants something else.
    Wanted {
        /// What.
        want: Want,
        /// Since which place of the log: an earlier one does not count any more.
        by: Sequence,
    },
    /// The log wants a refund.
    RefundWanted {
        /// Its place in the log.
        number: u64,
        /// How much, in minor units.
        amount_minor: i64,
        /// Why, as the log says it.
        reason: u8,
    },
    /// Somebody has given the money of a refund back by hand.
    RefundedByHand {
        /// Which.
        number: u64,
    },
    /// The provider has said something.
    Fact(Fact),
    /// A call has ended.
    Called {
        /// For what.
        operation: Operation,
        /// Under which key.
        n: u16,
        /// When it was made.
        called_at: Timestamp,
        /// How it ended.
        outcome: Outcome,
    },
    /// The log was asked.
    Decided(Decided),
}

/// What is to be recorded of one payment, in one transaction: read its row, [`crate::Payment::apply`], write it, and mark the events handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Of which payment.
    pub payment: PaymentId,
    /// When it was learnt.
    pub at: Timestamp,
    /// What, in this order.
    pub news: Vec<News>,
    /// What of the provider's is handled by that.
    pub handled: Vec<ProviderEventId>,
}
