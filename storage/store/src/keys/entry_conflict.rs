//! An admission that contradicts another one, or the log.
//!
//! - key: (hash of event, kind, event, number of the order, position of the ticket, kind of conflict, the later passage, the earlier one)
//! - value: the entry projection's row
//! - mutability: replaced when it is withdrawn, or stands again

use foundationdb_tuple::pack;
use tessera_inventory::{ClaimNumber, EventId, TicketRef, Timestamp};
use uuid::Uuid;

use super::{KeyKind, event_of, event_prefix, parts, range_of};
use crate::StoreError;

/// When, by which device, and its number there.
pub type PassageRank = (Timestamp, u32, u64);

/// Key of a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryConflictKey {
    /// Of which event.
    pub event: EventId,
    /// Of which ticket, as it was shown.
    pub ticket: TicketRef,
    /// The kind, by its number in the log.
    pub conflict: u16,
    /// The admission; of two, the later one.
    pub second: PassageRank,
    /// The earlier one; zeros where the other side is no passage.
    pub first: PassageRank,
}

impl EntryConflictKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::EntryConflict);
        let TicketRef { order, index } = self.ticket;
        let rank = |(at, device, number): PassageRank| (at.0, device, number);
        let sides = (rank(self.second), rank(self.first));
        pack(&(hash, kind, event, order.0, index, self.conflict, sides.0, sides.1))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<EntryConflictKey, StoreError> {
        type Rank = (u64, u32, u64);
        type Parts = (u64, u16, Uuid, u64, u16, u16, Rank, Rank);
        let (hash, kind, event, order, index, conflict, second, first): Parts =
            parts(key, KeyKind::EntryConflict)?;
        let event = event_of(key, (hash, kind, event), KeyKind::EntryConflict)?;
        let rank = |(at, device, number): Rank| (Timestamp(at), device, number);
        let ticket = TicketRef { order: ClaimNumber(order), index };
        Ok(EntryConflictKey { event, ticket, conflict, second: rank(second), first: rank(first) })
    }

    /// All of an event: `begin <= key < end`.
    #[must_use]
    pub fn range(event: EventId) -> (Vec<u8>, Vec<u8>) {
        range_of(&event_prefix(event, KeyKind::EntryConflict))
    }

    /// All of a ticket and of a kind: `begin <= key < end`.
    #[must_use]
    pub fn range_of_kind(event: EventId, ticket: TicketRef, conflict: u16) -> (Vec<u8>, Vec<u8>) {
        let (hash, kind, event) = event_prefix(event, KeyKind::EntryConflict);
        range_of(&(hash, kind, event, ticket.order.0, ticket.index, conflict))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_among_the_conflicts_of_its_ticket() {
        let ticket = TicketRef { order: ClaimNumber(7), index: 1 };
        let (second, first) = ((Timestamp(9), 2, 3), (Timestamp(8), 0, 70));
        let key = EntryConflictKey { event: EventId(42), ticket, conflict: 1, second, first };
        assert_eq!(EntryConflictKey::unpack(&key.pack()).unwrap(), key);
        for (begin, end) in
            [EntryConflictKey::range(EventId(42)), EntryConflictKey::range_of_kind(EventId(42), ticket, 1)]
        {
            assert!(begin <= key.pack() && key.pack() < end);
        }
        let (begin, end) = EntryConflictKey::range_of_kind(EventId(42), ticket, 2);
        assert!(key.pack() < begin && key.pack() < end);
    }
}
