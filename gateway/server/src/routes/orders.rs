//! Orders: begin, read, list, confirm, fail, refund.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_inventory::{
    ClaimNumber, ClaimState, CommandBody, EventBody, EventId, Payment, RefundAmount, RefundReason,
    RefundedUnits, Sequence, Subject,
};
use utoipa::ToSchema;

use crate::auth::Scope;
use crate::call::Call;
use crate::caller::{Access, Buyer, OrdersWrite, Organizer};
use crate::code::Code;
use crate::ids::IdText;
use crate::json;
use crate::limits::{MIN_SEQUENCE_POLL, MIN_SEQUENCE_WAIT};
use crate::problem::{self, Problem};
use crate::render;
use crate::render::Money;
use crate::render::changes::{reason_name, refunded_name};
use crate::render::claim::{self, OrderState};
use crate::router::Answer;

use super::checkout::{self, ContactRequest, PaymentRequest};
use super::holds::{MoneyBody, amount};

/// Which hold is to be paid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderRequest)]
pub(crate) struct BeginRequest<'a> {
    #[serde(borrow)]
    #[schema(value_type = IdText)]
    hold: Cow<'a, str>,
    /// Through whom it is paid; absent: the organizer takes the money, and confirms.
    #[serde(borrow, default)]
    pub(super) payment: Option<PaymentRequest<'a>>,
    /// How the buyer is reached about it.
    #[serde(borrow, default)]
    pub(super) contact: Option<ContactRequest<'a>>,
}

/// `POST /v1/events/{event}/orders`
pub(crate) async fn begin(call: Call) -> Answer {
    let event = call.event()?;
    let presented = Access::presented(&call, event).await?;
    let bytes = call.command_body().await?;
    let request: BeginRequest<'_> = json::parse(&bytes)?;
    let hold = call.tag(event).parse_hold(&request.hold).ok_or_else(problem::hold_not_found)?;
    let access = match presented {
        Some(access) => access,
        None => Access::to(&call, event, hold, None, problem::hold_not_found).await?,
    };
    let published = call.published(event, false).await?;
    let provider = request.payment.as_ref().map(|payment| payment.provider(&call)).transpose()?;
    let (_, config) = published.config.as_ref().ok_or_else(problem::event_not_found)?;
    checkout::keep(&call, (event, hold), &access, &request, config.currency).await?;
    let body = CommandBody::BeginPayment { hold, provider, extra_subjects: Vec::new() };
    let (decided, held) = super::decide_on_claim(&call, hold, &access, body, &bytes).await?;
    let EventBody::PaymentBegun { grace_until, .. } = decided.event.body else {
        return Err(problem::another_event());
    };
    let order = OrderState {
        number: hold,
        sequence: decided.sequence,
        state: "pending",
        grace_until: Some(grace_until),
        payment: None,
    };
    let reply = claim::pending_order(call.tag(event), order, held.lines(config));
    render::decision(StatusCode::CREATED, decided.mark, &reply)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    cursor: Option<String>,
    limit: Option<usize>,
    min_sequence: Option<u64>,
}

/// A page of a buyer's orders.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrderList<'a> {
    items: Vec<claim::OrderReply<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required)]
    next: Option<IdText>,
    /// How far the list follows the event.
    sequence: u64,
}

/// `GET /v1/events/{event}/orders`
pub(crate) async fn list(call: Call, buyer: Buyer) -> Answer {
    let event = call.event()?;
    let query: ListQuery = call.query()?;
    let limit = super::list_limit(query.limit)?;
    let after = super::cursor(query.cursor.as_deref(), |text| call.tag(event).parse_order(text))?;
    let published = call.published(event, false).await?;
    let orders = &call.gateway().orders;
    if let Some(wanted) = query.min_sequence {
        wait_for(&call, buyer, event, Sequence(wanted)).await?;
    }
    let page =
        orders.list(event, buyer.subject, after, limit).await.map_err(|error| problem::store(&error))?;
    let (_, config) = published.config.as_ref().ok_or_else(problem::event_not_found)?;
    let names = names(&call, event, Some(buyer.subject));
    let reply = OrderList {
        items: page.orders.iter().map(|order| claim::projected_order(names, order, config)).collect(),
        next: page.next.map(|number| names.tag.order(number)),
        sequence: page.sequence.0,
    };
    render::read(call.headers(), &reply)
}

