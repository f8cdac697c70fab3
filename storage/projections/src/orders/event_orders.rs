//! What happened to the orders of an event all at once.

use prost::Message;
use tessera_inventory::{ClaimNumber, EventId, Timestamp};
use tessera_store::{StoreError, Transaction, keys::EventOrdersKey};

use crate::damage::damaged;

/// What concerns every order of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct EventOrders {
    /// The event was called off.
    pub(crate) cancelled: bool,
    /// Payments in flight up to this (end of grace, number) have ended. A payment that begins later has a later end of its
    /// grace than any that was due by then.
    pub(crate) ended_through: Option<(Timestamp, ClaimNumber)>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct EventOrdersRow {
    #[prost(bool, tag = "1")]
    cancelled: bool,
    #[prost(uint64, optional, tag = "2")]
    ended_through_ms: Option<u64>,
    #[prost(uint64, tag = "3")]
    ended_through_number: u64,
}

impl EventOrders {
    pub(crate) async fn read(
        transaction: &mut dyn Transaction,
        event: EventId,
    ) -> Result<EventOrders, StoreError> {
        let Some(row) = transaction.get(&EventOrdersKey { event }.pack()).await? else {
            return Ok(EventOrders::default());
        };
        let row = EventOrdersRow::decode(row.as_slice())
            .map_err(|_| damaged(format!("the row of the orders of {event:?} cannot be read")))?;
        let number = ClaimNumber(row.ended_through_number);
        let ended_through = row.ended_through_ms.map(|at| (Timestamp(at), number));
        Ok(EventOrders { cancelled: row.cancelled, ended_through })
    }

    pub(crate) fn write(&self, transaction: &mut dyn Transaction, event: EventId) {
        let row = EventOrdersRow {
            cancelled: self.cancelled,
            ended_through_ms: self.ended_through.map(|(at, _)| at.0),
            ended_through_number: self.ended_through.map_or(0, |(_, number)| number.0),
        };
        transaction.set(&EventOrdersKey { event }.pack(), &row.encode_to_vec());
    }

    /// Note an expiry. A hold that falls due late, after its payment failed, may make one that covers less than another.
    pub(crate) fn end_through(&mut self, through: (Timestamp, ClaimNumber)) {
        self.ended_through = self.ended_through.max(Some(through));
    }

    /// Whether a payment in flight has ended.
    pub(crate) fn has_ended(&self, grace_until: Timestamp, order: ClaimNumber) -> bool {
        self.cancelled || self.ended_through.is_some_and(|through| (grace_until, order) <= through)
    }
}
