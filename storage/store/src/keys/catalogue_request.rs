//! A request that put an event into the catalogue, found by its idempotency key.
//!
//! - key: (kind, keyed hash of principal and idempotency key)
//! - value: the catalogue repository's row
//! - mutability: written once, with the event's catalogue row

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::{KeyKind, foreign, parts};
use crate::StoreError;

/// Key of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogueRequestKey {
    /// Keyed hash of principal and idempotency key.
    pub digest: u128,
}

impl CatalogueRequestKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::CatalogueRequest.number(), Uuid::from_u128(self.digest)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<CatalogueRequestKey, StoreError> {
        let (kind, digest): (u16, Uuid) = parts(key, KeyKind::CatalogueRequest)?;
        if kind != KeyKind::CatalogueRequest.number() {
            return Err(foreign(key, KeyKind::CatalogueRequest));
        }
        Ok(CatalogueRequestKey { digest: digest.as_u128() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = CatalogueRequestKey { digest: u128::MAX - 4 };
        assert_eq!(CatalogueRequestKey::unpack(&key.pack()).unwrap(), key);
    }
}
