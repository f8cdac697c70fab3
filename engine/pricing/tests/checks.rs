//! What a tariff may not be, and what it may not become.

use tessera_pricing::{
    AMOUNT_MINOR_MAX, Basis, Bundle, Effect, Fee, Payer, Promotion, SERIALS_MAX, Tariff, Tax, TypeSet,
};

/// Where it is wrong, and how it becomes so.
type Edit = (&'static str, fn(&mut Tariff));

/// Ticket types beside the tariffs.
const TYPES: usize = 2;

fn fee() -> Fee {
    Fee {
        name: "service".into(),
        basis: Basis::PerTicket,
        fixed_minor: 100,
        rate_ppm: 0,
        min_minor: 0,
        max_minor: None,
        payer: Payer::Buyer,
        taxes: 1,
        types: TypeSet(vec![0, 1]),
        refundable: false,
    }
}

fn promotion(code: u128) -> Promotion {
    Promotion {
        code,
        effect: Effect::PercentPpm(100_000),
        types: TypeSet::default(),
        opens_at: Some(1),
        closes_at: Some(2),
        uses_max: Some(0),
        amount_max_minor: Some(0),
        per_subject_max: Some(1),
        serials: 10,
        returns_on_refund: false,
    }
}

/// A sound one with something in every list.
fn sound() -> Tariff {
    Tariff {
        taxes: vec![Tax { name: "VAT".into(), rate_ppm: 70_000, included: true }],
        fees: vec![fee()],
        platform_fees: vec![fee()],
        bundles: vec![Bundle { name: "pair".into(), parts: vec![(0, 2)], price_minor: 100 }],
        promotions: vec![promotion(1)],
        type_taxes: vec![1, 0],
        ..Tariff::default()
    }
}

#[test]
fn what_contradicts_itself_is_refused_where_it_stands() {
    assert_eq!(sound().check(TYPES), Ok(()));
    let edits: [Edit; 22] = [
        ("taxes", |tariff| tariff.taxes = vec![tariff.taxes[0].clone(); 9]),
        ("taxes[0].name", |tariff| tariff.taxes[0].name = " ".into()),
        ("taxes[0].rate_ppm", |tariff| tariff.taxes[0].rate_ppm = 4_000_001),
        ("fees", |tariff| tariff.fees = vec![fee(); 17]),
        ("fees[0].fixed_minor", |tariff| tariff.fees[0].fixed_minor = -1),
        ("fees[0].max_minor", |tariff| {
            tariff.fees[0].min_minor = 2;
            tariff.fees[0].max_minor = Some(1);
        }),
        ("fees[0].taxes", |tariff| tariff.fees[0].taxes = 2),
        ("fees[0].taxes", |tariff| tariff.fees[0].payer = Payer::Organizer),
        ("fees[0].types[1]", |tariff| tariff.fees[0].types = TypeSet(vec![0, 2])),
        ("fees[0].types", |tariff| tariff.fees[0].types = TypeSet(vec![1, 0])),
        ("platform_fees[0].name", |tariff| tariff.platform_fees[0].name = "x".repeat(121).into()),
        ("bundles[0].parts", |tariff| tariff.bundles[0].parts = vec![(0, 1)]),
        ("bundles[0].parts[1]", |tariff| tariff.bundles[0].parts = vec![(0, 1), (0, 1)]),
        ("bundles[0].parts[0]", |tariff| tariff.bundles[0].parts = vec![(0, 51)]),
        ("bundles[0].price_minor", |tariff| tariff.bundles[0].price_minor = AMOUNT_MINOR_MAX + 1),
        ("promotions[1].code", |tariff| tariff.promotions.push(promotion(1))),
        ("promotions[0].effect", |tariff| tariff.promotions[0].effect = Effect::PercentPpm(1_000_001)),
        ("promotions[0]", |tariff| tariff.promotions[0].closes_at = Some(1)),
        ("promotions[0].per_subject_max", |tariff| tariff.promotions[0].per_subject_max = Some(0)),
        ("promotions[0].serials", |tariff| tariff.promotions[0].serials = SERIALS_MAX + 1),
        ("type_taxes[1]", |tariff| tariff.type_taxes[1] = 2),
        ("rounding_unit_minor", |tariff| tariff.rounding_unit_minor = 10_001),
    ];
    for (path, edit) in edits {
        let mut tariff = sound();
        edit(&mut tariff);
        assert_eq!(tariff.check(TYPES).map_err(|problem| problem.path), Err(path.to_owned()));
    }
}

#[test]
fn a_tariff_that_could_make_too_long_a_quote_is_refused() {
    let with_fees = |fees: usize| Tariff { fees: vec![fee(); fees], ..sound() };
    // Of each of 16 lines: the promotion, the fees (the platform's, too), a tax on the line and one on the fees that stay.
    assert_eq!(with_fees(10).check(TYPES), Ok(()));
    let problem = with_fees(11).check(TYPES).expect_err("too many");
    assert!(problem.problem.contains("lines of one quote"), "{problem:?}");
    let ended = Fee { fixed_minor: 0, ..fee() };
    assert_eq!(Tariff { platform_fees: vec![ended], ..with_fees(11) }.check(TYPES), Ok(()), "it has no line");
    let of_order = Fee { basis: Basis::PerOrder, ..fee() };
    assert_eq!(Tariff { fees: vec![of_order; 16], ..sound() }.check(TYPES), Ok(()));
}

#[test]
fn what_stands_in_a_tariff_stays_what_it_is() {
    assert_eq!(Tariff::default().check_change(&sound()), Ok(()));
    let edits: [Edit; 7] = [
        ("taxes", |tariff| tariff.taxes.clear()),
        ("taxes[0]", |tariff| tariff.taxes[0].name = "GST".into()),
        ("fees[0]", |tariff| tariff.fees[0].name = "booking".into()),
        ("platform_fees", |tariff| tariff.platform_fees.clear()),
        ("bundles[0]", |tariff| tariff.bundles[0].name = "couple".into()),
        ("promotions[0]", |tariff| tariff.promotions[0].code = 2),
        ("promotions[0].serials", |tariff| tariff.promotions[0].serials = 9),
    ];
    for (path, edit) in edits {
        let mut new = sound();
        edit(&mut new);
        assert_eq!(sound().check_change(&new).map_err(|problem| problem.path), Err(path.to_owned()));
    }
    let mut new = sound();
    new.taxes[0].rate_ppm = 80_000;
    new.fees.push(fee());
    new.promotions[0].uses_max = None;
    new.promotions.push(promotion(2));
    assert_eq!(sound().check_change(&new), Ok(()));
}
