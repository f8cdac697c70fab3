//! A payment of the sandbox, as that provider keeps it.
//!
//! - key: (hash of event, kind, event, number of the order, attempt)
//! - value: the sandbox's row
//! - mutability: rewritten with each step of it

use foundationdb_tuple::pack;
use tessera_inventory::{ClaimNumber, EventId};
use uuid::Uuid;

use super::{KeyKind, event_of, event_prefix, foreign, parts, range_of};
use crate::StoreError;

/// Key of a payment of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SandboxPaymentKey {
    /// Of which event.
    pub event: EventId,
    /// Which order.
    pub order: ClaimNumber,
    /// From 1.
    pub attempt: u8,
}

impl SandboxPaymentKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::SandboxPayment);
        pack(&(hash, kind, event, self.order.0, u16::from(self.attempt)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<SandboxPaymentKey, StoreError> {
        let (hash, kind, event, order, attempt): (u64, u16, Uuid, u64, u16) =
            parts(key, KeyKind::SandboxPayment)?;
        let event = event_of(key, (hash, kind, event), KeyKind::SandboxPayment)?;
        let attempt = u8::try_from(attempt).map_err(|_| foreign(key, KeyKind::SandboxPayment))?;
        Ok(SandboxPaymentKey { event, order: ClaimNumber(order), attempt })
    }

    /// All of an event: `begin <= key < end`.
    #[must_use]
    pub fn range(event: EventId) -> (Vec<u8>, Vec<u8>) {
        range_of(&event_prefix(event, KeyKind::SandboxPayment))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_among_those_of_its_event() {
        let key = SandboxPaymentKey { event: EventId(42), order: ClaimNumber(300), attempt: 2 };
        assert_eq!(SandboxPaymentKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = SandboxPaymentKey::range(key.event);
        assert!(begin <= key.pack() && key.pack() < end);
    }
}
