//! How the payment of an order goes on, and what providers tell of it.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::HeaderMap;
use serde::{Deserialize, Serialize};
use tessera_actors::{About, Genuine, Provider, Till};
use tessera_inventory::{ClaimNumber, EventId};
use tessera_money::Lane;
use tessera_money::provider_events::{
    BODY_BYTES_MAX, HEADERS_BYTES_MAX, Kept, NAME_BYTES_MAX, ProviderEvent, Standing, UNVERIFIED_BYTES_MAX,
};
use tessera_payments::Standing::Due;
use tessera_payments::{Payment, PaymentId, ProviderEventId, Refund, RefundStanding, Status, Want};
use utoipa::ToSchema;

use crate::auth::Scope;
use crate::call::Call;
use crate::caller::Access;
use crate::code::Code;
use crate::hearing;
use crate::json;
use crate::limits::{PAYMENT_POLL, PAYMENT_ROW_WAIT_MS, PAYMENT_WAIT_MS_MAX, PROVIDER_EVENT_DEADLINE};
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;

/// How the payment of an order stands.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderPayment)]
pub(crate) struct PaymentReply {
    /// Counted from 1.
    attempt: u8,
    state: PaymentState,
    /// Of the decision that began it, or by which the order is sold or this attempt over.
    sequence: u64,
    /// Where the buyer pays; null: nowhere yet, or not any more.
    #[schema(required)]
    page: Option<String>,
    /// What a page of the organizer's own pays with, where the order was begun so; as secret as the order, and told to its buyer alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// Why it failed, in the provider's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

/// How a payment stands: the provider has yet to say where the buyer pays; it waits for the buyer; the money is set aside, or taken; it
/// failed; what is there is let go or given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PaymentState {
    Creating,
    AwaitingBuyer,
    Authorised,
    Captured,
    Failed,
    Releasing,
    Refunding,
    Refunded,
}

impl PaymentReply {
    fn of(payment: &Payment, access: &Access) -> PaymentReply {
        let state = PaymentState::of(payment);
        let shown = |text: &Option<Box<str>>| {
            text.as_deref().filter(|_| state == PaymentState::AwaitingBuyer).map(str::to_owned)
        };
        PaymentReply {
            attempt: payment.id.attempt,
            state,
            sequence: payment.wanted_by.0,
            page: shown(&payment.facts.page),
            client_secret: shown(&payment.facts.secret).filter(|_| !access.is_organizer()),
            failure: payment.facts.failure.as_deref().map(str::to_owned),
        }
    }
}

