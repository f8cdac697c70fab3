//! A refund of an attempt to pay.
//!
//! - key: (hash of event, kind, event, number of the order, attempt, number of the refund)
//! - value: the money repository's row
//! - mutability: as its payment's, never removed

use foundationdb_tuple::pack;
use tessera_inventory::{ClaimNumber, EventId};
use uuid::Uuid;

use super::{KeyKind, PaymentKey, event_of, event_prefix, foreign, parts, range_of};
use crate::StoreError;

/// Key of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundKey {
    /// Of which payment.
    pub payment: PaymentKey,
    /// The sequence in the log that wants it; 0 and 1: none does.
    pub number: u64,
}

impl RefundKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let PaymentKey { event, order, attempt } = self.payment;
        let (hash, kind, event) = event_prefix(event, KeyKind::Refund);
        pack(&(hash, kind, event, order.0, u16::from(attempt), self.number))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<RefundKey, StoreError> {
        let (hash, kind, event, order, attempt, number): (u64, u16, Uuid, u64, u16, u64) =
            parts(key, KeyKind::Refund)?;
        let event = event_of(key, (hash, kind, event), KeyKind::Refund)?;
        let attempt = u8::try_from(attempt).map_err(|_| foreign(key, KeyKind::Refund))?;
        let payment = PaymentKey { event, order: ClaimNumber(order), attempt };
        Ok(RefundKey { payment, number })
    }

    /// All of a payment: `begin <= key < end`.
    #[must_use]
    pub fn range(payment: PaymentKey) -> (Vec<u8>, Vec<u8>) {
        let (hash, kind, event) = event_prefix(payment.event, KeyKind::Refund);
        range_of(&(hash, kind, event, payment.order.0, u16::from(payment.attempt)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_among_the_refunds_of_its_payment() {
        let payment = PaymentKey { event: EventId(42), order: ClaimNumber(300), attempt: 2 };
        let key = RefundKey { payment, number: 70_000 };
        assert_eq!(RefundKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = RefundKey::range(payment);
        assert!(begin <= key.pack() && key.pack() < end);
        let other = RefundKey { payment: PaymentKey { attempt: 3, ..payment }, ..key };
        assert!(other.pack() >= end);
    }
}
