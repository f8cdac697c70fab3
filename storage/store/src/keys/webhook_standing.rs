//! How a webhook endpoint stands: what waits, what is kept, and since when it fails.
//!
//! - key: (kind, endpoint)
//! - value: the webhook repository's row
//! - mutability: rewritten with every change of the endpoint's deliveries; removed with the endpoint

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::{KeyKind, foreign, parts};
use crate::StoreError;

/// Key of an endpoint's standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookStandingKey {
    /// Whose.
    pub endpoint: u128,
}

impl WebhookStandingKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::WebhookStanding.number(), Uuid::from_u128(self.endpoint)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<WebhookStandingKey, StoreError> {
        let (kind, endpoint): (u16, Uuid) = parts(key, KeyKind::WebhookStanding)?;
        if kind != KeyKind::WebhookStanding.number() {
            return Err(foreign(key, KeyKind::WebhookStanding));
        }
        Ok(WebhookStandingKey { endpoint: endpoint.as_u128() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = WebhookStandingKey { endpoint: 9 };
        assert_eq!(WebhookStandingKey::unpack(&key.pack()).unwrap(), key);
    }
}