impl PaymentState {
    fn of(payment: &Payment) -> PaymentState {
        let facts = &payment.facts;
        let is_released = matches!(payment.want, Want::Release { .. });
        let is_due = |(number, refund): (&u64, &Refund)| {
            refund.standing == Due && facts.refund(*number) != Some(RefundStanding::Done)
        };
        match facts.status {
            Status::Captured if payment.refunds.iter().any(is_due) => PaymentState::Refunding,
            Status::Captured if facts.refunded_minor() >= facts.captured_minor => PaymentState::Refunded,
            Status::Captured => PaymentState::Captured,
            Status::Failed | Status::Cancelled => PaymentState::Failed,
            _ if is_released => PaymentState::Releasing,
            Status::Authorised => PaymentState::Authorised,
            // The order was sold by word of its provider, which is written down a moment later.
            Status::Open | Status::Processing if payment.want == Want::Capture => PaymentState::Authorised,
            Status::Open | Status::Processing if facts.reference.is_none() => PaymentState::Creating,
            Status::Open | Status::Processing => PaymentState::AwaitingBuyer,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    wait_ms: Option<u64>,
    #[serde(default)]
    until: Until,
}

/// What is waited for.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Until {
    /// The provider has said where the buyer pays.
    #[default]
    Page,
    /// The order is sold, or this attempt is over.
    Decided,
}

impl Until {
    fn has_come(self, payment: &Payment) -> bool {
        match self {
            Until::Page => PaymentState::of(payment) != PaymentState::Creating,
            Until::Decided => !matches!(payment.want, Want::Authorise { .. }),
        }
    }
}

/// `GET /v1/events/{event}/orders/{order}/payment`
pub(crate) async fn read(call: Call) -> Answer {
    let event = call.event()?;
    let number = call.tag(event).parse_order(call.parameter(1)).ok_or_else(problem::order_not_found)?;
    let query: Query = call.query()?;
    let wait_ms = query.wait_ms.unwrap_or(0);
    if wait_ms > PAYMENT_WAIT_MS_MAX {
        let range = format!("at most {PAYMENT_WAIT_MS_MAX}");
        return Err(Problem::field(Code::OutOfRange, "wait_ms", range));
    }
    let access = Access::to(&call, event, number, Some(Scope::EventsRead), problem::order_not_found).await?;
    let (_, view) = call.claim(event, number).await?;
    let view = view.filter(|view| access.opens(view.subject)).ok_or_else(problem::order_not_found)?;
    let till = call.gateway().platform.till();
    let clock = &call.gateway().environment.clock;
    let wait_ms = if call.is_head() { 0 } else { wait_ms };
    let began = clock.monotonic();
    let (give_up_at, by_hand_at) = (began.plus_ms(wait_ms), began.plus_ms(wait_ms.min(PAYMENT_ROW_WAIT_MS)));
    let _permit = (wait_ms > 0).then(|| call.stream_permit(None, access.is_organizer())).transpose()?;
    let mut written = till.rows_written(event, number);
    let mut newest = newest_attempt(&till, (event, number), view.attempts).await?;
    loop {
        match newest.as_deref() {
            Some(newest) if query.until.has_come(newest) || clock.monotonic() >= give_up_at => {
                return render::read(call.headers(), &PaymentReply::of(newest, &access));
            }
            None if clock.monotonic() >= by_hand_at => {
                let by_hand =
                    || Problem::new(Code::PaymentNotFound, "nobody began to pay this order by a provider");
                let before = last_attempt(&till, event, number).await?.ok_or_else(by_hand)?;
                return render::read(call.headers(), &PaymentReply::of(&before, &access));
            }
            _ => {}
        }
        let last = tokio::select! {
            row = written.next() => Some(row),
            () = tokio::time::sleep(PAYMENT_POLL) => last_attempt(&till, event, number).await?,
        };
        // The row of an attempt follows its log: until it is there, the one before says nothing of it.
        let attempts = newest.as_deref().map_or(view.attempts, |newest| newest.id.attempt);
        newest = last.filter(|last| last.id.attempt >= attempts).or(newest);
    }
}

/// The newest attempt of an order that says how many there are, as one does that is not settled.
async fn newest_attempt(
    till: &Till,
    (event, order): (EventId, ClaimNumber),
    attempts: u8,
) -> Result<Option<Arc<Payment>>, Problem> {
    if attempts == 0 {
        return last_attempt(till, event, order).await;
    }
    let newest = till.attempt(PaymentId { event, order, attempt: attempts }).await;
    Ok(newest.map_err(|error| problem::store(&error))?.map(Arc::new))
}

/// The newest attempt that has a row.
async fn last_attempt(
    till: &Till,
    event: EventId,
    order: ClaimNumber,
) -> Result<Option<Arc<Payment>>, Problem> {
    let attempts = till.attempts(event, order).await.map_err(|error| problem::store(&error))?;
    Ok(attempts.into_iter().next_back().map(Arc::new))
}

/// `POST /v1/provider-events/{provider}`: whatever is genuine is kept, and answered 200 once it is.
pub(crate) async fn hear(call: Call) -> Answer {
    let till = call.gateway().platform.till();
    let unknown = || Problem::new(Code::RouteNotFound, "nobody is paid through a provider of this name here");
    let provider = till.provider(call.parameter(0)).ok_or_else(unknown)?;
    let _room = call.gateway().hearing.admit(call.address())?;
    let body = call.raw_body_up_to(BODY_BYTES_MAX, PROVIDER_EVENT_DEADLINE).await?;
    let headers = signed_headers(&*provider, call.headers());
    let now = call.gateway().environment.clock.wall();
    let genuine = provider.verify(&headers, &body, now);
    if genuine == Genuine::No {
        return Err(Problem::new(Code::SignatureInvalid, "this is not signed as the provider signs"));
    }
    let heard = provider.read(&body);
    let standing = match (&heard, genuine) {
        (_, Genuine::Ask) => Standing::Unverified,
        (None, _) => Standing::Unparsed,
        (Some(heard), _) if heard.about.is_none() => Standing::Handled,
        _ => Standing::Waits,
    };
    let name = heard.as_ref().and_then(|heard| heard.event.clone());
    // What anybody may have sent takes no name of the provider's, so that it does not stand before what the provider sends under it.
    let name = name.filter(|name| name.len() <= NAME_BYTES_MAX && genuine == Genuine::Yes);
    let about = heard.as_ref().and_then(|heard| heard.about.as_ref());
    let lane = lane(&call, &*provider, about).await?;
    if genuine == Genuine::Ask {
        may_be_kept(&till, lane, &body).await?;
    }
    let event = ProviderEvent {
        id: ProviderEventId {
            provider: provider.id(),
            event: name.unwrap_or_else(|| blake3::hash(&body).to_string().into()),
        },
        received_at: now,
        lane,
        standing,
        headers,
        body: body.to_vec(),
    };
    let kept = till.provider_events().keep(&event).await.map_err(|error| problem::store(&error))?;
    if (standing, kept) == (Standing::Unparsed, Kept::Now) {
        tracing::warn!(provider = provider.name(), event = %event.id.event, "what a provider told cannot be read");
    }
    let stands = match kept {
        Kept::Now => standing,
        Kept::Before(before) => before,
    };
    // Also what was told before and is not handled: whoever looks after it may not have heard of it.
    if stands.waits() {
        till.was_told(event, heard);
    }
    Ok(HttpResponse::Ok().finish())
}

/// Anybody may have sent this: little is kept of it, and little at once. Providers tell again what finds no room, and are looked up meanwhile.
async fn may_be_kept(till: &Till, lane: Lane, body: &[u8]) -> Result<(), Problem> {
    if body.len() > UNVERIFIED_BYTES_MAX {
        return Err(json::too_large(UNVERIFIED_BYTES_MAX));
    }
    if till.provider_events().is_full(lane).await.map_err(|error| problem::store(&error))? {
        return Err(hearing::full(
            "as much waits for the word of its provider as there is room for; tell it again",
        ));
    }
    Ok(())
}

/// The headers that the provider's signature needs, as far as they are to be kept.
fn signed_headers(provider: &dyn Provider, headers: &HeaderMap) -> Vec<(String, String)> {
    let mut bytes_left = HEADERS_BYTES_MAX;
    let mut kept = Vec::new();
    for name in provider.signed_headers() {
        let Some(value) = headers.get(*name).and_then(|value| value.to_str().ok()) else { continue };
        let bytes = name.len() + value.len();
        if bytes <= bytes_left {
            bytes_left -= bytes;
            kept.push(((*name).to_owned(), value.to_owned()));
        }
    }
    kept
}

/// Who looks after the event: the lane of the payment that it is about, as far as that is known; otherwise any.
async fn lane(call: &Call, provider: &dyn Provider, about: Option<&About>) -> Result<Lane, Problem> {
    let ours = about.and_then(|about| about.payment);
    let reference = about.and_then(|about| about.reference.as_deref());
    let found = match (ours, reference) {
        (Some(payment), _) => Some(payment),
        (None, Some(reference)) => {
            let referred = call.gateway().platform.till().referred(provider.id(), reference).await;
            referred.map_err(|error| problem::store(&error))?
        }
        (None, None) => None,
    };
    Ok(Lane::of(found.map_or(EventId(0), |payment| payment.event)))
}
