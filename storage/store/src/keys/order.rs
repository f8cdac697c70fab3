//! An order of an event: the row of the orders projection.
//!
//! - key: (hash of event, kind, event, number of the order)
//! - value: the projection's row (see the projections crate)
//! - mutability: rewritten by the follower as the order moves on, together with its cursor

use foundationdb_tuple::pack;
use tessera_inventory::{ClaimNumber, EventId};
use uuid::Uuid;

use super::{KeyKind, event_of, event_prefix, parts, range_of};
use crate::StoreError;

/// Key of one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderKey {
    /// The event the order belongs to.
    pub event: EventId,
    /// Its number.
    pub order: ClaimNumber,
}

impl OrderKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::Order);
        pack(&(hash, kind, event, self.order.0))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<OrderKey, StoreError> {
        let (hash, kind, event, order): (u64, u16, Uuid, u64) = parts(key, KeyKind::Order)?;
        let event = event_of(key, (hash, kind, event), KeyKind::Order)?;
        Ok(OrderKey { event, order: ClaimNumber(order) })
    }

    /// All of an event, in the order of their numbers: `begin <= key < end`.
    #[must_use]
    pub fn range(event: EventId) -> (Vec<u8>, Vec<u8>) {
        range_of(&event_prefix(event, KeyKind::Order))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_in_the_range_of_the_event() {
        let key = OrderKey { event: EventId(42), order: ClaimNumber(300) };
        assert_eq!(OrderKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = OrderKey::range(EventId(42));
        assert!(begin <= key.pack() && key.pack() < end);
    }
}
