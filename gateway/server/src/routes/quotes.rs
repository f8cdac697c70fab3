//! What a hold would cost, before it is placed.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_inventory::{
    AccessCode, Config, HOLD_LINES_MAX, HOLD_UNITS_MAX, Line, PromotionClaim, RequestError, TermsId,
    TicketKind, TicketTypeId, Timestamp,
};
use tessera_pricing::{Applied, Basket, BasketLine, Promotion, Quote, quote};
use utoipa::ToSchema;

use super::{holds, names};
use crate::call::Call;
use crate::caller::Reader;
use crate::code::Code;
use crate::json;
use crate::object::objects;
use crate::problem::{self, Problem};
use crate::refusal;
use crate::render::claim::{LineReply, Lines};
use crate::render::quote::QuoteReply;
use crate::render::{self, Money};
use crate::router::Answer;

/// What somebody thinks of buying.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuoteRequest<'a> {
    #[serde(borrow)]
    #[schema(min_items = 1, max_items = 16)]
    lines: Vec<QuoteLineBody<'a>>,
    /// Opens ticket types that are sold by a code.
    #[serde(borrow, default)]
    #[schema(min_length = 1, max_length = 64)]
    access_code: Option<Cow<'a, str>>,
    /// The code of a promotion, or one of its single-use codes. What is left of its budget is not looked at.
    #[serde(borrow, default)]
    #[schema(min_length = 1, max_length = 64)]
    promotion: Option<Cow<'a, str>>,
}

/// Units of one ticket type.
#[derive(Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = QuoteLineRequest)]
pub(crate) struct QuoteLineBody<'a> {
    #[serde(borrow)]
    ticket_type: Cow<'a, str>,
    #[schema(minimum = 1, maximum = 50)]
    quantity: u16,
}

objects!(QuoteLineBody<'a>);

/// What it would cost now.
#[derive(Serialize, ToSchema)]
#[schema(as = Quotation)]
pub(crate) struct QuotationReply<'a> {
    configuration_version: u32,
    #[schema(value_type = Vec<LineReply>)]
    lines: Lines<'a>,
    total: Money<'a>,
    /// Absent where the total is quantities times prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    quote: Option<QuoteReply<'a>>,
}

/// `POST /v1/events/{event}/quotes`
pub(crate) async fn make(call: Call, reader: Reader) -> Answer {
    let event = call.event()?;
    let bytes = call.body().await?;
    let request: QuoteRequest<'_> = json::parse(&bytes)?;
    let owns = reader.owns(&call, event).await?;
    let published = call.published(event, owns).await?;
    let (version, config) = published.config.as_ref().ok_or_else(problem::event_not_found)?;
    let code = holds::access_code(&call, request.access_code.as_deref())?;
    let lines = lines(config, &request.lines, |needed| owns || code == Some(needed))?;
    let promotion = holds::promotion(&call, event, request.promotion.as_deref())?;
    let now = call.gateway().environment.clock.wall();
    let promotion = promotion.map(|claimed| applied(config, claimed, now)).transpose()?;
    let quote = quote_of(config, *version, &lines, promotion);
    let lines = Lines { lines: &lines, quote: quote.as_ref(), config };
    let reply =
        QuotationReply { configuration_version: *version, total: lines.total(), quote: lines.quote(), lines };
    render::json(StatusCode::OK, &reply)
}

/// The lines at the prices of now; a type that is sold by a code is there for those who know it.
fn lines(
    config: &Config,
    wanted: &[QuoteLineBody<'_>],
    opens: impl Fn(AccessCode) -> bool,
) -> Result<Vec<Line>, Problem> {
    let units: u32 = wanted.iter().map(|line| u32::from(line.quantity)).sum();
    let problem = if wanted.is_empty() {
        Some(RequestError::NoLines)
    } else if wanted.len() > HOLD_LINES_MAX {
        Some(RequestError::TooManyLines)
    } else if wanted.iter().any(|line| line.quantity == 0) {
        Some(RequestError::ZeroQuantity)
    } else {
        (units > u32::from(HOLD_UNITS_MAX)).then_some(RequestError::TooManyUnits)
    };
    if let Some(problem) = problem {
        return Err(refusal::invalid_request(problem));
    }
    let line = |wanted: &QuoteLineBody<'_>| {
        let ticket_type = names::ticket_type(config, &wanted.ticket_type)?;
        let known = config.ticket_types.get(ticket_type.index());
        let shown = known.filter(|known| known.access_code.is_none_or(&opens));
        let known = shown.ok_or_else(|| refusal::invalid_request(RequestError::UnknownTicketType))?;
        // Terms are given by the engine, to a hold.
        let terms = TermsId(0);
        let quantity = wanted.quantity;
        Ok(Line { ticket_type, terms, quantity, price_minor: known.price_minor, seats: Vec::new() })
    };
    wanted.iter().map(line).collect()
}

/// The promotion of a code, if it applies now.
fn applied(config: &Config, claimed: PromotionClaim, now: Timestamp) -> Result<Applied, Problem> {
    let promotions = config.tariff.iter().flat_map(|tariff| &tariff.promotions);
    let has_code = |known: &Promotion| {
        known.code == claimed.code.0
            && claimed.serial.map_or(known.serials == 0, |serial| serial < known.serials)
    };
    let found = (0_u16..).zip(promotions).find(|(_, promotion)| has_code(promotion));
    let (promotion, known) = found.ok_or_else(|| refused(Code::PromotionUnknown))?;
    let is_early = known.opens_at.is_some_and(|opens_at| now.0 < opens_at);
    if is_early || known.closes_at.is_some_and(|closes_at| now.0 >= closes_at) {
        return Err(refused(Code::PromotionClosed));
    }
    Ok(Applied { promotion, amount_left_minor: None })
}

fn refused(code: Code) -> Problem {
    Problem::new(code, "correct the code, or ask without it")
}

fn quote_of(config: &Config, version: u32, lines: &[Line], promotion: Option<Applied>) -> Option<Quote> {
    let tariff = config.tariff.as_deref()?;
    let is_add_on = |of: TicketTypeId| {
        config.ticket_types.get(of.index()).is_some_and(|known| known.kind != TicketKind::Admission)
    };
    let basket: Vec<BasketLine> = lines
        .iter()
        .map(|line| BasketLine {
            ticket_type: line.ticket_type.0,
            add_on: is_add_on(line.ticket_type),
            quantity: line.quantity,
            price_minor: line.price_minor,
        })
        .collect();
    quote(tariff, version, &Basket { lines: &basket, promotion })
}
