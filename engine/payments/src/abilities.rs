//! What a provider can do.

use tessera_inventory::Timestamp;

use crate::limits::{KEY_LOOKED_AFTER, KEY_USED};
use crate::mutant::Mutation;

/// What a provider can do, as far as it decides what comes next.
#[derive(Clone, Copy, Debug)]
pub struct Abilities {
    /// A payment that is not captured can be called off; if not, it ends by itself.
    pub voids: bool,
    /// How long a key is remembered at least, in milliseconds: so long a call that is repeated is made once.
    pub key_life_ms: u64,
    /// Calls a second that it takes from one desk; at least 1.
    pub calls_per_second: u32,
    /// No defect in the product.
    #[doc(hidden)]
    pub mutation: Mutation,
}

impl Abilities {
    /// Of a provider of which nothing is known: an hour of memory, one call a second.
    #[must_use]
    pub fn new() -> Abilities {
        Abilities { voids: true, key_life_ms: 3_600_000, calls_per_second: 1, mutation: Mutation::default() }
    }

    /// With a deliberate defect.
    #[cfg(feature = "mutants")]
    #[doc(hidden)]
    #[must_use]
    pub fn mutated(self, mutant: crate::Mutant) -> Abilities {
        Abilities { mutation: Mutation::of(mutant), ..self }
    }

    /// Until when a key is used that was first used at `since` or later.
    pub(crate) fn used_until(&self, since: Timestamp) -> Timestamp {
        since.plus_ms(self.part(KEY_USED))
    }

    /// From when on it is looked up whether a call was made under a key that was first used at `since` or later.
    pub(crate) fn looked_from(&self, since: Timestamp) -> Timestamp {
        since.plus_ms(self.part(KEY_LOOKED_AFTER))
    }

    fn part(&self, (numerator, denominator): (u64, u64)) -> u64 {
        self.key_life_ms / denominator * numerator
    }
}

impl Default for Abilities {
    fn default() -> Abilities {
        Abilities::new()
    }
}
