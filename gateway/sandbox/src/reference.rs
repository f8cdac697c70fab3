//! The reference of a payment: all that was said when it was created, signed, so that nothing need be kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message;
use subtle::ConstantTimeEq;
use tessera_inventory::{ClaimNumber, EventId, Timestamp};
use tessera_ledger::Currency;
use tessera_payments::PaymentId;

/// How every reference begins.
const PREFIX: &str = "sbx_";
/// Bytes of its signature.
const SIGNATURE_BYTES: usize = 16;

/// What was said when a payment was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The payment as whoever created it calls it.
    pub(crate) payment: PaymentId,
    /// How much, in minor units.
    pub(crate) amount_minor: i64,
    /// Of what.
    pub(crate) currency: Currency,
    /// Until when its page takes a payment.
    pub(crate) until: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Said {
    #[prost(fixed64, tag = "1")]
    event_high: u64,
    #[prost(fixed64, tag = "2")]
    event_low: u64,
    #[prost(uint64, tag = "3")]
    order: u64,
    #[prost(uint32, tag = "4")]
    attempt: u32,
    #[prost(sint64, tag = "5")]
    amount_minor: i64,
    /// Its three letters as a number.
    #[prost(fixed32, tag = "6")]
    currency: u32,
    #[prost(uint64, optional, tag = "7")]
    until_ms: Option<u64>,
}

impl Reference {
    /// As it is sent.
    pub(crate) fn text(&self, key: &[u8; 32]) -> String {
        let [a, b, c] = self.currency;
        #[allow(clippy::cast_possible_truncation)] // Both halves are cut out on purpose.
        let said = Said {
            event_high: (self.payment.event.0 >> 64) as u64,
            event_low: self.payment.event.0 as u64,
            order: self.payment.order.0,
            attempt: self.payment.attempt.into(),
            amount_minor: self.amount_minor,
            currency: u32::from_be_bytes([0, a, b, c]),
            until_ms: self.until.map(|until| until.0),
        };
        let mut bytes = said.encode_to_vec();
        bytes.extend_from_slice(&sign(&bytes, key));
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The reference of this text; `None`: this sandbox never gave it.
    pub(crate) fn parse(text: &str, key: &[u8; 32]) -> Option<Reference> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (said, signature) = bytes.split_at_checked(bytes.len().checked_sub(SIGNATURE_BYTES)?)?;
        if !bool::from(sign(said, key).ct_eq(signature)) {
            return None;
        }
        let said = Said::decode(said).ok()?;
        let [_, a, b, c] = said.currency.to_be_bytes();
        Some(Reference {
            payment: PaymentId {
                event: EventId(u128::from(said.event_high) << 64 | u128::from(said.event_low)),
                order: ClaimNumber(said.order),
                attempt: u8::try_from(said.attempt).ok()?,
            },
            amount_minor: said.amount_minor,
            currency: [a, b, c],
            until: said.until_ms.map(Timestamp),
        })
    }
}

fn sign(bytes: &[u8], key: &[u8; 32]) -> [u8; SIGNATURE_BYTES] {
    let hash = *blake3::keyed_hash(key, bytes).as_bytes();
    std::array::from_fn(|at| hash[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_says_what_was_said_and_cannot_be_made_up() {
        let key = [7; 32];
        let reference = Reference {
            payment: PaymentId { event: EventId(u128::MAX - 5), order: ClaimNumber(300), attempt: 2 },
            amount_minor: 12_345,
            currency: *b"CHF",
            until: Some(Timestamp(1_790_000_000_000)),
        };
        let text = reference.text(&key);
        assert_eq!(Reference::parse(&text, &key), Some(reference));
        assert_eq!(reference.text(&key), text, "whoever creates it again gets the same");
        assert_eq!(Reference::parse(&text, &[8; 32]), None);
        for at in PREFIX.len()..text.len() {
            let mut other = text.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            // The last letter has bits that say nothing: only what decodes to other bytes is another reference.
            assert!(Reference::parse(&other, &key).is_none_or(|found| found == reference), "{other}");
        }
        assert_eq!(Reference::parse("sbx_", &key), None);
        assert_eq!(Reference::parse(&text[4..], &key), None);
    }
}
