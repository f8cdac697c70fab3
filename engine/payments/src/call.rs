//! What a provider is called for, and what the log is asked.

use tessera_inventory::{Sequence, Timestamp};

use crate::{DisputeStanding, Fact};

/// What a provider is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Create the payment: its reference and, for the buyer, its page.
    Create,
    /// How does it stand?
    LookUp,
    /// Take what is authorised, all of it.
    Capture,
    /// Call it off: no page and no authorisation any more.
    Void,
    /// Give money back.
    Refund {
        /// Which of its refunds.
        number: u64,
    },
    /// Which refunds of it are there?
    LookUpRefunds,
}

impl Operation {
    /// Whether it moves or blocks money, so that it must be made once.
    #[must_use]
    pub const fn moves(self) -> bool {
        !matches!(self, Operation::LookUp | Operation::LookUpRefunds)
    }
}

/// What a provider answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done; this is how the payment stands.
    Facts(Vec<Fact>),
    /// It was refused for good.
    Declined {
        /// In the provider's words.
        code: Box<str>,
        /// How the payment stands, as far as the answer says.
        facts: Vec<Fact>,
    },
    /// Certainly not executed: try again.
    Later {
        /// Not before this time, if the provider said so.
        not_before: Option<Timestamp>,
    },
    /// It may have been executed or not.
    Unknown,
    /// The provider does not know us or does not let us: for an operator.
    NotOurs {
        /// For the operator.
        detail: Box<str>,
    },
}

/// What the log is asked, by the system itself, under a key of the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ask {
    /// Sell: the attempt is authorised or captured.
    Confirm,
    /// End the attempt: it failed.
    PaymentFailed,
    /// Sell anew what the order had, since its hold has ended.
    SellLate,
    /// Take the sale back, without money: it can never be captured.
    RefundUnpaid,
    /// Take note how the buyer's disputes stand.
    Dispute {
        /// How.
        standing: DisputeStanding,
        /// Of how many disputes: a later one is another ask.
        known: u16,
    },
}

/// What the log answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskAnswer {
    /// Accepted, now or before, at this sequence.
    Accepted(Sequence),
    /// Refused.
    Refused(Refusal),
    /// It may have been accepted or not.
    Unknown,
}

/// Why the log refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The hold has ended.
    Ended,
    /// Something else has paid the order.
    SoldByOther,
    /// Not at present: the same ask may be accepted later.
    NotNow,
    /// It will not be accepted.
    Never,
}
