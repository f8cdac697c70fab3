//! The key that signs checkpoints, and the public keys of those before it.
//!
//! - key: (kind)
//! - value: the receipt signer's row
//! - mutability: written at the first start and at every rotation

use foundationdb_tuple::pack;

use super::{KeyKind, foreign, parts};
use crate::StoreError;

/// Key of the one row of signing keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptKeysKey;

impl ReceiptKeysKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::ReceiptKeys.number(),))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<ReceiptKeysKey, StoreError> {
        let (kind,): (u16,) = parts(key, KeyKind::ReceiptKeys)?;
        if kind == KeyKind::ReceiptKeys.number() {
            Ok(ReceiptKeysKey)
        } else {
            Err(foreign(key, KeyKind::ReceiptKeys))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        assert_eq!(ReceiptKeysKey::unpack(&ReceiptKeysKey.pack()).unwrap(), ReceiptKeysKey);
    }
}
