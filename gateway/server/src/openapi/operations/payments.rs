//! Payments.

use serde_json::json;

use super::{Operation, Who};
use crate::auth::Scope;
use crate::code::Code;
use crate::routes::payments;

const TAG: &str = "payments";

pub(super) fn read() -> Operation {
    let wait = json!({
        "name": "wait_ms",
        "in": "query",
        "description": "Wait so long, in milliseconds, for what `until` says.",
        "schema": {"type": "integer", "minimum": 0, "maximum": crate::limits::PAYMENT_WAIT_MS_MAX},
    });
    let until = json!({
        "name": "until",
        "in": "query",
        "description": "What to wait for: `page`, the provider has said where the buyer pays; `decided`, the order is sold, or this attempt is over.",
        "schema": {"enum": ["page", "decided"], "default": "page"},
    });
    Operation::new(TAG, "Read how the payment of an order goes on")
        .about("Its last attempt by a provider. The buyer pays at `page`, or at one of the organizer's own with `client_secret`, \
                which is told to the buyer alone (its token, or the secret of the hold).")
        .by(&[Who::Buyer, Who::HoldSecret, Who::Organizer(Scope::EventsRead), Who::Administrator])
        .taking(wait)
        .taking(until)
        .with(&[])
        .reads::<payments::PaymentReply>(
            "How it stands.",
            json!({"attempt": 1, "state": "awaiting_buyer", "sequence": 1204, "page": "https://pay.example/p/123"}),
        )
        .may(&[Code::OrderNotFound, Code::PaymentNotFound, Code::TooManyStreams, Code::InvalidRequest])
}

pub(super) fn hear() -> Operation {
    Operation::new(TAG, "Tell of a payment, as its provider")
        .about("Signed by the provider, whatever its form. 200 once it is kept; it may come again, late, and in any order.")
        .by(&[Who::Anyone])
        .takes_bytes()
        .reply(200, "It is kept.", &["X-Request-Id"], None)
        .may(&[Code::SignatureInvalid, Code::NotExecuted, Code::OutcomeUnknown])
}
