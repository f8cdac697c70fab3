use tessera_inventory::{ClaimNumber, EventId, Timestamp};
use tessera_ledger::{Account, AccountKind, Entry, EntryId, Heading, Movement, entry};
use tessera_money::ledger::{Truth, post_in};
use tessera_store::keys::{LedgerBalanceKey, LedgerEntryKey, LedgerMarkKey};
use tessera_store::memory::{CommitFault, MemoryStore};
use tessera_store::{StoreError, Table, transact};

use crate::{EUR, ORGANIZER, PROVIDER, stores};

fn captured(number: u64, organizer: u128, currency: [u8; 3], amount_minor: i64) -> Entry {
    let heading = Heading {
        id: EntryId(u128::from(number)),
        at: Timestamp(number),
        organizer,
        currency,
        order: Some((EventId(u128::from(number)), ClaimNumber(1))),
    };
    entry(heading, &Movement::Captured { provider: PROVIDER.0.get(), amount_minor }).unwrap().unwrap()
}

async fn post(store: &MemoryStore, truth: Truth, entries: &[Entry]) -> Result<(), StoreError> {
    let table: &dyn Table = store;
    transact(table, |mut transaction| async move {
        post_in(transaction.as_mut(), truth, entries).await?;
        Ok((transaction, ()))
    })
    .await
}

#[tokio::test]
async fn an_entry_is_there_once_and_counted_once() {
    for fault in [CommitFault::Conflict, CommitFault::UnknownApplied, CommitFault::UnknownNotApplied] {
        let (store, _, ledger) = stores();
        let entries = [captured(1, ORGANIZER, EUR, 100), captured(2, ORGANIZER, EUR, 20)];
        store.inject_commit(fault);
        post(&store, Truth::Provider, &entries).await.unwrap();
        post(&store, Truth::Log, &entries[1..]).await.unwrap();
        let of = |kind| Account::with_provider(kind, PROVIDER.0.get());
        let balances = ledger.balances(ORGANIZER).await.unwrap();
        assert_eq!(balances.balance(EUR, of(AccountKind::Provider)), 120);
        assert_eq!(balances.balance(EUR, of(AccountKind::InFlight)), -120);
        let time = (Timestamp(0), Timestamp(9));
        let page = ledger.snapshot().await.unwrap().entries((ORGANIZER, EUR), time, None, 9).await.unwrap();
        assert_eq!((page.entries, page.next), (entries.to_vec(), None));
    }
}

#[tokio::test]
async fn whatever_is_posted_at_once_is_counted() {
    let (store, _, ledger) = stores();
    let entries: Vec<_> = (1..=40).map(|number| captured(number, ORGANIZER, EUR, 1)).collect();
    let (log, provider) = entries.split_at(20);
    let post_all = async |truth, entries: &[Entry]| {
        for entry in entries {
            post(&store, truth, std::slice::from_ref(entry)).await.unwrap();
        }
    };
    tokio::join!(
        post_all(Truth::Log, log),
        post_all(Truth::Provider, provider),
        post_all(Truth::Provider, log)
    );
    let balances = ledger.all_balances().await.unwrap();
    let provider = Account::with_provider(AccountKind::Provider, PROVIDER.0.get());
    assert_eq!(balances.balance(EUR, provider), 40);
    assert!(balances.trial().values().all(|sum| *sum == 0));
}

