//! A delivery that has ended, by when it ended.
//!
//! - key: (kind, endpoint, time, event, sequence, copy)
//! - value: the webhook repository's row
//! - mutability: written once; the oldest are removed

use super::webhook_place::{pack_delivery, range_of_endpoint, unpack_delivery};
use super::{KeyKind, WebhookPlace};
use crate::StoreError;

/// Key of a delivery that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookFinishedKey {
    /// To which endpoint.
    pub endpoint: u128,
    /// Where among its deliveries.
    pub place: WebhookPlace,
}

impl WebhookFinishedKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack_delivery(KeyKind::WebhookFinished, self.endpoint, self.place)
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<WebhookFinishedKey, StoreError> {
        let (endpoint, place) = unpack_delivery(KeyKind::WebhookFinished, key)?;
        Ok(WebhookFinishedKey { endpoint, place })
    }

    /// All of an endpoint: `begin <= key < end`.
    #[must_use]
    pub fn range(endpoint: u128) -> (Vec<u8>, Vec<u8>) {
        range_of_endpoint(KeyKind::WebhookFinished, endpoint)
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
        let key = WebhookFinishedKey { endpoint: 9, place };
        assert_eq!(WebhookFinishedKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = WebhookFinishedKey::range(9);
        assert!(begin <= key.pack() && key.pack() < end);
        let later = WebhookFinishedKey { place: WebhookPlace { at: Timestamp(8), ..place }, ..key };
        assert!(key.pack() < later.pack());
    }
}
