//! Objects as Razorpay shows them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::books::{Dispute, RazorpayBooks, Refund};
use crate::provider::Replied;

/// What Razorpay takes of a payment.
const FEE: i64 = 29;

pub(super) fn error(description: &str) -> Replied {
    let error = json!({"code": "BAD_REQUEST_ERROR", "description": description, "reason": "NA"});
    Replied::json(400, json!({"error": error}))
}

pub(super) fn missing() -> Replied {
    error("The id provided does not exist")
}

pub(super) fn amount(body: &Value) -> i64 {
    body["amount"].as_i64().unwrap()
}

fn collection(items: &[Value]) -> Value {
    json!({"entity": "collection", "count": items.len(), "items": items})
}

pub(super) fn order(books: &RazorpayBooks, id: &str) -> Value {
    let order = &books.orders[id];
    let is_paid = books.payments.iter().any(|payment| payment.order == id && payment.status == "captured");
    json!({
        "id": id,
        "entity": "order",
        "amount": order.body["amount"],
        "currency": order.body["currency"],
        "receipt": order.body["receipt"],
        "status": if is_paid { "paid" } else { "created" },
        // Those of a link are not shown here.
        "notes": if order.is_automatic { json!([]) } else { order.body["notes"].clone() },
    })
}

pub(super) fn orders(books: &RazorpayBooks, receipt: &str) -> Value {
    let of = books.orders.iter().filter(|(_, order)| order.body["receipt"] == *receipt);
    collection(&of.map(|(id, _)| order(books, id)).collect::<Vec<_>>())
}

pub(super) fn link(books: &RazorpayBooks, id: &str) -> Value {
    let link = &books.links[id];
    json!({
        "id": id,
        "amount": link.body["amount"],
        "currency": link.body["currency"],
        "reference_id": link.body["reference_id"],
        "notes": link.body["notes"],
        "short_url": format!("https://rzp.io/i/{id}"),
        "status": link.status,
        "order_id": link.order,
    })
}

pub(super) fn links(books: &RazorpayBooks, reference: &str) -> Value {
    let of = books.links.iter().filter(|(_, link)| link.body["reference_id"] == *reference);
    json!({"payment_links": of.map(|(id, _)| link(books, id)).collect::<Vec<_>>()})
}

pub(super) fn refunded(books: &RazorpayBooks, payment: &str) -> i64 {
    books.refunds.iter().filter(|refund| refund.payment == payment).map(|refund| refund.amount).sum()
}

pub(super) fn payment(books: &RazorpayBooks, id: &str) -> Value {
    let payment = books.payments.iter().find(|payment| payment.id == id).unwrap();
    let order = &books.orders[&payment.order];
    let is_captured = payment.status == "captured";
    let refunded = refunded(books, id);
    let is_refunded = is_captured && refunded == amount(&order.body);
    json!({
        "id": id,
        "entity": "payment",
        "amount": order.body["amount"],
        "currency": order.body["currency"],
        "status": if is_refunded { "refunded" } else { payment.status },
        "captured": is_captured,
        "amount_refunded": refunded,
        "order_id": payment.order,
        "fee": is_captured.then_some(FEE),
        "notes": if order.is_automatic { order.body["notes"].clone() } else { json!([]) },
    })
}

pub(super) fn payments(books: &RazorpayBooks, order: &str) -> Value {
    let of = books.payments.iter().filter(|payment| payment.order == order);
    collection(&of.map(|known| payment(books, &known.id)).collect::<Vec<_>>())
}

pub(super) fn refund(refund: &Refund) -> Value {
    json!({
        "id": refund.id,
        "entity": "refund",
        "amount": refund.amount,
        "payment_id": refund.payment,
        "notes": refund.notes,
        "status": "processed",
    })
}

pub(super) fn refunds(books: &RazorpayBooks, payment: &str, query: &BTreeMap<String, String>) -> Value {
    let number = |name: &str| query[name].parse::<usize>().unwrap();
    let of = books.refunds.iter().filter(|refund| refund.payment == payment);
    collection(&of.skip(number("skip")).take(number("count")).map(refund).collect::<Vec<_>>())
}

pub(super) fn dispute(dispute: &Dispute) -> Value {
    json!({
        "id": dispute.id,
        "entity": "dispute",
        "payment_id": dispute.payment,
        "amount": dispute.amount,
        "amount_deducted": if dispute.status == "lost" { dispute.amount } else { 0 },
        "status": dispute.status,
        "phase": "chargeback",
    })
}

pub(super) fn disputes(books: &RazorpayBooks) -> Value {
    collection(&books.disputes.iter().map(dispute).collect::<Vec<_>>())
}
