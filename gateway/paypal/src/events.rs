//! What webhooks say. Which events PayPal should be asked to send is in `docs/payments.md`.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tessera_actors::{About, Heard};
use tessera_payments::{Fact, PaymentId};

use crate::facts::{of_authorization, of_capture, of_dispute, of_order, of_refund};
use crate::objects::{Dispute, Event, Order, Payment};

/// What the body of a webhook says; `None`: it cannot be read.
pub(crate) fn read(body: &[u8]) -> Option<Heard> {
    let event: Event<'_> = serde_json::from_slice(body).ok()?;
    let told =
        event.event_type.as_deref().zip(event.resource).and_then(|(kind, resource)| told(kind, resource));
    let (about, facts) = told.map_or((None, Vec::new()), |(about, facts)| (Some(about), facts));
    Some(Heard { event: event.id.map(Into::into), about, facts })
}

/// What it is about, and what it says of that; `None`: nothing of ours.
fn told(kind: &str, resource: &RawValue) -> Option<(About, Vec<Fact>)> {
    if kind.starts_with("CHECKOUT.ORDER.") {
        let order: Order = parse(resource)?;
        let units = order.purchase_units.iter().flatten();
        let payment = units.filter_map(|unit| unit.custom_id.as_deref()).find_map(PaymentId::parse)?;
        Some((About { payment: Some(payment), reference: None }, of_order(&order)))
    } else if kind.starts_with("PAYMENT.AUTHORIZATION.") {
        let payment: Payment = parse(resource)?;
        Some((about(&payment)?, of_authorization(&payment).into_iter().collect()))
    } else if matches!(kind, "PAYMENT.CAPTURE.REFUNDED" | "PAYMENT.CAPTURE.REVERSED")
        || kind.starts_with("PAYMENT.REFUND.")
    {
        let payment: Payment = parse(resource)?;
        Some((about(&payment)?, of_refund(&payment).into_iter().collect()))
    } else if kind.starts_with("PAYMENT.CAPTURE.") {
        let payment: Payment = parse(resource)?;
        Some((about(&payment)?, of_capture(&payment)))
    } else if kind.starts_with("CUSTOMER.DISPUTE.") {
        let dispute: Dispute = parse(resource)?;
        let disputed = dispute.disputed_transactions.iter().flatten();
        let named = disputed.clone().filter_map(|disputed| disputed.custom.as_deref()).find_map(named);
        let reference = disputed.filter_map(|disputed| disputed.seller_transaction_id.clone()).next();
        let about = About { payment: named, reference: reference.map(Into::into) };
        let is_about = about.payment.is_some() || about.reference.is_some();
        is_about.then(|| (about, of_dispute(&dispute).into_iter().collect()))
    } else {
        None
    }
}

fn parse<T: DeserializeOwned>(resource: &RawValue) -> Option<T> {
    serde_json::from_str(resource.get()).ok()
}

/// By our own name where it has one, else by its order.
fn about(payment: &Payment) -> Option<About> {
    let related = payment.supplementary_data.as_ref().and_then(|data| data.related_ids.as_ref());
    let reference = related.and_then(|related| related.order_id.as_deref());
    let about =
        About { payment: payment.custom_id.as_deref().and_then(named), reference: reference.map(Into::into) };
    (about.payment.is_some() || about.reference.is_some()).then_some(about)
}

/// The payment that we have named so: a payment itself, or one of its refunds.
fn named(custom_id: &str) -> Option<PaymentId> {
    PaymentId::parse(custom_id).or_else(|| refund_of(custom_id).map(|(payment, _)| payment))
}

/// The refund that we have named so.
pub(crate) fn refund_of(custom_id: &str) -> Option<(PaymentId, u64)> {
    let (payment, number) = custom_id.rsplit_once('/')?;
    Some((PaymentId::parse(payment)?, number.parse().ok()?))
}
