//! Entries: postings that sum to zero.

use std::collections::BTreeMap;
use std::fmt;

use tessera_inventory::{ClaimNumber, EventId, Timestamp};

use crate::sale::bounded;
use crate::{Account, EntryId, TooLarge};

/// A currency by its three letters (ISO 4217).
pub type Currency = [u8; 3];

/// What an entry is made for. The number is stored: it is never changed and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FactKind {
    /// See [`crate::Movement::Sold`].
    Sold = 1,
    /// See [`crate::Movement::Captured`].
    Captured = 2,
    /// See [`crate::Movement::FeeKnown`].
    FeeKnown = 3,
    /// See [`crate::Movement::NeverSold`].
    NeverSold = 4,
    /// See [`crate::Movement::Unpaid`].
    Unpaid = 5,
    /// See [`crate::Movement::RefundWanted`].
    RefundWanted = 6,
    /// See [`crate::Movement::RefundDone`].
    RefundDone = 7,
    /// See [`crate::Movement::RefundByHand`].
    RefundByHand = 8,
    /// See [`crate::Movement::DisputeOpened`].
    DisputeOpened = 9,
    /// See [`crate::Movement::DisputeWon`].
    DisputeWon = 10,
    /// See [`crate::Movement::DisputeLost`].
    DisputeLost = 11,
    /// See [`crate::Movement::PayoutBegun`].
    PayoutBegun = 12,
    /// See [`crate::Movement::PayoutDone`].
    PayoutDone = 13,
    /// See [`crate::Movement::PayoutFailed`].
    PayoutFailed = 14,
    /// See [`crate::Movement::RefundMoot`].
    RefundMoot = 15,
    /// See [`crate::Movement::RefundCameBack`].
    RefundCameBack = 16,
}

/// Every kind, in the order of their numbers.
const KINDS: [FactKind; 16] = [
    FactKind::Sold,
    FactKind::Captured,
    FactKind::FeeKnown,
    FactKind::NeverSold,
    FactKind::Unpaid,
    FactKind::RefundWanted,
    FactKind::RefundDone,
    FactKind::RefundByHand,
    FactKind::DisputeOpened,
    FactKind::DisputeWon,
    FactKind::DisputeLost,
    FactKind::PayoutBegun,
    FactKind::PayoutDone,
    FactKind::PayoutFailed,
    FactKind::RefundMoot,
    FactKind::RefundCameBack,
];

impl FactKind {
    /// As it is stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The kind of this number; `None`: there is none.
    #[must_use]
    pub fn of(number: u8) -> Option<FactKind> {
        KINDS.into_iter().find(|kind| kind.number() == number)
    }
}

/// What moves on one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Posting {
    /// Where.
    pub account: Account,
    /// Debit positive, credit negative; never 0.
    pub amount_minor: i64,
}

/// What stands above the postings of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heading {
    /// What it is about.
    pub id: EntryId,
    /// When the cause of it was written.
    pub at: Timestamp,
    /// Whose business it is.
    pub organizer: u128,
    /// Of every posting.
    pub currency: Currency,
    /// The order it is about; `None` for a payout.
    pub order: Option<(EventId, ClaimNumber)>,
}

/// An entry. Its postings sum to zero, or there would be none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What stands above the postings.
    pub heading: Heading,
    /// What it was made for.
    pub fact: FactKind,
    postings: Vec<Posting>,
}

/// An amount that goes from one account to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transfer {
    /// Where it is added.
    pub(crate) debit: Account,
    /// Where it is taken.
    pub(crate) credit: Account,
    /// How much; negative: the other way.
    pub(crate) amount_minor: i64,
}

/// Postings that do not sum to zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbalanced {
    /// What they sum to.
    pub sum_minor: i128,
}

impl Entry {
    /// An entry of these postings; those on one account are one, and none of 0 is kept.
    ///
    /// # Errors
    /// They do not sum to zero.
    pub fn new(heading: Heading, fact: FactKind, postings: &[Posting]) -> Result<Entry, Unbalanced> {
        let mut sums = BTreeMap::<Account, i128>::new();
        for posting in postings {
            *sums.entry(posting.account).or_default() += i128::from(posting.amount_minor);
        }
        let sum_minor: i128 = sums.values().sum();
        let mut kept = Vec::with_capacity(sums.len());
        for (account, sum) in sums {
            // More than an account can hold is not an entry either.
            let amount_minor = i64::try_from(sum).map_err(|_| Unbalanced { sum_minor: sum })?;
            if amount_minor != 0 {
                kept.push(Posting { account, amount_minor });
            }
        }
        if sum_minor == 0 {
            Ok(Entry { heading, fact, postings: kept })
        } else {
            Err(Unbalanced { sum_minor })
        }
    }

    /// An entry of transfers, which is balanced by what it is made of; `None`: nothing moves.
    ///
    /// # Errors
    /// An amount is too large.
    pub(crate) fn of_transfers(
        heading: Heading,
        fact: FactKind,
        transfers: &[Transfer],
    ) -> Result<Option<Entry>, TooLarge> {
        let mut sums = BTreeMap::<Account, i64>::new();
        for transfer in transfers {
            // Some ten bounded amounts an account cannot overflow.
            let amount_minor = bounded(transfer.amount_minor)?;
            *sums.entry(transfer.debit).or_default() += amount_minor;
            *sums.entry(transfer.credit).or_default() -= amount_minor;
        }
        let moved = sums.into_iter().filter(|(_, amount_minor)| *amount_minor != 0);
        let postings: Vec<_> =
            moved.map(|(account, amount_minor)| Posting { account, amount_minor }).collect();
        Ok((!postings.is_empty()).then_some(Entry { heading, fact, postings }))
    }

    /// One an account, in the order of accounts.
    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }
}

impl fmt::Display for Unbalanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an entry sums to {} instead of zero", self.sum_minor)
    }
}

impl std::error::Error for Unbalanced {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_found_by_its_number_and_no_other() {
        for (position, kind) in KINDS.into_iter().enumerate() {
            assert_eq!(usize::from(kind.number()), position + 1, "numbers are stored");
            assert_eq!(FactKind::of(kind.number()), Some(kind));
        }
        assert_eq!((FactKind::of(0), FactKind::of(17)), (None, None));
    }
}
