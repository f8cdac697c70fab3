//! How many passed a gate in a minute.
//!
//! - key: (hash of event, kind, event, entry list, gate, minute)
//! - value: the entry projection's row
//! - mutability: counted up

use foundationdb_tuple::pack;
use tessera_inventory::EventId;
use uuid::Uuid;

use super::{KeyKind, event_of, event_prefix, parts, range_of};
use crate::StoreError;

/// Key of the counts of a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryStatisticsKey {
    /// Of which event.
    pub event: EventId,
    /// Position of the entry list + 1; 0: none.
    pub list: u16,
    /// At which gate.
    pub gate: u16,
    /// Minutes since the Unix epoch.
    pub minute: u64,
}

impl EntryStatisticsKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::EntryStatistics);
        pack(&(hash, kind, event, self.list, self.gate, self.minute))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<EntryStatisticsKey, StoreError> {
        let (hash, kind, event, list, gate, minute): (u64, u16, Uuid, u16, u16, u64) =
            parts(key, KeyKind::EntryStatistics)?;
        let event = event_of(key, (hash, kind, event), KeyKind::EntryStatistics)?;
        Ok(EntryStatisticsKey { event, list, gate, minute })
    }

    /// All of an event: `begin <= key < end`.
    #[must_use]
    pub fn range(event: EventId) -> (Vec<u8>, Vec<u8>) {
        range_of(&event_prefix(event, KeyKind::EntryStatistics))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_among_the_counts_of_its_event() {
        let key = EntryStatisticsKey { event: EventId(42), list: 0, gate: 65_535, minute: 30_000_000 };
        assert_eq!(EntryStatisticsKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = EntryStatisticsKey::range(EventId(42));
        assert!(begin <= key.pack() && key.pack() < end);
    }
}
