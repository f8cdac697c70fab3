//! Receipts: what proves to an outsider that a decision was made, and which.
//!
//! Every decision of an event is a [`Leaf`] of one growing [Merkle tree](Frontier) (RFC 6962). Its root is signed as a [`Checkpoint`]
//! (C2SP tlog-checkpoint, a signed note). A [`Receipt`] is a leaf, its path and a checkpoint: [`Receipt::verify`] needs nothing but
//! public keys. No I/O, no clock, no secret but the one that signs. `docs/receipts.md` describes the formats to outsiders.

mod checkpoint;
mod id;
mod key;
mod leaf;
mod note;
mod receipt;
mod text;
mod tree;

pub use checkpoint::{Checkpoint, Origin};
pub use id::{Place, ReceiptId};
pub use key::{PublicKey, SigningKey};
pub use leaf::{CODE_BYTES_MAX, KeyDigest, Kind, LEAF_VERSION, Leaf, Outcome};
pub use note::{Note, NoteError};
pub use receipt::{Forgery, Receipt};
pub use text::{from_hex, to_hex};
pub use tree::{Frontier, Hash, hash_of, is_included};
