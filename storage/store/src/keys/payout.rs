//! A payout to an organizer.
//!
//! - key: (kind, organizer, id of the payout)
//! - value: the money repository's row
//! - mutability: written when it is begun, rewritten once when it has ended

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayoutKey {
    /// To whom.
    pub organizer: u128,
    /// Its id: the bits of a UUIDv7, so that they sort by time.
    pub payout: u128,
}

impl PayoutKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (organizer, payout) = (Uuid::from_u128(self.organizer), Uuid::from_u128(self.payout));
        pack(&(KeyKind::Payout.number(), organizer, payout))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<PayoutKey, StoreError> {
        let (kind, organizer, payout): (u16, Uuid, Uuid) = parts(key, KeyKind::Payout)?;
        if kind == KeyKind::Payout.number() {
            Ok(PayoutKey { organizer: organizer.as_u128(), payout: payout.as_u128() })
        } else {
            Err(foreign(key, KeyKind::Payout))
        }
    }

    /// All of an organizer, the oldest first: `begin <= key < end`.
    #[must_use]
    pub fn range(organizer: u128) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::Payout.number(), Uuid::from_u128(organizer)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_among_the_payouts_of_its_organizer() {
        let key = PayoutKey { organizer: 7, payout: 256 };
        assert_eq!(PayoutKey::unpack(&key.pack()).unwrap(), key);
        let (begin, end) = PayoutKey::range(7);
        assert!(begin <= key.pack() && key.pack() < end);
        assert!(PayoutKey { payout: 255, ..key }.pack() < key.pack());
        assert!(PayoutKey { organizer: 8, ..key }.pack() >= end);
    }
}
