//! What webhooks say. Razorpay names an event in a header that it does not sign, so an event is known by its body: one that comes again has the
//! same.

use tessera_actors::{About, Heard};
use tessera_payments::{Fact, PaymentId};

use crate::facts::{of_dispute, of_link, of_payments, of_refund};
use crate::names;
use crate::objects::{Event, Payload};

/// What the body of a webhook says; `None`: it cannot be read.
pub(crate) fn read(body: &[u8]) -> Option<Heard> {
    let event: Event = serde_json::from_slice(body).ok()?;
    let about = event.payload.as_ref().and_then(about);
    let facts = match (&event.payload, &about) {
        (Some(payload), Some(_)) => facts(payload),
        _ => Vec::new(),
    };
    Some(Heard { event: None, about, facts })
}

/// By our own name where it has one, else by its order or the buyer's payment.
fn about(payload: &Payload) -> Option<About> {
    let notes = [
        payload.payment_link.as_ref().and_then(|link| link.entity.notes.as_ref()),
        payload.order.as_ref().and_then(|order| order.entity.notes.as_ref()),
        payload.payment.as_ref().and_then(|payment| payment.entity.notes.as_ref()),
    ];
    let refunded = payload.refund.as_ref().and_then(|refund| names::refund(refund.entity.notes.as_ref()));
    let payment: Option<PaymentId> =
        notes.into_iter().find_map(names::payment).or(refunded.map(|(payment, _)| payment));
    let reference = [
        payload.payment.as_ref().and_then(|payment| payment.entity.order_id.clone()),
        payload.refund.as_ref().and_then(|refund| refund.entity.payment_id.clone()),
        payload.dispute.as_ref().and_then(|dispute| dispute.entity.payment_id.clone()),
    ];
    let reference = reference.into_iter().flatten().next().map(Into::into);
    (payment.is_some() || reference.is_some()).then_some(About { payment, reference })
}

fn facts(payload: &Payload) -> Vec<Fact> {
    let mut facts: Vec<_> = payload.payment_link.iter().flat_map(|link| of_link(&link.entity)).collect();
    facts.extend(
        payload.payment.iter().flat_map(|payment| of_payments(std::slice::from_ref(&payment.entity))),
    );
    facts.extend(payload.refund.iter().filter_map(|refund| of_refund(&refund.entity)));
    facts.extend(payload.dispute.iter().filter_map(|dispute| of_dispute(&dispute.entity)));
    facts
}
