//! Deliberate defects; see [`tessera_mutation`].

/// A defect that the simulation must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "mutants"), allow(unreachable_pub))]
pub enum Mutant {
    /// A projection writes its rows though another one has moved the cursor.
    OvertakingUnnoticed,
    /// A follower moves its cursor though another one has taken over.
    FenceIgnored,
    /// A projection takes the last record of the log for its end.
    TailUnread,
    /// A list shows whole orders to who has one ticket of them.
    StrangersListed,
    /// A page is stored though the tree was overtaken.
    TreeForked,
    /// Nobody finds which refusals of an earlier writer are proven.
    ProvenForgotten,
    /// A page begins one event late.
    PageBeginsLate,
    /// A key signs at whatever time it is told.
    SignedUntimely,
}

/// Which defect is built in, if any.
pub(crate) type Mutation = tessera_mutation::Mutation<Mutant>;
