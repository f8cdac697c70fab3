//! What entries come to.

use std::collections::BTreeMap;

use crate::{Account, Currency, Entry};

/// Balances of accounts, by currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    sums: BTreeMap<(Currency, Account), i128>,
}

impl Balances {
    /// Add an entry.
    pub fn post(&mut self, entry: &Entry) {
        for posting in entry.postings() {
            self.add(entry.heading.currency, posting.account, i128::from(posting.amount_minor));
        }
    }

    /// Add an amount to one account: a balance as it is stored.
    pub fn add(&mut self, currency: Currency, account: Account, amount_minor: i128) {
        *self.sums.entry((currency, account)).or_default() += amount_minor;
    }

    /// The balance of an account, in minor units.
    #[must_use]
    pub fn balance(&self, currency: Currency, account: Account) -> i128 {
        self.sums.get(&(currency, account)).copied().unwrap_or_default()
    }

    /// Every account on which something was posted, with its balance in minor units.
    pub fn iter(&self) -> impl Iterator<Item = (Currency, Account, i128)> + '_ {
        self.sums.iter().map(|((currency, account), sum)| (*currency, *account, *sum))
    }

    /// The sum over all accounts, by currency: zero of each, or an entry is missing.
    #[must_use]
    pub fn trial(&self) -> BTreeMap<Currency, i128> {
        let mut trial = BTreeMap::new();
        for (currency, _, sum) in self.iter() {
            *trial.entry(currency).or_default() += sum;
        }
        trial
    }
}