#[tokio::test]
async fn a_statement_has_one_organizer_one_currency_and_its_time_page_by_page() {
    let (store, _, ledger) = stores();
    let mut entries: Vec<_> = (1..=9).map(|number| captured(number, ORGANIZER, EUR, 1)).collect();
    entries.extend([captured(20, ORGANIZER, *b"CHF", 7), captured(21, 8, EUR, 9)]);
    post(&store, Truth::Provider, &entries).await.unwrap();
    let (mut found, mut page) = (Vec::new(), None);
    for _ in 0..4 {
        let time = (Timestamp(2), Timestamp(9));
        let read = ledger.snapshot().await.unwrap().entries((ORGANIZER, EUR), time, page, 3).await.unwrap();
        found.extend(read.entries);
        page = read.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!(found, entries[1..8]);
    let trial = ledger.all_balances().await.unwrap().trial();
    assert_eq!(trial.into_iter().collect::<Vec<_>>(), [(*b"CHF", 0), (EUR, 0)]);
    let own = ledger.balances(8).await.unwrap();
    assert_eq!(own.balance(EUR, Account::with_provider(AccountKind::Provider, PROVIDER.0.get())), 9);
}

/// What is said of the books after a row was set, or removed.
async fn said_after(key: &[u8], value: Option<&[u8]>) -> Vec<String> {
    let (store, _, ledger) = stores();
    let entries = [captured(1, ORGANIZER, EUR, 100), captured(2, 8, *b"CHF", 20)];
    post(&store, Truth::Provider, &entries).await.unwrap();
    let table: &dyn Table = &store;
    transact(table, |mut transaction| async move {
        match value {
            Some(value) => transaction.set(key, value),
            None => transaction.clear(key),
        }
        Ok((transaction, ()))
    })
    .await
    .unwrap();
    ledger.books().await.unwrap().unwrap().findings(|organizer| format!("organizer {organizer}"))
}

#[tokio::test]
async fn books_whose_balances_are_not_those_of_their_entries_are_not_sound() {
    let (store, _, ledger) = stores();
    assert_eq!(ledger.books().await.unwrap().unwrap().findings(|_| String::new()), [""; 0], "empty books");
    let entries: Vec<_> = (1..=2_100).map(|number| captured(number, ORGANIZER, EUR, 1)).collect();
    for entries in entries.chunks(100) {
        post(&store, Truth::Provider, entries).await.unwrap();
    }
    let books = ledger.books().await.unwrap().unwrap();
    assert_eq!((books.entries, books.marks, books.findings(|_| String::new()).len()), (2_100, 2_100, 0));
    let provider = Account::with_provider(AccountKind::Provider, PROVIDER.0.get());
    assert_eq!(books.together().balance(EUR, provider), 2_100);
    // The part of event 1, by whoever wrote it.
    let account = AccountKind::Provider.number();
    let part = balance_part(account).await;
    let wrong = [
        "organizer 7: the balances in EUR sum to 1 instead of zero",
        "organizer 7: the balance of provider 2 in EUR is 101, and its entries come to 100",
    ];
    assert_eq!(said_after(&part, Some(&101_i128.to_be_bytes()[..])).await, wrong);
    let entry = LedgerEntryKey { organizer: ORGANIZER, currency: EUR, at: Timestamp(1), id: 1 }.pack();
    let lost = said_after(&entry, None).await;
    assert_eq!(lost.len(), 3, "two balances without entries, and a mark: {lost:?}");
    assert_eq!(lost[2], "1 entries that were made are lost");
    let mark = LedgerMarkKey { id: 1 }.pack();
    let unmarked = ["1 entries have no mark, and could be entered again"];
    assert_eq!(said_after(&mark, None).await, unmarked);
}

/// The key of the one part of the balance of an account of this kind that an entry of event 1 is counted in.
async fn balance_part(account: u8) -> Vec<u8> {
    let (store, ..) = stores();
    post(&store, Truth::Provider, &[captured(1, ORGANIZER, EUR, 100)]).await.unwrap();
    let (begin, end) = LedgerBalanceKey::range(ORGANIZER);
    let rows = store.begin().await.unwrap().range(&begin, &end, 9, false).await.unwrap();
    let is_it = |key: &Vec<u8>| LedgerBalanceKey::unpack(key).unwrap().account == account;
    rows.into_iter().map(|(key, _)| key).find(is_it).unwrap()
}