/// Waits, for a bounded time, until the projection has reached `wanted`; a list that has not says so by its `sequence`.
async fn wait_for(call: &Call, buyer: Buyer, event: EventId, wanted: Sequence) -> Result<(), Problem> {
    let orders = &call.gateway().orders;
    let reached = async || orders.sequence(event).await.map_err(|error| problem::store(&error));
    if call.is_head() || reached().await? >= wanted {
        return Ok(());
    }
    let _permit = call.stream_permit(Some(buyer.principal()), false)?;
    let clock = &call.gateway().environment.clock;
    let give_up_at = clock.monotonic().0 + u64::try_from(MIN_SEQUENCE_WAIT.as_micros()).unwrap_or(u64::MAX);
    while reached().await? < wanted && clock.monotonic().0 < give_up_at {
        tokio::time::sleep(MIN_SEQUENCE_POLL).await;
    }
    Ok(())
}

fn names(call: &Call, event: EventId, holder: Option<Subject>) -> claim::Names<'_> {
    claim::Names { tag: call.tag(event), keys: call.keys(), event, holder }
}

fn addressed(call: &Call) -> Result<(EventId, ClaimNumber), Problem> {
    let event = call.event()?;
    let number = call.tag(event).parse_order(call.parameter(1)).ok_or_else(problem::order_not_found)?;
    Ok((event, number))
}

/// `GET /v1/events/{event}/orders/{order}`
pub(crate) async fn read(call: Call) -> Answer {
    let (event, number) = addressed(&call)?;
    let access = Access::to(&call, event, number, Some(Scope::EventsRead), problem::order_not_found).await?;
    let published = call.published(event, access.is_organizer()).await?;
    let (sequence, view) = call.claim(event, number).await?;
    let view = view.filter(|view| access.opens(view.subject)).ok_or_else(problem::order_not_found)?;
    let state = claim::order_state(view.state).ok_or_else(problem::order_not_found)?;
    let (_, config) = published.config.as_ref().ok_or_else(problem::order_not_found)?;
    let grace_until = (view.state == ClaimState::PaymentInFlight).then_some(view.deadline_at).flatten();
    let order = OrderState { number, sequence, state, grace_until, payment: view.payment };
    let held = super::Held::of(&call, event, &view).await?;
    let names = names(&call, event, access.subject());
    render::read(call.headers(), &claim::order_view(names, order, &view, held.lines(config)))
}

/// How an order is paid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmRequest {
    payment: PaymentBody,
}

/// How an order is paid: it costs nothing, or it was paid outside.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PaymentRequest)]
pub(crate) enum PaymentBody {
    Free,
    Offline,
}

/// `POST /v1/events/{event}/orders/{order}/confirm`
pub(crate) async fn confirm(call: Call) -> Answer {
    let (event, order) = addressed(&call)?;
    let scope = Some(Scope::OrdersWrite);
    let access = Access::to(&call, event, order, scope, problem::order_not_found).await?;
    let bytes = call.command_body().await?;
    let request: ConfirmRequest = json::parse(&bytes)?;
    if request.payment == PaymentBody::Offline && !access.is_organizer() {
        return Err(Problem::new(Code::Forbidden, "only the organizer confirms what was paid outside"));
    }
    let published = call.published(event, false).await?;
    let payment = match request.payment {
        PaymentBody::Free => Payment::Free,
        PaymentBody::Offline => Payment::Offline,
    };
    let body = CommandBody::Confirm { order, payment, attempt: None };
    let (decided, held) = super::decide_on_claim(&call, order, &access, body, &bytes).await?;
    let EventBody::Confirmed { payment, .. } = decided.event.body else {
        return Err(problem::another_event());
    };
    let (_, config) = published.config.as_ref().ok_or_else(problem::event_not_found)?;
    let state = OrderState {
        number: order,
        sequence: decided.sequence,
        state: "paid",
        grace_until: None,
        payment: Some(payment.kind()),
    };
    let reply = claim::confirmed_order(names(&call, event, None), state, held.lines(config));
    render::decision(StatusCode::OK, decided.mark, &reply)
}

/// A payment that failed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailureRequest {
    /// Which attempt failed; absent: the one in flight. Another one than that in flight is not ended.
    #[serde(default)]
    attempt: Option<u8>,
}

