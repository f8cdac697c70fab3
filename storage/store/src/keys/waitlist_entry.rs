//! An entry of the waitlist of an event; under number 0, what is counted over all of them.
//!
//! - key: (hash of event, kind, event, number of the entry)
//! - value: the waitlist projection's row
//! - mutability: rewritten by the follower of the waitlist, together with its cursor

use foundationdb_tuple::pack;
use tessera_inventory::{EntryNumber, EventId};
use uuid::Uuid;

use super::{KeyKind, event_of, event_prefix, parts, range_of};
use crate::StoreError;

/// Key of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitlistEntryKey {
    /// Of which event.
    pub event: EventId,
    /// Which entry; 0: the row over all.
    pub entry: EntryNumber,
}

impl WaitlistEntryKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::WaitlistEntry);
        pack(&(hash, kind, event, self.entry.0))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<WaitlistEntryKey, StoreError> {
        let (hash, kind, event, entry): (u64, u16, Uuid, u64) = parts(key, KeyKind::WaitlistEntry)?;
        let event = event_of(key, (hash, kind, event), KeyKind::WaitlistEntry)?;
        Ok(WaitlistEntryKey { event, entry: EntryNumber(entry) })
    }

    /// All of an event, by number: `begin <= key < end`.
    #[must_use]
    pub fn range(event: EventId) -> (Vec<u8>, Vec<u8>) {
        range_of(&event_prefix(event, KeyKind::WaitlistEntry))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_in_the_order_of_numbers() {
        let key = WaitlistEntryKey { event: EventId(42), entry: EntryNumber(300) };
        assert_eq!(WaitlistEntryKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = WaitlistEntryKey::range(key.event);
        let over_all = WaitlistEntryKey { entry: EntryNumber(0), ..key }.pack();
        assert!(begin <= over_all && over_all < key.pack() && key.pack() < end);
        let other = WaitlistEntryKey { event: EventId(43), ..key }.pack();
        assert!(other < begin || other >= end);
    }
}
