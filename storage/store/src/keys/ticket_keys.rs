//! The key that signs tickets, and the public keys of those before it.
//!
//! - key: (kind)
//! - value: the ring of keys, see `tessera-projections`
//! - mutability: written at the first start, at every rotation and revocation

use foundationdb_tuple::pack;

use super::{KeyKind, foreign, parts};
use crate::StoreError;

/// Key of the one row of the keys of tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketKeysKey;

impl TicketKeysKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::TicketKeys.number(),))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<TicketKeysKey, StoreError> {
        let (kind,): (u16,) = parts(key, KeyKind::TicketKeys)?;
        if kind == KeyKind::TicketKeys.number() {
            Ok(TicketKeysKey)
        } else {
            Err(foreign(key, KeyKind::TicketKeys))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        assert_eq!(TicketKeysKey::unpack(&TicketKeysKey.pack()).unwrap(), TicketKeysKey);
    }
}
