//! Deliberate defects; see [`tessera_mutation`].

/// A defect that the simulation must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "mutants"), allow(unreachable_pub))]
pub enum Mutant {
    /// An append is answered before it is synced.
    SyncSkipped,
    /// What stands after the anchor is taken for durable because it can be read.
    FailedSyncTrusted,
    /// A journal that ends before its anchor is opened.
    AnchorIgnored,
    /// What a torn write has left is taken for a frame because it begins like one.
    TornTailAccepted,
}

/// Which defect is built in, if any.
pub type Mutation = tessera_mutation::Mutation<Mutant>;
