//! The ledger: entries that are written once, and what they come to.

mod books;
mod row;

use std::collections::BTreeMap;
use std::sync::Arc;

use tessera_inventory::{EventId, Timestamp};
use tessera_ledger::{Account, AccountKind, Balances, Currency, Entry};
use tessera_store::keys::{LedgerBalanceKey, LedgerEntryKey, LedgerMarkKey, event_hash};
use tessera_store::{Row, StoreError, Table, Transaction};

use crate::mutant::{Mutant, Mutation};
use crate::read::unreadable;

pub use self::books::{Books, OfOrganizers};

/// Parts of a balance that belong to one truth: entries of different events rarely wait for each other.
const PARTS: u8 = 16;
/// Rows of balances that are read in one go.
const READ_AT_ONCE: usize = 1_000;

/// Whose truth an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// What the log of an event says.
    Log,
    /// What a provider or an administrator says.
    Provider,
}

/// The ledger, over a table.
#[derive(Clone)]
pub struct Ledger {
    table: Arc<dyn Table>,
}

/// A part of the entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In the order of time.
    pub entries: Vec<Entry>,
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<PageToken>,
}

/// Where a page of entries begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageToken(Vec<u8>);

impl Ledger {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> Ledger {
        Ledger { table }
    }

    /// The ledger as it stands now: whatever is read of it is of one version, so that no entry is half there.
    ///
    /// # Errors
    /// As the table says.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot { transaction: self.table.begin().await? })
    }

    /// What the accounts of an organizer's business come to.
    ///
    /// # Errors
    /// As the table says.
    pub async fn balances(&self, organizer: u128) -> Result<Balances, StoreError> {
        self.snapshot().await?.balances(organizer).await
    }

    /// What all accounts come to, of all organizers.
    ///
    /// # Errors
    /// As the table says.
    pub async fn all_balances(&self) -> Result<Balances, StoreError> {
        self.snapshot().await?.summed(LedgerBalanceKey::range_of_all()).await
    }
}

/// The ledger at one version, for as long as the table lets a transaction read: over FoundationDB five seconds.
pub struct Snapshot {
    transaction: Box<dyn Transaction>,
}

impl Snapshot {
    /// Up to `limit` entries of an organizer in a currency from a time on and before another, the first first, or from where a page before ended.
    ///
    /// # Errors
    /// As the table says.
    pub async fn entries(
        &mut self,
        (organizer, currency): (u128, Currency),
        (from, until): (Timestamp, Timestamp),
        page: Option<PageToken>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let (first, end) = LedgerEntryKey::range(organizer, currency, from, until);
        let begin = page.map_or(first, |PageToken(begin)| begin);
        let rows = self.transaction.range(&begin, &end, limit, false).await?;
        let next = (rows.len() == limit).then(|| rows.last().map(|(key, _)| after(key))).flatten();
        let entry = |(key, row): &Row| row::decode(&LedgerEntryKey::unpack(key)?, row);
        Ok(Page { entries: rows.iter().map(entry).collect::<Result<_, _>>()?, next: next.map(PageToken) })
    }

    /// What the accounts of an organizer's business come to.
    ///
    /// # Errors
    /// As the table says.
    pub async fn balances(&mut self, organizer: u128) -> Result<Balances, StoreError> {
        self.summed(LedgerBalanceKey::range(organizer)).await
    }

    /// What rows of balances come to.
    async fn summed(&mut self, range: (Vec<u8>, Vec<u8>)) -> Result<Balances, StoreError> {
        let mut balances = Balances::default();
        self.each_balance(range, |key, sum| {
            balances.add(key.currency, account_of(&key)?, sum);
            Ok(())
        })
        .await?;
        Ok(balances)
    }

