//! Deliberate defects of a server, in builds with the feature `mutants` only: a rehearsal must find each.

use clap::ValueEnum;
use tessera_inventory::Mutant as Inventory;
use tessera_writer::{Mutant, Mutation};

/// A defect that can be seen from outside while nothing else goes wrong.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Defect {
    /// A key is forgotten after 32 events: a retry has a second effect
    KeyForgotten,
    /// The last hold of an expiry that ends several keeps its units
    ExpiryDropsTail,
    /// Holds end two seconds late
    LateExpiry,
    /// A paused sale goes on
    PausedSells,
}

impl Defect {
    pub(crate) fn mutation(self) -> Mutation {
        Mutation::of(match self {
            Defect::KeyForgotten => Mutant::Inventory(Inventory::KeyForgotten),
            Defect::ExpiryDropsTail => Mutant::Inventory(Inventory::ExpiryDropsTail),
            Defect::LateExpiry => Mutant::LateExpiry,
            Defect::PausedSells => Mutant::Inventory(Inventory::PausedSells),
        })
    }
}
