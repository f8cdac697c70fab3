//! An organizer's API key.
//!
//! - key: (kind, id of the API key: the first 16 bytes of the hash of its secret)
//! - value: the account repository's row; never the secret
//! - mutability: created once; rewritten when it is revoked

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of an API key's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKeyKey {
    /// Found from the secret that a client presents.
    pub id: [u8; 16],
}

impl ApiKeyKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::ApiKey.number(), Uuid::from_bytes(self.id)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<ApiKeyKey, StoreError> {
        let (kind, id): (u16, Uuid) = parts(key, KeyKind::ApiKey)?;
        if kind != KeyKind::ApiKey.number() {
            return Err(foreign(key, KeyKind::ApiKey));
        }
        Ok(ApiKeyKey { id: id.into_bytes() })
    }

    /// Every API key: `begin <= key < end`.
    #[must_use]
    pub fn range() -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::ApiKey.number(),))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = ApiKeyKey { id: [9; 16] };
        assert_eq!(ApiKeyKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = ApiKeyKey::range();
        assert!(begin <= key.pack() && key.pack() < end);
    }
}
