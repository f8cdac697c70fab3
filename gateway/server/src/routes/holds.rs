//! Holds: place, read, renew, release.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::StatusCode;
use serde::Deserialize;
use tessera_inventory::{
    ClaimNumber, CommandBody, Config, EventBody, EventId, Line, LineRequest, Origin, PlaceHold,
    PromotionClaim, SeatIndex, Sequence, Subject, Subjects, Want, Wishes,
};
use utoipa::ToSchema;

use super::names;
use crate::auth::{Scope, forbidden};
use crate::call::Call;
use crate::caller::{Access, Buyer, OrdersWrite, Organizer, Placer};
use crate::code::Code;
use crate::instant::Rfc3339;
use crate::json;
use crate::limits::ACCESS_CODE_BYTES_MAX;
use crate::object::objects;
use crate::problem::{self, Problem};
use crate::render;
use crate::render::claim::{self, HoldReply, Lines};
use crate::router::Answer;

/// What a buyer wishes to hold.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldRequest<'a> {
    #[serde(borrow)]
    #[schema(min_items = 1, max_items = 16)]
    lines: Vec<LineBody<'a>>,
    #[serde(borrow, default)]
    #[schema(min_length = 1, max_length = 64)]
    access_code: Option<Cow<'a, str>>,
    /// At most what the organizer's policy gives.
    #[serde(default)]
    #[schema(maximum = 4294967295usize)]
    duration_s: Option<u32>,
    /// Whom an organizer places it for.
    #[serde(borrow, default)]
    #[schema(min_length = 1, max_length = 128)]
    buyer: Option<Cow<'a, str>>,
    /// What an organizer draws on without its code.
    #[serde(borrow, default)]
    channel: Option<Cow<'a, str>>,
    /// The code of a promotion, or one of its single-use codes.
    #[serde(borrow, default)]
    #[schema(min_length = 1, max_length = 64)]
    promotion: Option<Cow<'a, str>>,
    /// The total that the buyer saw; another one now is refused.
    #[serde(borrow, default)]
    expected_total: Option<MoneyBody<'a>>,
}

/// One wish: exactly one of `quantity`, `seats` and `together`.
#[derive(Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = LineRequest)]
pub(crate) struct LineBody<'a> {
    /// Its name; only `together` may go without.
    #[serde(borrow, default)]
    ticket_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    expected_price: Option<MoneyBody<'a>>,
    #[serde(default)]
    #[schema(maximum = 65535)]
    quantity: Option<u16>,
    /// Their indexes in the hall.
    #[serde(default)]
    seats: Option<Vec<u32>>,
    #[serde(borrow, default)]
    together: Option<TogetherBody<'a>>,
}

/// Money of a request.
#[derive(Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = MoneyRequest)]
pub(crate) struct MoneyBody<'a> {
    /// Minor units.
    #[schema(minimum = 0, maximum = 9223372036854775807usize)]
    pub(super) amount: i64,
    #[serde(borrow)]
    pub(super) currency: Cow<'a, str>,
}

/// Seats side by side, the best that are free.
#[derive(Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = TogetherRequest)]
pub(crate) struct TogetherBody<'a> {
    #[schema(maximum = 65535)]
    quantity: u16,
    #[serde(borrow, default)]
    section: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    price_max: Option<MoneyBody<'a>>,
    /// How many of them are wheelchair spaces.
    #[serde(default)]
    #[schema(maximum = 255)]
    accessible: u8,
    /// Whether several groups will do.
    #[serde(default)]
    accept_split: bool,
}

