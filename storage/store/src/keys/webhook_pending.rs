//! A delivery that waits, by how long it waits.
//!
//! - key: (kind, endpoint, time, event, sequence, copy)
//! - value: the webhook repository's row
//! - mutability: written with the message, rewritten after every attempt, removed when it ends

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::{KeyKind, WebhookPlace, foreign, parts, range_of};
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
        let (at, event, sequence, copy) = self.place.parts();
        let endpoint = Uuid::from_u128(self.endpoint);
        pack(&(KeyKind::WebhookPending.number(), endpoint, at, event, sequence, copy))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<WebhookPendingKey, StoreError> {
        let (kind, endpoint, at, event, sequence, copy): (u16, Uuid, u64, Uuid, u64, u64) =
            parts(key, KeyKind::WebhookPending)?;
        if kind != KeyKind::WebhookPending.number() {
            return Err(foreign(key, KeyKind::WebhookPending));
        }
        let place = WebhookPlace::of((at, event, sequence, copy));
        Ok(WebhookPendingKey { endpoint: endpoint.as_u128(), place })
    }

    /// All of an endpoint: `begin <= key < end`.
    #[must_use]
    pub fn range(endpoint: u128) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::WebhookPending.number(), Uuid::from_u128(endpoint)))
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
