//! What a device at a gate is told, and what it decides without a network.
//!
//! A genuine signature of generation 0 is good unless the device knows otherwise. So what goes down lists what is *not* as printed: tickets
//! with another code, refunded ones, those that are in; and orders whose payment is in dispute.

mod bytes;
mod changes;
mod door;
mod settings;
mod snapshot;

pub use bytes::Unreadable;
pub use changes::Changes;
pub use door::{Admitted, Direction, Door, Turned};
pub use settings::{EntryKey, EntryType, Gates, Settings};
pub use snapshot::Snapshot;

use bytes::{Reader, put_u40, put_u48};

use crate::key::{KeyId, SigningKey, TicketKey};

/// What is signed of a snapshot, or of changes, begins with this.
const CONTEXT: &[u8] = b"tessera entry v1\n";
/// How long a snapshot is fresh, in milliseconds (6 hours). A device goes on with an older one, and shows so.
pub const SNAPSHOT_MS: u64 = 6 * 60 * 60 * 1_000;
/// Bytes of an exception among others.
const EXCEPTION_BYTES: usize = 5 + 1 + 1 + 1 + 6 + 2;

/// A ticket that is not as printed; or a whole order, of which every ticket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Number of its order, below [`crate::ORDER_NUMBER_END`].
    pub order: u64,
    /// Position in its order; [`Exception::WHOLE_ORDER`]: of all its tickets.
    pub index: u8,
    /// Generation of its valid code.
    pub generation: u8,
    /// What it is, as bits.
    pub bits: u8,
    /// When it passed a gate last, in milliseconds since the Unix epoch; 0: it did not.
    pub since_ms: u64,
    /// Which gate that was.
    pub gate: u16,
}

impl Exception {
    /// The position that stands for every ticket of an order; no ticket has it.
    pub const WHOLE_ORDER: u8 = u8::MAX;
    /// Its money went back.
    pub const REFUNDED: u8 = 1;
    /// The payment of the order is in dispute; said of whole orders.
    pub const IN_DISPUTE: u8 = 2;
    /// It is in.
    pub const IN: u8 = 4;
    /// It has another code than the first, by a transfer or a re-issue.
    pub const NEW_CODE: u8 = 8;
    /// It was in, and went out.
    pub const OUT: u8 = 16;

    /// Whether it is as printed, so that a snapshot leaves it out.
    #[must_use]
    pub const fn is_as_printed(&self) -> bool {
        self.bits == 0 && self.generation == 0
    }

    /// Which ticket.
    #[must_use]
    pub const fn ticket(&self) -> (u64, u8) {
        (self.order, self.index)
    }

    /// Whether a bit is set.
    #[must_use]
    pub const fn has(&self, bit: u8) -> bool {
        self.bits & bit != 0
    }
}

/// Signed bytes for a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Which key signed.
    pub key: KeyId,
    /// What is said.
    pub bytes: Vec<u8>,
    /// Ed25519 over `tessera entry v1`, a line feed, and the bytes.
    pub signature: [u8; 64],
}

impl Sealed {
    pub(crate) fn by(key: &SigningKey, bytes: Vec<u8>) -> Sealed {
        let signature = key.sign(&message(&bytes));
        Sealed { key: key.id(), bytes, signature }
    }

    /// Whether one of these keys, not revoked, has signed.
    #[must_use]
    pub fn is_genuine(&self, keys: &[TicketKey]) -> bool {
        let message = message(&self.bytes);
        let mut named = keys.iter().filter(|key| key.id() == self.key && key.revoked_at_ms.is_none());
        named.any(|key| key.has_signed(&message, &self.signature))
    }
}

fn message(bytes: &[u8]) -> Vec<u8> {
    [CONTEXT, bytes].concat()
}

/// Columns: each field of all of them, then the next field.
fn put_exceptions(bytes: &mut Vec<u8>, exceptions: &[Exception]) {
    // A page, or an event's tickets: far fewer than 32 bits count.
    bytes.extend(u32::try_from(exceptions.len()).unwrap_or(u32::MAX).to_be_bytes());
    exceptions.iter().for_each(|one| put_u40(bytes, one.order));
    bytes.extend(exceptions.iter().map(|one| one.index));
    bytes.extend(exceptions.iter().map(|one| one.generation));
    bytes.extend(exceptions.iter().map(|one| one.bits));
    exceptions.iter().for_each(|one| put_u48(bytes, one.since_ms));
    exceptions.iter().for_each(|one| bytes.extend(one.gate.to_be_bytes()));
}

fn exceptions(reader: &mut Reader<'_>) -> Result<Vec<Exception>, Unreadable> {
    let count = usize::try_from(reader.u32()?).map_err(|_| Unreadable)?;
    // What is claimed must be there before room is made for it.
    if reader.left() < count.checked_mul(EXCEPTION_BYTES).ok_or(Unreadable)? {
        return Err(Unreadable);
    }
    let blank = Exception { order: 0, index: 0, generation: 0, bits: 0, since_ms: 0, gate: 0 };
    let mut all = vec![blank; count];
    all.iter_mut().try_for_each(|one| reader.u40().map(|order| one.order = order))?;
    all.iter_mut().try_for_each(|one| reader.u8().map(|index| one.index = index))?;
    all.iter_mut().try_for_each(|one| reader.u8().map(|generation| one.generation = generation))?;
    all.iter_mut().try_for_each(|one| reader.u8().map(|bits| one.bits = bits))?;
    all.iter_mut().try_for_each(|one| reader.u48().map(|since_ms| one.since_ms = since_ms))?;
    all.iter_mut().try_for_each(|one| reader.u16().map(|gate| one.gate = gate))?;
    // A device looks up by bisection.
    if all.is_sorted_by_key(Exception::ticket) { Ok(all) } else { Err(Unreadable) }
}
