//! What the QR of a ticket says: 26 bytes, 64 bytes of signature, and their text.

use crate::key::{KeyId, SigningKey};
use crate::short_hash;

/// Bytes that are signed.
pub const STATEMENT_BYTES: usize = 26;
/// Bytes of a statement with its signature.
pub const SIGNED_BYTES: usize = STATEMENT_BYTES + SIGNATURE_BYTES;
/// Characters of a QR: a prefix, and three for two bytes (base45). Every one is of the alphanumeric set of QR codes.
pub const TEXT_BYTES: usize = PREFIX.len() + SIGNED_BYTES / 2 * 3;
/// Order numbers are below this one: they have 40 bits.
pub const ORDER_NUMBER_END: u64 = 1 << 40;
/// Milliseconds of the unit in which a ticket says until when it is good.
pub const HOUR_MS: u64 = 3_600_000;

const SIGNATURE_BYTES: usize = 64;
const PREFIX: &str = "T1:";
/// First byte of a statement.
const FORMAT: u8 = 1;
/// What is signed begins with this, so that no signature of another kind passes for a ticket's.
const CONTEXT: &[u8] = b"tessera ticket v1\n";
/// What is hashed for an event's mark begins with this.
const EVENT_CONTEXT: &[u8] = b"tessera event v1";

/// An event in a ticket: 8 bytes of SHA-256 over its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventMark(pub [u8; 8]);

impl EventMark {
    /// The mark of the event with this id.
    #[must_use]
    pub fn of(event: u128) -> EventMark {
        EventMark(short_hash(&[EVENT_CONTEXT, &event.to_be_bytes()]))
    }
}

/// What a ticket says of itself. Nothing in it is personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Printed {
    /// Of which event.
    pub event: EventMark,
    /// Number of its order, below [`ORDER_NUMBER_END`].
    pub order: u64,
    /// Position in its order.
    pub index: u8,
    /// How often its code was replaced before this one.
    pub generation: u8,
    /// Position of its ticket type in the configuration, so that a gate that admits some types decides offline.
    pub ticket_type: u16,
    /// In hours since the Unix epoch, until when it is good; 0: no end.
    pub valid_until_h: u32,
}

/// The text is no ticket of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotATicket;

impl std::fmt::Display for NotATicket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not a ticket")
    }
}

impl std::error::Error for NotATicket {}

/// A statement and a signature, which may not be genuine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signed([u8; SIGNED_BYTES]);

impl Printed {
    /// Signs it; the same bytes whenever the same is signed by the same key. `None` where the order number has more than 40 bits.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Option<Signed> {
        let mut bytes = [0; SIGNED_BYTES];
        let (statement, signature) = bytes.split_at_mut(STATEMENT_BYTES);
        statement.copy_from_slice(&self.statement(key.id())?);
        signature.copy_from_slice(&key.sign(&message(statement)));
        Some(Signed(bytes))
    }

    fn statement(&self, key: KeyId) -> Option<[u8; STATEMENT_BYTES]> {
        if self.order >= ORDER_NUMBER_END {
            return None;
        }
        let mut bytes = [0; STATEMENT_BYTES];
        bytes[0] = FORMAT;
        bytes[1..5].copy_from_slice(&key);
        bytes[5..13].copy_from_slice(&self.event.0);
        bytes[13..18].copy_from_slice(&self.order.to_be_bytes()[3..]);
        bytes[18] = self.index;
        bytes[19] = self.generation;
        bytes[20..22].copy_from_slice(&self.ticket_type.to_be_bytes());
        bytes[22..].copy_from_slice(&self.valid_until_h.to_be_bytes());
        Some(bytes)
    }
}

impl Signed {
    /// What a text says; it is not verified.
    ///
    /// # Errors
    /// [`NotATicket`] for a text of any other form.
    pub fn read(text: &str) -> Result<Signed, NotATicket> {
        let encoded = text.strip_prefix(PREFIX).filter(|_| text.len() == TEXT_BYTES).ok_or(NotATicket)?;
        let bytes = base45::decode(encoded).map_err(|_| NotATicket)?;
        let signed = Signed(bytes.try_into().map_err(|_| NotATicket)?);
        if signed.0[0] == FORMAT { Ok(signed) } else { Err(NotATicket) }
    }

    /// The text of a QR.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{PREFIX}{}", base45::encode(self.0))
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; SIGNED_BYTES] {
        &self.0
    }

    /// Which key is said to have signed.
    #[must_use]
    pub fn key(&self) -> KeyId {
        self.field(1)
    }

    /// What it says.
    #[must_use]
    pub fn printed(&self) -> Printed {
        let mut order = [0; 8];
        order[3..].copy_from_slice(&self.field::<5>(13));
        Printed {
            event: EventMark(self.field(5)),
            order: u64::from_be_bytes(order),
            index: self.0[18],
            generation: self.0[19],
            ticket_type: u16::from_be_bytes(self.field(20)),
            valid_until_h: u32::from_be_bytes(self.field(22)),
        }
    }

    pub(crate) fn message(&self) -> [u8; CONTEXT.len() + STATEMENT_BYTES] {
        message(&self.0[..STATEMENT_BYTES])
    }

    pub(crate) fn signature(&self) -> [u8; SIGNATURE_BYTES] {
        self.field(STATEMENT_BYTES)
    }

    fn field<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut field = [0; N];
        field.copy_from_slice(&self.0[at..at + N]);
        field
    }
}

impl std::fmt::Debug for Signed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The text opens the door.
        f.debug_tuple("Signed").field(&self.printed()).finish()
    }
}

/// What is signed of a statement.
fn message(statement: &[u8]) -> [u8; CONTEXT.len() + STATEMENT_BYTES] {
    let mut message = [0; CONTEXT.len() + STATEMENT_BYTES];
    let (context, signed) = message.split_at_mut(CONTEXT.len());
    context.copy_from_slice(CONTEXT);
    signed.copy_from_slice(statement);
    message
}
