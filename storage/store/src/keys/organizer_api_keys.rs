//! How many API keys an organizer has had, so that they are bounded.
//!
//! - key: (kind, organizer)
//! - value: their number, 4 bytes big-endian, revoked ones included
//! - mutability: rewritten with every new key

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::{Fields, KeyKind};
use crate::StoreError;

/// Key of the number of an organizer's API keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrganizerApiKeysKey {
    /// Whose.
    pub organizer: u128,
}

impl OrganizerApiKeysKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::OrganizerApiKeys.number(), Uuid::from_u128(self.organizer)))
    }

    /// The stored bytes.
    #[must_use]
    pub fn encode(count: u32) -> [u8; 4] {
        count.to_be_bytes()
    }

    /// The number with these bytes; [`StoreError::Damaged`] for others.
    pub fn decode(value: &[u8]) -> Result<u32, StoreError> {
        let mut fields = Fields::of(KeyKind::OrganizerApiKeys, value);
        let count = u32::from_be_bytes(fields.take()?);
        fields.end()?;
        Ok(count)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        assert_eq!(OrganizerApiKeysKey::decode(&OrganizerApiKeysKey::encode(77)).unwrap(), 77);
        assert!(OrganizerApiKeysKey::decode(b"longer").is_err());
        assert_eq!(
            KeyKind::of(&OrganizerApiKeysKey { organizer: 9 }.pack()),
            Some(KeyKind::OrganizerApiKeys)
        );
    }
}
