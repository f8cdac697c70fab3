//! An order of an event, found by a subject that placed it or holds a ticket of it.
//!
//! - key: (hash of event, kind, event, subject, sequence at which the order was placed)
//! - value: empty; the order's row is under [`super::OrderKey`]
//! - mutability: written by the follower together with its cursor; cleared when the subject's last ticket moves on

use foundationdb_tuple::pack;
use tessera_inventory::{EventId, Sequence, Subject};
use uuid::Uuid;

use super::{KeyKind, event_of, event_prefix, parts, range_of};
use crate::StoreError;

/// Key of one order of one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderBySubjectKey {
    /// The event the order belongs to.
    pub event: EventId,
    /// Who placed it or holds a ticket of it.
    pub subject: Subject,
    /// The sequence that placed it; it names the order within the event.
    pub placed_at: Sequence,
}

impl OrderBySubjectKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::OrderBySubject);
        pack(&(hash, kind, event, Uuid::from_u128(self.subject.0), self.placed_at.0))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<OrderBySubjectKey, StoreError> {
        let (hash, kind, event, subject, placed_at): (u64, u16, Uuid, Uuid, u64) =
            parts(key, KeyKind::OrderBySubject)?;
        let event = event_of(key, (hash, kind, event), KeyKind::OrderBySubject)?;
        Ok(OrderBySubjectKey { event, subject: Subject(subject.as_u128()), placed_at: Sequence(placed_at) })
    }

    /// Every order of `subject` in `event`, oldest first: `begin <= key < end`.
    #[must_use]
    pub fn range(event: EventId, subject: Subject) -> (Vec<u8>, Vec<u8>) {
        let (hash, kind, event) = event_prefix(event, KeyKind::OrderBySubject);
        range_of(&(hash, kind, event, Uuid::from_u128(subject.0)))
    }

    /// Every order of `event`, by subject: `begin <= key < end`.
    #[must_use]
    pub fn range_of_event(event: EventId) -> (Vec<u8>, Vec<u8>) {
        range_of(&event_prefix(event, KeyKind::OrderBySubject))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = OrderBySubjectKey { event: EventId(42), subject: Subject(9), placed_at: Sequence(300) };
        assert_eq!(OrderBySubjectKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = OrderBySubjectKey::range(key.event, key.subject);
        assert!(begin <= key.pack() && key.pack() < end);
        let other = OrderBySubjectKey { subject: Subject(10), ..key };
        assert!(other.pack() >= end);
    }
}
