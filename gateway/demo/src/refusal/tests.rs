use std::collections::HashMap;

use serde_json::{Value, json};

use super::*;
use crate::wire::Asked;

/// A row of six free seats, and a type of a quota that is opened by a code.
fn venue(stalls: &Value) -> Venue {
    let mut stalls = stalls.clone();
    stalls["name"] = json!("Stalls");
    (stalls["price"], stalls["category"]) = (json!(1), json!("Stalls"));
    let venue = json!({
        "currency": "EUR", "pools": [{"name": "Floor", "capacity": 10}], "categories": [{"name": "Stalls"}], "sections": ["A"],
        "rows": [{"section": "A", "label": "1", "blocks": [{"from": 1, "to": 6, "category": "Stalls"}]}],
        "channels": [{"name": "Fans", "code": "F"}],
        "ticket_types": [stalls, {"name": "Standing", "price": 1, "per_order_max": 6, "draws_on": ["Floor"], "access_code": "S"}],
    });
    Venue::read(&venue.to_string()).unwrap()
}

fn together(quantity: u16, access_code: Option<&str>) -> Asked {
    let units =
        AskedUnits::Together { quantity, section: None, price_max: None, accessible: 0, accept_split: false };
    let lines = vec![AskedLine { ticket_type: None, units }];
    Asked { lines, access_code: access_code.map(str::to_owned), stale_price: false }
}

fn refused(venue: &Venue, phase: &str, code: &str, asked: Asked, (limit, used): (u32, u32)) -> Verdict {
    let owners = HashMap::new();
    let mut fold = Fold::new(venue, &owners);
    fold.phase = phase.to_owned();
    fold.usage.insert((1, 1), 2);
    let (code, limit, used) = (code.to_owned(), Some(limit), Some(used));
    let refusal =
        Refusal { sequence: Some(1), buyer: 1, code, asked, seats: vec![], stranded: None, limit, used };
    judge(&fold, venue, &refusal)
}

fn sold_out(venue: &Venue, phase: &str, asked: Asked) -> Verdict {
    refused(venue, phase, "sold_out", asked, (0, 0))
}

/// Best available over all types passes over those that the buyer may not have: what is free of them says nothing.
#[test]
fn seats_of_types_that_nobody_may_have_are_no_seats_for_any_type() {
    let free = venue(&json!({"per_order_max": 6}));
    assert_eq!(sold_out(&free, "on_sale", together(4, None)), Verdict::Unchecked, "the buyer has something");
    let size = venue(&json!({"per_order_max": 4}));
    assert_eq!(sold_out(&size, "on_sale", together(5, None)), Verdict::Right);
    let limited = venue(&json!({"per_order_max": 6, "per_subject_max": 4}));
    assert_eq!(sold_out(&limited, "on_sale", together(5, None)), Verdict::Right);
    assert_eq!(
        sold_out(&free, "presale", together(4, Some("S"))),
        Verdict::Right,
        "closed until the sale opens"
    );
}

#[test]
fn a_code_that_opens_no_seats_does_not_open_any_seats() {
    let venue = venue(&json!({"per_order_max": 6}));
    let asked = || together(2, Some("S"));
    assert_eq!(refused(&venue, "presale", "access_code_required", asked(), (0, 0)), Verdict::Right);
    assert_ne!(refused(&venue, "on_sale", "access_code_required", asked(), (0, 0)), Verdict::Right);
}

/// The buyer has two standing places.
#[test]
fn a_limit_is_judged_with_what_the_buyer_has_of_the_same_type() {
    let venue = venue(&json!({"per_order_max": 6, "per_subject_max": 2}));
    let judged =
        |quantity, told| refused(&venue, "on_sale", "limit_exceeded", together(quantity, None), told);
    assert_eq!(judged(3, (2, 0)), Verdict::Right);
    assert!(matches!(judged(1, (2, 2)), Verdict::Wrong(_)), "the two are of another type");
    assert!(matches!(judged(2, (2, 0)), Verdict::Wrong(_)), "that is not more than the limit");
}
