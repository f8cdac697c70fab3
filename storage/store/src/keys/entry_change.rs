//! The last change of a ticket that devices are told of.
//!
//! - key: (hash of event, kind, event, sequence, number of the order, position of the ticket)
//! - value: the entry projection's row: how the ticket is now
//! - mutability: a ticket has one such row, which moves to the sequence of its last change

use foundationdb_tuple::pack;
use tessera_inventory::{ClaimNumber, EventId, Sequence, TicketRef};
use uuid::Uuid;

use super::{KeyKind, event_of, event_prefix, parts, range_of};
use crate::StoreError;

/// Key of the last change of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryChangeKey {
    /// Of which event.
    pub event: EventId,
    /// The sequence that changed it.
    pub sequence: Sequence,
    /// Which ticket.
    pub ticket: TicketRef,
}

impl EntryChangeKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::EntryChange);
        pack(&(hash, kind, event, self.sequence.0, self.ticket.order.0, self.ticket.index))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<EntryChangeKey, StoreError> {
        let (hash, kind, event, sequence, order, index): (u64, u16, Uuid, u64, u64, u16) =
            parts(key, KeyKind::EntryChange)?;
        let event = event_of(key, (hash, kind, event), KeyKind::EntryChange)?;
        let ticket = TicketRef { order: ClaimNumber(order), index };
        Ok(EntryChangeKey { event, sequence: Sequence(sequence), ticket })
    }

    /// All of an event from a sequence on: `begin <= key < end`.
    #[must_use]
    pub fn range_from(event: EventId, from: Sequence) -> (Vec<u8>, Vec<u8>) {
        let (hash, kind, id) = event_prefix(event, KeyKind::EntryChange);
        (pack(&(hash, kind, id, from.0)), range_of(&(hash, kind, id)).1)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_among_the_changes_of_its_event() {
        let ticket = TicketRef { order: ClaimNumber(300), index: 2 };
        let key = EntryChangeKey { event: EventId(42), sequence: Sequence(70_000), ticket };
        assert_eq!(EntryChangeKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = EntryChangeKey::range_from(EventId(42), Sequence(70_000));
        assert!(begin <= key.pack() && key.pack() < end);
        let (begin, _) = EntryChangeKey::range_from(EventId(42), Sequence(70_001));
        assert!(key.pack() < begin);
    }
}
