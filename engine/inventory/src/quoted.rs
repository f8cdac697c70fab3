//! What quoted claims and orders keep of their quotes, and what promotions have given out to them.
//!
//! An entry stands by number, so that an order has that of its claim. What a promotion has given out follows from the entries: it is
//! counted, and neither digested nor exported.

use std::collections::BTreeMap;

use tessera_pricing::Quote;

use crate::ClaimNumber;
use crate::digest::{Kind, Mix};
use crate::subjects::Slot;

/// What a claim, or the order that it became, keeps of its quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Money {
    pub(crate) total_minor: i64,
    /// The promotion that it used, until that has its use back.
    pub(crate) used: Option<Used>,
}

/// A use of a promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    /// Its position in the tariff.
    pub(crate) promotion: u16,
    pub(crate) serial: Option<u32>,
    /// What it took off.
    pub(crate) amount_minor: i64,
}

/// What a promotion has given out.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Given {
    pub(crate) uses: u32,
    pub(crate) amount_minor: i64,
    /// A bit for each single-use code, up to the last one that was used.
    serials: Vec<u64>,
}

/// The quoted claims and orders of one event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quoted {
    entries: BTreeMap<ClaimNumber, Money>,
    /// What a refund of each ticket gives back, in minor units.
    shares: BTreeMap<ClaimNumber, Box<[i64]>>,
    /// By promotion.
    given: Vec<Given>,
    /// Uses of promotions that are limited by subject.
    by_subject: BTreeMap<(u16, Slot), u32>,
    /// Whether uses are counted by subject, by promotion.
    limited: Vec<bool>,
    sum: u128,
}

impl Money {
    /// What is kept of a quote.
    pub(crate) fn of(quote: &Quote) -> Money {
        let amount_minor = quote.promotion_minor();
        let used = quote.promotion.map(|promotion| Used { promotion, serial: quote.serial, amount_minor });
        Money { total_minor: quote.total_minor, used }
    }

    fn mix(&self, number: ClaimNumber) -> u128 {
        let mix = Mix::new(Kind::Quoted).word(number.0).word(self.total_minor.cast_unsigned());
        match self.used {
            None => mix.finish(),
            Some(Used { promotion, serial, amount_minor }) => {
                let serial = serial.map_or(0, |serial| u64::from(serial) + 1);
                mix.word(u64::from(promotion)).word(serial).word(amount_minor.cast_unsigned()).finish()
            }
        }
    }
}

impl Given {
    /// Whether a single-use code is used.
    pub(crate) fn has(&self, serial: u32) -> bool {
        let (word, bit) = place_of(serial);
        self.serials.get(word).is_some_and(|bits| bits & bit != 0)
    }

    fn take(&mut self, used: &Used) {
        self.uses += 1;
        self.amount_minor += used.amount_minor;
        if let Some(serial) = used.serial {
            let (word, bit) = place_of(serial);
            if self.serials.len() <= word {
                self.serials.resize(word + 1, 0);
            }
            assert!(self.serials[word] & bit == 0, "a single-use code is used twice");
            self.serials[word] |= bit;
        }
    }

    fn give_back(&mut self, used: &Used) {
        assert!(
            self.uses > 0 && self.amount_minor >= used.amount_minor,
            "a promotion gets more back than it gave"
        );
        self.uses -= 1;
        self.amount_minor -= used.amount_minor;
        if let Some(serial) = used.serial {
            let (word, bit) = place_of(serial);
            self.serials[word] &= !bit;
            // As from scratch: nothing is kept of codes that nobody uses.
            while self.serials.last() == Some(&0) {
                self.serials.pop();
            }
        }
    }
}

/// The word and the bit of a single-use code.
fn place_of(serial: u32) -> (usize, u64) {
    (serial as usize / 64, 1 << (serial % 64))
}

impl Quoted {
    /// What a claim or an order keeps of its quote; `None`: it has none.
    #[inline]
    pub(crate) fn get(&self, number: ClaimNumber) -> Option<&Money> {
        self.entries.get(&number)
    }

    /// What a refund of each ticket of a claim or an order gives back, in minor units; `None`: it has no quote.
    #[inline]
    pub(crate) fn shares(&self, number: ClaimNumber) -> Option<&[i64]> {
        self.shares.get(&number).map(|shares| &**shares)
    }

    /// Enters a claim with its subjects; `shares` are those of its tickets.
    pub(crate) fn insert(
        &mut self,
        number: ClaimNumber,
        money: Money,
        shares: Box<[i64]>,
        subjects: impl Iterator<Item = Slot>,
    ) {
        let sum = self.sum.wrapping_add(money.mix(number));
        self.sum = sum.wrapping_add(shares_mix(number, &shares));
        self.entries.insert(number, money);
        self.shares.insert(number, shares);
        if let Some(used) = &money.used {
            let at = usize::from(used.promotion);
            if self.given.len() <= at {
                self.given.resize_with(at + 1, Given::default);
            }
            self.given[at].take(used);
            subjects.for_each(|slot| self.charge(used.promotion, slot));
        }
    }

