//! A payment that the log waits for, by when it stops waiting.
//!
//! - key: (hash of event, kind, event, end of the grace, number of the order)
//! - value: 1 byte of the attempt
//! - mutability: written when the payment is begun, removed when the log does not wait for it any more

use foundationdb_tuple::pack;
use tessera_inventory::{ClaimNumber, EventId, Timestamp};
use uuid::Uuid;

use super::{Fields, KeyKind, event_of, event_prefix, parts, range_of};
use crate::StoreError;

/// Key of a payment in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentInFlightKey {
    /// Of which event.
    pub event: EventId,
    /// When the log stops waiting.
    pub grace_until: Timestamp,
    /// Which order.
    pub order: ClaimNumber,
}

impl PaymentInFlightKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::PaymentInFlight);
        pack(&(hash, kind, event, self.grace_until.0, self.order.0))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<PaymentInFlightKey, StoreError> {
        let (hash, kind, event, at, order): (u64, u16, Uuid, u64, u64) =
            parts(key, KeyKind::PaymentInFlight)?;
        let event = event_of(key, (hash, kind, event), KeyKind::PaymentInFlight)?;
        Ok(PaymentInFlightKey { event, grace_until: Timestamp(at), order: ClaimNumber(order) })
    }

    /// Those that the log stops waiting for at `through` or before: `begin <= key < end`.
    #[must_use]
    pub fn range_through(event: EventId, through: Timestamp) -> (Vec<u8>, Vec<u8>) {
        let (hash, kind, event) = event_prefix(event, KeyKind::PaymentInFlight);
        let (begin, end) = range_of(&(hash, kind, event));
        let after = through.0.checked_add(1).map(|next| pack(&(hash, kind, event, next)));
        (begin, after.unwrap_or(end))
    }

    /// All of an event: `begin <= key < end`.
    #[must_use]
    pub fn range(event: EventId) -> (Vec<u8>, Vec<u8>) {
        range_of(&event_prefix(event, KeyKind::PaymentInFlight))
    }

    /// The attempt of a value.
    ///
    /// # Errors
    /// It has another length.
    pub fn decode(value: &[u8]) -> Result<u8, StoreError> {
        let mut fields = Fields::of(KeyKind::PaymentInFlight, value);
        let [attempt] = fields.take()?;
        fields.end()?;
        Ok(attempt)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn those_that_a_time_covers_are_a_range() {
        let key = |at, order| PaymentInFlightKey {
            event: EventId(42),
            grace_until: Timestamp(at),
            order: ClaimNumber(order),
        };
        assert_eq!(PaymentInFlightKey::unpack(&key(255, 7).pack()).unwrap(), key(255, 7));
        for (through, expected) in [(254, 0), (255, 2), (256, 3), (u64::MAX, 4)] {
            let (begin, end) = PaymentInFlightKey::range_through(EventId(42), Timestamp(through));
            let keys = [key(255, 7), key(255, 300), key(256, 1), key(u64::MAX, 1)];
            let covered = keys.iter().filter(|key| begin <= key.pack() && key.pack() < end).count();
            assert_eq!(covered, expected, "through {through}");
        }
        assert_eq!(PaymentInFlightKey::decode(&[3]).unwrap(), 3);
        assert!(PaymentInFlightKey::decode(&[]).is_err());
    }
}
