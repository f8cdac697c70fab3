//! A payout to an organizer; and behind all payouts of an organizer, the requests that began them.
//!
//! - key: (kind, organizer, id of the payout, or [`PayoutKey::of_request`])
//! - value: the money repository's row; of a request: the 16 bytes of the payout's id
//! - mutability: written when it is begun, rewritten once when it has ended; that of a request is never changed

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Where requests begin: behind the ids of all payouts, since no UUIDv7 is of so late a time.
const REQUESTS_FROM: u128 = 0xffff_ffff_ffff << 80;

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

    /// The key of the request with this digest of an idempotency key: 80 bits of that tell it from others of the organizer.
    #[must_use]
    pub const fn of_request(organizer: u128, digest: u128) -> PayoutKey {
        PayoutKey { organizer, payout: REQUESTS_FROM | (digest >> 48) }
    }

    /// Whether it is of a payout, and not of a request.
    #[must_use]
    pub const fn is_payout(&self) -> bool {
        self.payout < REQUESTS_FROM
    }

    /// All payouts of an organizer, the oldest first: `begin <= key < end`.
    #[must_use]
    pub fn range(organizer: u128) -> (Vec<u8>, Vec<u8>) {
        let (begin, _) = range_of(&(KeyKind::Payout.number(), Uuid::from_u128(organizer)));
        (begin, PayoutKey { organizer, payout: REQUESTS_FROM }.pack())
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
        for digest in [0, u128::MAX] {
            let request = PayoutKey::of_request(7, digest);
            assert_eq!(PayoutKey::unpack(&request.pack()).unwrap(), request);
            assert!(request.pack() >= end && !request.is_payout() && key.is_payout());
            assert!(request.pack() < PayoutKey { organizer: 8, payout: 0 }.pack());
        }
        assert_ne!(PayoutKey::of_request(7, 1 << 48), PayoutKey::of_request(7, 0));
    }
}
