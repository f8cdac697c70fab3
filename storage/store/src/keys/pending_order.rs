//! An order whose payment is in flight, found by the end of its grace.
//!
//! - key: (hash of event, kind, event, end of the grace, number of the order)
//! - value: empty
//! - mutability: written when the payment begins, cleared when it has an outcome

use foundationdb_tuple::pack;
use tessera_inventory::{ClaimNumber, EventId, Timestamp};
use uuid::Uuid;

use super::{KeyKind, event_of, event_prefix, parts, range_of};
use crate::StoreError;

/// Key of one order whose payment is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingOrderKey {
    /// The event the order belongs to.
    pub event: EventId,
    /// End of its grace.
    pub grace_until: Timestamp,
    /// Its number.
    pub order: ClaimNumber,
}

impl PendingOrderKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::PendingOrder);
        pack(&(hash, kind, event, self.grace_until.0, self.order.0))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<PendingOrderKey, StoreError> {
        let (hash, kind, event, grace_until, order): (u64, u16, Uuid, u64, u64) =
            parts(key, KeyKind::PendingOrder)?;
        let event = event_of(key, (hash, kind, event), KeyKind::PendingOrder)?;
        Ok(PendingOrderKey { event, grace_until: Timestamp(grace_until), order: ClaimNumber(order) })
    }

    /// Every such order of `event` up to and with this one: `begin <= key < end`.
    #[must_use]
    pub fn range_through(&self) -> (Vec<u8>, Vec<u8>) {
        let (begin, _) = range_of(&event_prefix(self.event, KeyKind::PendingOrder));
        let mut end = self.pack();
        end.push(0x00);
        (begin, end)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn key(grace_until: u64, order: u64) -> PendingOrderKey {
        let (grace_until, order) = (Timestamp(grace_until), ClaimNumber(order));
        PendingOrderKey { event: EventId(42), grace_until, order }
    }

    #[test]
    fn round_trip() {
        let key = key(1_790_000_000_000, 300);
        assert_eq!(PendingOrderKey::unpack(&key.pack()).unwrap(), key);
    }

    #[test]
    fn the_range_ends_with_the_order_it_is_asked_through() {
        let (begin, end) = key(900, 300).range_through();
        for inside in [key(0, 1), key(899, u64::MAX), key(900, 299), key(900, 300)] {
            assert!(begin <= inside.pack() && inside.pack() < end, "{inside:?}");
        }
        for outside in [key(900, 301), key(901, 0), key(90_000, 1)] {
            assert!(outside.pack() >= end, "{outside:?}");
        }
    }
}
