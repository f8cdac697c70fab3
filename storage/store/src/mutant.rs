//! Deliberate defects; see [`tessera_mutation`].

/// A defect that the simulation must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "mutants"), allow(unreachable_pub))]
pub enum Mutant {
    /// A snapshot takes the place of a newer one.
    OlderSnapshotWins,
    /// A snapshot becomes the newest though its chunks were cleared.
    ClearedChunksUnnoticed,
}

/// Which defect is built in, if any.
pub(crate) type Mutation = tessera_mutation::Mutation<Mutant>;
