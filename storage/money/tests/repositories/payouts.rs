use std::sync::Arc;

use futures::future::BoxFuture;
use tessera_inventory::{ClaimNumber, Sequence, Timestamp};
use tessera_ledger::{Account, AccountKind, EntryId, Heading, Movement, Paid, Sale, entry};
use tessera_money::ledger::{Ledger, Truth, post_in};
use tessera_money::payouts::{Began, Ended, Payout, Payouts, State};
use tessera_store::memory::{CommitFault, MemoryStore};
use tessera_store::{CommitOutcome, Row, StoreError, Table, Transaction, transact};

use crate::{EUR, EVENT, ORGANIZER, PROVIDER, stores};

/// The organizer sold for so much by a provider, and took so much at its own till.
async fn sold(store: &MemoryStore, by_provider: i64, at_till: i64) {
    let sold = [(Paid::Provider(PROVIDER.0.get()), by_provider), (Paid::Cash, at_till)];
    let entries: Vec<_> = (1..)
        .zip(sold)
        .filter_map(|(sequence, (by, total))| {
            let heading = Heading {
                id: EntryId::of_log(EVENT, Sequence(sequence)),
                at: Timestamp(1),
                organizer: ORGANIZER,
                currency: EUR,
                order: Some((EVENT, ClaimNumber(3))),
            };
            entry(heading, &Movement::Sold { by, sale: Sale::plain(total) }).unwrap()
        })
        .collect();
    let (table, entries): (&dyn Table, _) = (store, &entries);
    transact(table, |mut transaction| async move {
        post_in(transaction.as_mut(), Truth::Log, entries).await?;
        Ok((transaction, ()))
    })
    .await
    .unwrap();
}

fn payout(id: u128, amount_minor: i64) -> Payout {
    Payout {
        organizer: ORGANIZER,
        id,
        amount_minor,
        currency: EUR,
        provider: PROVIDER,
        through: Timestamp(9),
        begun_at: Timestamp(10),
        state: State::Begun,
        ended_at: None,
        fingerprint: 0,
    }
}

async fn balance(ledger: &Ledger, kind: AccountKind) -> i128 {
    let balances = ledger.balances(ORGANIZER).await.unwrap();
    assert!(balances.trial().values().all(|sum| *sum == 0));
    balances.balance(EUR, Account::of_organizer(kind, ORGANIZER))
}

#[tokio::test]
async fn an_organizer_is_paid_what_it_is_owed_and_no_more() {
    let (store, _, ledger) = stores();
    let payouts = Payouts::new(Arc::new(store.clone()));
    sold(&store, 1_000, 400).await;
    // The key of the request is as the id here; a retry comes with another id.
    let begin = async |payout: Payout| payouts.begin(&payout, payout.id << 48).await.unwrap();
    // What it took at its own till it has.
    assert_eq!(begin(payout(1, 1_001)).await, Began::Exceeds { owed_minor: 1_000 });
    store.inject_commit(CommitFault::UnknownApplied);
    assert_eq!(begin(payout(1, 700)).await, Began::Now);
    assert_eq!(begin(payout(1, 700)).await, Began::Now, "the same is asked again");
    assert_eq!(begin(payout(1, 300)).await, Began::Before(payout(1, 700)));
    let retried = payouts.begin(&payout(5, 700), 1 << 48).await.unwrap();
    assert_eq!(retried, Began::Before(payout(1, 700)), "the request had begun one");
    assert_eq!(payouts.list(ORGANIZER, None, 9).await.unwrap(), [payout(1, 700)]);
    assert_eq!(payouts.load(ORGANIZER, 1).await.unwrap(), Some(payout(1, 700)));
    assert_eq!(payouts.load(ORGANIZER, 5).await.unwrap(), None);
    assert_eq!(begin(payout(2, 301)).await, Began::Exceeds { owed_minor: 300 });
    assert_eq!(balance(&ledger, AccountKind::Payouts).await, -700);
    let other = Payout { currency: *b"CHF", ..payout(3, 1) };
    assert_eq!(begin(other).await, Began::Exceeds { owed_minor: 0 }, "in another currency nothing");
}

