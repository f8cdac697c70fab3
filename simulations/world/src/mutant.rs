//! Deliberate defects, each to be found by the oracle.

use tessera_writer::WriterOptions;

/// A defect of some part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// Of the writer's protocol, or of the inventory inside.
    Writer(tessera_writer::Mutant),
}

impl Mutant {
    /// Options of a writer with this defect.
    pub(crate) fn options(self, owner: u128) -> WriterOptions {
        match self {
            Mutant::Writer(mutant) => WriterOptions::mutated(owner, mutant),
        }
    }
}
