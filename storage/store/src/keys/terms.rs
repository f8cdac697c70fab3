//! What the platform has agreed with an organizer.
//!
//! - key: (kind, organizer, version)
//! - value: the money repository's row
//! - mutability: a version is written once, never changed

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of a version of an organizer's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermsKey {
    /// With whom.
    pub organizer: u128,
    /// From 1.
    pub version: u32,
}

impl TermsKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::Terms.number(), Uuid::from_u128(self.organizer), self.version))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<TermsKey, StoreError> {
        let (kind, organizer, version): (u16, Uuid, u32) = parts(key, KeyKind::Terms)?;
        if kind == KeyKind::Terms.number() {
            Ok(TermsKey { organizer: organizer.as_u128(), version })
        } else {
            Err(foreign(key, KeyKind::Terms))
        }
    }

    /// All of an organizer, the oldest first: `begin <= key < end`.
    #[must_use]
    pub fn range(organizer: u128) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::Terms.number(), Uuid::from_u128(organizer)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_in_the_order_of_versions() {
        let key = TermsKey { organizer: 7, version: 256 };
        assert_eq!(TermsKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = TermsKey::range(7);
        assert!(begin <= key.pack() && key.pack() < end);
        assert!(TermsKey { version: 255, ..key }.pack() < key.pack());
    }
}
