//! An entry of the waitlist of an event, found by a subject that it counts against.
//!
//! - key: (hash of event, kind, event, subject, number of the entry)
//! - value: empty; the entry's row is under [`super::WaitlistEntryKey`]
//! - mutability: written once by the follower of the waitlist, together with its cursor

use foundationdb_tuple::pack;
use tessera_inventory::{EntryNumber, EventId, Subject};
use uuid::Uuid;

use super::{KeyKind, event_of, event_prefix, parts, range_of};
use crate::StoreError;

/// Key of one entry of one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitlistBySubjectKey {
    /// Of which event.
    pub event: EventId,
    /// Who waits.
    pub subject: Subject,
    /// Which entry.
    pub entry: EntryNumber,
}

impl WaitlistBySubjectKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::WaitlistBySubject);
        pack(&(hash, kind, event, Uuid::from_u128(self.subject.0), self.entry.0))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<WaitlistBySubjectKey, StoreError> {
        let (hash, kind, event, subject, entry): (u64, u16, Uuid, Uuid, u64) =
            parts(key, KeyKind::WaitlistBySubject)?;
        let event = event_of(key, (hash, kind, event), KeyKind::WaitlistBySubject)?;
        Ok(WaitlistBySubjectKey { event, subject: Subject(subject.as_u128()), entry: EntryNumber(entry) })
    }

    /// Every entry of `subject` in `event`, oldest first: `begin <= key < end`.
    #[must_use]
    pub fn range(event: EventId, subject: Subject) -> (Vec<u8>, Vec<u8>) {
        let (hash, kind, event) = event_prefix(event, KeyKind::WaitlistBySubject);
        range_of(&(hash, kind, event, Uuid::from_u128(subject.0)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_among_the_entries_of_its_subject() {
        let key = WaitlistBySubjectKey { event: EventId(42), subject: Subject(9), entry: EntryNumber(300) };
        assert_eq!(WaitlistBySubjectKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = WaitlistBySubjectKey::range(key.event, key.subject);
        assert!(begin <= key.pack() && key.pack() < end);
        let other = WaitlistBySubjectKey { subject: Subject(10), ..key };
        assert!(other.pack() >= end);
    }
}
