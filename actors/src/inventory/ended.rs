//! How an ownership ended.

use tessera_inventory::Epoch;
use tessera_writer::Monotonic;

/// How an ownership ended; the supervisor decides what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Handed over, drained or passivated.
    HandedOver {
        /// When time does something next in it.
        wakes_at: Option<Monotonic>,
    },
    /// Another writer owns the event.
    Fenced {
        /// The epoch it was fenced by.
        epoch: Epoch,
        /// When time does something next in it, as far as this writer knew.
        wakes_at: Option<Monotonic>,
    },
    /// The store failed for good.
    StoreFailed {
        /// For the operator.
        reason: String,
    },
    /// What is stored is not what was written, or cannot be read by this release.
    Damaged {
        /// For the operator.
        reason: String,
    },
    /// The writer panicked.
    Panicked {
        /// What it said.
        reason: String,
    },
}
