//! Deliberate defects. Without the feature `mutants` none can be chosen and every question answers a constant `false`.

/// A defect that the simulation must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "mutants"), allow(unreachable_pub))]
pub enum Mutant {
    /// An append is answered before it is synced.
    SyncSkipped,
    /// What stands after the anchor is taken for durable because it can be read.
    FailedSyncTrusted,
}

/// Which defect is built in, if any.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mutation {
    #[cfg(feature = "mutants")]
    mutant: Option<Mutant>,
}

impl Mutation {
    #[cfg(feature = "mutants")]
    /// This one.
    #[must_use]
    pub fn of(mutant: Mutant) -> Self {
        Mutation { mutant: Some(mutant) }
    }

    #[cfg(feature = "mutants")]
    pub(crate) fn is(self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    #[cfg(not(feature = "mutants"))]
    #[allow(clippy::unused_self)]
    pub(crate) const fn is(self, _: Mutant) -> bool {
        false
    }
}
