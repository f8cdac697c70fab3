//! A delivery that has ended, by when it ended.
//!
//! - key: (kind, endpoint, time, event, sequence, copy)
//! - value: the webhook repository's row
//! - mutability: written once; the oldest are removed

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::{KeyKind, WebhookPlace, foreign, parts, range_of};
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
        let (at, event, sequence, copy) = self.place.parts();
        let endpoint = Uuid::from_u128(self.endpoint);
        pack(&(KeyKind::WebhookFinished.number(), endpoint, at, event, sequence, copy))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<WebhookFinishedKey, StoreError> {
        let (kind, endpoint, at, event, sequence, copy): (u16, Uuid, u64, Uuid, u64, u64) =
            parts(key, KeyKind::WebhookFinished)?;
        if kind != KeyKind::WebhookFinished.number() {
            return Err(foreign(key, KeyKind::WebhookFinished));
        }
        let place = WebhookPlace::of((at, event, sequence, copy));
        Ok(WebhookFinishedKey { endpoint: endpoint.as_u128(), place })
    }

    /// All of an endpoint: `begin <= key < end`.
    #[must_use]
    pub fn range(endpoint: u128) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::WebhookFinished.number(), Uuid::from_u128(endpoint)))
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
