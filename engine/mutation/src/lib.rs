//! The switch of deliberate defects, which the simulation must find. Each crate that has defects names them in a `Mutant` of its own and
//! asks a [`Mutation`] of it; without the feature `mutants` none can be chosen, and every question is a constant `false`.

#![no_std]

/// Which defect of `M` is built in, if any.
#[derive(Clone, Copy, Debug)]
pub struct Mutation<M> {
    #[cfg(feature = "mutants")]
    mutant: Option<M>,
    #[cfg(not(feature = "mutants"))]
    none: core::marker::PhantomData<M>,
}

impl<M> Default for Mutation<M> {
    fn default() -> Self {
        Mutation {
            #[cfg(feature = "mutants")]
            mutant: None,
            #[cfg(not(feature = "mutants"))]
            none: core::marker::PhantomData,
        }
    }
}

impl<M: Copy + PartialEq> Mutation<M> {
    /// This defect.
    #[cfg(feature = "mutants")]
    #[must_use]
    pub fn of(mutant: M) -> Self {
        Mutation { mutant: Some(mutant) }
    }

    /// The defect, if any.
    #[inline]
    #[must_use]
    pub fn mutant(self) -> Option<M> {
        #[cfg(feature = "mutants")]
        return self.mutant;
        #[cfg(not(feature = "mutants"))]
        return None;
    }

    /// Whether it is this one.
    #[inline]
    #[must_use]
    pub fn is(self, mutant: M) -> bool {
        self.mutant() == Some(mutant)
    }
}
