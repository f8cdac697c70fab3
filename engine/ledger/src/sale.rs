//! What a sale, or a part of one that is taken back, comes to.

use std::fmt;

/// The largest amount that is posted, in minor units: a thousandth of what an account holds, and far above what a hold can cost.
pub const AMOUNT_MINOR_MAX: i64 = i64::MAX / 1_000;

/// A part of a sale that is owed to the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tax {
    /// Its position in the organizer's tariff.
    pub position: u8,
    /// How much.
    pub amount_minor: i64,
}

/// An amount that no account takes: beyond [`AMOUNT_MINOR_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// The amount.
    pub amount_minor: i64,
}

/// What a buyer pays (or gets back), and to whom it belongs. The organizer's part is what the others leave, so that the parts always sum to
/// the total.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sale {
    /// What the buyer pays.
    pub total_minor: i64,
    /// Fees, whoever pays them.
    pub fees_minor: i64,
    /// Commission.
    pub commission_minor: i64,
    /// Taxes, each position once.
    pub taxes: Vec<Tax>,
    /// What rounding added (or took: negative).
    pub rounding_minor: i64,
}

impl Sale {
    /// Without fees, taxes, commission and rounding: all of it is the organizer's.
    #[must_use]
    pub fn plain(total_minor: i64) -> Sale {
        Sale { total_minor, ..Sale::default() }
    }

    /// What the organizer gets of it; negative where fees and commission exceed the total.
    ///
    /// # Errors
    /// A part is too large.
    pub fn organizer_minor(&self) -> Result<i64, TooLarge> {
        let taxes = self.taxes.iter().map(|tax| tax.amount_minor);
        let parts = [self.fees_minor, self.commission_minor, self.rounding_minor].into_iter().chain(taxes);
        let mut left = bounded(self.total_minor)?;
        for part in parts {
            // Some ten bounded parts cannot overflow.
            left -= bounded(part)?;
        }
        Ok(left)
    }
}

/// The amount, where an account takes it.
pub(crate) fn bounded(amount_minor: i64) -> Result<i64, TooLarge> {
    if amount_minor.unsigned_abs() <= AMOUNT_MINOR_MAX.unsigned_abs() {
        Ok(amount_minor)
    } else {
        Err(TooLarge { amount_minor })
    }
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} minor units are more than an account takes", self.amount_minor)
    }
}

impl std::error::Error for TooLarge {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_organizer_gets_what_the_other_parts_leave() {
        let taxes = vec![Tax { position: 0, amount_minor: 700 }, Tax { position: 3, amount_minor: 50 }];
        let sale =
            Sale { total_minor: 11_005, fees_minor: 500, commission_minor: 330, taxes, rounding_minor: 5 };
        assert_eq!(sale.organizer_minor(), Ok(9_420));
        let free = Sale { fees_minor: 100, ..Sale::plain(0) };
        assert_eq!(free.organizer_minor(), Ok(-100), "the organizer pays for a free ticket");
        let large = AMOUNT_MINOR_MAX + 1;
        assert_eq!(Sale::plain(large).organizer_minor(), Err(TooLarge { amount_minor: large }));
        assert_eq!(Sale::plain(i64::MIN).organizer_minor(), Err(TooLarge { amount_minor: i64::MIN }));
    }
}
