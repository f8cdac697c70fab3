//! Holds.

use serde_json::json;

use super::{Operation, Who, example};
use crate::auth::Scope;
use crate::code::Code;
use crate::render::claim::HoldReply;
use crate::routes::{Nothing, holds, quotes};

const TAG: &str = "holds";

pub(super) fn place() -> Operation {
    Operation::new(TAG, "Place a hold")
        .about("A box office names the `buyer` whom it places it for, and may name a `channel`.")
        .by(&[Who::Buyer, Who::Organizer(Scope::OrdersWrite), Who::Administrator])
        .keyed()
        .takes::<holds::HoldRequest<'_>>(json!({
            "lines": [
                {"ticket_type": "Standing", "quantity": 2, "expected_price": example::money(4500)},
                {"ticket_type": "Lower tier", "seats": [4, 5]},
                {"together": {"quantity": 4, "section": "A", "price_max": example::money(9000), "accept_split": false}}],
            "promotion": "SUMMER",
            "duration_s": 600}))
        .answers::<HoldReply<'_>>(201, "The hold, with its secret.", example::hold(true))
        .may(&[Code::SoldOut, Code::SeatsTaken, Code::WaitlistAhead, Code::LimitExceeded, Code::NotOnSale])
        .may(&[Code::PriceChanged, Code::StrandsSeat, Code::WrongPhase, Code::OrderSize, Code::InvalidRequest])
        .may(&[Code::AccessCodeRequired, Code::TotalChanged, Code::PromotionUnknown, Code::PromotionClosed])
        .may(&[Code::PromotionExhausted, Code::AddOnAlone])
}

pub(super) fn quote() -> Operation {
    let lines = json!([{"ticket_type": "Standing", "quantity": 2, "price": example::money(4500)}]);
    let fee = json!({"kind": "fee", "line": 0, "name": "Service", "amount": example::money(300)});
    let off = json!({"kind": "promotion", "line": 0, "amount": example::money(-900)});
    Operation::new(TAG, "Ask what a hold would cost")
        .about("Nothing is held, and what is left of a promotion's budget is not looked at.")
        .by(&[Who::Anyone, Who::Buyer, Who::Organizer(Scope::EventsRead), Who::Administrator])
        .takes::<quotes::QuoteRequest<'_>>(json!({
            "lines": [{"ticket_type": "Standing", "quantity": 2}], "promotion": "SUMMER"}))
        .answers::<quotes::QuotationReply<'_>>(
            200,
            "What it would cost now.",
            json!({"configuration_version": 1, "lines": lines, "total": example::money(8400),
                "quote": {"lines": [off, fee], "total": example::money(8400)}}),
        )
        .may(&[Code::PromotionUnknown, Code::PromotionClosed, Code::InvalidRequest])
}

pub(super) fn read() -> Operation {
    Operation::new(TAG, "Read a hold")
        .by(&[Who::Buyer, Who::HoldSecret, Who::Organizer(Scope::EventsRead), Who::Administrator])
        .reads::<HoldReply<'_>>("The hold, without its secret.", example::hold(false))
        .may(&[Code::HoldNotFound, Code::InvalidRequest])
}

pub(super) fn renew() -> Operation {
    let mut renewed = example::hold(false);
    if let Some(fields) = renewed.as_object_mut() {
        fields.remove("renewals");
        fields.remove("origin");
    }
    Operation::new(TAG, "Renew a hold")
        .by(&[Who::Buyer, Who::HoldSecret])
        .keyed()
        .takes::<Nothing>(json!({}))
        .answers::<HoldReply<'_>>(200, "The hold and its new deadline.", renewed)
        .may(&[
            Code::HoldNotFound,
            Code::HoldExpired,
            Code::RenewalsExhausted,
            Code::WrongState,
            Code::WrongPhase,
        ])
        .may(&[Code::InvalidRequest])
}

pub(super) fn release() -> Operation {
    Operation::new(TAG, "Release a hold")
        .by(&[Who::Buyer, Who::HoldSecret, Who::Organizer(Scope::EventsWrite), Who::Administrator])
        .keyed()
        .takes::<Nothing>(json!({}))
        .answers::<holds::Released>(
            200,
            "Its units are free again.",
            json!({"id": example::HOLD, "state": "released", "sequence": 1240}),
        )
        .may(&[
            Code::HoldNotFound,
            Code::HoldExpired,
            Code::WrongState,
            Code::WrongPhase,
            Code::InvalidRequest,
        ])
}
