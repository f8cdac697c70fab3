use tessera_inventory::{ClaimNumber, EventId, Timestamp};
use tessera_ledger::{Account, AccountKind, Entry, EntryId, Heading, Movement, entry};
use tessera_money::ledger::{Truth, post_in};
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
        let page = ledger.books().await.unwrap().entries((ORGANIZER, EUR), time, None, 9).await.unwrap();
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
        let read = ledger.books().await.unwrap().entries((ORGANIZER, EUR), time, page, 3).await.unwrap();
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
