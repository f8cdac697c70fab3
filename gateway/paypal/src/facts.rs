//! The tables of PayPal's statuses: what each of them says of a payment.

use tessera_inventory::Timestamp;
use tessera_payments::{DisputeStanding, Fact, RefundStanding};

use crate::events::refund_of;
use crate::objects::{Dispute, Link, Order, Payment, Payments};

/// Of an order: also once the buyer has approved it, there is no money until we authorise.
pub(crate) const APPROVED: &str = "APPROVED";

/// What an order says, with all that was done about it.
pub(crate) fn of_order(order: &Order) -> Vec<Fact> {
    let page = order.links.iter().flatten().find(|link| is_page(link)).map(|link| link.href.as_str().into());
    let mut facts = vec![Fact::Created { reference: order.id.as_str().into(), page, secret: None }];
    match order.status.as_deref() {
        Some(APPROVED) => facts.push(Fact::Processing),
        Some("VOIDED") => facts.push(Fact::Cancelled),
        _ => {}
    }
    let payments = order.purchase_units.iter().flatten().filter_map(|unit| unit.payments.as_ref());
    for Payments { authorizations, captures, refunds } in payments {
        facts.extend(authorizations.iter().flatten().flat_map(of_authorization));
        facts.extend(captures.iter().flatten().flat_map(of_capture));
        facts.extend(refunds.iter().flatten().filter_map(of_refund));
    }
    facts
}

fn is_page(link: &Link) -> bool {
    matches!(link.rel.as_deref(), Some("payer-action" | "approve"))
}

/// What an authorisation says.
pub(crate) fn of_authorization(authorization: &Payment) -> Option<Fact> {
    match authorization.status.as_deref()? {
        "CREATED" => Some(Fact::Authorised {
            amount_minor: minor(authorization)?,
            until: authorization.expiration_time.as_deref().and_then(parse_time),
        }),
        "PENDING" => Some(Fact::Processing),
        "VOIDED" | "EXPIRED" => Some(Fact::Cancelled),
        "DENIED" => Some(Fact::Failed { code: reason(authorization).into() }),
        // Captured: the capture says how much.
        _ => None,
    }
}

/// What a capture says.
pub(crate) fn of_capture(capture: &Payment) -> Vec<Fact> {
    let amount_minor = minor(capture);
    match (capture.status.as_deref(), amount_minor) {
        (Some("COMPLETED" | "PARTIALLY_REFUNDED" | "REFUNDED"), Some(amount_minor)) => {
            let booked = capture.seller_receivable_breakdown.as_ref();
            let currency =
                capture.amount.as_ref().and_then(|amount| amount.read()).map(|(currency, _)| currency);
            let fee = booked.and_then(|booked| booked.paypal_fee.as_ref()?.minor(currency?));
            let fee = fee.map(|amount_minor| Fact::Fee { amount_minor });
            [Fact::Captured { amount_minor }].into_iter().chain(fee).collect()
        }
        (Some("DECLINED" | "FAILED"), _) => vec![Fact::Failed { code: reason(capture).into() }],
        _ => Vec::new(),
    }
}

/// What a refund says.
pub(crate) fn of_refund(refund: &Payment) -> Option<Fact> {
    Some(Fact::Refund {
        id: refund.id.as_str().into(),
        ours: refund.custom_id.as_deref().and_then(refund_of).map(|(_, number)| number),
        amount_minor: minor(refund)?,
        standing: match refund.status.as_deref() {
            Some("COMPLETED") => RefundStanding::Done,
            Some("FAILED" | "CANCELLED") => RefundStanding::Failed,
            _ => RefundStanding::Pending,
        },
    })
}

/// What a dispute says.
pub(crate) fn of_dispute(dispute: &Dispute) -> Option<Fact> {
    let (_, amount_minor) = dispute.dispute_amount.as_ref()?.read()?;
    let outcome = dispute.dispute_outcome.as_ref().and_then(|outcome| outcome.outcome_code.as_deref());
    let standing = match (dispute.status.as_deref(), outcome) {
        (
            Some("RESOLVED"),
            Some("RESOLVED_SELLER_FAVOUR" | "CANCELED_BY_BUYER" | "DENIED" | "RESOLVED_WITH_PAYOUT"),
        ) => DisputeStanding::Won,
        (Some("RESOLVED"), Some("RESOLVED_BUYER_FAVOUR" | "ACCEPTED")) => DisputeStanding::Lost,
        _ => DisputeStanding::Open,
    };
    Some(Fact::Dispute { id: dispute.dispute_id.as_str().into(), amount_minor, fee_minor: 0, standing })
}

fn minor(payment: &Payment) -> Option<i64> {
    payment.amount.as_ref()?.read().map(|(_, minor)| minor)
}

fn reason(payment: &Payment) -> &str {
    let details = payment.status_details.as_ref();
    details.and_then(|details| details.reason.as_deref()).unwrap_or("declined")
}

pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let at = text.parse::<jiff::Timestamp>().ok()?;
    u64::try_from(at.as_millisecond()).ok().map(Timestamp)
}