/// A hold whose payment failed: it is held again.
#[derive(Serialize, ToSchema)]
pub(crate) struct HeldAgain {
    id: IdText,
    /// `held`
    state: &'static str,
    sequence: u64,
}

/// `POST /v1/events/{event}/orders/{order}/payment-failures`
pub(crate) async fn fail_payment(call: Call, organizer: Organizer<OrdersWrite>) -> Answer {
    let access = organizer.own_event(&call).await?;
    let (event, order) = addressed(&call)?;
    let bytes = call.command_body().await?;
    let request: FailureRequest = json::parse(&bytes)?;
    let body = CommandBody::PaymentFailed { order, attempt: request.attempt };
    let decided = call.decide(&access, body, &bytes).await?;
    let reply = HeldAgain { id: call.tag(event).hold(order), state: "held", sequence: decided.sequence.0 };
    render::decision(StatusCode::OK, decided.mark, &reply)
}

/// Tickets to be refunded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefundRequest<'a> {
    #[serde(borrow)]
    #[schema(value_type = Vec<IdText>)]
    tickets: Vec<Cow<'a, str>>,
    units: UnitsBody,
    /// Another amount than the tickets come to; without tickets they stay good.
    #[serde(borrow, default)]
    amount: Option<MoneyBody<'a>>,
    #[serde(default)]
    reason: ReasonBody,
}

/// Why money is given back.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RefundReason)]
pub(crate) enum ReasonBody {
    #[default]
    Organizer,
    Cancelled,
    Goodwill,
}

/// What becomes of refunded units.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RefundedUnits)]
pub(crate) enum UnitsBody {
    Restock,
    Kill,
}

impl From<ReasonBody> for RefundReason {
    fn from(reason: ReasonBody) -> RefundReason {
        match reason {
            ReasonBody::Organizer => RefundReason::Organizer,
            ReasonBody::Cancelled => RefundReason::Cancelled,
            ReasonBody::Goodwill => RefundReason::Goodwill,
        }
    }
}

/// Tickets that were refunded.
#[derive(Serialize, ToSchema)]
pub(crate) struct Refunded<'a> {
    order: IdText,
    tickets: Vec<IdText>,
    #[schema(value_type = UnitsBody)]
    units: &'static str,
    /// Where it is not what the tickets come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    amount: Option<Money<'a>>,
    #[schema(value_type = ReasonBody)]
    reason: &'static str,
    sequence: u64,
}

/// `POST /v1/events/{event}/orders/{order}/refunds`
pub(crate) async fn refund(call: Call, organizer: Organizer<OrdersWrite>) -> Answer {
    let access = organizer.own_event(&call).await?;
    let (event, order) = addressed(&call)?;
    let bytes = call.command_body().await?;
    let request: RefundRequest<'_> = json::parse(&bytes)?;
    let tag = call.tag(event);
    let index = |text: &Cow<'_, str>| {
        let ticket = tag.parse_ticket(text).filter(|ticket| ticket.order == order);
        ticket.map(|ticket| ticket.index).ok_or_else(problem::ticket_not_found)
    };
    let tickets = request.tickets.iter().map(index).collect::<Result<Vec<_>, _>>()?;
    let units = match request.units {
        UnitsBody::Restock => RefundedUnits::Restock,
        UnitsBody::Kill => RefundedUnits::Kill,
    };
    let published = call.published(event, true).await?;
    let (_, config) = published.config.as_ref().ok_or_else(problem::order_not_found)?;
    let amount = match &request.amount {
        None => RefundAmount::Full,
        Some(money) => RefundAmount::Minor(amount(config, money, || "amount".to_owned())?),
    };
    let reason = request.reason.into();
    let body = CommandBody::RefundTickets { order, tickets, amount, reason, units };
    let decided = call.decide(&access, body, &bytes).await?;
    let EventBody::TicketsRefunded { tickets, units, amount_minor, reason, .. } = &decided.event.body else {
        return Err(problem::another_event());
    };
    let ticket = |index: &u16| tag.ticket(tessera_inventory::TicketRef { order, index: *index });
    let reply = Refunded {
        order: tag.order(order),
        tickets: tickets.iter().map(ticket).collect(),
        units: refunded_name(*units),
        amount: amount_minor.map(|amount| Money::new(amount, config)),
        reason: reason_name(*reason),
        sequence: decided.sequence.0,
    };
    render::decision(StatusCode::OK, decided.mark, &reply)
}
