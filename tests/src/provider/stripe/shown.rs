//! Objects as Stripe shows them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::books::{Dispute, Refund, StripeBooks};
use crate::provider::Replied;

/// What Stripe takes of a payment.
const FEE: i64 = 59;

pub(super) fn error(status: u16, code: &str, message: &str) -> Replied {
    let kind = if status == 402 { "card_error" } else { "invalid_request_error" };
    Replied::json(status, json!({"error": {"type": kind, "code": code, "message": message}}))
}

pub(super) fn missing() -> Replied {
    error(404, "resource_missing", "there is no such thing")
}

pub(super) fn session(books: &StripeBooks, id: &str, expands: bool) -> Value {
    let session = &books.sessions[id];
    let intent = session
        .intent
        .as_ref()
        .map(|intent| if expands { self::intent(books, intent, true) } else { json!(intent) });
    let is_open = session.status == "open";
    json!({
        "id": id,
        "object": "checkout.session",
        "status": session.status,
        "payment_status": "unpaid",
        "mode": session.form["mode"],
        "currency": session.form["line_items[0][price_data][currency]"],
        "client_reference_id": session.form.get("client_reference_id"),
        "metadata": {"tessera_payment": session.form.get("metadata[tessera_payment]")},
        "payment_intent": intent,
        "success_url": session.form["success_url"],
        "url": is_open.then(|| format!("https://checkout.stripe.com/c/pay/{id}")),
    })
}

pub(super) fn intent(books: &StripeBooks, id: &str, expands: bool) -> Value {
    let intent = &books.intents[id];
    let is_paid = matches!(intent.status, "requires_capture" | "succeeded");
    let charge = is_paid.then(|| if expands { charge(books, id, true) } else { json!(charge_id(id)) });
    let error = json!({"type": "card_error", "code": "card_declined", "decline_code": "generic_decline"});
    json!({
        "id": id,
        "object": "payment_intent",
        "status": intent.status,
        "amount": intent.amount,
        "amount_capturable": if intent.status == "requires_capture" { intent.amount } else { 0 },
        "amount_received": intent.received,
        "capture_method": "manual",
        "client_secret": format!("{id}_secret_1"),
        "currency": intent.currency,
        "metadata": {"tessera_payment": intent.payment},
        "last_payment_error": (intent.declined && !is_paid).then_some(error),
        "latest_charge": charge,
    })
}

fn charge_id(intent: &str) -> String {
    intent.replace("pi_", "ch_")
}

pub(super) fn charge(books: &StripeBooks, intent: &str, expands: bool) -> Value {
    let known = &books.intents[intent];
    let refunded: i64 =
        books.refunds.iter().filter(|refund| refund.intent == intent).map(|refund| refund.amount).sum();
    let is_captured = known.status == "succeeded";
    let booked = is_captured.then(|| {
        if expands {
            json!({"id": "txn_1", "object": "balance_transaction", "fee": FEE, "currency": known.currency})
        } else {
            json!("txn_1")
        }
    });
    json!({
        "id": charge_id(intent),
        "object": "charge",
        "amount": known.amount,
        "amount_captured": known.received,
        "amount_refunded": refunded,
        "captured": is_captured,
        "currency": known.currency,
        "disputed": books.disputes.iter().any(|dispute| dispute.intent == intent),
        "metadata": {"tessera_payment": known.payment},
        "payment_intent": intent,
        "payment_method_details": {"type": "card", "card": {"capture_before": known.capture_before}},
        "balance_transaction": booked,
    })
}

pub(super) fn refund(books: &StripeBooks, refund: &Refund) -> Value {
    let metadata = refund.ours.as_ref().map_or(json!({}), |ours| json!({"tessera_refund": ours}));
    json!({
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "currency": books.intents[&refund.intent].currency,
        "status": refund.status,
        "charge": charge_id(&refund.intent),
        "payment_intent": refund.intent,
        "metadata": metadata,
    })
}

pub(super) fn dispute(books: &StripeBooks, dispute: &Dispute) -> Value {
    let currency = &books.intents[&dispute.intent].currency;
    json!({
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "currency": currency,
        "status": dispute.status,
        "charge": charge_id(&dispute.intent),
        "payment_intent": dispute.intent,
        "metadata": {},
        "balance_transactions": [{"id": "txn_2", "amount": -dispute.amount, "fee": 1_500, "currency": currency}],
    })
}

/// A page: the newest first.
pub(super) fn refunds(books: &StripeBooks, query: &BTreeMap<String, String>) -> Value {
    let limit: usize = query.get("limit").map_or(10, |limit| limit.parse().unwrap());
    let of = books.refunds.iter().rev().filter(|refund| refund.intent == query["payment_intent"]);
    let mut rest = of.map(|known| refund(books, known)).collect::<Vec<_>>();
    if let Some(after) = query.get("starting_after") {
        let at = rest.iter().position(|refund| refund["id"] == **after).unwrap();
        rest.drain(..=at);
    }
    let has_more = rest.len() > limit;
    rest.truncate(limit);
    json!({"object": "list", "data": rest, "has_more": has_more})
}

pub(super) fn disputes(books: &StripeBooks, query: &BTreeMap<String, String>) -> Value {
    let of = books.disputes.iter().filter(|dispute| dispute.intent == query["payment_intent"]);
    let all: Vec<_> = of.map(|known| dispute(books, known)).collect();
    json!({"object": "list", "data": all, "has_more": false})
}
