//! What happened to the orders of an event all at once: an expiry, a cancellation.
//!
//! - key: (hash of event, kind, event)
//! - value: the projection's row (see the projections crate)
//! - mutability: rewritten by the follower of the orders projection, together with its cursor

use foundationdb_tuple::pack;
use tessera_inventory::EventId;

use super::{EventPrefix, KeyKind, event_of, event_prefix, parts};
use crate::StoreError;

/// Key of what happened to the orders of an event all at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventOrdersKey {
    /// Which event.
    pub event: EventId,
}

impl EventOrdersKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&event_prefix(self.event, KeyKind::EventOrders))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<EventOrdersKey, StoreError> {
        let prefix: EventPrefix = parts(key, KeyKind::EventOrders)?;
        Ok(EventOrdersKey { event: event_of(key, prefix, KeyKind::EventOrders)? })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = EventOrdersKey { event: EventId(42) };
        assert_eq!(EventOrdersKey::unpack(&key.pack()).unwrap(), key);
    }
}
