//! What the entries of an account come to, of those that are counted in one part.
//!
//! - key: (kind, organizer, currency, kind of account, of whom, detail, part)
//! - value: 16 bytes, a signed sum in minor units
//! - mutability: added to in the transaction of every entry

use foundationdb_tuple::pack;
use uuid::Uuid;

use super::{Fields, KeyKind, foreign, parts, range_of};
use crate::StoreError;

/// Key of a part of a balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerBalanceKey {
    /// Whose business it is.
    pub organizer: u128,
    /// Three letters.
    pub currency: [u8; 3],
    /// The number of the kind of account.
    pub account: u8,
    /// Whose account it is; 0: the platform's.
    pub of: u128,
    /// The provider or the tax of the account.
    pub detail: u16,
    /// Entries of different parts do not conflict.
    pub part: u8,
}

impl LedgerBalanceKey {
    /// The key's bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let (organizer, of) = (Uuid::from_u128(self.organizer), Uuid::from_u128(self.of));
        let (kind, account) = (KeyKind::LedgerBalance.number(), u16::from(self.account));
        pack(&(kind, organizer, &self.currency[..], account, of, self.detail, u16::from(self.part)))
    }

    /// The key with these bytes; [`StoreError::Damaged`] when it is of another kind.
    pub fn unpack(key: &[u8]) -> Result<LedgerBalanceKey, StoreError> {
        type Parts = (u16, Uuid, Vec<u8>, u16, Uuid, u16, u16);
        let foreign = || foreign(key, KeyKind::LedgerBalance);
        let (kind, organizer, currency, account, of, detail, part): Parts =
            parts(key, KeyKind::LedgerBalance)?;
        if kind != KeyKind::LedgerBalance.number() {
            return Err(foreign());
        }
        Ok(LedgerBalanceKey {
            organizer: organizer.as_u128(),
            currency: currency.try_into().map_err(|_| foreign())?,
            account: u8::try_from(account).map_err(|_| foreign())?,
            of: of.as_u128(),
            detail,
            part: u8::try_from(part).map_err(|_| foreign())?,
        })
    }

    /// All of an organizer: `begin <= key < end`.
    #[must_use]
    pub fn range(organizer: u128) -> (Vec<u8>, Vec<u8>) {
        range_of(&(KeyKind::LedgerBalance.number(), Uuid::from_u128(organizer)))
    }

    /// All parts of the balance that this is one of: `begin <= key < end`.
    #[must_use]
    pub fn range_of_account(&self) -> (Vec<u8>, Vec<u8>) {
        let (organizer, of) = (Uuid::from_u128(self.organizer), Uuid::from_u128(self.of));
        let (kind, account) = (KeyKind::LedgerBalance.number(), u16::from(self.account));
        range_of(&(kind, organizer, &self.currency[..], account, of, self.detail))
    }

    /// All there are: `begin <= key < end`.
    #[must_use]
    pub fn range_of_all() -> (Vec<u8>, Vec<u8>) {
        range_of(&KeyKind::LedgerBalance.number())
    }

    /// The sum of a value, in minor units.
    ///
    /// # Errors
    /// It has another length.
    pub fn decode(value: &[u8]) -> Result<i128, StoreError> {
        let mut fields = Fields::of(KeyKind::LedgerBalance, value);
        let sum = i128::from_be_bytes(fields.take()?);
        fields.end()?;
        Ok(sum)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let (organizer, currency) = (7, *b"EUR");
        let key = LedgerBalanceKey { organizer, currency, account: 13, of: 0, detail: 300, part: 31 };
        assert_eq!(LedgerBalanceKey::unpack(&key.pack()).unwrap(), key);
        let ranges = [LedgerBalanceKey::range(7), LedgerBalanceKey::range_of_all(), key.range_of_account()];
        for (begin, end) in ranges {
            assert!(begin <= key.pack() && key.pack() < end);
        }
        let other = LedgerBalanceKey { detail: 301, ..key };
        assert!(other.pack() >= key.range_of_account().1);
        assert_eq!(LedgerBalanceKey::decode(&(-5_i128).to_be_bytes()).unwrap(), -5);
        assert!(LedgerBalanceKey::decode(&[0; 8]).is_err());
    }
}
