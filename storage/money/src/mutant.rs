//! Deliberate defects; see [`tessera_mutation`].

/// A defect that the simulation must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "mutants"), allow(unreachable_pub))]
pub enum Mutant {
    /// A sale says nothing to the other attempts of its order.
    OthersNotReleased,
    /// What an expiry ends is not let go.
    ExpiryUnheard,
    /// A refund of the log is booked, and wanted of nobody.
    RefundUnwanted,
    /// Entries are written again by whoever was overtaken.
    BookedAgain,
    /// A sale whose money never comes stays booked.
    UnpaidNotReversed,
    /// A row that was due is not found when it is due again.
    DueForgotten,
}

/// Which defect is built in, if any.
pub(crate) type Mutation = tessera_mutation::Mutation<Mutant>;
