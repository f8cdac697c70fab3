//! Receipts, and what is wrong with a forged one.

use std::fmt;

use crate::{Checkpoint, Hash, Leaf, Note, NoteError, PublicKey, ReceiptId, hash_of, is_included};

/// Proof of one decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The name that the reply gave: of a decision of the leaf's event.
    pub id: ReceiptId,
    /// The decision.
    pub leaf: Leaf,
    /// The public detail, which the leaf holds the hash of.
    pub detail: String,
    /// Position of the leaf in the tree, from 0.
    pub index: u64,
    /// Siblings on the way to the root, deepest first.
    pub path: Vec<Hash>,
    /// The signed checkpoint, as it was sent.
    pub checkpoint: String,
}

/// Why a receipt, or a checkpoint, proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// The checkpoint is not a signed note of the documented form.
    MalformedCheckpoint,
    /// It was signed by a key that is not among those given.
    UnknownKey,
    /// The key did not make the signature.
    BadSignature,
    /// The key did not sign at the time of the checkpoint.
    KeyNotValidThen,
    /// Leaf and checkpoint are of different events, or the key signs under another name.
    AnotherEvent,
    /// The receipt's name is of another decision.
    AnotherDecision,
    /// The detail is not the one that was hashed.
    AnotherDetail,
    /// It concerns a part of the log that the checkpoint does not cover yet.
    BeyondCheckpoint,
    /// The path does not lead to the signed root.
    NotInTree,
}

impl fmt::Display for Forgery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Forgery::MalformedCheckpoint => "the checkpoint is not a signed note of the documented form",
            Forgery::UnknownKey => "the checkpoint was signed by a key that is not among those given",
            Forgery::BadSignature => "the signature of the checkpoint was not made by the key that it names",
            Forgery::KeyNotValidThen => "the key did not sign at the time of the checkpoint",
            Forgery::AnotherEvent => "the decision and the checkpoint are of different events",
            Forgery::AnotherDecision => "the receipt has the name of another decision",
            Forgery::AnotherDetail => "the detail is not the one that was decided",
            Forgery::BeyondCheckpoint => "the decision is later than the checkpoint",
            Forgery::NotInTree => "the decision is not in the tree that was signed",
        })
    }
}

impl std::error::Error for Forgery {}

impl Checkpoint {
    /// The checkpoint of a signed note, and the key that signed it.
    ///
    /// # Errors
    /// [`Forgery`]: it proves nothing.
    pub fn verify<'a>(note: &str, keys: &'a [PublicKey]) -> Result<(Checkpoint, &'a PublicKey), Forgery> {
        let note = Note::parse(note).ok_or(Forgery::MalformedCheckpoint)?;
        let checkpoint = Checkpoint::parse(&note.text).ok_or(Forgery::MalformedCheckpoint)?;
        if note.name != checkpoint.origin.text() {
            return Err(Forgery::AnotherEvent);
        }
        let key = note.verify(keys).map_err(|error| match error {
            NoteError::UnknownKey => Forgery::UnknownKey,
            NoteError::BadSignature => Forgery::BadSignature,
        })?;
        if !key.signed_at(checkpoint.at_ms) {
            return Err(Forgery::KeyNotValidThen);
        }
        Ok((checkpoint, key))
    }
}

impl Receipt {
    /// Whether whoever has one of `keys` vouches for this decision. Gives the checkpoint that proves it, and the key.
    ///
    /// # Errors
    /// [`Forgery`]: it proves nothing.
    pub fn verify<'a>(&self, keys: &'a [PublicKey]) -> Result<(Checkpoint, &'a PublicKey), Forgery> {
        let (checkpoint, key) = Checkpoint::verify(&self.checkpoint, keys)?;
        if checkpoint.origin.event != self.leaf.event {
            return Err(Forgery::AnotherEvent);
        }
        if self.leaf.id() != self.id {
            return Err(Forgery::AnotherDecision);
        }
        if hash_of(self.detail.as_bytes()) != self.leaf.detail {
            return Err(Forgery::AnotherDetail);
        }
        if self.leaf.sequence > checkpoint.sequence {
            return Err(Forgery::BeyondCheckpoint);
        }
        if !is_included(self.leaf.hash(), self.index, checkpoint.size, &self.path, &checkpoint.root) {
            return Err(Forgery::NotInTree);
        }
        Ok((checkpoint, key))
    }
}
