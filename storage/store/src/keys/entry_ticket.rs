//! What is known of a ticket at the gates.
//!
//! - key: (hash of event, kind, event, number of the order, position of the ticket)
//! - value: the entry projection's row
//! - mutability: replaced whenever the ticket changes

use foundationdb_tuple::pack;
use tessera_inventory::{ClaimNumber, EventId, TicketRef};
use uuid::Uuid;

use super::{KeyKind, event_of, event_prefix, parts};
use crate::StoreError;

/// Key of a ticket that is not, or was not, as printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryTicketKey {
    /// Of which event.
    pub event: EventId,
    /// Which ticket.
    pub ticket: TicketRef,
}

impl EntryTicketKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (hash, kind, event) = event_prefix(self.event, KeyKind::EntryTicket);
        pack(&(hash, kind, event, self.ticket.order.0, self.ticket.index))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<EntryTicketKey, StoreError> {
        let (hash, kind, event, order, index): (u64, u16, Uuid, u64, u16) = parts(key, KeyKind::EntryTicket)?;
        let event = event_of(key, (hash, kind, event), KeyKind::EntryTicket)?;
        Ok(EntryTicketKey { event, ticket: TicketRef { order: ClaimNumber(order), index } })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let ticket = TicketRef { order: ClaimNumber(300), index: 2 };
        let key = EntryTicketKey { event: EventId(42), ticket };
        assert_eq!(EntryTicketKey::unpack(&key.pack()).unwrap(), key);
    }
}
