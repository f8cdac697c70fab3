//! Whether a ticket is to be believed, without a network.

use crate::key::TicketKey;
use crate::printed::{EventMark, HOUR_MS, Printed, Signed};

/// Why a ticket is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The text is no ticket of ours.
    NotATicket,
    /// No key of this name is known: the ticket is another installation's, or the keys are old.
    UnknownKey,
    /// The key did not sign this.
    Forged,
    /// The key signed this and was revoked: whoever holds the ticket shows it again, signed by another.
    RevokedKey,
    /// It is a ticket of another event.
    OtherEvent,
    /// It was good until a time that is over.
    Expired,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Refused::NotATicket => "not a ticket",
            Refused::UnknownKey => "signed by a key that is not known",
            Refused::Forged => "the signature is not genuine",
            Refused::RevokedKey => "signed by a key that was revoked",
            Refused::OtherEvent => "a ticket of another event",
            Refused::Expired => "no longer valid",
        })
    }
}

impl std::error::Error for Refused {}

/// What a genuine ticket of this event says. Whether its generation is the newest, and whether it was refunded or is in, it does not know.
///
/// # Errors
/// [`Refused`]; what it says is only said of a genuine signature, except that there is none.
pub fn verify(text: &str, event: u128, keys: &[TicketKey], now_ms: u64) -> Result<Printed, Refused> {
    let signed = Signed::read(text).map_err(|_| Refused::NotATicket)?;
    let (message, signature) = (signed.message(), signed.signature());
    // Four bytes may name two keys.
    let mut named = keys.iter().filter(|key| key.id() == signed.key()).peekable();
    named.peek().ok_or(Refused::UnknownKey)?;
    let key = named.find(|key| key.has_signed(&message, &signature)).ok_or(Refused::Forged)?;
    let printed = signed.printed();
    if key.revoked_at_ms.is_some() {
        Err(Refused::RevokedKey)
    } else if printed.event != EventMark::of(event) {
        Err(Refused::OtherEvent)
    } else if printed.valid_until_h > 0 && now_ms >= u64::from(printed.valid_until_h) * HOUR_MS {
        Err(Refused::Expired)
    } else {
        Ok(printed)
    }
}
