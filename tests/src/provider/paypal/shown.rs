//! Objects as PayPal shows them.

use serde_json::{Value, json};

use super::books::{Dispute, PayPalBooks, Refund};
use crate::provider::Replied;

pub(super) fn missing() -> Replied {
    Replied::json(
        404,
        json!({"name": "RESOURCE_NOT_FOUND", "message": "The specified resource does not exist."}),
    )
}

pub(super) fn unprocessable(issue: &str) -> Replied {
    Replied::json(422, json!({"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": issue}]}))
}

/// An amount in hundredths.
pub(super) fn cents(amount: &Value) -> i64 {
    let (whole, part) = amount["value"].as_str().unwrap().split_once('.').unwrap();
    format!("{whole}{part}").parse().unwrap()
}

fn amount(like: &Value, cents: i64) -> Value {
    json!({"currency_code": like["amount"]["currency_code"], "value": format!("{}.{:02}", cents / 100, cents % 100)})
}

pub(super) fn order(books: &PayPalBooks, id: &str) -> Value {
    let order = &books.orders[id];
    let mut unit = order.unit.clone();
    if order.authorization.is_some() {
        unit["payments"]["authorizations"] = json!([authorization(books, id)]);
    }
    if order.capture.is_some() {
        unit["payments"]["captures"] = json!([capture(books, id)]);
        let refunds = order.refunds.iter().map(|known| refund(books, id, known));
        unit["payments"]["refunds"] = refunds.collect();
    }
    let page = json!([
        {"href": format!("https://api-m.paypal.com/v2/checkout/orders/{id}"), "rel": "self", "method": "GET"},
        {"href": format!("https://www.paypal.com/checkoutnow?token={id}"), "rel": "payer-action", "method": "GET"},
    ]);
    json!({"id": id, "intent": "AUTHORIZE", "status": order.status, "purchase_units": [unit], "links": page})
}

pub(super) fn authorization(books: &PayPalBooks, id: &str) -> Value {
    let order = &books.orders[id];
    json!({
        "id": format!("AUTH{id}"),
        "status": order.authorization,
        "amount": order.unit["amount"],
        "custom_id": order.unit["custom_id"],
        "expiration_time": "2030-01-01T00:00:00Z",
        "supplementary_data": {"related_ids": {"order_id": id}},
    })
}

pub(super) fn capture(books: &PayPalBooks, id: &str) -> Value {
    let order = &books.orders[id];
    json!({
        "id": format!("CAPTURE{id}"),
        "status": order.capture,
        "amount": order.unit["amount"],
        "custom_id": order.unit["custom_id"],
        "final_capture": true,
        "seller_receivable_breakdown": {"gross_amount": order.unit["amount"], "paypal_fee": amount(&order.unit, 59)},
        "supplementary_data": {"related_ids": {"order_id": id}},
    })
}

pub(super) fn refund(books: &PayPalBooks, order: &str, refund: &Refund) -> Value {
    json!({
        "id": refund.id,
        "status": "COMPLETED",
        "amount": amount(&books.orders[order].unit, refund.cents),
        "custom_id": refund.custom_id,
    })
}

pub(super) fn dispute(books: &PayPalBooks, dispute: &Dispute) -> Value {
    json!({
        "dispute_id": dispute.id,
        "status": if dispute.outcome.is_some() { "RESOLVED" } else { "OPEN" },
        "dispute_amount": amount(&books.orders[&dispute.order].unit, dispute.cents),
        "dispute_outcome": dispute.outcome.map(|outcome| json!({"outcome_code": outcome})),
        // What we have named it is left out, as it is where a buyer disputes at the bank.
        "disputed_transactions": [{"seller_transaction_id": format!("CAPTURE{}", dispute.order)}],
    })
}

pub(super) fn disputes(books: &PayPalBooks, capture: &str) -> Value {
    let of = books.disputes.iter().filter(|dispute| format!("CAPTURE{}", dispute.order) == capture);
    let items: Vec<_> = of.map(|dispute| json!({"dispute_id": dispute.id, "status": "OPEN"})).collect();
    json!({"items": items})
}
