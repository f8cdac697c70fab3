//! When it is looked at whether an order that a contact belongs to was paid: what was not is forgotten.
//!
//! - key: (kind, lane, time, event, number of the order)
//! - value: empty; the contact is under [`super::PaymentContactKey`]
//! - mutability: moved with the contact, which says where it stands; removed once the order is paid, and with the contact

use foundationdb_tuple::pack;
use tessera_inventory::{ClaimNumber, EventId, Timestamp};
use uuid::Uuid;

use super::{KeyKind, PaymentContactKey, foreign, parts, range_of};
use crate::StoreError;

/// Key of a time at which a contact is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentContactDueKey {
    /// In which lane.
    pub lane: u8,
    /// When.
    pub due_at: Timestamp,
    /// Which contact.
    pub contact: PaymentContactKey,
}

impl PaymentContactDueKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let PaymentContactKey { event, order } = self.contact;
        let (lane, event) = (u16::from(self.lane), Uuid::from_u128(event.0));
        pack(&(KeyKind::PaymentContactDue.number(), lane, self.due_at.0, event, order.0))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<PaymentContactDueKey, StoreError> {
        let (kind, lane, due_at, event, order): (u16, u16, u64, Uuid, u64) =
            parts(key, KeyKind::PaymentContactDue)?;
        if kind != KeyKind::PaymentContactDue.number() {
            return Err(foreign(key, KeyKind::PaymentContactDue));
        }
        let lane = u8::try_from(lane).map_err(|_| foreign(key, KeyKind::PaymentContactDue))?;
        let contact = PaymentContactKey { event: EventId(event.as_u128()), order: ClaimNumber(order) };
        Ok(PaymentContactDueKey { lane, due_at: Timestamp(due_at), contact })
    }

    /// All of a lane, the first first: `begin <= key < end`.
    #[must_use]
    pub fn range(lane: u8) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::PaymentContactDue.number(), u16::from(lane)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_in_the_order_of_time() {
        let contact = PaymentContactKey { event: EventId(42), order: ClaimNumber(300) };
        let key = PaymentContactDueKey { lane: 15, due_at: Timestamp(70_000), contact };
        assert_eq!(PaymentContactDueKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = PaymentContactDueKey::range(15);
        assert!(begin <= key.pack() && key.pack() < end);
        let earlier = PaymentContactKey { event: EventId(41), ..contact };
        let later = PaymentContactDueKey { due_at: Timestamp(70_001), contact: earlier, ..key };
        assert!(key.pack() < later.pack(), "time goes before events");
        assert!(PaymentContactDueKey { lane: 14, ..key }.pack() < begin);
    }
}
