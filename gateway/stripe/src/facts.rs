//! The tables of Stripe's statuses: what each of them says of a payment.

use tessera_inventory::Timestamp;
use tessera_ledger::Currency;
use tessera_payments::{DisputeStanding, Fact, RefundStanding};

use crate::money::{from_stripe, parse};
use crate::names;
use crate::objects::{BalanceTransaction, Charge, Dispute, ErrorBody, Intent, Refund, Session};

/// The kinds of reference: a payment at a page is known by its session, another by its PaymentIntent.
pub(crate) const SESSION_PREFIX: &str = "cs_";

/// What a session says, and the PaymentIntent in it, where it is there as a whole.
pub(crate) fn of_session(session: &Session) -> Vec<Fact> {
    let created = Fact::Created {
        reference: session.id.as_str().into(),
        page: session.url.as_deref().map(Into::into),
        secret: None,
    };
    let intent = session.payment_intent.as_ref().and_then(|intent| intent.object());
    let mut facts = vec![created];
    facts.extend(intent.into_iter().flat_map(of_intent));
    match session.status.as_deref() {
        Some("expired") => facts.push(Fact::Cancelled),
        // The page takes nothing any more: what the buyer did last has failed for good.
        Some("complete")
            if intent.and_then(|intent| intent.status.as_deref()) == Some("requires_payment_method") =>
        {
            let error = intent.and_then(|intent| intent.last_payment_error.as_ref());
            facts.push(Fact::Failed { code: error.map_or("failed", ErrorBody::word).into() });
        }
        // How it stands is in the PaymentIntent.
        Some("complete") if intent.is_none() => facts.push(Fact::Processing),
        _ => {}
    }
    facts
}

/// A PaymentIntent that has just been created for a front-end of one's own.
pub(crate) fn of_new_intent(intent: &Intent) -> Vec<Fact> {
    let mut facts = vec![Fact::Created {
        reference: intent.id.as_str().into(),
        page: None,
        secret: intent.client_secret.as_deref().map(Into::into),
    }];
    facts.extend(of_intent(intent));
    facts
}

/// What a PaymentIntent says. One that lacks a way to pay is open, also after a decline: the buyer may try another card.
pub(crate) fn of_intent(intent: &Intent) -> Vec<Fact> {
    let Some(currency) = intent.currency.as_deref().and_then(parse) else { return Vec::new() };
    let minor = |amount: Option<i64>| from_stripe(currency, amount.unwrap_or_default());
    let charge = intent.latest_charge.as_ref().and_then(|charge| charge.object());
    let mut facts = Vec::new();
    match intent.status.as_deref() {
        Some("processing") => facts.push(Fact::Processing),
        Some("requires_capture") => facts.push(Fact::Authorised {
            amount_minor: minor(intent.amount_capturable.or(intent.amount)),
            until: charge.and_then(capture_before),
        }),
        Some("succeeded") => {
            facts.push(Fact::Captured { amount_minor: minor(intent.amount_received.or(intent.amount)) });
        }
        Some("canceled") => facts.push(Fact::Cancelled),
        _ => {}
    }
    facts.extend(charge.and_then(|charge| fee(currency, charge)));
    facts
}

/// What a charge says.
pub(crate) fn of_charge(charge: &Charge) -> Vec<Fact> {
    let Some(currency) = charge.currency.as_deref().and_then(parse) else { return Vec::new() };
    let captured = charge.captured.unwrap_or_default().then(|| Fact::Captured {
        amount_minor: from_stripe(currency, charge.amount_captured.unwrap_or_default()),
    });
    captured.into_iter().chain(fee(currency, charge)).collect()
}

fn capture_before(charge: &Charge) -> Option<Timestamp> {
    let seconds = charge.payment_method_details.as_ref()?.card.as_ref()?.capture_before?;
    Some(Timestamp(seconds.saturating_mul(1_000)))
}

/// Stripe takes its fee in the currency in which it pays out: in another than that of the payment it is no number of ours.
fn fee(currency: Currency, charge: &Charge) -> Option<Fact> {
    let booked = charge.balance_transaction.as_ref()?.object()?;
    Some(Fact::Fee { amount_minor: fee_minor(currency, booked)? })
}

fn fee_minor(currency: Currency, booked: &BalanceTransaction) -> Option<i64> {
    let is_same = booked.currency.as_deref().and_then(parse) == Some(currency);
    Some(from_stripe(currency, booked.fee?)).filter(|_| is_same)
}

/// What a refund says.
pub(crate) fn of_refund(refund: &Refund) -> Option<Fact> {
    let currency = parse(refund.currency.as_deref()?)?;
    Some(Fact::Refund {
        id: refund.id.as_str().into(),
        ours: names::refund(refund.metadata.as_ref()).map(|(_, number)| number),
        amount_minor: from_stripe(currency, refund.amount?),
        standing: match refund.status.as_deref() {
            Some("succeeded") => RefundStanding::Done,
            Some("failed" | "canceled") => RefundStanding::Failed,
            _ => RefundStanding::Pending,
        },
    })
}

/// What a dispute says; nothing where the bank only inquires, since no money is taken back for that.
pub(crate) fn of_dispute(dispute: &Dispute) -> Option<Fact> {
    let currency = parse(dispute.currency.as_deref()?)?;
    let standing = match dispute.status.as_deref()? {
        "needs_response" | "under_review" => DisputeStanding::Open,
        "won" => DisputeStanding::Won,
        "lost" => DisputeStanding::Lost,
        _ => return None,
    };
    let booked = dispute.balance_transactions.iter().flatten();
    let fees = booked.filter_map(|booked| fee_minor(currency, booked));
    Some(Fact::Dispute {
        id: dispute.id.as_str().into(),
        amount_minor: from_stripe(currency, dispute.amount?),
        fee_minor: fees.fold(0, i64::saturating_add),
        standing,
    })
}
