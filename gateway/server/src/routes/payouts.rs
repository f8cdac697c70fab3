//! What organizers are owed, and payouts to them: a person makes them, here they are counted.

use std::borrow::Cow;
use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_inventory::Timestamp;
use tessera_ledger::{AccountKind, Currency};
use tessera_money::payouts::{Began, Ended, Payout, State};
use utoipa::ToSchema;

use super::events::mint;
use super::holds::MoneyBody;
use super::statements::currency_of;
use super::terms::{organizer_of, own_organizer};
use crate::call::Call;
use crate::caller::{EventsRead, Organizer};
use crate::code::Code;
use crate::idempotency::RequestKey;
use crate::ids::{self, IdText, Kind};
use crate::instant::Rfc3339;
use crate::json;
use crate::problem::{self, Problem};
use crate::render::{self, Mark, Money};
use crate::router::Answer;

/// A payout that leaves.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayoutRequest<'a> {
    /// At most what the organizer is owed.
    #[serde(borrow)]
    amount: MoneyBody<'a>,
    /// From whose account.
    #[serde(borrow)]
    #[schema(value_type = String)]
    provider: Cow<'a, str>,
    /// Until when it pays what was sold, as it is shown again: it bounds no amount. Absent: now.
    #[serde(default)]
    through: Option<Rfc3339>,
}

/// How a payout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PayoutState {
    Begun,
    Settled,
    Failed,
}

/// A payout.
#[derive(Serialize, ToSchema)]
#[schema(as = Payout)]
pub(crate) struct PayoutReply<'a> {
    id: IdText,
    organizer: IdText,
    amount: Money<'a>,
    /// The provider from whose account it leaves; its number where it is not set here any more.
    #[schema(value_type = String)]
    provider: Cow<'static, str>,
    through: Rfc3339,
    state: PayoutState,
    begun_at: Rfc3339,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ended_at: Option<Rfc3339>,
}

/// A page of payouts.
#[derive(Serialize, ToSchema)]
pub(crate) struct PayoutList<'a> {
    items: Vec<PayoutReply<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required)]
    next: Option<IdText>,
}

/// What an organizer is owed in a currency, in minor units.
#[derive(Serialize, ToSchema)]
pub(crate) struct Owed {
    currency: String,
    /// What may be paid out now; negative: the organizer owes it.
    owed: i64,
    /// Payouts that have begun and not ended.
    on_the_way: i64,
}

/// What an organizer is owed.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwedList {
    organizer: IdText,
    items: Vec<Owed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    cursor: Option<String>,
    limit: Option<usize>,
}

fn text(currency: &Currency) -> &str {
    std::str::from_utf8(currency).unwrap_or_default()
}

impl<'a> PayoutReply<'a> {
    fn of(call: &Call, payout: &'a Payout) -> PayoutReply<'a> {
        let name = call.gateway().platform.till().name_of(payout.provider);
        PayoutReply {
            id: IdText::new(Kind::Payout, payout.id),
            organizer: IdText::new(Kind::Organizer, payout.organizer),
            amount: Money::of(payout.amount_minor, text(&payout.currency)),
            provider: name.map_or_else(|| payout.provider.0.to_string().into(), Cow::Borrowed),
            through: Rfc3339(payout.through),
            state: match payout.state {
                State::Begun => PayoutState::Begun,
                State::Done => PayoutState::Settled,
                State::Failed => PayoutState::Failed,
            },
            begun_at: Rfc3339(payout.begun_at),
            ended_at: payout.ended_at.map(Rfc3339),
        }
    }
}

/// `GET /v1/organizers/{organizer}/balances`
pub(crate) async fn balances(call: Call, caller: Organizer<EventsRead>) -> Answer {
    let organizer = own_organizer(&call, caller)?;
    let balances = call.gateway().ledger.balances(organizer).await;
    let balances = balances.map_err(|error| problem::store(&error))?;
    let mut by_currency: BTreeMap<Currency, (i128, i128)> = BTreeMap::new();
    for (currency, account, sum) in balances.iter() {
        let (owed, on_the_way) = by_currency.entry(currency).or_default();
        match account.kind {
            AccountKind::Payable | AccountKind::Cash => *owed -= sum,
            AccountKind::Payouts => *on_the_way -= sum,
            _ => {}
        }
    }
    let minor = |sum: i128| i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX });
    let owed = |(currency, (owed, on_the_way)): (Currency, (i128, i128))| Owed {
        currency: text(&currency).to_owned(),
        owed: minor(owed),
        on_the_way: minor(on_the_way),
    };
    let items = by_currency.into_iter().map(owed).collect();
    render::read(call.headers(), &OwedList { organizer: IdText::new(Kind::Organizer, organizer), items })
}

