//! Quotes that a log has and its tariffs do not give.

use futures::executor::block_on;
use tessera_inventory::{Payment, SoldLate};
use tessera_pricing::{Basis, Effect, Fee, Payer, Promotion, TypeSet};

use super::*;
use crate::replay::tests::{EVENT, hold, on_sale, priced, store};

const PRICE: i64 = 1_000;

/// A fee of so much a ticket; by a code 3.00 off an order, 4.00 in all.
fn tariff(fixed_minor: i64) -> Tariff {
    let fee = Fee {
        name: "service".into(),
        basis: Basis::PerTicket,
        fixed_minor,
        rate_ppm: 0,
        min_minor: 0,
        max_minor: None,
        payer: Payer::Buyer,
        taxes: 0,
        types: TypeSet::default(),
        refundable: false,
    };
    let promotion = Promotion {
        code: 7,
        effect: Effect::FixedPerOrder(300),
        types: TypeSet::default(),
        opens_at: None,
        closes_at: None,
        uses_max: None,
        amount_max_minor: Some(400),
        per_subject_max: None,
        serials: 0,
        returns_on_refund: false,
    };
    Tariff { fees: vec![fee], promotions: vec![promotion], ..Tariff::default() }
}

fn configured(version: u32, fixed_minor: i64) -> EventBody {
    priced(version, (PRICE, Some(Box::new(tariff(fixed_minor)))))
}

/// A hold of a ticket that was quoted by this version's fee, with so much left of the promotion, where it was claimed.
fn held((version, fixed_minor): (u32, i64), left: Option<i64>) -> HoldPlaced {
    let lines = [BasketLine { ticket_type: 0, add_on: false, quantity: 1, price_minor: PRICE }];
    let promotion = left.map(|left| Applied { promotion: 0, amount_left_minor: Some(left) });
    let quote = quote(&tariff(fixed_minor), version, &Basket { lines: &lines, promotion });
    HoldPlaced { quote: quote.map(Box::new), ..hold(0, 0, PRICE) }
}

fn placed(version: (u32, i64), left: Option<i64>) -> EventBody {
    EventBody::HoldPlaced(held(version, left))
}

/// What is said of a log; nothing where every quote is what its tariff gives.
fn said(records: &[Vec<EventBody>]) -> String {
    let (_folder, store) = store(records);
    let checked = block_on(check(&store, EVENT));
    checked.err().map(|failure| failure.to_string()).unwrap_or_default()
}

#[test]
fn a_quote_is_what_its_version_and_what_was_left_of_its_promotion_give() {
    let (first, second) = ((1, 150), (2, 200));
    let sound = [
        vec![configured(1, 150), on_sale(), placed(first, None)],
        // Both in one record: the second has what the first has left.
        vec![placed(first, Some(400)), placed(first, Some(100))],
        vec![configured(2, 200), placed(second, None)],
        // By its end the promotion has 3.00 again; what comes late was quoted by the version of then.
        vec![
            EventBody::HoldReleased { hold: ClaimNumber(4) },
            EventBody::SoldLate(Box::new(SoldLate {
                order: ClaimNumber(4),
                hold: held(first, Some(400)),
                payment: Payment::Captured { reference: 1 },
                attempt: 1,
            })),
        ],
    ];
    assert_eq!(said(&sound), "");
}

#[test]
fn a_quote_that_no_tariff_gives_is_found() {
    let wrong = "of 1 holds, 1 were quoted what no tariff gives";
    let begun = |placed: EventBody| [vec![configured(1, 150), on_sale()], vec![placed]];
    let without = EventBody::HoldPlaced(hold(0, 0, PRICE));
    for (what, placed) in [
        ("no quote", without),
        ("a fee of another version", placed((1, 200), None)),
        ("a version that counted later", placed((2, 150), None)),
        ("less of the promotion than it gives", placed((1, 150), Some(200))),
    ] {
        assert_eq!(said(&begun(placed)), wrong, "{what}");
    }
    let twice =
        [vec![configured(1, 150), on_sale()], vec![placed((1, 150), Some(400)), placed((1, 150), Some(400))]];
    assert_eq!(said(&twice), "of 2 holds, 1 were quoted what no tariff gives", "what was left was less");
    let plain = [vec![priced(1, (PRICE, None)), on_sale()], vec![placed((1, 150), None)]];
    assert_eq!(said(&plain), wrong, "a quote without a tariff");
}

#[test]
fn a_difference_names_its_line() {
    let quoted = |fixed| held((1, fixed), None).quote.unwrap();
    let (stored, again) = (quoted(150), quoted(200));
    let said = difference(Some(&stored), Some(&again)).unwrap();
    assert!(said.starts_with("its total is 1150, and its tariff gives 1200; line 0 is Some("), "{said}");
    assert_eq!(difference(Some(&stored), Some(&stored)), None);
    assert_eq!(difference(None, None), None);
}
