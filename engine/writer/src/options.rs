//! What the shell gives an activation besides the event.

use crate::mutant::Mutation;
use crate::{BatchId, RECORD_BYTES_MAX};

/// What makes one ownership distinct from every other.
#[derive(Clone, Copy, Debug)]
pub struct WriterOptions {
    owner: u128,
    pub(crate) record_bytes_max: usize,
    pub(crate) receipts: bool,
    pub(crate) mutation: Mutation,
}

impl WriterOptions {
    /// `owner` is fresh randomness for every activation: batches are named from it, and two owners must never share one.
    #[must_use]
    pub fn new(owner: u128) -> Self {
        WriterOptions {
            owner,
            record_bytes_max: RECORD_BYTES_MAX,
            receipts: false,
            mutation: Mutation::default(),
        }
    }

    /// Split turns over records of about this size, in bytes, instead of [`RECORD_BYTES_MAX`].
    #[must_use]
    pub fn with_record_bytes(self, record_bytes_max: usize) -> Self {
        WriterOptions { record_bytes_max, ..self }
    }

    /// Whether the refusals of a turn are put out too ([`crate::Output::Refused`]), so that they can be proven.
    #[must_use]
    pub fn with_receipts(self, receipts: bool) -> Self {
        WriterOptions { receipts, ..self }
    }

    /// An owner with a deliberate defect, if one is built in.
    #[must_use]
    pub fn with_mutation(self, mutation: Mutation) -> Self {
        WriterOptions { mutation, ..self }
    }

    /// An owner with a deliberate defect.
    #[cfg(feature = "mutants")]
    #[doc(hidden)]
    #[must_use]
    pub fn mutated(owner: u128, mutant: crate::mutant::Mutant) -> Self {
        WriterOptions::new(owner).with_mutation(Mutation::of(mutant))
    }

    pub(crate) fn batch_ids(&self) -> BatchIds {
        BatchIds { owner: self.owner, count: 0 }
    }
}

/// Names the batches of one owner, each once.
#[derive(Debug)]
pub(crate) struct BatchIds {
    owner: u128,
    count: u128,
}

impl BatchIds {
    pub(crate) fn next(&mut self) -> BatchId {
        self.count += 1;
        BatchId(self.owner.wrapping_add(self.count))
    }
}