objects!(LineBody<'a>, MoneyBody<'a>, TogetherBody<'a>);

/// `POST /v1/events/{event}/holds`
pub(crate) async fn place(call: Call, placer: Placer) -> Answer {
    match placer {
        Placer::Buyer(buyer) => place_own(call, buyer).await,
        Placer::Organizer(organizer) => place_for_buyer(call, organizer).await,
    }
}

async fn place_own(call: Call, buyer: Buyer) -> Answer {
    let event = call.event()?;
    let bytes = call.command_body().await?;
    let request: HoldRequest<'_> = json::parse(&bytes)?;
    if request.buyer.is_some() || request.channel.is_some() {
        return Err(forbidden(Scope::OrdersWrite.name()));
    }
    let published = call.published(event, false).await?;
    let (_, config) = published.config.as_ref().ok_or_else(problem::event_not_found)?;
    let access = buyer.buys_at(&call, event).await?;
    place_as(&call, &access, buyer.subject, config, (&request, &bytes)).await
}

async fn place_for_buyer(call: Call, organizer: Organizer<OrdersWrite>) -> Answer {
    let access = organizer.own_event(&call).await?;
    let bytes = call.command_body().await?;
    let request: HoldRequest<'_> = json::parse(&bytes)?;
    let Some(buyer) = &request.buyer else {
        return Err(Problem::field(Code::MissingField, "buyer", "say by reference which buyer it is for"));
    };
    let buyer = super::known_buyer(&call, organizer.tenant.number(), buyer, || "buyer".to_owned())?;
    let published = call.published(access.event(), true).await?;
    let (_, config) = published.config.as_ref().ok_or_else(problem::not_configured)?;
    place_as(&call, &access, buyer, config, (&request, &bytes)).await
}

/// Places the hold of this buyer by the right that the caller has. The request comes with its bytes.
async fn place_as(
    call: &Call,
    access: &Access,
    buyer: Subject,
    config: &Arc<Config>,
    (request, bytes): (&HoldRequest<'_>, &[u8]),
) -> Answer {
    let event = access.event();
    let body = CommandBody::PlaceHold(PlaceHold {
        subjects: Subjects { primary: buyer, extra: Vec::new() },
        lines: lines(config, &request.lines)?,
        access_code: access_code(call, request.access_code.as_deref())?,
        channel: request.channel.as_ref().map(|name| names::channel(config, name)).transpose()?,
        duration_ms: request.duration_s.map(|seconds| u64::from(seconds) * 1_000),
        promotion: promotion(call, event, request.promotion.as_deref())?,
        expected_total_minor: match &request.expected_total {
            Some(expected) => Some(amount(config, expected, || "expected_total".to_owned())?),
            None => None,
        },
    });
    let decided = call.decide(access, body, bytes).await?;
    let EventBody::HoldPlaced(placed) = &decided.event.body else { return Err(problem::another_event()) };
    // What was decided may be newer than what the request was read with.
    let newer;
    let config = if claim::knows(config, &placed.lines) {
        config
    } else {
        newer = newer_config(call, event, &placed.lines).await?;
        &newer
    };
    let number = ClaimNumber(decided.sequence.0);
    let lines = Lines { lines: &placed.lines, quote: placed.quote.as_deref(), config };
    let tag = call.tag(event);
    let reply = HoldReply {
        id: tag.hold(number),
        secret: Some(call.keys().hold_secret(event, number, buyer)),
        state: "held",
        origin: Some(claim::origin_name(placed.origin)),
        entry: placed.entry.map(|entry| tag.entry(entry)),
        sequence: decided.sequence.0,
        deadline_at: Some(Rfc3339(placed.deadline_at)),
        life_ends_at: Some(Rfc3339(placed.life_ends_at)),
        renewals: Some(0),
        total: lines.total(),
        quote: lines.quote(),
        lines,
    };
    render::decision(StatusCode::CREATED, decided.mark, &reply)
}

/// The configuration that knows the lines of a decision. It is published before the decision is answered; where it cannot be
/// read all the same, the hold stands, and a retry finds it.
#[cold]
async fn newer_config(call: &Call, event: EventId, lines: &[Line]) -> Result<Arc<Config>, Problem> {
    let published = call.published(event, false).await.ok();
    let config = published.and_then(|published| Some(Arc::clone(&published.config.as_ref()?.1)));
    config.filter(|config| claim::knows(config, lines)).ok_or_else(|| problem::outcome_unknown(0))
}

/// The promotion of a code that was shown: of everybody's, or of a single-use one.
pub(super) fn promotion(
    call: &Call,
    event: EventId,
    code: Option<&str>,
) -> Result<Option<PromotionClaim>, Problem> {
    let Some(code) = code else { return Ok(None) };
    if code.is_empty() || code.len() > ACCESS_CODE_BYTES_MAX {
        return Err(Problem::field(
            Code::InvalidValue,
            "promotion",
            "the code of a promotion has 1 to 64 bytes",
        ));
    }
    let keys = call.keys();
    let single_use = keys.read_single_use_code(event, code);
    let (code, serial) = single_use.map_or((code, None), |(promotion, serial)| (promotion, Some(serial)));
    Ok(Some(PromotionClaim { code: keys.access_code(code), serial }))
}

pub(super) fn access_code(
    call: &Call,
    code: Option<&str>,
) -> Result<Option<tessera_inventory::AccessCode>, Problem> {
    match code {
        Some(code) if code.is_empty() || code.len() > ACCESS_CODE_BYTES_MAX => {
            Err(Problem::field(Code::InvalidValue, "access_code", "an access code has 1 to 64 bytes"))
        }
        code => Ok(code.map(|code| call.keys().access_code(code))),
    }
}

fn lines(config: &Config, lines: &[LineBody<'_>]) -> Result<Vec<LineRequest>, Problem> {
    lines.iter().enumerate().map(|(at, body)| line(config, at, body)).collect()
}

fn line(config: &Config, at: usize, body: &LineBody<'_>) -> Result<LineRequest, Problem> {
    let want = match (body.quantity, &body.seats, &body.together) {
        (Some(quantity), None, None) => Want::Quantity(quantity),
        (None, Some(seats), None) => Want::Seats(seats.iter().copied().map(SeatIndex).collect()),
        (None, None, Some(together)) => want_together(config, at, together)?,
        _ => {
            let message = "say exactly one of quantity, seats and together";
            return Err(Problem::field(Code::InvalidValue, format!("lines[{at}]"), message));
        }
    };
    let ticket_type = match &body.ticket_type {
        Some(name) => Some(names::ticket_type(config, name)?),
        None if body.together.is_some() => None,
        None => {
            let path = format!("lines[{at}].ticket_type");
            return Err(Problem::field(
                Code::MissingField,
                path,
                "only together may go without a ticket type",
            ));
        }
    };
    let expected = body.expected_price.as_ref();
    let expected_price_minor =
        expected.map(|price| amount(config, price, || format!("lines[{at}].expected_price"))).transpose()?;
    Ok(LineRequest { ticket_type, expected_price_minor, want })
}

fn want_together(config: &Config, at: usize, together: &TogetherBody<'_>) -> Result<Want, Problem> {
    let section = together.section.as_ref().map(|name| names::section(config, name)).transpose()?;
    let price_max = together.price_max.as_ref();
    let price_minor_max = price_max
        .map(|price| amount(config, price, || format!("lines[{at}].together.price_max")))
        .transpose()?;
    Ok(Want::Together {
        quantity: together.quantity,
        wishes: Wishes {
            section,
            price_minor_max,
            accessible: together.accessible,
            accept_split: together.accept_split,
        },
    })
}

/// Money of a request, in the minor units of the event's currency.
pub(super) fn amount(
    config: &Config,
    money: &MoneyBody<'_>,
    path: impl Fn() -> String,
) -> Result<i64, Problem> {
    if money.currency != render::currency(config) {
        let message = format!("this event sells in {}", render::currency(config));
        return Err(Problem::field(Code::InvalidValue, path() + ".currency", message));
    }
    if money.amount < 0 {
        return Err(Problem::field(Code::OutOfRange, path() + ".amount", "a price is not negative"));
    }
    Ok(money.amount)
}

/// The hold of the path, in an event that there is, and the caller's right to it.
async fn addressed(call: &Call, scope: Option<Scope>) -> Result<(EventId, ClaimNumber, Access), Problem> {
    let event = call.event()?;
    let number = call.tag(event).parse_hold(call.parameter(1)).ok_or_else(problem::hold_not_found)?;
    let access = Access::to(call, event, number, scope, problem::hold_not_found).await?;
    Ok((event, number, access))
}

/// `GET /v1/events/{event}/holds/{hold}`
pub(crate) async fn read(call: Call) -> Answer {
    let (event, number, access) = addressed(&call, Some(Scope::EventsRead)).await?;
    let published = call.published(event, access.is_organizer()).await?;
    let (sequence, view) = call.claim(event, number).await?;
    let view = view.filter(|view| access.opens(view.subject)).ok_or_else(problem::hold_not_found)?;
    let (_, config) = published.config.as_ref().ok_or_else(problem::hold_not_found)?;
    let (held, came_about) = if view.origin == Some(Origin::Direct) {
        (super::Held::of(&call, event, &view).await?, (Origin::Direct, None))
    } else {
        // Which entry it was offered to, and how an order came about, stands in the log only.
        let placed = super::placed_in_log(&call, event, number).await?;
        let came_about = (placed.origin, placed.entry);
        (super::Held::placed(placed), came_about)
    };
    let shown = claim::hold_view(call.tag(event), sequence, &view, held.lines(config), came_about);
    render::read(call.headers(), &shown)
}

/// `POST /v1/events/{event}/holds/{hold}/renew`
pub(crate) async fn renew(call: Call) -> Answer {
    let (event, hold, access) = addressed(&call, None).await?;
    let bytes = call.command_body().await?;
    json::parse::<super::Nothing>(&bytes)?;
    let published = call.published(event, false).await?;
    let body = CommandBody::RenewHold { hold };
    let (decided, held) = super::decide_on_claim(&call, hold, &access, body, &bytes).await?;
    let EventBody::HoldRenewed { deadline_at, .. } = &decided.event.body else {
        return Err(problem::another_event());
    };
    let (_, config) = published.config.as_ref().ok_or_else(problem::hold_not_found)?;
    let lines = held.lines(config);
    let reply = HoldReply {
        id: call.tag(event).hold(hold),
        secret: None,
        state: "held",
        origin: None,
        entry: None,
        sequence: decided.sequence.0,
        deadline_at: Some(Rfc3339(*deadline_at)),
        life_ends_at: None,
        renewals: None,
        total: lines.total(),
        quote: lines.quote(),
        lines,
    };
    render::decision(StatusCode::OK, decided.mark, &reply)
}

/// A hold that was released.
#[derive(serde::Serialize, ToSchema)]
#[schema(as = ReleasedHold)]
pub(crate) struct Released {
    id: crate::ids::IdText,
    /// `released`
    state: &'static str,
    sequence: u64,
}

/// `POST /v1/events/{event}/holds/{hold}/release`
pub(crate) async fn release(call: Call) -> Answer {
    let (event, hold, access) = addressed(&call, Some(Scope::EventsWrite)).await?;
    let bytes = call.command_body().await?;
    json::parse::<super::Nothing>(&bytes)?;
    call.published(event, access.is_organizer()).await?;
    let body = CommandBody::ReleaseHold { hold };
    let decided = call.decide(&access, body, &bytes).await?;
    let Sequence(sequence) = decided.sequence;
    let reply = Released { id: call.tag(event).hold(hold), state: "released", sequence };
    render::decision(StatusCode::OK, decided.mark, &reply)
}
