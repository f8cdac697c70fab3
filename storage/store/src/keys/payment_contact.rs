//! How a buyer is reached about an order: data of a person, which can be erased.
//!
//! - key: (hash of event, kind, event, number of the order)
//! - value: the money repository's row
//! - mutability: written before the payment is begun, and updated before another; removed when it is erased

use foundationdb_tuple::pack;
use tessera_inventory::{ClaimNumber, EventId};
use uuid::Uuid;

use super::{KeyKind, event_of, event_prefix, parts};
use crate::StoreError;

/// Key of the contact of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentContactKey {
    /// Of which event.
    pub event: EventId,
    /// Which order.
    pub order: ClaimNumber,
}

impl PaymentContactKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::PaymentContact);
        pack(&(hash, kind, event, self.order.0))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<PaymentContactKey, StoreError> {
        let (hash, kind, event, order): (u64, u16, Uuid, u64) = parts(key, KeyKind::PaymentContact)?;
        let event = event_of(key, (hash, kind, event), KeyKind::PaymentContact)?;
        Ok(PaymentContactKey { event, order: ClaimNumber(order) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = PaymentContactKey { event: EventId(42), order: ClaimNumber(300) };
        assert_eq!(PaymentContactKey::unpack(&key.pack()).unwrap(), key);
    }
}
