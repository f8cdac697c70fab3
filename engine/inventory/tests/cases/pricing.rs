//! Quotes, promotions with their budgets, add-ons.

use std::sync::Arc;

use tessera_inventory::{Config, Decision, EventBody, Image, ImageError, Inventory, Rejection, TicketKind};
use tessera_pricing::{Basis, Effect, Fee, LineKind, Payer, Promotion, Tariff, Tax, TypeSet};

use crate::hall::{pool, standing, ticket_type};
use crate::script::{Runner, check};
use crate::world::{START, World};

/// Nobody may use this one any more.
const EXHAUSTED: &str = "PromotionExhausted { uses_left: Some(0), amount_left_minor: None }";

fn promotion(code: u128, effect: Effect) -> Promotion {
    Promotion {
        code,
        effect,
        types: TypeSet::default(),
        opens_at: None,
        closes_at: None,
        uses_max: None,
        amount_max_minor: None,
        per_subject_max: None,
        serials: 0,
        returns_on_refund: false,
    }
}

/// Ten `standing` at 20.00 with 7 % inside, five `parking` at 5.00 (one with each ticket), a fee of 1.50 a ticket. By code 7
/// 10 % off, twice in all and once a buyer; by 8 30.00 off, 40.00 in all; by one of the four codes of 9 half; by 10 5 % in
/// the second second.
fn priced() -> Config {
    let mut config = standing();
    config.pools.push(pool("garage", 5));
    config.ticket_types.push(ticket_type("parking", 500, &[1]));
    config.ticket_types[1].kind = TicketKind::AddOn { with_admission_max: 1 };
    let fee = Fee {
        name: "service".into(),
        basis: Basis::PerTicket,
        fixed_minor: 150,
        rate_ppm: 0,
        min_minor: 0,
        max_minor: None,
        payer: Payer::Buyer,
        taxes: 0,
        types: TypeSet::default(),
        refundable: false,
    };
    config.tariff = Some(Box::new(Tariff {
        taxes: vec![Tax { name: "VAT".into(), rate_ppm: 70_000, included: true }],
        type_taxes: vec![1],
        fees: vec![fee],
        promotions: vec![
            Promotion {
                uses_max: Some(2),
                per_subject_max: Some(1),
                returns_on_refund: true,
                ..promotion(7, Effect::PercentPpm(100_000))
            },
            Promotion { amount_max_minor: Some(4_000), ..promotion(8, Effect::FixedPerOrder(3_000)) },
            Promotion { serials: 4, ..promotion(9, Effect::PercentPpm(500_000)) },
            Promotion {
                opens_at: Some(START + 1_000),
                closes_at: Some(START + 2_000),
                ..promotion(10, Effect::PercentPpm(50_000))
            },
        ],
        ..Tariff::default()
    }));
    config
}

/// Runs a script in which `EXHAUSTED` stands for its meaning.
fn check_priced(script: &str) {
    check(priced(), &script.replace("EXHAUSTED", EXHAUSTED));
}

#[test]
fn a_hold_says_every_line_of_what_it_costs() {
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(priced()).unwrap();
    runner.run("org phase OnSale\nA hold 0*2 promo=7");
    let EventBody::HoldPlaced(placed) = &world.last().body else { panic!("no hold") };
    let quote = placed.quote.as_ref().unwrap();
    let lines: Vec<_> = quote.lines.iter().map(|line| (line.kind, line.line, line.amount_minor)).collect();
    let expected = [
        (LineKind::Promotion, Some(0), -400),
        (LineKind::Fee, Some(0), 300),
        // 36.00 × 7 / 107.
        (LineKind::TaxIncluded, Some(0), 236),
    ];
    assert_eq!((quote.total_minor, quote.version, quote.promotion), (3_900, 1, Some(0)));
    assert_eq!(lines, expected);
}

#[test]
fn a_hold_without_anything_to_say_has_no_quote() {
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    let mut config = priced();
    let tariff = config.tariff.as_mut().unwrap();
    tariff.fees[0].fixed_minor = 0;
    tariff.type_taxes.clear();
    runner.configure(config).unwrap();
    runner.run("org phase OnSale\nA hold 0*2\ntotal 3 => 4000");
    let EventBody::HoldPlaced(placed) = &world.last().body else { panic!("no hold") };
    assert_eq!((placed.quote.as_ref(), placed.total_minor()), (None, 4_000));
}

