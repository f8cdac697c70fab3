//! What an organizer is owed, entry by entry, and what all accounts come to.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};
use serde::{Deserialize, Serialize};
use tessera_actors::NotExecuted;
use tessera_inventory::Timestamp;
use tessera_ledger::{Account, Currency, Entry, FactKind};
use tessera_money::ledger::{Ledger, Page, PageToken, Snapshot};
use tessera_store::StoreError;
use utoipa::ToSchema;

use super::terms::own_organizer;
use crate::accept::prefers;
use crate::call::Call;
use crate::caller::{EventsRead, Organizer};
use crate::code::Code;
use crate::ids::{self, IdText, Kind};
use crate::instant::{Rfc3339, parse};
use crate::limits::RETRY_AFTER_S;
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;

/// Entries of a statement, unless more happened in its last millisecond; then the next one goes on.
const ENTRIES_MAX: usize = 10_000;
/// Entries that are read at once.
const READ_AT_ONCE: usize = 1_000;
/// Times that entries are read until the books stay as they are meanwhile; more than once only where that takes longer than the store keeps a version.
const READS_MAX: usize = 8;

/// What one account holds, or what moves on it: debit positive.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct AccountAmount {
    account: &'static str,
    /// The number of a provider, or the position of a tax; absent for other accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<u16>,
    /// Minor units.
    amount: i64,
}

/// An entry: its postings sum to zero.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatementEntry {
    at: Rfc3339,
    fact: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    event: Option<IdText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    order: Option<IdText>,
    postings: Vec<AccountAmount>,
}

/// What happened to the money of an organizer's events in a time.
#[derive(Serialize, ToSchema)]
pub(crate) struct Statement {
    organizer: IdText,
    currency: String,
    from: Rfc3339,
    until: Rfc3339,
    opening: Vec<AccountAmount>,
    entries: Vec<StatementEntry>,
    closing: Vec<AccountAmount>,
    /// There is more than one statement holds: it ends at `until`, and the next one begins there, as its `from`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_from: Option<Rfc3339>,
}

/// What all accounts of a currency come to.
#[derive(Serialize, ToSchema)]
pub(crate) struct Trial {
    currency: String,
    accounts: Vec<AccountAmount>,
    /// 0, or an entry is missing.
    sum: i64,
}

/// What all accounts of the installation come to.
#[derive(Serialize, ToSchema)]
pub(crate) struct TrialBalance {
    items: Vec<Trial>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    currency: String,
    from: String,
    until: Option<String>,
}

type Sums = BTreeMap<Account, i128>;

/// `GET /v1/organizers/{organizer}/statements`
pub(crate) async fn read(call: Call, caller: Organizer<EventsRead>) -> Answer {
    let organizer = own_organizer(&call, caller)?;
    let query: Query = call.query()?;
    let currency = currency_of("currency", &query.currency)?;
    let instant = |name: &'static str, text: &str| {
        let message = "an RFC 3339 instant of 1970 or later, such as 2027-01-01T10:00:00Z";
        parse(text).ok_or_else(|| Problem::field(Code::InvalidValue, name, message))
    };
    let from = instant("from", &query.from)?;
    let now = call.gateway().environment.clock.wall();
    let until = query.until.as_deref().map(|text| instant("until", text)).transpose()?.unwrap_or(now);
    if until < from {
        return Err(Problem::field(Code::OutOfRange, "until", "not before from"));
    }
    // All that came later is read, too: as much work as the largest documents.
    let _permit = call.download_permit(Some(caller.principal()), true)?;
    let closed = closed(&call.gateway().ledger, (organizer, currency), (from, until)).await;
    let closed = closed.map_err(|error| problem::store(&error))?;
    let (closing, Stretch { entries, next }) = closed.ok_or_else(restless)?;
    let mut opening = closing.clone();
    entries.iter().for_each(|entry| take_off(&mut opening, entry));
    let statement = Statement {
        organizer: IdText::new(Kind::Organizer, organizer),
        currency: query.currency,
        from: Rfc3339(from),
        until: Rfc3339(next.unwrap_or(until)),
        opening: amounts(&opening),
        entries: entries.iter().map(|entry| shown(&call, entry)).collect(),
        closing: amounts(&closing),
        next_from: next.map(Rfc3339),
    };
    if prefers(&call.request, "text/csv") {
        Ok(csv(&statement))
    } else {
        render::read(call.headers(), &statement)
    }
}

