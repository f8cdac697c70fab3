//! When there is something to do about a payment.
//!
//! - key: (kind, lane, time, event, number of the order, attempt)
//! - value: empty
//! - mutability: moved with the row of the payment, which says where it stands; removed when nothing is to be done

use foundationdb_tuple::pack;
use tessera_inventory::{ClaimNumber, EventId, Timestamp};
use uuid::Uuid;

use super::{KeyKind, PaymentKey, foreign, parts, range_of};
use crate::StoreError;

/// Key of a time at which a payment is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentDueKey {
    /// In which lane.
    pub lane: u8,
    /// When.
    pub due_at: Timestamp,
    /// Which payment.
    pub payment: PaymentKey,
}

impl PaymentDueKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let PaymentKey { event, order, attempt } = self.payment;
        let (lane, event) = (u16::from(self.lane), Uuid::from_u128(event.0));
        pack(&(KeyKind::PaymentDue.number(), lane, self.due_at.0, event, order.0, u16::from(attempt)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<PaymentDueKey, StoreError> {
        let foreign = || foreign(key, KeyKind::PaymentDue);
        let (kind, lane, due_at, event, order, attempt): (u16, u16, u64, Uuid, u64, u16) =
            parts(key, KeyKind::PaymentDue)?;
        if kind != KeyKind::PaymentDue.number() {
            return Err(foreign());
        }
        let attempt = u8::try_from(attempt).map_err(|_| foreign())?;
        let lane = u8::try_from(lane).map_err(|_| foreign())?;
        let payment = PaymentKey { event: EventId(event.as_u128()), order: ClaimNumber(order), attempt };
        Ok(PaymentDueKey { lane, due_at: Timestamp(due_at), payment })
    }

    /// All of a lane, the first first: `begin <= key < end`.
    #[must_use]
    pub fn range(lane: u8) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::PaymentDue.number(), u16::from(lane)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_in_the_order_of_time() {
        let payment = PaymentKey { event: EventId(42), order: ClaimNumber(300), attempt: 1 };
        let key = PaymentDueKey { lane: 15, due_at: Timestamp(70_000), payment };
        assert_eq!(PaymentDueKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = PaymentDueKey::range(15);
        assert!(begin <= key.pack() && key.pack() < end);
        let earlier = PaymentKey { event: EventId(41), ..payment };
        let later = PaymentDueKey { due_at: Timestamp(70_001), payment: earlier, ..key };
        assert!(key.pack() < later.pack(), "time goes before events");
        assert!(PaymentDueKey { lane: 14, ..key }.pack() < begin);
    }
}
