//! An attempt to pay an order: what the log wants of it, what its provider has said.
//!
//! - key: (hash of event, kind, event, number of the order, attempt)
//! - value: the money repository's row
//! - mutability: rewritten by the follower of payments, together with its cursor, and by the desk

use foundationdb_tuple::pack;
use tessera_inventory::{ClaimNumber, EventId};
use uuid::Uuid;

use super::{KeyKind, event_of, event_prefix, foreign, parts, range_of};
use crate::StoreError;

/// Key of an attempt to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentKey {
    /// Of which event.
    pub event: EventId,
    /// Which order.
    pub order: ClaimNumber,
    /// From 1.
    pub attempt: u8,
}

impl PaymentKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::Payment);
        pack(&(hash, kind, event, self.order.0, u16::from(self.attempt)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<PaymentKey, StoreError> {
        let (hash, kind, event, order, attempt): (u64, u16, Uuid, u64, u16) = parts(key, KeyKind::Payment)?;
        let event = event_of(key, (hash, kind, event), KeyKind::Payment)?;
        let attempt = u8::try_from(attempt).map_err(|_| foreign(key, KeyKind::Payment))?;
        Ok(PaymentKey { event, order: ClaimNumber(order), attempt })
    }

    /// All attempts of an order: `begin <= key < end`.
    #[must_use]
    pub fn range_of_order(event: EventId, order: ClaimNumber) -> (Vec<u8>, Vec<u8>) {
        let (hash, kind, event) = event_prefix(event, KeyKind::Payment);
        range_of(&(hash, kind, event, order.0))
    }

    /// All of an event: `begin <= key < end`.
    #[must_use]
    pub fn range(event: EventId) -> (Vec<u8>, Vec<u8>) {
        range_of(&event_prefix(event, KeyKind::Payment))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_among_the_attempts_of_its_order() {
        let key = PaymentKey { event: EventId(42), order: ClaimNumber(300), attempt: 2 };
        assert_eq!(PaymentKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = PaymentKey::range_of_order(key.event, key.order);
        assert!(begin <= key.pack() && key.pack() < end);
        let other = PaymentKey { order: ClaimNumber(301), ..key }.pack();
        assert!(other >= end);
        let (begin, end) = PaymentKey::range(key.event);
        assert!(begin <= other && other < end);
    }
}
