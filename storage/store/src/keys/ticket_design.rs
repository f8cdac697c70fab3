//! How the tickets of an event look.
//!
//! - key: (kind, event)
//! - value: the design repository's row
//! - mutability: replaced by its organizer

use foundationdb_tuple::pack;
use tessera_inventory::EventId;
use uuid::Uuid;

use super::{KeyKind, foreign, parts};
use crate::StoreError;

/// Key of the design of an event's tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketDesignKey {
    /// Which event.
    pub event: EventId,
}

impl TicketDesignKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::TicketDesign.number(), Uuid::from_u128(self.event.0)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<TicketDesignKey, StoreError> {
        let (kind, event): (u16, Uuid) = parts(key, KeyKind::TicketDesign)?;
        if kind != KeyKind::TicketDesign.number() {
            return Err(foreign(key, KeyKind::TicketDesign));
        }
        Ok(TicketDesignKey { event: EventId(event.as_u128()) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = TicketDesignKey { event: EventId(42) };
        assert_eq!(TicketDesignKey::unpack(&key.pack()).unwrap(), key);
    }
}
