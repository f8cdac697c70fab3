//! Tickets that verify offline: what the QR of a ticket says, how it is signed, and whether it is to be believed.
//!
//! A QR is a signed statement of which ticket it is, in which generation of its code. Whoever has the public keys can verify it without a
//! network; nobody else can make one. It is derived, never stored: signing is deterministic, so the same ticket shows the same bytes
//! wherever it is shown. `docs/tickets.md` has the format.
//!
//! Identities and times are plain numbers, so that the crate depends on no other of ours.

pub mod entry;
mod judge;
mod key;
mod printed;
mod verify;

use sha2::{Digest, Sha256};

pub use judge::{DoubleAdmission, Passage, double_admissions, last_passage};
pub use key::{KeyId, SigningKey, TicketKey};
pub use printed::{
    EventMark, HOUR_MS, NotATicket, ORDER_NUMBER_END, Printed, SIGNED_BYTES, STATEMENT_BYTES, Signed,
    TEXT_BYTES,
};
pub use verify::{Refused, verify};

/// The first bytes of SHA-256 over the parts, one after the other.
fn short_hash<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    let mut short = [0; N];
    short.copy_from_slice(&hasher.finalize()[..N]);
    short
}
