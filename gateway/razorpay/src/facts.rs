//! The tables of Razorpay's statuses: what each of them says of a payment. Amounts are in the smallest unit, as ours are.

use tessera_payments::{DisputeStanding, Fact, RefundStanding};

use crate::names;
use crate::objects::{Dispute, Link, Payment, Refund};

/// The currency in which Razorpay takes its fee.
const HOME: &str = "INR";

/// What a payment link says.
pub(crate) fn of_link(link: &Link) -> Vec<Fact> {
    let created = Fact::Created {
        reference: link.id.as_str().into(),
        page: link.short_url.as_deref().map(Into::into),
        secret: None,
    };
    let is_over = matches!(link.status.as_deref(), Some("cancelled" | "expired"));
    [created].into_iter().chain(is_over.then_some(Fact::Cancelled)).collect()
}

/// What all that buyers did about an order says. A payment that failed says nothing: another may follow.
pub(crate) fn of_payments(payments: &[Payment]) -> Vec<Fact> {
    let captured = payments.iter().filter(|payment| is_captured(payment));
    let captured_minor = captured.clone().map(amount).fold(0, i64::saturating_add);
    if captured_minor > 0 {
        let fees = captured.map(|payment| payment.fee.filter(|_| payment.currency.as_deref() == Some(HOME)));
        let fee = fees.sum::<Option<i64>>().map(|amount_minor| Fact::Fee { amount_minor });
        return [Fact::Captured { amount_minor: captured_minor }].into_iter().chain(fee).collect();
    }
    let authorised = payments.iter().filter(|payment| is_authorised(payment)).map(amount).max();
    let lapsed = payments.iter().any(|payment| payment.status.as_deref() == Some("refunded"));
    match authorised {
        Some(amount_minor) => vec![Fact::Authorised { amount_minor, until: None }],
        // It was not captured in time, and has gone back by itself.
        None if lapsed => vec![Fact::Cancelled],
        None => Vec::new(),
    }
}

pub(crate) fn is_captured(payment: &Payment) -> bool {
    match payment.status.as_deref() {
        Some("captured") => true,
        Some("refunded") => payment.captured.unwrap_or_default(),
        _ => false,
    }
}

pub(crate) fn is_authorised(payment: &Payment) -> bool {
    payment.status.as_deref() == Some("authorized")
}

fn amount(payment: &Payment) -> i64 {
    payment.amount.unwrap_or_default()
}

/// What a refund says.
pub(crate) fn of_refund(refund: &Refund) -> Option<Fact> {
    Some(Fact::Refund {
        id: refund.id.as_str().into(),
        ours: names::refund(refund.notes.as_ref()).map(|(_, number)| number),
        amount_minor: refund.amount?,
        standing: match refund.status.as_deref() {
            Some("processed") => RefundStanding::Done,
            Some("failed") => RefundStanding::Failed,
            _ => RefundStanding::Pending,
        },
    })
}

/// What a dispute says; nothing where the bank only inquires.
pub(crate) fn of_dispute(dispute: &Dispute) -> Option<Fact> {
    let inquires = matches!(dispute.phase.as_deref(), Some("fraud" | "retrieval"));
    let standing = match dispute.status.as_deref()? {
        "won" | "closed" => DisputeStanding::Won,
        "lost" => DisputeStanding::Lost,
        _ => DisputeStanding::Open,
    };
    let is_told = !inquires || standing == DisputeStanding::Lost;
    let fact = Fact::Dispute {
        id: dispute.id.as_str().into(),
        amount_minor: dispute.amount?,
        fee_minor: 0,
        standing,
    };
    is_told.then_some(fact)
}
