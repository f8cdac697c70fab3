//! The payments that the log of an event waits for, as far as it was followed: what an expiry or a cancellation ends.

use std::collections::{BTreeMap, BTreeSet};

use tessera_inventory::{ClaimNumber, EventId, Timestamp};
use tessera_payments::PaymentId;
use tessera_store::keys::PaymentInFlightKey;

/// They are as many as there are such claims: about a hundred bytes each.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    of: BTreeMap<ClaimNumber, (Timestamp, u8)>,
    ends: BTreeSet<(Timestamp, ClaimNumber)>,
}

/// A payment that is not waited for any more, and the row that said so.
pub(super) type Ended = (PaymentId, PaymentInFlightKey);

impl InFlight {
    /// An attempt is waited for until the end of its grace.
    pub(super) fn begin(&mut self, order: ClaimNumber, attempt: u8, grace_until: Timestamp) {
        if let Some((before, _)) = self.of.insert(order, (grace_until, attempt)) {
            self.ends.remove(&(before, order));
        }
        self.ends.insert((grace_until, order));
    }

    /// This order is not waited for any more; `None`: it was not.
    pub(super) fn end(&mut self, event: EventId, order: ClaimNumber) -> Option<Ended> {
        let (grace_until, attempt) = self.of.remove(&order)?;
        self.ends.remove(&(grace_until, order));
        let key = PaymentInFlightKey { event, grace_until, order };
        Some((PaymentId { event, order, attempt }, key))
    }

    /// Whether an attempt of this order is waited for until this time.
    pub(super) fn waits_until(&self, order: ClaimNumber, grace_until: Timestamp) -> bool {
        self.of.get(&order).is_some_and(|(until, _)| *until == grace_until)
    }

    /// The newest attempt of an order that is waited for; `None`: none is.
    pub(super) fn newest(&self, order: ClaimNumber) -> Option<u8> {
        self.of.get(&order).map(|(_, attempt)| *attempt)
    }

    /// None that ends at (time, number) or before is waited for any more; `None`: none at all.
    pub(super) fn end_through(
        &mut self,
        event: EventId,
        through: Option<(Timestamp, ClaimNumber)>,
    ) -> Vec<Ended> {
        let is_covered = |end: &&(Timestamp, ClaimNumber)| through.is_none_or(|through| **end <= through);
        let orders: Vec<_> = self.ends.iter().take_while(is_covered).map(|(_, order)| *order).collect();
        orders.into_iter().filter_map(|order| self.end(event, order)).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_ends_those_that_it_covers_and_no_other() {
        let event = EventId(5);
        let mut in_flight = InFlight::default();
        for (order, grace) in [(7, 100), (8, 100), (9, 101)] {
            in_flight.begin(ClaimNumber(order), 1, Timestamp(grace));
        }
        // Tried again: only the later end counts.
        in_flight.begin(ClaimNumber(7), 2, Timestamp(200));
        let through = Some((Timestamp(101), ClaimNumber(8)));
        let ended: Vec<_> = in_flight
            .end_through(event, through)
            .into_iter()
            .map(|(id, _)| (id.order.0, id.attempt))
            .collect();
        assert_eq!(ended, [(8, 1)]);
        assert_eq!(in_flight.end(event, ClaimNumber(8)), None, "it is over");
        let (id, key) = in_flight.end(event, ClaimNumber(9)).unwrap();
        assert_eq!((id.attempt, key.grace_until), (1, Timestamp(101)));
        assert!(in_flight.waits_until(ClaimNumber(7), Timestamp(200)), "the second attempt");
        assert!(!in_flight.waits_until(ClaimNumber(7), Timestamp(100)), "the first is over");
        assert_eq!(in_flight.end_through(event, None).len(), 1, "a cancellation ends what is left");
    }
}