#[test]
fn the_total_that_was_seen_is_the_total_that_is_held() {
    check_priced(
        "A hold 0*2 total=4000 => TotalChanged { total_minor: 4300 }
         A hold 0*2 total=4300
         A hold 0*2 promo=7 total=3900
         total 4 => 3900
         A pay 3
         A confirm 3 free => PaymentRequired { total_minor: 4300 }
         sys confirm 3 captured
         total 3 => 4300
         total 9 => none",
    );
    check(standing(), "A hold 0*2 total=3999 => TotalChanged { total_minor: 4000 }\nA hold 0*2 total=4000");
}

#[test]
fn uses_come_back_with_what_ends_without_a_sale() {
    check_priced(
        "A hold 0*2 promo=7
         B hold 0*1 promo=7
         C hold 0*1 promo=7 => EXHAUSTED
         A release 3
         C hold 0*1 promo=7
         D hold 0*1 promo=7 => EXHAUSTED
         wait 600000
         D hold 0*1 promo=7
         D pay 8
         sys fail 8
         E hold 0*1 promo=7
         F hold 0*1 promo=7 => EXHAUSTED
         D pay 8
         wait 900000
         F hold 0*1 promo=7
         org phase Cancelled",
    );
}

#[test]
fn a_buyer_uses_a_promotion_as_often_as_it_allows() {
    check_priced(
        "A hold 0*1 promo=7
         A hold 0*1 promo=7 => EXHAUSTED
         A pay 3
         sys confirm 3 captured
         A hold 0*1 promo=7 => EXHAUSTED
         B hold 0*1 promo=7 with=A => EXHAUSTED
         B hold 0*1 promo=7
         B pay 6 with=A => EXHAUSTED
         B pay 6 with=F
         sys fail 6
         B pay 6
         sys confirm 6 captured",
    );
}

#[test]
fn the_last_refund_of_an_order_returns_its_promotion() {
    check_priced(
        "A hold 0*2 promo=7
         A pay 3
         sys confirm 3 captured
         org refund 3 0 restock
         A hold 0*1 promo=7 => EXHAUSTED
         org refund 3 1 restock
         A hold 0*1 promo=7
         B hold 0*2 promo=9/1
         B pay 9
         sys confirm 9 captured
         org refund 9 0,1 restock
         C hold 0*2 promo=9/1 => EXHAUSTED
         total 9 => 2300",
    );
}

#[test]
fn a_sale_that_was_never_paid_uses_no_promotion() {
    check_priced(
        "A hold 0*2 promo=9/1
         A pay 3
         sys confirm 3 captured
         sys refund 3 , restock amount=0 reason=unpaid
         B hold 0*2 promo=9/1
         B pay 7
         sys confirm 7 captured
         gate in 7/0
         sys refund 7 , restock amount=0 reason=unpaid
         # Whoever is in has had its ticket for less.
         C hold 0*1 promo=9/1 => EXHAUSTED",
    );
}

#[test]
fn a_promotion_takes_off_no_more_than_its_amount() {
    check_priced(
        "A hold 0*2 promo=8
         total 3 => 1300
         B hold 0*2 promo=8
         total 4 => 3300
         C hold 0*2 promo=8 => PromotionExhausted { uses_left: None, amount_left_minor: Some(0) }
         A release 3
         C hold 0*2 promo=8 total=1300",
    );
}

#[test]
fn a_single_use_code_is_used_once() {
    check_priced(
        "A hold 0*1 promo=9/2
         total 3 => 1150
         B hold 0*1 promo=9/2 => EXHAUSTED
         B hold 0*1 promo=9/3
         A release 3
         B hold 0*1 promo=9/2
         B hold 0*1 promo=9/4 => PromotionUnknown
         B hold 0*1 promo=9 => PromotionUnknown
         B hold 0*1 promo=7/1 => PromotionUnknown
         B hold 0*1 promo=6 => PromotionUnknown",
    );
    check(standing(), "A hold 0*1 promo=7 => PromotionUnknown");
}

#[test]
fn a_promotion_applies_in_its_time() {
    check_priced(
        "A hold 0*1 promo=10 => PromotionClosed { opens_at: Some(1001000) }
         wait 1000
         A hold 0*1 promo=10
         wait 1000
         A hold 0*1 promo=10 => PromotionClosed { opens_at: None }",
    );
}

#[test]
fn add_ons_go_with_admissions_and_admit_nobody() {
    check_priced(
        "A hold 1*1 => AddOnAlone { ticket_type: TicketTypeId(1) }
         A hold 0*1 1*2 => OrderSize { ticket_type: TicketTypeId(1), min: 1, max: 1 }
         A hold 0*2 1*2
         total 3 => 5300
         pool 1 => 3 2 0 0
         A pay 3
         sys confirm 3 captured
         gate in 3/0
         gate in 3/2 => WrongKind
         org refund 3 2 restock
         pool 1 => 4 0 1 0",
    );
}

