//! The identity and the secret of this installation.
//!
//! - key: (kind)
//! - value: the installation repository's row
//! - mutability: written once, at the first start

use foundationdb_tuple::pack;

use super::{KeyKind, foreign, parts};
use crate::StoreError;

/// Key of the one installation row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstallationKey;

impl InstallationKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::Installation.number(),))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<InstallationKey, StoreError> {
        let (kind,): (u16,) = parts(key, KeyKind::Installation)?;
        if kind == KeyKind::Installation.number() {
            Ok(InstallationKey)
        } else {
            Err(foreign(key, KeyKind::Installation))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        assert_eq!(InstallationKey::unpack(&InstallationKey.pack()).unwrap(), InstallationKey);
    }
}