/// A store of which no transaction is committed before all that run at once have read.
struct Late(MemoryStore);

struct LateTransaction(Box<dyn Transaction>);

impl Table for Late {
    fn begin(&self) -> BoxFuture<'static, Result<Box<dyn Transaction>, StoreError>> {
        let begun = Table::begin(&self.0);
        Box::pin(async move {
            let late: Box<dyn Transaction> = Box::new(LateTransaction(begun.await?));
            Ok(late)
        })
    }
}

impl Transaction for LateTransaction {
    fn get<'a>(&'a mut self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        self.0.get(key)
    }

    fn range<'a>(
        &'a mut self,
        begin: &'a [u8],
        end: &'a [u8],
        limit: usize,
        reverse: bool,
    ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        self.0.range(begin, end, limit, reverse)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.0.set(key, value);
    }

    fn clear(&mut self, key: &[u8]) {
        self.0.clear(key);
    }

    fn clear_range(&mut self, begin: &[u8], end: &[u8]) {
        self.0.clear_range(begin, end);
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<CommitOutcome, StoreError>> {
        let LateTransaction(transaction) = *self;
        Box::pin(async move {
            tokio::task::yield_now().await;
            transaction.commit().await
        })
    }
}

#[tokio::test]
async fn of_two_payouts_at_once_of_all_that_is_owed_one_is_refused() {
    let (store, _, ledger) = stores();
    sold(&store, 1_000, 0).await;
    let payouts = Payouts::new(Arc::new(Late(store.clone())));
    let (one, other) = (payout(1, 1_000), payout(2, 1_000));
    let (first, second) = tokio::join!(payouts.begin(&one, 1 << 48), payouts.begin(&other, 2 << 48));
    let (begun, refused) = match (first.unwrap(), second.unwrap()) {
        (Began::Now, refused) => (one, refused),
        (refused, begun) => {
            assert_eq!(begun, Began::Now);
            (other, refused)
        }
    };
    assert_eq!(refused, Began::Exceeds { owed_minor: 0 });
    assert_eq!(payouts.list(ORGANIZER, None, 9).await.unwrap(), [begun]);
    assert_eq!(balance(&ledger, AccountKind::Payouts).await, -1_000);
}

#[tokio::test]
async fn a_payout_ends_once() {
    let (store, _, ledger) = stores();
    let payouts = Payouts::new(Arc::new(store.clone()));
    sold(&store, 1_000, 0).await;
    for (id, has_left, state) in [(1, false, State::Failed), (2, true, State::Done)] {
        assert_eq!(payouts.begin(&payout(id, 1_000), id << 48).await.unwrap(), Began::Now);
        let ended = Payout { state, ended_at: Some(Timestamp(20)), ..payout(id, 1_000) };
        store.inject_commit(CommitFault::UnknownApplied);
        for says in [has_left, !has_left] {
            let end = payouts.end((ORGANIZER, id), says, Timestamp(20)).await.unwrap();
            assert_eq!(end, Ended::So(ended), "the first end counts");
        }
        let owed = if has_left { 0 } else { -1_000 };
        assert_eq!(balance(&ledger, AccountKind::Payable).await, owed);
        assert_eq!(balance(&ledger, AccountKind::Payouts).await, 0);
    }
    assert_eq!(payouts.end((ORGANIZER, 3), true, Timestamp(20)).await.unwrap(), Ended::Unknown);
    let list = async |before| {
        let found = payouts.list(ORGANIZER, before, 9).await.unwrap();
        found.into_iter().map(|payout| payout.id).collect::<Vec<_>>()
    };
    assert_eq!((list(None).await, list(Some(2)).await), (vec![2, 1], vec![1]));
}
