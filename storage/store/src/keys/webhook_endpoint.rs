//! Where an organizer wants to be told of what happens.
//!
//! - key: (kind, organizer, endpoint)
//! - value: the webhook repository's row
//! - mutability: rewritten by its organizer, and when it is disabled; removed by its organizer

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of a webhook endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookEndpointKey {
    /// Whose.
    pub organizer: u128,
    /// Which.
    pub endpoint: u128,
}

impl WebhookEndpointKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (organizer, endpoint) = (Uuid::from_u128(self.organizer), Uuid::from_u128(self.endpoint));
        pack(&(KeyKind::WebhookEndpoint.number(), organizer, endpoint))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<WebhookEndpointKey, StoreError> {
        let (kind, organizer, endpoint): (u16, Uuid, Uuid) = parts(key, KeyKind::WebhookEndpoint)?;
        if kind != KeyKind::WebhookEndpoint.number() {
            return Err(foreign(key, KeyKind::WebhookEndpoint));
        }
        Ok(WebhookEndpointKey { organizer: organizer.as_u128(), endpoint: endpoint.as_u128() })
    }

    /// Every endpoint: `begin <= key < end`.
    #[must_use]
    pub fn range() -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::WebhookEndpoint.number(),))
    }

    /// Every endpoint of an organizer: `begin <= key < end`.
    #[must_use]
    pub fn range_of(organizer: u128) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::WebhookEndpoint.number(), Uuid::from_u128(organizer)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = WebhookEndpointKey { organizer: 7, endpoint: 9 };
        assert_eq!(WebhookEndpointKey::unpack(&key.pack()).unwrap(), key);
        for (begin, end) in [WebhookEndpointKey::range(), WebhookEndpointKey::range_of(7)] {
            assert!(begin <= key.pack() && key.pack() < end);
        }
        let (begin, end) = WebhookEndpointKey::range_of(8);
        assert!(!(begin <= key.pack() && key.pack() < end));
    }
}