/// The currency that stands at `path` of a request.
pub(super) fn currency_of(path: &'static str, text: &str) -> Result<Currency, Problem> {
    Currency::try_from(text.as_bytes())
        .ok()
        .filter(|letters| letters.iter().all(u8::is_ascii_uppercase))
        .ok_or_else(|| Problem::field(Code::InvalidValue, path, "three capital letters, such as EUR"))
}

fn restless() -> Problem {
    Problem::new(Code::NotExecuted, "the books change faster than they are read; try again")
        .with("reason", NotExecuted::GaveUp.name())
        .retry_after(RETRY_AFTER_S)
}

/// Entries that were read, and where they end.
struct Stretch {
    entries: Vec<Entry>,
    /// There are more from here on.
    next: Option<Timestamp>,
}

/// What the accounts came to at the end of the stretch from `from` on that ends at `until` or where a statement is full. Balances are those of now: what
/// came later is taken off, all read at one version, or at several between which the balances stay. `None`: they never stay for so long.
async fn closed(
    ledger: &Ledger,
    of: (u128, Currency),
    (from, until): (Timestamp, Timestamp),
) -> Result<Option<(Sums, Stretch)>, StoreError> {
    for _ in 0..READS_MAX {
        let mut reading = Reading { ledger, snapshot: ledger.snapshot().await?, is_mixed: false };
        let balances = reading.snapshot.balances(of.0).await?;
        let mut sums: Sums = balances
            .iter()
            .filter(|(currency, ..)| *currency == of.1)
            .map(|(_, account, sum)| (account, sum))
            .collect();
        let mut stretch = Stretch { entries: Vec::new(), next: None };
        each(&mut reading, of, (from, until), |entry| stretch.take(entry)).await?;
        let end = stretch.next.unwrap_or(until);
        each(&mut reading, of, (end, Timestamp(u64::MAX)), |entry| {
            take_off(&mut sums, &entry);
            true
        })
        .await?;
        if !reading.is_mixed || ledger.balances(of.0).await? == balances {
            return Ok(Some((sums, stretch)));
        }
    }
    Ok(None)
}

/// Reads the books at one version for as long as the store keeps that, and goes on at a newer one.
struct Reading<'a> {
    ledger: &'a Ledger,
    snapshot: Snapshot,
    /// Not all was read at one version.
    is_mixed: bool,
}

impl Reading<'_> {
    async fn page(
        &mut self,
        of: (u128, Currency),
        time: (Timestamp, Timestamp),
        page: Option<PageToken>,
    ) -> Result<Page, StoreError> {
        match self.snapshot.entries(of, time, page.clone(), READ_AT_ONCE).await {
            Err(StoreError::Outdated { .. }) => {
                self.snapshot = self.ledger.snapshot().await?;
                self.is_mixed = true;
                self.snapshot.entries(of, time, page, READ_AT_ONCE).await
            }
            read => read,
        }
    }
}

impl Stretch {
    /// Whether there is room for more. What happened in one millisecond stays together.
    fn take(&mut self, entry: Entry) -> bool {
        let at = entry.heading.at;
        let is_full = self.entries.len() >= ENTRIES_MAX;
        if is_full && self.entries.last().is_some_and(|last| last.heading.at != at) {
            self.next = Some(at);
            return false;
        }
        self.entries.push(entry);
        true
    }
}

/// Gives every entry of a time, until it is enough.
async fn each(
    reading: &mut Reading<'_>,
    of: (u128, Currency),
    time: (Timestamp, Timestamp),
    mut take: impl FnMut(Entry) -> bool,
) -> Result<(), StoreError> {
    let mut page: Option<PageToken> = None;
    loop {
        let read = reading.page(of, time, page.take()).await?;
        if !read.entries.into_iter().all(&mut take) {
            return Ok(());
        }
        match read.next {
            Some(next) => page = Some(next),
            None => return Ok(()),
        }
    }
}

fn take_off(sums: &mut Sums, entry: &Entry) {
    for posting in entry.postings() {
        *sums.entry(posting.account).or_default() -= i128::from(posting.amount_minor);
    }
}

