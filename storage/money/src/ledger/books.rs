//! The whole ledger, read twice: as its balances are stored, and as its entries come to.

use std::collections::BTreeMap;

use tessera_ledger::{Account, Balances};
use tessera_store::keys::{LedgerBalanceKey, LedgerEntryKey, LedgerMarkKey};
use tessera_store::{Row, StoreError};

use super::{Ledger, READ_AT_ONCE, account_of, after, row};

/// So often the ledger is read again that was written to meanwhile.
const READS_MAX: usize = 8;

/// Balances of every organizer's business, by organizer.
pub type OfOrganizers = BTreeMap<u128, Balances>;

/// The whole ledger. What is not sound of it is to be seen in it: stored balances that are not what the entries come to, or another number of
/// marks than of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// As they are stored.
    pub stored: OfOrganizers,
    /// What the entries come to.
    pub entered: OfOrganizers,
    /// How many entries there are.
    pub entries: u64,
    /// Entries without a mark: a cause that is repeated would enter them again.
    pub unmarked: u64,
    /// How many marks there are: more than entries where entries are lost.
    pub marks: u64,
}

impl Ledger {
    /// Read all of it; `None`: it changes faster than it is read.
    ///
    /// # Errors
    /// As the table says; an entry that does not sum to zero is damaged.
    pub async fn books(&self) -> Result<Option<Books>, StoreError> {
        let mut stored = self.stored().await?;
        for _ in 0..READS_MAX {
            let mut books = Books::default();
            self.enter(&mut books).await?;
            let (begin, end) = LedgerMarkKey::range_of_all();
            self.each_page((begin, end), |rows| {
                books.marks += rows.len() as u64;
                Ok(())
            })
            .await?;
            let after = self.stored().await?;
            if after == stored {
                return Ok(Some(Books { stored, ..books }));
            }
            stored = after;
        }
        Ok(None)
    }

    /// The balances as they are stored, of every organizer, all read at one version.
    async fn stored(&self) -> Result<OfOrganizers, StoreError> {
        let mut stored = OfOrganizers::new();
        let mut snapshot = self.snapshot().await?;
        let take = |key: LedgerBalanceKey, sum| {
            stored.entry(key.organizer).or_default().add(key.currency, account_of(&key)?, sum);
            Ok(())
        };
        snapshot.each_balance(LedgerBalanceKey::range_of_all(), take).await?;
        Ok(stored)
    }

    /// Every entry, and whether it is marked.
    async fn enter(&self, books: &mut Books) -> Result<(), StoreError> {
        let (mut begin, end) = LedgerEntryKey::range_of_all();
        loop {
            let mut transaction = self.table.begin().await?;
            let rows = transaction.range(&begin, &end, READ_AT_ONCE, false).await?;
            for (key, value) in &rows {
                let key = LedgerEntryKey::unpack(key)?;
                let entry = row::decode(&key, value)?;
                books.entered.entry(key.organizer).or_default().post(&entry);
                books.entries += 1;
                let mark = LedgerMarkKey { id: key.id }.pack();
                if transaction.get(&mark).await?.is_none() {
                    books.unmarked += 1;
                }
            }
            match rows.last() {
                Some((last, _)) if rows.len() == READ_AT_ONCE => begin = after(last),
                _ => return Ok(()),
            }
        }
    }

    /// Rows of a range page by page, each in a transaction of its own.
    async fn each_page(
        &self,
        (mut begin, end): (Vec<u8>, Vec<u8>),
        mut take: impl FnMut(&[Row]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        loop {
            let rows = self.table.begin().await?.range(&begin, &end, READ_AT_ONCE, false).await?;
            take(&rows)?;
            match rows.last() {
                Some((last, _)) if rows.len() == READ_AT_ONCE => begin = after(last),
                _ => return Ok(()),
            }
        }
    }
}

impl Books {
    /// What is not sound of it, a finding a sentence; `name` says an organizer's name.
    #[must_use]
    pub fn findings(&self, name: impl Fn(u128) -> String) -> Vec<String> {
        let mut findings = Vec::new();
        let organizers =
            self.stored.keys().chain(self.entered.keys().filter(|id| !self.stored.contains_key(id)));
        let nothing = Balances::default();
        for organizer in organizers {
            let stored = self.stored.get(organizer).unwrap_or(&nothing);
            let entered = self.entered.get(organizer).unwrap_or(&nothing);
            let text = |currency: [u8; 3]| String::from_utf8_lossy(&currency).into_owned();
            for (currency, sum) in stored.trial().into_iter().filter(|(_, sum)| *sum != 0) {
                let (name, currency) = (name(*organizer), text(currency));
                findings.push(format!("{name}: the balances in {currency} sum to {sum} instead of zero"));
            }
            let only_entered = entered.iter().filter(|&(currency, account, _)| {
                !stored.iter().any(|(other, known, _)| (other, known) == (currency, account))
            });
            for (currency, account, _) in stored.iter().chain(only_entered) {
                let sums = (stored.balance(currency, account), entered.balance(currency, account));
                if sums.0 != sums.1 {
                    let (name, currency) = (name(*organizer), text(currency));
                    let (kind, detail) = (account.kind.name(), account.detail);
                    let account =
                        if account.kind.has_detail() { format!("{kind} {detail}") } else { kind.to_owned() };
                    findings.push(format!(
                        "{name}: the balance of {account} in {currency} is {}, and its entries come to {}",
                        sums.0, sums.1
                    ));
                }
            }
        }
        if self.unmarked > 0 {
            findings.push(format!("{} entries have no mark, and could be entered again", self.unmarked));
        }
        if self.marks > self.entries {
            findings.push(format!("{} entries that were made are lost", self.marks - self.entries));
        }
        findings
    }

    /// What all accounts come to, those of one kind and detail of all organizers together.
    #[must_use]
    pub fn together(&self) -> Balances {
        let mut together = Balances::default();
        for (currency, account, sum) in self.stored.values().flat_map(Balances::iter) {
            together.add(currency, Account { of: 0, ..account }, sum);
        }
        together
    }
}
