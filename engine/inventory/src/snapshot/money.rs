//! The columns of money that went back, and of disputes about it.

use std::collections::{BTreeMap, BTreeSet};

use super::import::{Imported, Words, bits32};
use crate::orders::Orders;
use crate::{Image, Inventory};

/// What was given back beside what refunded tickets come to, as words.
pub(super) fn beyond_words(orders: &Orders) -> Vec<u64> {
    orders.beyonds().flat_map(|(&at, beyond)| [u64::from(at), beyond.cast_unsigned()]).collect()
}

impl Inventory {
    /// Reads the columns; orders are there already.
    pub(super) fn import_money(&mut self, image: &Image) -> Imported<()> {
        let mut words = Words::new("refunded_beyond", &image.refunded_beyond);
        let mut beyond = BTreeMap::new();
        while !words.is_empty() {
            let (order, amount_minor) = (words.next()?, words.next()?.cast_signed());
            words.ensure(order < self.orders.len() as u64 && amount_minor != 0)?;
            beyond.insert(bits32(order, 0), amount_minor);
        }
        let words = Words::new("disputes", &image.disputes);
        let disputed: BTreeSet<u32> = image.disputes.iter().copied().collect();
        words.ensure(disputed.iter().all(|&at| (at as usize) < self.orders.len()))?;
        self.orders.import_money(beyond, disputed, &self.subjects);
        Ok(())
    }
}
