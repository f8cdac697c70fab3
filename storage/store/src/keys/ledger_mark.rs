//! That an entry is there.
//!
//! - key: (kind, id of the entry)
//! - value: empty
//! - mutability: written with the entry, never changed; every transaction that would write the entry reads it

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of the mark of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerMarkKey {
    /// Of which entry.
    pub id: u128,
}

impl LedgerMarkKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::LedgerMark.number(), Uuid::from_u128(self.id)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<LedgerMarkKey, StoreError> {
        let (kind, id): (u16, Uuid) = parts(key, KeyKind::LedgerMark)?;
        if kind == KeyKind::LedgerMark.number() {
            Ok(LedgerMarkKey { id: id.as_u128() })
        } else {
            Err(foreign(key, KeyKind::LedgerMark))
        }
    }

    /// All there are: `begin <= key < end`.
    #[must_use]
    pub fn range_of_all() -> (Vec<u8>, Vec<u8>) {
        range_of(&KeyKind::LedgerMark.number())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = LedgerMarkKey { id: 42 };
        assert_eq!(LedgerMarkKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = LedgerMarkKey::range_of_all();
        assert!(begin <= key.pack() && key.pack() < end);
    }
}
