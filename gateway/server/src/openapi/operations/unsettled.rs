//! Payments, for administrators.

use serde_json::{Value, json};

use super::{Operation, Who, example};
use crate::code::Code;
use crate::routes::unsettled;

const TAG: &str = "payments";

fn payment() -> Value {
    json!({
        "payment": example::PAYMENT,
        "event": example::EVENT,
        "order": example::ORDER,
        "organizer": example::ORGANIZER,
        "attempt": 1,
        "provider": 1,
        "reference": "sbx_1",
        "want": "capture",
        "status": "captured",
        "currency": "EUR",
        "amount": 18_000,
        "captured": 18_000,
        "refunds": [{"number": 1242, "amount": 9_000, "state": "failed", "wanted_at": example::at()}],
        "disputes": 0,
        "alarms": ["refund_stuck"],
        "due_at": example::at(),
    })
}

pub(super) fn list() -> Operation {
    let state = json!({
        "name": "state",
        "in": "query",
        "description": "Which; `unsettled` is all there is.",
        "schema": {"enum": ["unsettled"]},
    });
    Operation::new(TAG, "List payments that are not settled")
        .about("Those about which there is something to do, now or later; the longest due first.")
        .by(&[Who::Administrator])
        .taking(state)
        .with(&["Limit"])
        .reads::<unsettled::RowList>("At most `limit` of them.", json!({"items": [payment()]}))
        .may(&[Code::InvalidRequest, Code::NotExecuted])
}

pub(super) fn look_up() -> Operation {
    Operation::new(TAG, "Look a payment up at its provider")
        .about("What the provider says is merged, whatever it is.")
        .by(&[Who::Administrator])
        .answers::<unsettled::Row>(200, "As it stands now.", payment())
        .may(&[Code::PaymentNotFound, Code::InvalidRequest, Code::NotExecuted, Code::OutcomeUnknown])
}

pub(super) fn settle() -> Operation {
    Operation::new(TAG, "Say that a refund was made by hand")
        .about("For one that its provider cannot make: it is not tried again.")
        .by(&[Who::Administrator])
        .takes::<unsettled::SettlementRequest>(json!({"refund": 1242}))
        .answers::<unsettled::Row>(200, "As it stands now.", payment())
        .may(&[Code::PaymentNotFound, Code::InvalidRequest, Code::NotExecuted, Code::OutcomeUnknown])
}
