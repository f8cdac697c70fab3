//! Ticket codes: what the door believes. Identifiers of tickets are public in the change feed; their codes are not.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};
use subtle::ConstantTimeEq;
use tessera_inventory::{EventId, TicketRef};

use super::Keys;

const MAC_BYTES: usize = 16;
/// Bytes of a code: the generation, and a code over event, ticket and generation.
const TICKET_CODE_BYTES: usize = 1 + MAC_BYTES;
/// Length of a ticket code as text: 17 bytes in base64.
pub const TICKET_CODE_TEXT_BYTES: usize = 23;

/// The code of one ticket in one generation; a transfer makes the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TicketCode([u8; TICKET_CODE_BYTES]);

impl TicketCode {
    /// The code of a ticket; stateless.
    #[must_use]
    pub fn new(keys: &Keys, event: EventId, ticket: TicketRef, generation: u8) -> TicketCode {
        let mut body = [0; 27];
        body[..16].copy_from_slice(&event.0.to_be_bytes());
        body[16..24].copy_from_slice(&ticket.order.0.to_be_bytes());
        body[24..26].copy_from_slice(&ticket.index.to_be_bytes());
        body[26] = generation;
        let mut code = [generation; TICKET_CODE_BYTES];
        code[1..].copy_from_slice(&keys.ticket_mac(&body));
        TicketCode(code)
    }

    /// The generation that `text` proves for this ticket; `None` for what is no code of it. Takes the same time wherever a
    /// wrong one differs.
    #[must_use]
    pub fn read(keys: &Keys, event: EventId, ticket: TicketRef, text: &str) -> Option<u8> {
        let mut shown = [0; TICKET_CODE_BYTES];
        let read = URL_SAFE_NO_PAD.decode_slice(text, &mut shown).ok()?;
        let generation = shown[0];
        let genuine: bool = TicketCode::new(keys, event, ticket, generation).0.ct_eq(&shown).into();
        (read == TICKET_CODE_BYTES && genuine).then_some(generation)
    }
}

impl Serialize for TicketCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = [0; TICKET_CODE_TEXT_BYTES];
        // 17 bytes are 23 characters of ASCII: the buffer fits.
        let _ = URL_SAFE_NO_PAD.encode_slice(self.0, &mut text);
        serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for TicketCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketCode")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tessera_inventory::ClaimNumber;

    use super::*;

    #[test]
    fn a_code_proves_its_own_ticket_and_generation_only() {
        let keys = Keys::derive(&[1; 32]);
        let ticket = TicketRef { order: ClaimNumber(5), index: 2 };
        let code = |generation: u8| {
            let code = TicketCode::new(&keys, EventId(1), ticket, generation);
            serde_json::to_string(&code).unwrap().trim_matches('"').to_owned()
        };
        let text = code(3);
        assert_eq!(text.len(), TICKET_CODE_TEXT_BYTES);
        assert_eq!(TicketCode::read(&keys, EventId(1), ticket, &text), Some(3));
        assert_eq!(TicketCode::read(&keys, EventId(1), ticket, &code(0)), Some(0));
        assert_eq!(TicketCode::read(&keys, EventId(2), ticket, &text), None);
        assert_eq!(TicketCode::read(&keys, EventId(1), TicketRef { index: 1, ..ticket }, &text), None);
        let elsewhere = TicketRef { order: ClaimNumber(6), ..ticket };
        assert_eq!(TicketCode::read(&keys, EventId(1), elsewhere, &text), None);
        assert_eq!(TicketCode::read(&Keys::derive(&[2; 32]), EventId(1), ticket, &text), None);
        let next = format!("BA{}", &text[2..]);
        for wrong in ["", "x", &text[1..], &next, &format!("{text}A"), &"A".repeat(300)] {
            assert_eq!(TicketCode::read(&keys, EventId(1), ticket, wrong), None, "{wrong}");
        }
    }
}
