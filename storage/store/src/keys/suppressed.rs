//! An address to which nothing is sent any more, since it does not exist.
//!
//! - key: (kind, channel, sixteen bytes of a hash of the address)
//! - value: the repository's row
//! - mutability: written when a peer says so, removed when its owner gives the address again

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::message_place::byte;
use super::{KeyKind, foreign, parts};
use crate::StoreError;

/// Key of an address to which nothing is sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuppressedKey {
    /// The number of the channel.
    pub channel: u8,
    /// The hash of the address.
    pub address: u128,
}

impl SuppressedKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::Suppressed.number(), u16::from(self.channel), Uuid::from_u128(self.address)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<SuppressedKey, StoreError> {
        let (kind, channel, address): (u16, u16, Uuid) = parts(key, KeyKind::Suppressed)?;
        if kind != KeyKind::Suppressed.number() {
            return Err(foreign(key, KeyKind::Suppressed));
        }
        Ok(SuppressedKey { channel: byte(channel, key, KeyKind::Suppressed)?, address: address.as_u128() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = SuppressedKey { channel: 1, address: 1 << 100 };
        assert_eq!(SuppressedKey::unpack(&key.pack()).unwrap(), key);
    }
}
