//! What an organizer is owed, entry by entry, and what all accounts come to.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};
use serde::{Deserialize, Serialize};
use tessera_actors::NotExecuted;
use tessera_inventory::Timestamp;
use tessera_ledger::{Account, Balances, Currency, Entry, FactKind};
use tessera_money::ledger::PageToken;
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

/// Most entries of a statement.
const ENTRIES_MAX: usize = 10_000;
/// Entries that are read at once.
const READ_AT_ONCE: usize = 1_000;
/// So often balances are read again that changed while entries were read.
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
    let currency = Currency::try_from(query.currency.as_bytes())
        .ok()
        .filter(|letters| letters.iter().all(u8::is_ascii_uppercase))
        .ok_or_else(|| {
            Problem::field(Code::InvalidValue, "currency", "three capital letters, such as EUR")
        })?;
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
    let (closing, entries) = closed(&call, (organizer, currency), (from, until)).await?;
    let mut opening = closing.clone();
    entries.iter().for_each(|entry| take_off(&mut opening, entry));
    let statement = Statement {
        organizer: IdText::new(Kind::Organizer, organizer),
        currency: query.currency,
        from: Rfc3339(from),
        until: Rfc3339(until),
        opening: amounts(&opening),
        entries: entries.iter().map(|entry| shown(&call, entry)).collect(),
        closing: amounts(&closing),
    };
    if prefers(&call.request, "text/csv") {
        Ok(csv(&statement))
    } else {
        render::read(call.headers(), &statement)
    }
}

/// What the accounts came to at `until`, and the entries from `from` on until then. Balances are those of now: what came later is taken off.
async fn closed(
    call: &Call,
    of: (u128, Currency),
    (from, until): (Timestamp, Timestamp),
) -> Result<(Sums, Vec<Entry>), Problem> {
    let ledger = &call.gateway().ledger;
    let balances = async || -> Result<Balances, Problem> {
        ledger.balances(of.0).await.map_err(|error| problem::store(&error))
    };
    let mut known = balances().await?;
    for _ in 0..READS_MAX {
        let mut sums: Sums = known
            .iter()
            .filter(|(currency, ..)| *currency == of.1)
            .map(|(_, account, sum)| (account, sum))
            .collect();
        let mut entries = Vec::new();
        each(call, of, (from, until), |entry| {
            entries.push(entry);
            entries.len() <= ENTRIES_MAX
        })
        .await?;
        if entries.len() > ENTRIES_MAX {
            let message = format!("a time with at most {ENTRIES_MAX} entries");
            return Err(Problem::field(Code::OutOfRange, "until", message));
        }
        each(call, of, (until, Timestamp(u64::MAX)), |entry| {
            take_off(&mut sums, &entry);
            true
        })
        .await?;
        let after = balances().await?;
        if after == known {
            return Ok((sums, entries));
        }
        known = after;
    }
    Err(Problem::new(Code::NotExecuted, "the books change faster than they are read; try again")
        .with("reason", NotExecuted::GaveUp.name())
        .retry_after(RETRY_AFTER_S))
}

/// Gives every entry of a time, until it is enough.
async fn each(
    call: &Call,
    of: (u128, Currency),
    time: (Timestamp, Timestamp),
    mut take: impl FnMut(Entry) -> bool,
) -> Result<(), Problem> {
    let mut page: Option<PageToken> = None;
    loop {
        let read = call.gateway().ledger.entries(of, time, page, READ_AT_ONCE).await;
        let read = read.map_err(|error| problem::store(&error))?;
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
