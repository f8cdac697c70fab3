//! A passage of a ticket at a gate, or what a device refused there.
//!
//! - key: (hash of event, kind, event, number of the order, position of the ticket, when, device, number)
//! - value: the entry projection's row
//! - mutability: written once

use foundationdb_tuple::pack;
use tessera_inventory::{ClaimNumber, EventId, TicketRef, Timestamp};
use uuid::Uuid;

use super::{KeyKind, event_of, event_prefix, parts, range_of};
use crate::StoreError;

/// Key of a passage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryScanKey {
    /// Of which event.
    pub event: EventId,
    /// Of which ticket, as it was shown.
    pub ticket: TicketRef,
    /// When.
    pub at: Timestamp,
    /// Which device; 0: online.
    pub device: u32,
    /// Among the scans of the device; online, the sequence.
    pub number: u64,
}

impl EntryScanKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::EntryScan);
        let TicketRef { order, index } = self.ticket;
        pack(&(hash, kind, event, order.0, index, self.at.0, self.device, self.number))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<EntryScanKey, StoreError> {
        type Parts = (u64, u16, Uuid, u64, u16, u64, u32, u64);
        let (hash, kind, event, order, index, at, device, number): Parts = parts(key, KeyKind::EntryScan)?;
        let event = event_of(key, (hash, kind, event), KeyKind::EntryScan)?;
        let ticket = TicketRef { order: ClaimNumber(order), index };
        Ok(EntryScanKey { event, ticket, at: Timestamp(at), device, number })
    }

    /// All of a ticket, oldest first: `begin <= key < end`.
    #[must_use]
    pub fn range(event: EventId, ticket: TicketRef) -> (Vec<u8>, Vec<u8>) {
        let (hash, kind, event) = event_prefix(event, KeyKind::EntryScan);
        range_of(&(hash, kind, event, ticket.order.0, ticket.index))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_among_the_passages_of_its_ticket() {
        let ticket = TicketRef { order: ClaimNumber(1 << 39), index: 49 };
        let key = EntryScanKey { event: EventId(42), ticket, at: Timestamp(9), device: 70_000, number: 3 };
        assert_eq!(EntryScanKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = EntryScanKey::range(EventId(42), ticket);
        assert!(begin <= key.pack() && key.pack() < end);
        let later = EntryScanKey { at: Timestamp(10), device: 0, ..key };
        assert!(key.pack() < later.pack() && later.pack() < end);
        let other = EntryScanKey { ticket: TicketRef { index: 50, ..ticket }, ..key };
        assert!(other.pack() >= end);
    }
}