fn amounts(sums: &Sums) -> Vec<AccountAmount> {
    let not_zero = sums.iter().filter(|(_, sum)| **sum != 0);
    not_zero.map(|(account, sum)| amount(*account, i64::try_from(*sum).unwrap_or(i64::MAX))).collect()
}

fn amount(account: Account, amount: i64) -> AccountAmount {
    let detail = account.kind.has_detail().then_some(account.detail);
    AccountAmount { account: account.kind.name(), detail, amount }
}

fn shown(call: &Call, entry: &Entry) -> StatementEntry {
    let order = entry.heading.order;
    StatementEntry {
        at: Rfc3339(entry.heading.at),
        fact: fact_name(entry.fact),
        event: order.map(|(event, _)| ids::event(event)),
        order: order.map(|(event, order)| call.tag(event).order(order)),
        postings: entry.postings().iter().map(|one| amount(one.account, one.amount_minor)).collect(),
    }
}

/// A line a posting; opening and closing balances stand around them.
fn csv(statement: &Statement) -> HttpResponse {
    let mut text = "at,fact,event,order,account,detail,amount,currency\r\n".to_owned();
    let mut line = |at: &Rfc3339, fact: &str, of: (Option<IdText>, Option<IdText>), one: &AccountAmount| {
        let id = |id: Option<IdText>| id.map(|id| id.to_string()).unwrap_or_default();
        let detail = one.detail.map(|detail| detail.to_string()).unwrap_or_default();
        let (event, order) = (id(of.0), id(of.1));
        // Writing to a text cannot fail; no part has a comma or a quote.
        let _ = write!(
            text,
            "{at},{fact},{event},{order},{},{detail},{},{}\r\n",
            one.account, one.amount, statement.currency
        );
    };
    statement.opening.iter().for_each(|one| line(&statement.from, "opening", (None, None), one));
    for entry in &statement.entries {
        let of = (entry.event, entry.order);
        entry.postings.iter().for_each(|one| line(&entry.at, entry.fact, of, one));
    }
    statement.closing.iter().for_each(|one| line(&statement.until, "closing", (None, None), one));
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((header::VARY, HeaderValue::from_static("Accept")))
        .body(text)
}

/// `GET /v1/trial-balance`
pub(crate) async fn trial(call: Call) -> Answer {
    let balances = call.gateway().ledger.all_balances().await.map_err(|error| problem::store(&error))?;
    let mut by_currency: BTreeMap<Currency, Sums> = BTreeMap::new();
    for (currency, account, sum) in balances.iter() {
        // Those of all organizers together.
        let account = Account { of: 0, ..account };
        *by_currency.entry(currency).or_default().entry(account).or_default() += sum;
    }
    let trial = |(currency, sums): (Currency, Sums)| Trial {
        currency: String::from_utf8_lossy(&currency).into_owned(),
        accounts: amounts(&sums),
        sum: i64::try_from(sums.values().sum::<i128>()).unwrap_or(i64::MAX),
    };
    render::read(call.headers(), &TrialBalance { items: by_currency.into_iter().map(trial).collect() })
}

