//! Refund runs.

use serde_json::{Value, json};

use super::{Operation, Who, example};
use crate::auth::Scope;
use crate::code::Code;
use crate::routes::refund_runs;

const TAG: &str = "refund runs";
const BY: [Who; 2] = [Who::Organizer(Scope::OrdersWrite), Who::Administrator];

fn run(state: &str) -> Value {
    json!({
        "id": example::REFUND_RUN,
        "state": state,
        "units": "restock",
        "reason": "cancelled",
        "per_second": 50,
        "through": 61000,
        "begun_at": example::at(),
        "asked": 12800,
        "refunded": 12791,
        "failed": 9,
        "amount": {"amount": 63_955_000, "currency": "EUR"},
    })
}

pub(super) fn begin() -> Operation {
    Operation::new(TAG, "Refund many orders")
        .about("Every order of the event, or of some ticket types, one after the other. An event that is cancelled begins a run by itself, unless its organizer's terms say otherwise; orders that were paid by hand it leaves as they are (`refund_due`), until the organizer asks for their refund.")
        .by(&BY)
        .keyed()
        .takes::<refund_runs::RunRequest<'_>>(json!({"units": "restock", "ticket_types": ["Standing"], "per_second": 50}))
        .answers::<refund_runs::RunReply<'_>>(201, "It goes on by itself.", run("running"))
        .may(&[Code::InvalidRequest, Code::NotExecuted, Code::OutcomeUnknown])
}

pub(super) fn list() -> Operation {
    Operation::new(TAG, "List refund runs")
        .by(&BY)
        .with(&[])
        .reads::<refund_runs::RunList<'_>>("The oldest first.", json!({"items": [run("done")]}))
        .may(&[Code::InvalidRequest])
}

pub(super) fn read() -> Operation {
    Operation::new(TAG, "Read a refund run")
        .by(&BY)
        .with(&[])
        .reads::<refund_runs::RunReply<'_>>("How far it has come.", run("running"))
        .may(&[Code::RefundRunNotFound, Code::InvalidRequest])
}

pub(super) fn pause() -> Operation {
    Operation::new(TAG, "Pause a refund run")
        .about("What is asked for already is given back.")
        .by(&BY)
        .answers::<refund_runs::RunReply<'_>>(200, "It stands still.", run("paused"))
        .may(&[Code::RefundRunNotFound, Code::InvalidRequest, Code::NotExecuted, Code::OutcomeUnknown])
}

pub(super) fn resume() -> Operation {
    Operation::new(TAG, "Resume a refund run")
        .by(&BY)
        .answers::<refund_runs::RunReply<'_>>(200, "It goes on.", run("running"))
        .may(&[Code::RefundRunNotFound, Code::InvalidRequest, Code::NotExecuted, Code::OutcomeUnknown])
}
