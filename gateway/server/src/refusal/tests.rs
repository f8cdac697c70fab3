use actix_web::body::MessageBody;
use tessera_inventory::{ClaimNumber, ClaimState, Phase, PhaseCommand, PoolId};

use super::*;
use crate::auth::Keys;
use crate::venue::Venue;

fn config() -> Config {
    let text = br#"{"currency":"EUR","pools":[{"name":"Floor","capacity":5}],
        "ticket_types":[{"name":"Standing","price":4500,"draws_on":["Floor"]}]}"#;
    let venue = crate::json::parse::<Venue>(text).unwrap();
    venue::resolve(&Keys::derive(&[1; 32]), &venue).unwrap()
}

/// The problem's status and code, and the members that every problem has taken off.
fn shown(rejection: &Rejection) -> (u16, String, Value) {
    let response = problem(Sequence(9), rejection, Some(&config())).response();
    let status = response.status().as_u16();
    let mut body: Value = serde_json::from_slice(&response.into_body().try_into_bytes().unwrap()).unwrap();
    let members = body.as_object_mut().unwrap();
    for standard in ["type", "title", "status", "detail"] {
        assert!(members.remove(standard).is_some(), "{standard}");
    }
    assert_eq!(members.remove("sequence"), Some(json!(9)), "every refusal says what it was decided on");
    let code = members.remove("code").unwrap().as_str().unwrap().to_owned();
    (status, code, body)
}

fn check(rejection: &Rejection, status: u16, code: &str, members: &Value) {
    assert_eq!(shown(rejection), (status, code.to_owned(), members.clone()), "{rejection:?}");
    let proven = tessera_projections::receipts::refusal_code(rejection);
    assert_eq!(proven, code, "its receipt has the same code");
}

#[test]
fn a_lack_of_stock_says_what_is_in_the_way() {
    let standing = TicketTypeId(0);
    let at = Timestamp(1_000);
    let conflict = |line: u16, pool: Value| json!([{"line": line, "pool": pool, "reason": "sold_out"}]);
    let sold_out = |pool| Rejection::SoldOut { line: 1, pool, remaining: 2, may_return: true };
    let facts = json!({"line": 1, "remaining": 2, "may_return": true, "pool": "Floor", "conflicts": conflict(1, json!("Floor"))});
    check(&sold_out(Some(PoolId(0))), 409, "sold_out", &facts);
    let facts = json!({"line": 1, "remaining": 2, "may_return": true, "conflicts": conflict(1, Value::Null)});
    check(&sold_out(None), 409, "sold_out", &facts);
    let taken = json!({"seats": [4], "conflicts": [{"seat": 4, "reason": "taken"}]});
    check(&Rejection::SeatsTaken { seats: vec![SeatIndex(4)] }, 409, "seats_taken", &taken);
    let waitlist = Rejection::WaitlistAhead { ticket_type: standing };
    check(&waitlist, 409, "waitlist_ahead", &json!({"ticket_type": "Standing"}));
    let limit = |ticket_type| Rejection::LimitExceeded { ticket_type, limit: 8, used: 7 };
    let conflict = |name: Value| json!([{"ticket_type": name, "reason": "limit_exceeded"}]);
    let of_event = json!({"limit": 8, "used": 7, "conflicts": conflict(Value::Null)});
    check(&limit(None), 409, "limit_exceeded", &of_event);
    let of_type =
        json!({"limit": 8, "used": 7, "ticket_type": "Standing", "conflicts": conflict(json!("Standing"))});
    check(&limit(Some(standing)), 409, "limit_exceeded", &of_type);
    let strands = Rejection::StrandsSeat {
        stranded: SeatIndex(5),
        alternatives: vec![vec![SeatIndex(1), SeatIndex(2)]],
    };
    let facts =
        json!({"stranded": 5, "alternatives": [[1, 2]], "conflicts": [{"seat": 5, "reason": "stranded"}]});
    check(&strands, 409, "strands_seat", &facts);
    let size = Rejection::OrderSize { ticket_type: standing, min: 2, max: 6 };
    check(&size, 422, "order_size", &json!({"ticket_type": "Standing", "min": 2, "max": 6}));
    let closed = Rejection::NotOnSale { ticket_type: standing, opens_at: Some(at) };
    let facts = json!({"ticket_type": "Standing", "opens_at": "1970-01-01T00:00:01Z"});
    check(&closed, 409, "not_on_sale", &facts);
    let price = Rejection::PriceChanged { ticket_type: standing, price_minor: 5 };
    let facts = json!({"ticket_type": "Standing", "price": {"amount": 5, "currency": "EUR"}});
    check(&price, 409, "price_changed", &facts);
    let total = Rejection::TotalChanged { total_minor: 5 };
    check(&total, 409, "total_changed", &json!({"total": {"amount": 5, "currency": "EUR"}}));
    check(&Rejection::PromotionUnknown, 409, "promotion_unknown", &json!({}));
    let opens = Rejection::PromotionClosed { opens_at: Some(at) };
    check(&opens, 409, "promotion_closed", &json!({"opens_at": "1970-01-01T00:00:01Z"}));
    let spent = Rejection::PromotionExhausted { uses_left: None, amount_left_minor: Some(0) };
    let facts = json!({"uses_left": null, "amount_left": {"amount": 0, "currency": "EUR"}});
    check(&spent, 409, "promotion_exhausted", &facts);
    let alone = Rejection::AddOnAlone { ticket_type: standing };
    check(&alone, 409, "add_on_alone", &json!({"ticket_type": "Standing"}));
    check(&Rejection::WrongKind, 409, "wrong_kind", &json!({}));
    let beyond = Rejection::AmountExceeded { refundable_minor: 700 };
    let facts = json!({"refundable": {"amount": 700, "currency": "EUR"}});
    check(&beyond, 409, "amount_exceeded", &facts);
    check(&Rejection::InDispute, 409, "in_dispute", &json!({}));
}

