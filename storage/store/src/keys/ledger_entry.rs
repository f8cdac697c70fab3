//! An entry of the ledger.
//!
//! - key: (kind, organizer, currency, time, id of the entry)
//! - value: the money repository's row
//! - mutability: written once, never changed

use foundationdb_tuple::pack;
use tessera_inventory::Timestamp;
use uuid::Uuid;

use super::{KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntryKey {
    /// Whose business it is.
    pub organizer: u128,
    /// Three letters.
    pub currency: [u8; 3],
    /// When.
    pub at: Timestamp,
    /// Its id.
    pub id: u128,
}

impl LedgerEntryKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (organizer, id) = (Uuid::from_u128(self.organizer), Uuid::from_u128(self.id));
        pack(&(KeyKind::LedgerEntry.number(), organizer, &self.currency[..], self.at.0, id))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<LedgerEntryKey, StoreError> {
        let foreign = || foreign(key, KeyKind::LedgerEntry);
        let (kind, organizer, currency, at, id): (u16, Uuid, Vec<u8>, u64, Uuid) =
            parts(key, KeyKind::LedgerEntry)?;
        if kind != KeyKind::LedgerEntry.number() {
            return Err(foreign());
        }
        let currency = currency.try_into().map_err(|_| foreign())?;
        let (organizer, id) = (organizer.as_u128(), id.as_u128());
        Ok(LedgerEntryKey { organizer, currency, at: Timestamp(at), id })
    }

    /// All of an organizer in a currency from `from` on, before `until`: `begin <= key < end`.
    #[must_use]
    pub fn range(
        organizer: u128,
        currency: [u8; 3],
        from: Timestamp,
        until: Timestamp,
    ) -> (Vec<u8>, Vec<u8>) {
        let organizer = Uuid::from_u128(organizer);
        let at = |at: Timestamp| pack(&(KeyKind::LedgerEntry.number(), organizer, &currency[..], at.0));
        (at(from), at(until))
    }

    /// All there are: `begin <= key < end`.
    #[must_use]
    pub fn range_of_all() -> (Vec<u8>, Vec<u8>) {
        range_of(&KeyKind::LedgerEntry.number())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_in_the_order_of_time() {
        let key = LedgerEntryKey { organizer: 7, currency: *b"EUR", at: Timestamp(255), id: u128::MAX };
        assert_eq!(LedgerEntryKey::unpack(&key.pack()).unwrap(), key);
        let is_in = |from, until| {
            let (begin, end) = LedgerEntryKey::range(7, *b"EUR", Timestamp(from), Timestamp(until));
            begin <= key.pack() && key.pack() < end
        };
        assert_eq!([is_in(255, 256), is_in(0, 255), is_in(256, 900)], [true, false, false]);
        let (begin, end) = LedgerEntryKey::range_of_all();
        assert!(begin <= key.pack() && key.pack() < end);
    }
}
