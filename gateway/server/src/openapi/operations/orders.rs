//! Orders.

use serde_json::json;

use super::{Operation, Who, example};
use crate::auth::Scope;
use crate::code::Code;
use crate::render::claim::OrderReply;
use crate::routes::orders;

const TAG: &str = "orders";
const ORGANIZER: [Who; 2] = [Who::Organizer(Scope::OrdersWrite), Who::Administrator];

pub(super) fn begin() -> Operation {
    Operation::new(TAG, "Begin an order")
        .about("The payment of a hold begins; the order is pending until `grace_until`.")
        .by(&[Who::Buyer, Who::HoldSecret])
        .keyed()
        .takes::<orders::BeginRequest<'_>>(json!({
            "hold": example::HOLD,
            "payment": {"provider": "sandbox", "return_url": "https://shop.example/thanks"},
            "contact": {"email": "ada@example.com"},
        }))
        .answers::<OrderReply<'_>>(201, "The order.", example::order("pending"))
        .may(&[Code::HoldNotFound, Code::HoldExpired, Code::PaymentAttemptsExhausted, Code::WrongState])
        .may(&[Code::WrongPhase, Code::LimitExceeded, Code::InvalidRequest, Code::ProviderUnknown])
}

pub(super) fn list() -> Operation {
    Operation::new(TAG, "List a buyer's orders")
        .about("From a projection, which says by `sequence` how far it has come.")
        .by(&[Who::Buyer])
        .listed("ord")
        .with(&["MinSequence"])
        .reads::<orders::OrderList<'_>>(
            "A page of the caller's own.",
            json!({"items": [example::order("paid")], "next": null, "sequence": 1240}),
        )
        .may(&[Code::TooManyStreams, Code::InvalidRequest])
}

pub(super) fn read() -> Operation {
    Operation::new(TAG, "Read an order")
        .by(&[Who::Buyer, Who::HoldSecret, Who::Organizer(Scope::EventsRead), Who::Administrator])
        .reads::<OrderReply<'_>>("The order.", example::order("paid"))
        .may(&[Code::OrderNotFound, Code::InvalidRequest])
}

pub(super) fn confirm() -> Operation {
    Operation::new(TAG, "Confirm an order")
        .about("`free` is for everyone whose order costs nothing, `offline` for the organizer.")
        .by(&[Who::Buyer, Who::HoldSecret, ORGANIZER[0], ORGANIZER[1]])
        .keyed()
        .takes::<orders::ConfirmRequest>(json!({"payment": "offline"}))
        .answers::<OrderReply<'_>>(200, "The order is paid; here are its tickets.", example::order("paid"))
        .may(&[
            Code::OrderNotFound,
            Code::PaymentRequired,
            Code::WrongState,
            Code::WrongPhase,
            Code::HoldExpired,
        ])
        .may(&[Code::InvalidRequest])
}

pub(super) fn fail_payment() -> Operation {
    Operation::new(TAG, "Say that a payment failed")
        .by(&ORGANIZER)
        .keyed()
        .takes::<orders::FailureRequest>(json!({ "attempt": 1 }))
        .answers::<orders::HeldAgain>(
            200,
            "The hold is held again.",
            json!({"id": example::HOLD, "state": "held", "sequence": 1241}),
        )
        .may(&[
            Code::OrderNotFound,
            Code::WrongState,
            Code::WrongPhase,
            Code::HoldExpired,
            Code::InvalidRequest,
        ])
}

pub(super) fn refund() -> Operation {
    Operation::new(TAG, "Refund tickets")
        .by(&ORGANIZER)
        .keyed()
        .takes::<orders::RefundRequest<'_>>(json!({
            "tickets": [example::TICKET],
            "units": "restock",
            "amount": {"amount": 1000, "currency": "EUR"},
            "reason": "goodwill",
        }))
        .answers::<orders::Refunded<'_>>(
            200,
            "They are refunded.",
            json!({
                "order": example::ORDER,
                "tickets": [example::TICKET],
                "units": "restock",
                "amount": {"amount": 1000, "currency": "EUR"},
                "reason": "goodwill",
                "sequence": 1242,
            }),
        )
        .may(&[Code::OrderNotFound, Code::TicketNotFound, Code::TicketRefunded, Code::AlreadyCheckedIn])
        .may(&[Code::AmountExceeded, Code::InDispute])
        .may(&[Code::WrongState, Code::WrongPhase, Code::InvalidRequest])
}
