//! What is shown at the door as the QR of a ticket.

use tessera_tickets::{Refused, Signed, SigningKey, TicketKey, verify};

/// The event at whose door it is.
pub const EVENT: u128 = 0x0198_0000_0000_7000_8000_0000_0000_0001;
/// Seed of the key that signs its tickets.
pub const SEED: [u8; 32] = [1; 32];

/// The text of a QR, or the bytes behind one.
///
/// # Panics
/// When a promise is broken.
pub fn run(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        check(text);
    }
    check(&format!("T1:{}", base45::encode(bytes)));
}

fn check(text: &str) {
    let signing = SigningKey::of_seed(&SEED);
    let keys = [TicketKey::new(&signing.public(), 0).expect("a public key")];
    let read = Signed::read(text);
    if let Ok(signed) = read {
        assert_eq!(signed.text(), text, "two texts for one ticket");
    }
    let believed = verify(text, EVENT, &keys, 0);
    assert_eq!(believed == Err(Refused::NotATicket), read.is_err(), "read and verified otherwise");
    if let Ok(printed) = believed {
        let again = printed.sign(&signing).map(|signed| signed.text());
        assert_eq!(again.as_deref(), Some(text), "believed, though the key does not sign it so");
    }
}
