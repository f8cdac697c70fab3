//! What a provider calls a payment.
//!
//! - key: (kind, number of the provider, the provider's reference)
//! - value: 16 bytes of the event, 8 of the order, 1 of the attempt
//! - mutability: written with the reference, never changed

use foundationdb_tuple::pack;
use tessera_inventory::{ClaimNumber, EventId};

use super::{Fields, KeyKind, PaymentKey, foreign, parts, range_of};
use crate::StoreError;

/// Key of a provider's reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentReferenceKey {
    /// Whose.
    pub provider: u16,
    /// The provider's name for the payment.
    pub reference: String,
}

impl PaymentReferenceKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::PaymentReference.number(), self.provider, self.reference.as_str()))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<PaymentReferenceKey, StoreError> {
        let (kind, provider, reference): (u16, u16, String) = parts(key, KeyKind::PaymentReference)?;
        if kind == KeyKind::PaymentReference.number() {
            Ok(PaymentReferenceKey { provider, reference })
        } else {
            Err(foreign(key, KeyKind::PaymentReference))
        }
    }

    /// All there are: `begin <= key < end`.
    #[must_use]
    pub fn range_of_all() -> (Vec<u8>, Vec<u8>) {
        range_of(&KeyKind::PaymentReference.number())
    }

    /// The value: which payment it is.
    #[must_use]
    pub fn encode(payment: PaymentKey) -> Vec<u8> {
        let PaymentKey { event, order, attempt } = payment;
        [&event.0.to_be_bytes()[..], &order.0.to_be_bytes(), &[attempt]].concat()
    }

    /// The payment of a value.
    ///
    /// # Errors
    /// It has another length.
    pub fn decode(value: &[u8]) -> Result<PaymentKey, StoreError> {
        let mut fields = Fields::of(KeyKind::PaymentReference, value);
        let event = EventId(u128::from_be_bytes(fields.take()?));
        let order = ClaimNumber(u64::from_be_bytes(fields.take()?));
        let [attempt] = fields.take()?;
        fields.end()?;
        Ok(PaymentKey { event, order, attempt })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = PaymentReferenceKey { provider: 2, reference: "cs_test_é".to_owned() };
        assert_eq!(PaymentReferenceKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = PaymentReferenceKey::range_of_all();
        assert!(begin <= key.pack() && key.pack() < end);
        let payment = PaymentKey { event: EventId(42), order: ClaimNumber(300), attempt: 3 };
        let value = PaymentReferenceKey::encode(payment);
        assert_eq!(PaymentReferenceKey::decode(&value).unwrap(), payment);
        assert!(PaymentReferenceKey::decode(&value[1..]).is_err());
    }
}