#[test]
fn a_refusal_about_a_claim_says_how_it_stands() {
    let none = json!({});
    check(&Rejection::HoldExpired { hold: ClaimNumber(3) }, 409, "hold_expired", &none);
    check(&Rejection::HoldNotFound, 404, "hold_not_found", &none);
    check(&Rejection::OrderNotFound, 404, "order_not_found", &none);
    check(&Rejection::TicketNotFound, 404, "ticket_not_found", &none);
    let paid = Rejection::WrongState { state: ClaimState::Paid };
    check(&paid, 409, "wrong_state", &json!({"state": "paid"}));
    check(&Rejection::RenewalsExhausted, 409, "renewals_exhausted", &none);
    check(&Rejection::PaymentAttemptsExhausted, 409, "payment_attempts_exhausted", &none);
    let due = json!({"total": {"amount": 9, "currency": "EUR"}});
    check(&Rejection::PaymentRequired { total_minor: 9 }, 409, "payment_required", &due);
    let inside = Rejection::AlreadyCheckedIn { at: Timestamp(2_000), gate: 7, device: 3 };
    check(&inside, 409, "already_checked_in", &json!({"at": "1970-01-01T00:00:02Z", "device": 3, "gate": 7}));
    check(&Rejection::NotCheckedIn, 409, "not_checked_in", &none);
    check(&Rejection::CodeRevoked { generation: 2 }, 409, "code_revoked", &json!({"generation": 2}));
    check(&Rejection::TransfersExhausted, 409, "transfers_exhausted", &none);
    check(&Rejection::TicketRefunded, 409, "ticket_refunded", &none);
}

#[test]
fn a_refusal_by_a_rule_says_which() {
    let none = json!({});
    let phase =
        Rejection::WrongPhase { phase: Phase::Scheduled, command: PhaseCommand::PlaceHold, opens_at: None };
    let facts = json!({"phase": "scheduled", "command": "place_hold", "opens_at": null});
    check(&phase, 409, "wrong_phase", &facts);
    check(&Rejection::StaleVersion { current: 4 }, 409, "stale_version", &json!({"current": 4}));
    let wrong = |path: &str| {
        Rejection::InvalidConfig(ConfigError { path: path.to_owned(), problem: "is wrong".to_owned() })
    };
    let errors = json!({"errors": [{"path": "configuration.pools[0]", "message": "is wrong"}]});
    check(&wrong("pools[0]"), 422, "invalid_configuration", &errors);
    check(&wrong(""), 422, "invalid_request", &json!({"reason": "not_configured"}));
    let request = Rejection::InvalidRequest(RequestError::UnknownSeat);
    check(&request, 422, "invalid_request", &json!({"reason": "unknown_seat"}));
    check(&Rejection::NothingToRestore { killed: 1 }, 409, "nothing_to_restore", &json!({"killed": 1}));
    check(&Rejection::AccessCodeRequired, 403, "access_code_required", &none);
    check(&Rejection::KeyReused, 422, "key_reused", &none);
    check(&Rejection::KeyExpired, 409, "key_expired", &none);
    check(&Rejection::Forbidden, 403, "forbidden", &none);
}