/// Sells with two promotions, then changes the configuration.
fn check_change(change: impl FnOnce(&mut Config), expect: &str) {
    let mut config = priced();
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(config.clone()).unwrap();
    runner.run("org phase OnSale\nA hold 0*1 promo=7\nB hold 0*1 promo=7\nC hold 0*2 promo=8");
    change(&mut config);
    match runner.configure(config) {
        Ok(Decision::Accepted(_)) => assert_eq!("", expect),
        Err(Rejection::InvalidConfig(error)) => assert_eq!(error.path, expect),
        other => panic!("{other:?}"),
    }
    world.check_replay();
}

fn tariff(config: &mut Config) -> &mut Tariff {
    config.tariff.as_mut().unwrap()
}

#[test]
fn a_tariff_only_grows_and_no_budget_shrinks_below_its_use() {
    check_change(|config| config.tariff = None, "tariff.taxes");
    check_change(|config| tariff(config).promotions[0].uses_max = Some(1), "tariff.promotions[0].uses_max");
    check_change(
        |config| tariff(config).promotions[1].amount_max_minor = Some(2_999),
        "tariff.promotions[1].amount_max_minor",
    );
    check_change(|config| tariff(config).fees[0].rate_ppm = 4_000_001, "tariff.fees[0].rate_ppm");
    check_change(|config| tariff(config).type_taxes = vec![1, 1, 1], "tariff.type_taxes");
    check_change(|config| config.ticket_types[1].kind = TicketKind::Admission, "ticket_types[1].kind");
    check_change(|config| tariff(config).promotions[1].amount_max_minor = Some(3_000), "");
    // Limited by buyer from now on: uses are counted that were not.
    check_change(|config| tariff(config).promotions[1].per_subject_max = Some(1), "");
    check_change(|config| tariff(config).promotions.push(promotion(11, Effect::FixedPerTicket(1))), "");
}

#[test]
fn a_limit_by_buyer_counts_what_was_used_before_it() {
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    let mut config = priced();
    runner.configure(config.clone()).unwrap();
    runner.run("org phase OnSale\nA hold 0*1 promo=9/0");
    tariff(&mut config).promotions[2].per_subject_max = Some(1);
    runner.configure(config).unwrap();
    runner.run(&"A hold 0*1 promo=9/1 => EXHAUSTED\nB hold 0*1 promo=9/1".replace("EXHAUSTED", EXHAUSTED));
    world.check_replay();
}

/// An image with a quoted order and two quoted holds, changed.
fn check_image(change: impl FnOnce(&mut Image), expect: &str) {
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(priced()).unwrap();
    runner.run("org phase OnSale\nA hold 0*1 promo=7\nA pay 3\nsys confirm 3 captured");
    runner.run("B hold 0*1 promo=9/2\nC hold 0*1 promo=9/3");
    let mut image = world.inventory.export();
    change(&mut image);
    match Inventory::import(image) {
        Ok(imported) => assert_eq!((imported.check(), ""), (Ok(()), expect)),
        Err(ImageError::Malformed { column }) => assert_eq!(column, expect),
        Err(ImageError::DigestMismatch { .. }) => assert_eq!("digest", expect),
    }
}

#[test]
fn the_column_of_quotes_is_read_or_refused() {
    check_image(|_| {}, "");
    check_image(|image| image.quoted.truncate(11), "quoted");
    check_image(|image| image.quoted.truncate(8), "shares_quoted");
    check_image(|image| image.quoted[1] += 1, "digest");
    check_image(|image| image.shares_quoted[2] += 1, "digest");
    check_image(|image| image.shares_quoted.truncate(2), "shares_quoted");
    check_image(|image| image.shares_quoted[0] += 1, "shares_quoted");
    check_image(|image| image.shares_quoted.push(1), "shares_quoted");
    check_image(|image| image.quoted[4] = 4, "quoted");
    check_image(|image| image.quoted[4] = 3, "quoted");
    check_image(|image| image.quoted[2] = u64::MAX, "quoted");
    check_image(|image| image.quoted[3] = 9, "quoted");
    // The code of another hold, and one that there is not.
    check_image(|image| image.quoted[11] = image.quoted[7], "quoted");
    check_image(|image| image.quoted[11] = 3 | 5 << 32, "quoted");
    let without_tariff = |image: &mut Image| {
        let mut config = Config::clone(image.config.as_ref().unwrap());
        config.tariff = None;
        image.config = Some(Arc::new(config));
    };
    check_image(without_tariff, "quoted");
}
