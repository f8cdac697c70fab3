//! Deliberate defects. Without the feature `mutants` none can be chosen and every question answers a constant `false`.

/// A defect that the simulation must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "mutants"), allow(unreachable_pub))]
pub enum Mutant {
    /// A projection writes its rows though another one has moved the cursor.
    OvertakingUnnoticed,
    /// A follower moves its cursor though another one has taken over.
    FenceIgnored,
}

/// Which defect is built in, if any.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mutation {
    #[cfg(feature = "mutants")]
    mutant: Option<Mutant>,
}

impl Mutation {
    #[cfg(feature = "mutants")]
    pub(crate) fn of(mutant: Mutant) -> Self {
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
