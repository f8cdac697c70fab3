//! What came of an attempt, whatever it went through.

use tessera_inventory::Timestamp;

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It was taken.
    Taken,
    /// It will never be taken.
    Refused {
        /// Why.
        reason: String,
        /// Whether nothing is taken for this address.
        is_address_dead: bool,
    },
    /// It cannot be sent at all: nobody was asked.
    Untried {
        /// Why.
        reason: String,
        /// Whether nothing can be sent to this address.
        is_address_dead: bool,
    },
    /// It may be taken later, or has been and the answer was lost.
    Failed {
        /// Why.
        reason: String,
        /// Whether that was not about this message.
        is_account: bool,
    },
    /// It was certainly not taken, since it was not its turn.
    Busy {
        /// Why.
        reason: String,
        /// Until when.
        until: Timestamp,
        /// Whether nothing else is taken until then either.
        is_account: bool,
    },
}

impl Delivery {
    pub(crate) fn dead(reason: String) -> Delivery {
        Delivery::Refused { reason, is_address_dead: true }
    }

    pub(crate) fn refused(reason: String) -> Delivery {
        Delivery::Refused { reason, is_address_dead: false }
    }

    /// The account, or who looks after it, is the matter.
    pub(crate) fn account(reason: String) -> Delivery {
        Delivery::Failed { reason, is_account: true }
    }

    /// The message, or who takes it alone, is the matter.
    pub(crate) fn failed(reason: String) -> Delivery {
        Delivery::Failed { reason, is_account: false }
    }
}
