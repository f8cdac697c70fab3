//! Payments that are not settled, for administrators: which they are, how they stand at their providers, and refunds that were made by hand.

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_inventory::Timestamp;
use tessera_payments::{Alarm, Payment, PaymentId, Refund, RefundStanding, Standing, Status, Want};
use utoipa::ToSchema;

use crate::call::Call;
use crate::code::Code;
use crate::ids::{self, IdText, Kind};
use crate::instant::Rfc3339;
use crate::json;
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;

/// An attempt to pay, as an operator sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentAttempt)]
pub(crate) struct Row {
    /// Our name for it, which its provider knows, too.
    payment: String,
    event: IdText,
    order: IdText,
    organizer: IdText,
    attempt: u8,
    /// The number of its provider.
    provider: u16,
    /// What the provider calls it.
    #[schema(required)]
    reference: Option<String>,
    /// `authorise`, `capture` or `release`: what the log wants.
    want: &'static str,
    /// `open`, `processing`, `authorised`, `failed`, `cancelled` or `captured`, as its provider said last.
    status: &'static str,
    currency: String,
    /// Minor units, as all amounts here.
    amount: i64,
    captured: i64,
    refunds: Vec<RefundRow>,
    disputes: usize,
    /// What is wrong with it.
    alarms: Vec<&'static str>,
    /// When there is something to do about it; null: never, unless there is news.
    #[schema(required)]
    due_at: Option<Rfc3339>,
}

/// A refund of a payment.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentRefund)]
pub(crate) struct RefundRow {
    /// Its place in the log; 0: money that bought nothing, 1: more than the price.
    number: u64,
    amount: i64,
    /// `due`, `pending`, `done`, `failed`, `moot` or `by_hand`.
    state: &'static str,
    /// When it was wanted.
    wanted_at: Rfc3339,
}

/// Payments about which there is something to do.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentAttemptList)]
pub(crate) struct RowList {
    items: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    state: Option<String>,
    limit: Option<usize>,
}

/// A refund that somebody has made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettlementRequest {
    /// Its number.
    refund: u64,
}

impl Row {
    fn of(call: &Call, payment: &Payment, due_at: Option<Timestamp>) -> Row {
        let PaymentId { event, order, attempt } = payment.id;
        let refund = |(number, refund): (&u64, &Refund)| RefundRow {
            number: *number,
            amount: refund.amount_minor,
            state: state_of(refund.standing, payment.facts.refund(*number)),
            wanted_at: Rfc3339(refund.wanted_at),
        };
        Row {
            payment: payment.id.to_string(),
            event: ids::event(event),
            order: call.tag(event).order(order),
            organizer: IdText::new(Kind::Organizer, payment.organizer),
            attempt,
            provider: payment.provider.0.get(),
            reference: payment.facts.reference.as_deref().map(str::to_owned),
            want: match payment.want {
                Want::Authorise { .. } => "authorise",
                Want::Capture => "capture",
                Want::Release { .. } => "release",
            },
            status: match payment.facts.status {
                Status::Open => "open",
                Status::Processing => "processing",
                Status::Authorised => "authorised",
                Status::Failed => "failed",
                Status::Cancelled => "cancelled",
                Status::Captured => "captured",
            },
            currency: String::from_utf8_lossy(&payment.currency).into_owned(),
            amount: payment.amount_minor,
            captured: payment.facts.captured_minor,
            refunds: payment.refunds.iter().map(refund).collect(),
            disputes: payment.facts.disputes.len(),
            alarms: call.gateway().platform.till().alarms(payment).into_iter().map(alarm_name).collect(),
            due_at: due_at.map(Rfc3339),
        }
    }
}

fn state_of(standing: Standing, said: Option<RefundStanding>) -> &'static str {
    match (standing, said) {
        (Standing::Moot, _) => "moot",
        (Standing::ByHand, _) => "by_hand",
        (Standing::Due, None) => "due",
        (Standing::Due, Some(RefundStanding::Pending)) => "pending",
        (Standing::Due, Some(RefundStanding::Done)) => "done",
        (Standing::Due, Some(RefundStanding::Failed)) => "failed",
    }
}

fn alarm_name(alarm: Alarm) -> &'static str {
    match alarm {
        Alarm::Short => "short",
        Alarm::Excess => "excess",
        Alarm::Unpaid => "unpaid",
        Alarm::CallDeclined => "call_declined",
        Alarm::Lost => "lost",
        Alarm::RefundStuck { .. } => "refund_stuck",
        Alarm::RefundTooLarge { .. } => "refund_too_large",
        Alarm::RefundNotOurs => "refund_not_ours",
        Alarm::Disputed => "disputed",
    }
}

fn not_found() -> Problem {
    Problem::new(Code::PaymentNotFound, "there is no such payment")
}

/// `GET /v1/payments?state=unsettled`
pub(crate) async fn list(call: Call) -> Answer {
    let query: Query = call.query()?;
    if query.state.is_some_and(|state| state != "unsettled") {
        return Err(Problem::field(Code::InvalidValue, "state", "unsettled"));
    }
    let limit = super::list_limit(query.limit)?;
    let payments = call.gateway().platform.till().unsettled(limit).await;
    let payments = payments.map_err(|error| problem::store(&error))?;
    let items = payments.iter().map(|(payment, due_at)| Row::of(&call, payment, Some(*due_at))).collect();
    render::read(call.headers(), &RowList { items })
}

fn addressed(call: &Call) -> Result<PaymentId, Problem> {
    PaymentId::parse(call.parameter(0)).ok_or_else(not_found)
}

fn reply(call: &Call, payment: Option<Payment>) -> Answer {
    let payment = payment.ok_or_else(not_found)?;
    let due_at = call.gateway().platform.till().due_at(&payment);
    render::json(StatusCode::OK, &Row::of(call, &payment, due_at))
}

/// `POST /v1/payments/{payment}/look-ups`
pub(crate) async fn look_up(call: Call) -> Answer {
    let id = addressed(&call)?;
    let payment = call.gateway().platform.till().look_up(id).await.map_err(|error| problem::store(&error))?;
    reply(&call, payment)
}

/// `POST /v1/payments/{payment}/settlements`
pub(crate) async fn settle(call: Call) -> Answer {
    let id = addressed(&call)?;
    let bytes = call.body().await?;
    let request: SettlementRequest = json::parse(&bytes)?;
    let till = call.gateway().platform.till();
    let payment = till.settle_by_hand(id, request.refund).await.map_err(|error| problem::store(&error))?;
    if payment.as_ref().is_some_and(|payment| !payment.refunds.contains_key(&request.refund)) {
        return Err(Problem::field(Code::InvalidValue, "refund", "this payment has no such refund"));
    }
    reply(&call, payment)
}
