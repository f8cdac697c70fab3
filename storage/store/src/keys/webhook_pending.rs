//! A delivery that waits, by how long it waits.
//!
//! - key: (kind, endpoint, time, event, sequence, copy)
//! - value: the webhook repository's row
//! - mutability: written with the message, rewritten after every attempt, removed when it ends

use super::webhook_place::{pack_delivery, range_of_endpoint, unpack_delivery};
use super::{KeyKind, WebhookPlace};
use crate::StoreError;

/// Key of a delivery that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookPendingKey {
    /// To which endpoint.
    pub endpoint: u128,
    /// Where among its deliveries.
    pub place: WebhookPlace,
}

impl WebhookPendingKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack_delivery(KeyKind::WebhookPending, self.endpoint, self.place)
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<WebhookPendingKey, StoreError> {
        let (endpoint, place) = unpack_delivery(KeyKind::WebhookPending, key)?;
        Ok(WebhookPendingKey { endpoint, place })
    }

    /// All of an endpoint: `begin <= key < end`.
    #[must_use]
    pub fn range(endpoint: u128) -> (Vec<u8>, Vec<u8>) {
        range_of_endpoint(KeyKind::WebhookPending, endpoint)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tessera_inventory::{EventId, Sequence, Timestamp};

    use super::*;

    #[test]
    fn round_trip() {
        let place =
            WebhookPlace { at: Timestamp(7), event: EventId(5), sequence: Sequence(3), copy: u64::MAX };
        let key = WebhookPendingKey { endpoint: 9, place };
        assert_eq!(WebhookPendingKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = WebhookPendingKey::range(9);
        assert!(begin <= key.pack() && key.pack() < end);
        let later = WebhookPendingKey { place: WebhookPlace { at: Timestamp(8), ..place }, ..key };
        assert!(key.pack() < later.pack());
    }
}
