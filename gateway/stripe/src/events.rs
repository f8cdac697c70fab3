//! What webhooks say. Which events a webhook endpoint of Stripe should be sent is in `docs/payments.md`; what it is about is in the object, whatever
//! its type is called.

use tessera_actors::{About, Heard};
use tessera_payments::{Fact, PaymentId};

use crate::facts::{of_charge, of_dispute, of_intent, of_refund, of_session};
use crate::names;
use crate::objects::{Charge, Dispute, Event, EventData, Expandable, Intent, Refund, Session};

/// What the body of a webhook says; `None`: it cannot be read.
pub(crate) fn read(body: &[u8]) -> Option<Heard> {
    let event: Event = serde_json::from_slice(body).ok()?;
    let told = event.data.as_ref().and_then(told);
    let (about, facts) = told.map_or((None, Vec::new()), |(about, facts)| (Some(about), facts));
    Some(Heard { event: event.id.map(Into::into), about, facts })
}

/// What it is about, and what it says of that; `None`: nothing of ours.
fn told(data: &EventData) -> Option<(About, Vec<Fact>)> {
    match data.kind()? {
        "checkout.session" => {
            let session: Session = data.read()?;
            let named = session.client_reference_id.as_deref().and_then(PaymentId::parse);
            let payment = names::payment(session.metadata.as_ref()).or(named)?;
            Some((ours(payment), of_session(&session)))
        }
        "payment_intent" => {
            let intent: Intent = data.read()?;
            Some((ours(names::payment(intent.metadata.as_ref())?), of_intent(&intent)))
        }
        "charge" => {
            let charge: Charge = data.read()?;
            Some((ours(names::payment(charge.metadata.as_ref())?), of_charge(&charge)))
        }
        "refund" => {
            let refund: Refund = data.read()?;
            let ours = names::refund(refund.metadata.as_ref()).map(|(payment, _)| payment);
            Some((about(ours, refund.payment_intent.as_ref())?, of_refund(&refund).into_iter().collect()))
        }
        "dispute" => {
            let dispute: Dispute = data.read()?;
            Some((about(None, dispute.payment_intent.as_ref())?, of_dispute(&dispute).into_iter().collect()))
        }
        _ => None,
    }
}

fn ours(payment: PaymentId) -> About {
    About { payment: Some(payment), reference: None }
}

/// What others make at Stripe has no name of ours: then whose it is must be asked.
fn about(payment: Option<PaymentId>, intent: Option<&Expandable<Intent>>) -> Option<About> {
    let reference: Option<Box<str>> = intent.map(|intent| intent.id().into());
    (payment.is_some() || reference.is_some()).then_some(About { payment, reference })
}
