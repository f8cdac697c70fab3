//! How a buyer is reached: data of a person, which can be erased.
//!
//! - key: (kind, subject)
//! - value: the repository's row
//! - mutability: rewritten as the buyer says; erased as the buyer says, but for what it does not want to hear

use foundationdb_tuple::pack;
use tessera_inventory::Subject;
use uuid::Uuid;

use super::{KeyKind, foreign, parts};
use crate::StoreError;

/// Key of how a buyer is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactKey {
    /// Who.
    pub subject: Subject,
}

impl ContactKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        pack(&(KeyKind::Contact.number(), Uuid::from_u128(self.subject.0)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<ContactKey, StoreError> {
        let (kind, subject): (u16, Uuid) = parts(key, KeyKind::Contact)?;
        if kind != KeyKind::Contact.number() {
            return Err(foreign(key, KeyKind::Contact));
        }
        Ok(ContactKey { subject: Subject(subject.as_u128()) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key = ContactKey { subject: Subject(1 << 100) };
        assert_eq!(ContactKey::unpack(&key.pack()).unwrap(), key);
    }
}