    /// Takes a claim out that ends without a sale; its promotion has its use back.
    #[inline]
    pub(crate) fn remove(&mut self, number: ClaimNumber, subjects: impl Iterator<Item = Slot>) {
        if self.entries.is_empty() {
            return;
        }
        self.give_back(number, subjects);
        if let Some(money) = self.entries.remove(&number) {
            self.sum = self.sum.wrapping_sub(money.mix(number));
        }
        if let Some(shares) = self.shares.remove(&number) {
            self.sum = self.sum.wrapping_sub(shares_mix(number, &shares));
        }
    }

    /// Gives the use of its promotion back; the total stays what it was.
    pub(crate) fn give_back(&mut self, number: ClaimNumber, subjects: impl Iterator<Item = Slot>) {
        let Some(money) = self.entries.get_mut(&number) else { return };
        let Some(used) = money.used else { return };
        let before = money.mix(number);
        money.used = None;
        self.sum = self.sum.wrapping_sub(before).wrapping_add(money.mix(number));
        self.given[usize::from(used.promotion)].give_back(&used);
        subjects.for_each(|slot| self.discharge(used.promotion, slot));
    }

    /// Counts a use of a claim's promotion for subjects that it learnt.
    pub(crate) fn learn(&mut self, number: ClaimNumber, subjects: &[Slot]) {
        if let Some(used) = self.get(number).and_then(|money| money.used) {
            subjects.iter().for_each(|&slot| self.charge(used.promotion, slot));
        }
    }

    /// Undoes [`Self::learn`].
    pub(crate) fn unlearn(&mut self, number: ClaimNumber, subjects: &[Slot]) {
        if let Some(used) = self.get(number).and_then(|money| money.used) {
            subjects.iter().for_each(|&slot| self.discharge(used.promotion, slot));
        }
    }

    fn is_limited(&self, promotion: u16) -> bool {
        self.limited.get(usize::from(promotion)).copied().unwrap_or(false)
    }

    /// Counts a use by subject; for a promotion that is not limited by subject, nothing.
    pub(crate) fn charge(&mut self, promotion: u16, slot: Slot) {
        if self.is_limited(promotion) {
            *self.by_subject.entry((promotion, slot)).or_default() += 1;
        }
    }

    fn discharge(&mut self, promotion: u16, slot: Slot) {
        if !self.is_limited(promotion) {
            return;
        }
        let Some(uses) = self.by_subject.get_mut(&(promotion, slot)) else {
            panic!("a use of promotion {promotion} was never counted");
        };
        *uses -= 1;
        if *uses == 0 {
            self.by_subject.remove(&(promotion, slot));
        }
    }

    /// Which promotions are limited by subject now. The answer says whether uses by subject must be counted afresh.
    pub(crate) fn limit(&mut self, limited: Vec<bool>) -> bool {
        let changed = self.limited != limited;
        self.limited = limited;
        if changed {
            self.by_subject.clear();
        }
        changed
    }

    /// Whether uses are counted by subject, by promotion.
    pub(crate) fn limits(&self) -> &[bool] {
        &self.limited
    }

    /// What a promotion has given out; `None`: nothing ever.
    pub(crate) fn given(&self, promotion: u16) -> Option<&Given> {
        self.given.get(usize::from(promotion))
    }

    /// Uses of a promotion by a subject, where it is limited so.
    pub(crate) fn uses_of(&self, promotion: u16, slot: Slot) -> u32 {
        self.by_subject.get(&(promotion, slot)).copied().unwrap_or(0)
    }

    /// Every entry, by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ClaimNumber, &Money)> {
        self.entries.iter().map(|(&number, money)| (number, money))
    }

    /// Whether what is counted here is what is counted in `fresh`.
    pub(crate) fn counts_as(&self, fresh: &Quoted) -> bool {
        let nothing = Given::default();
        let at = |quoted: &Quoted, at: usize| quoted.given.get(at).unwrap_or(&nothing).clone();
        let promotions = self.given.len().max(fresh.given.len());
        self.by_subject == fresh.by_subject
            && (0..promotions).all(|place| at(self, place) == at(fresh, place))
    }

    /// The digest's share of the entries, kept incrementally.
    pub(crate) fn sum(&self) -> u128 {
        self.sum
    }

    /// The digest's share of the entries, from scratch.
    pub(crate) fn fresh_sum(&self) -> u128 {
        let shares = self.shares.iter().map(|(&number, shares)| shares_mix(number, shares));
        let entries = self.iter().map(|(number, money)| money.mix(number));
        entries.chain(shares).fold(0, u128::wrapping_add)
    }
}

fn shares_mix(number: ClaimNumber, shares: &[i64]) -> u128 {
    let mix = Mix::new(Kind::Shares).word(number.0);
    shares.iter().fold(mix, |mix, share| mix.word(share.cast_unsigned())).finish()
}