    /// Rows of balances.
    async fn each_balance(
        &mut self,
        (mut begin, end): (Vec<u8>, Vec<u8>),
        mut take: impl FnMut(LedgerBalanceKey, i128) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        loop {
            let rows = self.transaction.range(&begin, &end, READ_AT_ONCE, false).await?;
            for (key, value) in &rows {
                take(LedgerBalanceKey::unpack(key)?, LedgerBalanceKey::decode(value)?)?;
            }
            match rows.last() {
                Some((last, _)) if rows.len() == READ_AT_ONCE => begin = after(last),
                _ => return Ok(()),
            }
        }
    }
}

fn account_of(key: &LedgerBalanceKey) -> Result<Account, StoreError> {
    let kind = AccountKind::of(key.account).ok_or_else(|| unreadable("balances"))?;
    Ok(Account { kind, of: key.of, detail: key.detail })
}

/// Write entries in a transaction that has other effects: those that are not there yet.
///
/// # Errors
/// As the transaction says.
pub async fn post_in(
    transaction: &mut dyn Transaction,
    truth: Truth,
    entries: &[Entry],
) -> Result<(), StoreError> {
    post_with(transaction, truth, entries, Mutation::default()).await
}

/// See [`post_in`].
pub(crate) async fn post_with(
    transaction: &mut dyn Transaction,
    truth: Truth,
    entries: &[Entry],
    mutation: Mutation,
) -> Result<(), StoreError> {
    let mut sums = BTreeMap::<Vec<u8>, i128>::new();
    transaction.read_ahead(entries.iter().map(mark_of).collect()).await?;
    for entry in entries {
        let heading = &entry.heading;
        let mark = mark_of(entry);
        let is_there = transaction.get(&mark).await?.is_some();
        if is_there && !mutation.is(Mutant::BookedAgain) {
            continue;
        }
        transaction.set(&mark, &[]);
        let (organizer, currency) = (heading.organizer, heading.currency);
        let key = LedgerEntryKey { organizer, currency, at: heading.at, id: heading.id.0 };
        transaction.set(&key.pack(), &row::encode(entry));
        let part = part(truth, heading.order.map(|(event, _)| event));
        for posting in entry.postings() {
            let Account { kind, of, detail } = posting.account;
            let account = kind.number();
            let key = LedgerBalanceKey { organizer, currency, account, of, detail, part };
            *sums.entry(key.pack()).or_default() += i128::from(posting.amount_minor);
        }
    }
    sums.retain(|_, amount_minor| *amount_minor != 0);
    transaction.read_ahead(sums.keys().cloned().collect()).await?;
    for (key, amount_minor) in sums {
        let stored = transaction.get(&key).await?;
        let stored = stored.map_or(Ok(0), |value| LedgerBalanceKey::decode(&value))?;
        transaction.set(&key, &(stored + amount_minor).to_be_bytes());
    }
    Ok(())
}

fn mark_of(entry: &Entry) -> Vec<u8> {
    LedgerMarkKey { id: entry.heading.id.0 }.pack()
}

/// What an account comes to in a transaction, in minor units.
pub(crate) async fn balance_in(
    transaction: &mut dyn Transaction,
    (organizer, currency): (u128, Currency),
    account: Account,
) -> Result<i128, StoreError> {
    let Account { kind, of, detail } = account;
    let key = LedgerBalanceKey { organizer, currency, account: kind.number(), of, detail, part: 0 };
    let (begin, end) = key.range_of_account();
    let rows = transaction.range(&begin, &end, usize::from(2 * PARTS), false).await?;
    rows.iter().map(|(_, value)| LedgerBalanceKey::decode(value)).sum()
}

/// The part of a balance that an entry is counted in: whoever follows the log and the desk of one event do not conflict, nor do most events.
fn part(truth: Truth, event: Option<EventId>) -> u8 {
    let of_event = event.map_or(0, |event| {
        let [.., last] = event_hash(event).to_be_bytes();
        last % PARTS
    });
    match truth {
        Truth::Log => of_event,
        Truth::Provider => PARTS + of_event,
    }
}

fn after(key: &[u8]) -> Vec<u8> {
    [key, &[0x00]].concat()
}