const fn fact_name(fact: FactKind) -> &'static str {
    match fact {
        FactKind::Sold => "sold",
        FactKind::Captured => "captured",
        FactKind::FeeKnown => "fee_known",
        FactKind::NeverSold => "never_sold",
        FactKind::Unpaid => "unpaid",
        FactKind::RefundWanted => "refund_wanted",
        FactKind::RefundDone => "refund_done",
        FactKind::RefundByHand => "refund_by_hand",
        FactKind::DisputeOpened => "dispute_opened",
        FactKind::DisputeWon => "dispute_won",
        FactKind::DisputeLost => "dispute_lost",
        FactKind::PayoutBegun => "payout_begun",
        FactKind::PayoutDone => "payout_done",
        FactKind::PayoutFailed => "payout_failed",
        FactKind::RefundMoot => "refund_moot",
        FactKind::RefundCameBack => "refund_came_back",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures::future::BoxFuture;
    use tessera_ledger::{AccountKind, EntryId, Heading, Movement, entry};
    use tessera_money::ledger::{Truth, post_in};
    use tessera_store::memory::MemoryStore;
    use tessera_store::{CommitOutcome, Row, Table, Transaction, transact};

    use super::*;

    const EUR: Currency = *b"EUR";

    fn captured(number: u64, at: u64) -> Entry {
        let id = EntryId(number.into());
        let heading = Heading { id, at: Timestamp(at), organizer: 1, currency: EUR, order: None };
        entry(heading, &Movement::Captured { provider: 1, amount_minor: 5 }).unwrap().unwrap()
    }

    async fn post(table: &dyn Table, entry: Entry) {
        let entries = &[entry];
        transact(table, |mut transaction| async move {
            post_in(transaction.as_mut(), Truth::Provider, entries).await?;
            Ok((transaction, ()))
        })
        .await
        .unwrap();
    }

    /// A store that keeps a version for two reads only. While `changes` last, each transaction that begins finds one more entry.
    struct Forgetful {
        store: MemoryStore,
        changes: AtomicU64,
    }

    struct Brief {
        transaction: Box<dyn Transaction>,
        reads: usize,
    }

    impl Table for Forgetful {
        fn begin(&self) -> BoxFuture<'static, Result<Box<dyn Transaction>, StoreError>> {
            let change =
                self.changes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            let store = self.store.clone();
            Box::pin(async move {
                if let Ok(left) = change {
                    post(&store, captured(1_000 + left, 30)).await;
                }
                let brief: Box<dyn Transaction> =
                    Box::new(Brief { transaction: Table::begin(&store).await?, reads: 2 });
                Ok(brief)
            })
        }
    }

    impl Transaction for Brief {
        fn get<'a>(&'a mut self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
            self.transaction.get(key)
        }

        fn range<'a>(
            &'a mut self,
            begin: &'a [u8],
            end: &'a [u8],
            limit: usize,
            reverse: bool,
        ) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
            if self.reads == 0 {
                let outdated = StoreError::Outdated { reason: "two reads are over".to_owned() };
                return Box::pin(std::future::ready(Err(outdated)));
            }
            self.reads -= 1;
            self.transaction.range(begin, end, limit, reverse)
        }

        fn set(&mut self, key: &[u8], value: &[u8]) {
            self.transaction.set(key, value);
        }

        fn clear(&mut self, key: &[u8]) {
            self.transaction.clear(key);
        }

        fn clear_range(&mut self, begin: &[u8], end: &[u8]) {
            self.transaction.clear_range(begin, end);
        }

        fn commit(self: Box<Self>) -> BoxFuture<'static, Result<CommitOutcome, StoreError>> {
            self.transaction.commit()
        }
    }

    /// What a provider has at the end of a statement of one entry with one later, while the books change so often.
    async fn closing(changes: u64) -> Option<i128> {
        let store = MemoryStore::new();
        post(&store, captured(1, 5)).await;
        post(&store, captured(2, 20)).await;
        let ledger = Ledger::new(Arc::new(Forgetful { store, changes: AtomicU64::new(changes) }));
        let closed = closed(&ledger, (1, EUR), (Timestamp(0), Timestamp(10))).await.unwrap();
        closed.map(|(sums, stretch)| {
            assert_eq!((stretch.entries.len(), stretch.next), (1, None));
            sums[&Account::with_provider(AccountKind::Provider, 1)]
        })
    }

    #[tokio::test]
    async fn a_statement_that_takes_longer_than_a_version_is_kept_is_read_until_the_books_stay() {
        for changes in [0, 1, 2, 3, 7] {
            assert_eq!(closing(changes).await, Some(5), "{changes} changes");
        }
        assert_eq!(closing(1_000).await, None, "they never stay");
    }

    #[test]
    fn a_full_statement_ends_between_two_milliseconds_and_says_where_the_next_begins() {
        let full = ENTRIES_MAX as u64;
        // The last millisecond that fits has three more than there is room for.
        let times = (0..full).chain([full - 1; 3]).chain([full + 7, full + 8]);
        let mut stretch = Stretch { entries: Vec::new(), next: None };
        let mut entries = (0..).zip(times).map(|(number, at)| captured(number, at));
        assert!(!entries.all(|entry| stretch.take(entry)));
        assert_eq!(stretch.entries.len(), ENTRIES_MAX + 3);
        assert_eq!(stretch.next, Some(Timestamp(full + 7)));
    }
}
