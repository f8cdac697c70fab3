//! When a delivery is tried next.
//!
//! - key: (kind, endpoint, time, then the delivery's place: time, event, sequence, copy)
//! - value: empty
//! - mutability: written with the message, moved after every attempt, removed when the delivery ends

use foundationdb_tuple::pack;
use tessera_inventory::Timestamp;
use uuid::Uuid;

use super::webhook_place::range_of_endpoint;
use super::{KeyKind, WebhookPlace, foreign, parts};
use crate::StoreError;

/// Key of a time at which a delivery is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookDueKey {
    /// To which endpoint.
    pub endpoint: u128,
    /// When.
    pub due_at: Timestamp,
    /// Which delivery.
    pub place: WebhookPlace,
}

impl WebhookDueKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (at, event, sequence, copy) = self.place.parts();
        let endpoint = Uuid::from_u128(self.endpoint);
        pack(&(KeyKind::WebhookDue.number(), endpoint, self.due_at.0, at, event, sequence, copy))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<WebhookDueKey, StoreError> {
        let (kind, endpoint, due_at, at, event, sequence, copy): (u16, Uuid, u64, u64, Uuid, u64, u64) =
            parts(key, KeyKind::WebhookDue)?;
        if kind != KeyKind::WebhookDue.number() {
            return Err(foreign(key, KeyKind::WebhookDue));
        }
        let place = WebhookPlace::of((at, event, sequence, copy));
        Ok(WebhookDueKey { endpoint: endpoint.as_u128(), due_at: Timestamp(due_at), place })
    }

    /// All of an endpoint: `begin <= key < end`.
    #[must_use]
    pub fn range(endpoint: u128) -> (Vec<u8>, Vec<u8>) {
        range_of_endpoint(KeyKind::WebhookDue, endpoint)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tessera_inventory::{EventId, Sequence};

    use super::*;

    #[test]
    fn round_trip_in_the_order_of_time() {
        let place = WebhookPlace { at: Timestamp(7), event: EventId(5), sequence: Sequence(300), copy: 0 };
        let key = WebhookDueKey { endpoint: 9, due_at: Timestamp(8), place };
        assert_eq!(WebhookDueKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = WebhookDueKey::range(9);
        assert!(begin <= key.pack() && key.pack() < end);
        let earlier = WebhookPlace { sequence: Sequence(299), ..place };
        assert!(WebhookDueKey { place: earlier, ..key }.pack() < key.pack());
        assert!(WebhookDueKey { due_at: Timestamp(256), place: earlier, ..key }.pack() > key.pack());
    }
}
