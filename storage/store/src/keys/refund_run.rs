//! A refund of many orders of an event.
//!
//! - key: (hash of event, kind, event, id of the run)
//! - value: the money repository's row
//! - mutability: written when it is begun, rewritten as it goes on

use foundationdb_tuple::pack;
use tessera_inventory::EventId;
use uuid::Uuid;

use super::{KeyKind, event_of, event_prefix, parts, range_of};
use crate::StoreError;

/// Key of a refund run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefundRunKey {
    /// Of which event.
    pub event: EventId,
    /// Its id.
    pub run: u128,
}

impl RefundRunKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::RefundRun);
        pack(&(hash, kind, event, Uuid::from_u128(self.run)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<RefundRunKey, StoreError> {
        let (hash, kind, event, run): (u64, u16, Uuid, Uuid) = parts(key, KeyKind::RefundRun)?;
        let event = event_of(key, (hash, kind, event), KeyKind::RefundRun)?;
        Ok(RefundRunKey { event, run: run.as_u128() })
    }

    /// All of an event: `begin <= key < end`.
    #[must_use]
    pub fn range(event: EventId) -> (Vec<u8>, Vec<u8>) {
        let (hash, kind, event) = event_prefix(event, KeyKind::RefundRun);
        range_of(&(hash, kind, event))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_among_the_runs_of_its_event() {
        let key = RefundRunKey { event: EventId(42), run: 300 };
        assert_eq!(RefundRunKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = RefundRunKey::range(EventId(42));
        assert!(begin <= key.pack() && key.pack() < end);
        let other = RefundRunKey { event: EventId(43), ..key }.pack();
        assert!(other < begin || other >= end);
    }
}
