//! Where the browser of a buyer takes messages: data of a person, which can be erased.
//!
//! - key: (kind, subject, sixteen bytes of a hash of the endpoint)
//! - value: the repository's row
//! - mutability: rewritten when the browser says it again; removed when the buyer or the push service says so, or with the contact

use foundationdb_tuple::pack;
use tessera_inventory::Subject;
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of where the browser of a buyer takes messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushSubscriptionKey {
    /// Whose.
    pub subject: Subject,
    /// The hash of the endpoint.
    pub endpoint: u128,
}

impl PushSubscriptionKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (subject, endpoint) = (Uuid::from_u128(self.subject.0), Uuid::from_u128(self.endpoint));
        pack(&(KeyKind::PushSubscription.number(), subject, endpoint))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<PushSubscriptionKey, StoreError> {
        let (kind, subject, endpoint): (u16, Uuid, Uuid) = parts(key, KeyKind::PushSubscription)?;
        if kind != KeyKind::PushSubscription.number() {
            return Err(foreign(key, KeyKind::PushSubscription));
        }
        Ok(PushSubscriptionKey { subject: Subject(subject.as_u128()), endpoint: endpoint.as_u128() })
    }

    /// All of a buyer: `begin <= key < end`.
    #[must_use]
    pub fn range(subject: Subject) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::PushSubscription.number(), Uuid::from_u128(subject.0)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_range() {
        let key = PushSubscriptionKey { subject: Subject(1 << 100), endpoint: u128::MAX };
        assert_eq!(PushSubscriptionKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = PushSubscriptionKey::range(key.subject);
        assert!(begin < key.pack() && key.pack() < end);
        let other = PushSubscriptionKey { subject: Subject((1 << 100) + 1), ..key };
        assert!(other.pack() >= end);
    }
}