/// `POST /v1/organizers/{organizer}/payouts`
pub(crate) async fn begin(call: Call) -> Answer {
    let organizer = organizer_of(&call)?;
    let bytes = call.command_body().await?;
    let request: PayoutRequest<'_> = json::parse(&bytes)?;
    let fingerprint = call.keys().fingerprint(call.request.path(), &bytes);
    let key = RequestKey::required(call.headers())?.on_catalogue(call.keys(), organizer, fingerprint);
    let payouts = &call.gateway().payouts;
    // What was begun is told again, whatever may be asked for by now.
    let known = payouts.begun_by(organizer, key.digest).await.map_err(|error| problem::store(&error))?;
    if let Some(known) = known {
        return begun_before(&call, &known, fingerprint);
    }
    let payout = Payout { id: mint(&call), fingerprint, ..asked(&call, organizer, &request)? };
    let begun = payouts.begin(&payout, key.digest).await;
    match begun.map_err(|error| problem::store(&error))? {
        Began::Now => begun_reply(&call, &payout, false),
        Began::Before(known) => begun_before(&call, &known, fingerprint),
        Began::Exceeds { owed_minor } => {
            let owed = serde_json::json!({"amount": owed_minor, "currency": text(&payout.currency)});
            let detail = "pay out at most what the organizer is owed now";
            Err(Problem::new(Code::PayoutExceeded, detail).with("owed", owed))
        }
    }
}

/// The answer under a key that began this payout before.
fn begun_before(call: &Call, known: &Payout, fingerprint: u64) -> Answer {
    if known.fingerprint != fingerprint {
        let detail = "this key came with another request before; use a fresh key";
        return Err(Problem::new(Code::KeyReused, detail));
    }
    begun_reply(call, known, true)
}

fn begun_reply(call: &Call, payout: &Payout, replayed: bool) -> Answer {
    render::decision(StatusCode::CREATED, Mark { replayed, receipt: None }, &PayoutReply::of(call, payout))
}

/// The payout that is asked for, without its identity.
fn asked(call: &Call, organizer: u128, request: &PayoutRequest<'_>) -> Result<Payout, Problem> {
    let MoneyBody { amount, currency } = &request.amount;
    let currency = currency_of("amount.currency", currency)?;
    // What an entry of the ledger takes.
    if !(1..=tessera_ledger::AMOUNT_MINOR_MAX).contains(amount) {
        let range = format!("1 to {}", tessera_ledger::AMOUNT_MINOR_MAX);
        return Err(Problem::field(Code::OutOfRange, "amount.amount", range));
    }
    let provider = call.gateway().platform.till().provider(&request.provider).ok_or_else(|| {
        let detail = "nobody is paid through a provider of this name here";
        Problem::field(Code::ProviderUnknown, "provider", detail)
    })?;
    let now = call.gateway().environment.clock.wall();
    let through = request.through.map_or(now, |Rfc3339(through)| through);
    if through > now {
        return Err(Problem::field(Code::OutOfRange, "through", "not later than now"));
    }
    Ok(Payout {
        organizer,
        id: 0,
        amount_minor: *amount,
        currency,
        provider: provider.id(),
        through,
        begun_at: now,
        state: State::Begun,
        ended_at: None,
        fingerprint: 0,
    })
}

/// `GET /v1/organizers/{organizer}/payouts`
pub(crate) async fn list(call: Call, caller: Organizer<EventsRead>) -> Answer {
    let organizer = own_organizer(&call, caller)?;
    let query: ListQuery = call.query()?;
    let limit = super::list_limit(query.limit)?;
    let before = super::cursor(query.cursor.as_deref(), |text| ids::parse(Kind::Payout, text))?;
    let payouts = call.gateway().payouts.list(organizer, before, limit + 1).await;
    let mut payouts = payouts.map_err(|error| problem::store(&error))?;
    let goes_on = payouts.len() > limit;
    payouts.truncate(limit);
    let last = payouts.last().filter(|_| goes_on);
    let next = last.map(|payout| IdText::new(Kind::Payout, payout.id));
    let items = payouts.iter().map(|payout| PayoutReply::of(&call, payout)).collect();
    render::read(call.headers(), &PayoutList { items, next })
}

/// The payout of the path.
fn addressed(call: &Call) -> Result<u128, Problem> {
    ids::parse(Kind::Payout, call.parameter(1)).ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::new(Code::PayoutNotFound, "there is no such payout to this organizer")
}

/// `GET /v1/organizers/{organizer}/payouts/{payout}`
pub(crate) async fn read(call: Call, caller: Organizer<EventsRead>) -> Answer {
    let organizer = own_organizer(&call, caller)?;
    let payout = call.gateway().payouts.load(organizer, addressed(&call)?).await;
    let payout = payout.map_err(|error| problem::store(&error))?.ok_or_else(not_found)?;
    render::read(call.headers(), &PayoutReply::of(&call, &payout))
}

/// `POST /v1/organizers/{organizer}/payouts/{payout}/settle`
pub(crate) async fn settle(call: Call) -> Answer {
    end(call, State::Done).await
}

/// `POST /v1/organizers/{organizer}/payouts/{payout}/fail`
pub(crate) async fn fail(call: Call) -> Answer {
    end(call, State::Failed).await
}

/// A payout has left, or did not: the first that is told counts.
async fn end(call: Call, state: State) -> Answer {
    let of = (organizer_of(&call)?, addressed(&call)?);
    let now: Timestamp = call.gateway().environment.clock.wall();
    let ended = call.gateway().payouts.end(of, state == State::Done, now).await;
    match ended.map_err(|error| problem::store(&error))? {
        Ended::Unknown => Err(not_found()),
        Ended::So(payout) if payout.state == state => {
            render::json(StatusCode::OK, &PayoutReply::of(&call, &payout))
        }
        Ended::So(payout) => {
            let reason = if payout.state == State::Done { "settled" } else { "failed" };
            Err(Problem::new(Code::PayoutEnded, "this payout has ended the other way").with("reason", reason))
        }
    }
}
