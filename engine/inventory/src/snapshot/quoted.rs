//! The column of quoted claims and orders.

use super::import::{Imported, Words, bits16, bits32};
use crate::quoted::{Money, Used};
use crate::{ClaimNumber, HOLD_UNITS_MAX, Image, Inventory};

/// An entry as its words.
pub(super) fn words_of(number: ClaimNumber, money: &Money) -> [u64; 4] {
    let (amount_minor, marks) = money.used.map_or((0, 0), |used| {
        let serial = used.serial.map_or(0, |serial| u64::from(serial) + 1);
        (used.amount_minor, (u64::from(used.promotion) + 1) | serial << 32)
    });
    [number.0, money.total_minor.cast_unsigned(), amount_minor.cast_unsigned(), marks]
}

impl Inventory {
    /// The column of their shares.
    pub(super) fn export_shares(&self) -> Vec<u64> {
        let mut words = Vec::new();
        for (number, _) in self.quoted.iter() {
            let shares = self.quoted.shares(number).unwrap_or_default();
            words.extend([number.0, shares.len() as u64]);
            words.extend(shares.iter().map(|share| share.cast_unsigned()));
        }
        words
    }

    /// Reads the column; claims and orders are there already.
    pub(super) fn import_quoted(&mut self, image: &Image) -> Imported<()> {
        self.limit_promotions();
        let mut words = Words::new("quoted", &image.quoted);
        let mut shares = Words::new("shares_quoted", &image.shares_quoted);
        let mut before = None;
        while !words.is_empty() {
            let number = ClaimNumber(words.next()?);
            words.ensure(before < Some(number))?;
            before = Some(number);
            let total_minor = words.next()?.cast_signed();
            let amount_minor = words.next()?.cast_signed();
            let marks = words.next()?;
            let used = self.used(amount_minor, marks);
            words.ensure(amount_minor >= 0 && used.is_some() == (marks != 0))?;
            let is_free = |used: &Used| match (used.serial, self.quoted.given(used.promotion)) {
                (Some(serial), Some(given)) => !given.has(serial),
                _ => true,
            };
            words.ensure(used.as_ref().is_none_or(is_free))?;
            let subjects = self.subjects_of(number);
            words.ensure(!subjects.is_empty())?;
            let shares = shares_of(&mut shares, number)?;
            self.quoted.insert(number, Money { total_minor, used }, shares, subjects.into_iter());
        }
        shares.ensure(shares.is_empty())
    }

    /// A use of a promotion that there is; `None` where there is none such.
    fn used(&self, amount_minor: i64, marks: u64) -> Option<Used> {
        let promotion = bits16(marks, 0).checked_sub(1)?;
        let mut promotions = self.config.tariff.iter().flat_map(|tariff| &tariff.promotions);
        let serials = promotions.nth(promotion.into())?.serials;
        let serial = bits32(marks, 32).checked_sub(1);
        let known = serial.is_none_or(|serial| serial < serials);
        known.then_some(Used { promotion, serial, amount_minor })
    }
}

/// The shares of the next entry.
fn shares_of(words: &mut Words<'_, u64>, number: ClaimNumber) -> Imported<Box<[i64]>> {
    let (of, count) = (words.next()?, words.next()?);
    words.ensure(of == number.0 && count <= u64::from(HOLD_UNITS_MAX))?;
    (0..count).map(|_| Ok(words.next()?.cast_signed())).collect()
}
