//! Bills computed by hand, a table for each step.

use tessera_pricing::{
    Applied, Basis, Basket, BasketLine, Bundle, Commission, Effect, Fee, LineKind, Payer, Promotion, Quote,
    Split, Tariff, Tax, TypeSet, quote, refund, share, split,
};

use LineKind::{Bundle as Together, Commission as Part, Fee as Service, Promotion as Code, Rounding};
use LineKind::{TaxAdded, TaxIncluded};

/// A line of a bill: kind, line of the basket, position in the tariff, amount.
type Written = (LineKind, Option<u16>, u16, i64);

fn tickets(ticket_type: u16, quantity: u16, price_minor: i64) -> BasketLine {
    BasketLine { ticket_type, add_on: false, quantity, price_minor }
}

fn tax(rate_ppm: u32, included: bool) -> Tax {
    Tax { name: "tax".into(), rate_ppm, included }
}

/// A fee of the buyer's that a refund leaves.
fn fee(basis: Basis, fixed_minor: i64, rate_ppm: u32) -> Fee {
    Fee {
        name: "service".into(),
        basis,
        fixed_minor,
        rate_ppm,
        min_minor: 0,
        max_minor: None,
        payer: Payer::Buyer,
        taxes: 0,
        types: TypeSet::default(),
        refundable: false,
    }
}

fn promotion(effect: Effect) -> Promotion {
    Promotion {
        code: 1,
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

fn taxed(taxes: Vec<Tax>, type_taxes: Vec<u8>) -> Tariff {
    Tariff { taxes, type_taxes, ..Tariff::default() }
}

fn with_fee(fee: Fee) -> Tariff {
    Tariff { fees: vec![fee], ..Tariff::default() }
}

fn promoted(effect: Effect) -> Tariff {
    Tariff { promotions: vec![promotion(effect)], ..Tariff::default() }
}

/// The bill of a sound tariff; with what is left of its first promotion, where that is used.
fn bill(tariff: &Tariff, lines: &[BasketLine], left: Option<Option<i64>>) -> Quote {
    assert_eq!(tariff.check(8), Ok(()));
    let promotion = left.map(|amount_left_minor| Applied { promotion: 0, amount_left_minor });
    quote(tariff, 3, &Basket { lines, promotion }).unwrap_or_else(|| panic!("there is nothing to say"))
}

fn check(tariff: &Tariff, lines: &[BasketLine], left: Option<Option<i64>>, total: i64, expect: &[Written]) {
    let quote = bill(tariff, lines, left);
    let written: Vec<Written> =
        quote.lines.iter().map(|line| (line.kind, line.line, line.item, line.amount_minor)).collect();
    assert_eq!((quote.total_minor, written.as_slice()), (total, expect));
    assert_eq!((quote.version, quote.promotion), (3, left.map(|_| 0)));
}

#[test]
fn a_tariff_that_does_nothing_says_nothing() {
    let lines = [tickets(0, 2, 4_900)];
    let basket = Basket { lines: &lines, promotion: None };
    assert_eq!(quote(&Tariff::default(), 1, &basket), None);
    assert_eq!(quote(&promoted(Effect::PercentPpm(100_000)), 1, &basket), None, "nobody showed its code");
    let other_type = Fee { types: TypeSet(vec![1]), ..fee(Basis::PerTicket, 100, 0) };
    assert_eq!(quote(&with_fee(other_type), 1, &basket), None);
    let whole = Split { total_minor: 9_800, organizer_minor: 9_800, ..Split::default() };
    assert_eq!(split(None, &lines), whole);
}

#[test]
fn bundles_take_what_is_saved_off_their_lines() {
    let family = Bundle { name: "family".into(), parts: vec![(0, 2), (1, 2)], price_minor: 7_000 };
    let tariff = Tariff { bundles: vec![family], ..Tariff::default() };
    // 2 × 30 + 2 × 15 = 90.00 for 70.00: the 20.00 are spread by 60 to 30.
    let expect = [(Together, Some(0), 0, -1_333), (Together, Some(1), 0, -667)];
    check(&tariff, &[tickets(0, 3, 3_000), tickets(1, 2, 1_500)], None, 10_000, &expect);
    let expect = [(Together, Some(0), 0, -2_667), (Together, Some(1), 0, -1_333)];
    check(&tariff, &[tickets(0, 4, 3_000), tickets(1, 5, 1_500)], None, 15_500, &expect);
    // Cheaper one by one: not a bundle.
    let lines = [tickets(0, 2, 2_000), tickets(1, 2, 1_000)];
    assert_eq!(quote(&tariff, 1, &Basket { lines: &lines, promotion: None }), None);
}

#[test]
fn a_promotion_lowers_the_lines_of_its_types_and_never_below_zero() {
    let lines = [tickets(0, 2, 500), tickets(1, 1, 1_000)];
    let expect = [(Code, Some(0), 0, -125), (Code, Some(1), 0, -125)];
    check(&promoted(Effect::PercentPpm(125_000)), &lines, Some(None), 1_750, &expect);
    // 6.00 off each: of the first two only the 5.00 that they cost.
    let expect = [(Code, Some(0), 0, -1_000), (Code, Some(1), 0, -600)];
    check(&promoted(Effect::FixedPerTicket(600)), &lines, Some(None), 400, &expect);
    let lines = [tickets(0, 1, 3_333), tickets(1, 1, 6_667)];
    let expect = [(Code, Some(0), 0, -333), (Code, Some(1), 0, -667)];
    check(&promoted(Effect::FixedPerOrder(1_000)), &lines, Some(None), 9_000, &expect);
    let all = [(Code, Some(0), 0, -3_333), (Code, Some(1), 0, -6_667)];
    check(&promoted(Effect::FixedPerOrder(50_000)), &lines, Some(None), 0, &all);
    let mut of_type = promoted(Effect::PercentPpm(500_000));
    of_type.promotions[0].types = TypeSet(vec![1]);
    // Half of 66.67 is 33.335: rounded up.
    check(&of_type, &lines, Some(None), 6_666, &[(Code, Some(1), 0, -3_334)]);
}

#[test]
fn a_promotion_is_cut_at_what_is_left_of_its_amount() {
    let tariff = promoted(Effect::PercentPpm(200_000));
    let lines = [tickets(0, 2, 5_000), tickets(1, 2, 2_500)];
    let whole = [(Code, Some(0), 0, -2_000), (Code, Some(1), 0, -1_000)];
    check(&tariff, &lines, Some(Some(3_000)), 12_000, &whole);
    let cut = [(Code, Some(0), 0, -1_000), (Code, Some(1), 0, -500)];
    check(&tariff, &lines, Some(Some(1_500)), 13_500, &cut);
    check(&tariff, &lines, Some(Some(0)), 15_000, &[]);
    assert_eq!(bill(&tariff, &lines, Some(Some(1_501))).promotion_minor(), 1_501);
}

#[test]
fn a_bundle_comes_before_the_promotion() {
    let family = Bundle { name: "family".into(), parts: vec![(0, 2), (1, 2)], price_minor: 7_000 };
    let tariff = Tariff { bundles: vec![family], ..promoted(Effect::PercentPpm(100_000)) };
    // 10 % of 76.67 and of 23.33.
    let expect = [
        (Together, Some(0), 0, -1_333),
        (Together, Some(1), 0, -667),
        (Code, Some(0), 0, -767),
        (Code, Some(1), 0, -233),
    ];
    check(&tariff, &[tickets(0, 3, 3_000), tickets(1, 2, 1_500)], Some(None), 9_000, &expect);
}

#[test]
fn fees_stay_within_their_bounds_and_are_taxed() {
    let bounded = Fee { min_minor: 100, max_minor: Some(400), taxes: 1, ..fee(Basis::PerTicket, 0, 50_000) };
    let tariff = Tariff { fees: vec![bounded], taxes: vec![tax(190_000, false)], ..Tariff::default() };
    // 5 % of 10.00 is less than 1.00, of 100.00 more than 4.00; 19 % of the fees are added.
    let expect = [(Service, Some(0), 0, 200), (TaxAdded, Some(0), 0, 38)];
    check(&tariff, &[tickets(0, 2, 1_000)], None, 2_238, &expect);
    let expect = [(Service, Some(0), 0, 400), (TaxAdded, Some(0), 0, 76)];
    check(&tariff, &[tickets(0, 1, 10_000)], None, 10_476, &expect);
    // 1 % of 3 × 10.50 is 31.5: rounded once, not three times.
    check(
        &with_fee(fee(Basis::PerTicket, 0, 10_000)),
        &[tickets(0, 3, 1_050)],
        None,
        3_182,
        &[(Service, Some(0), 0, 32)],
    );
}

#[test]
fn fees_are_of_tickets_of_add_ons_or_of_the_order() {
    let tariff = Tariff {
        fees: vec![fee(Basis::PerTicket, 150, 0), fee(Basis::PerAddOn, 20, 0)],
        platform_fees: vec![fee(Basis::PerOrder, 100, 10_000)],
        ..Tariff::default()
    };
    let parking = BasketLine { add_on: true, ..tickets(1, 1, 1_000) };
    // Of the order: 1.00 and 1 % of 70.00.
    let expect = [(Service, Some(0), 0, 300), (Service, Some(1), 1, 20), (Service, None, 16, 170)];
    let lines = [tickets(0, 2, 3_000), parking];
    check(&tariff, &lines, None, 7_490, &expect);
    let parts = split(Some(&bill(&tariff, &lines, None)), &lines);
    assert_eq!((parts.fees_minor, parts.platform_fees_minor, parts.organizer_minor), (320, 170, 7_000));
}

#[test]
fn a_fee_that_the_organizer_pays_comes_off_its_part() {
    let tariff = with_fee(Fee { payer: Payer::Organizer, ..fee(Basis::PerTicket, 200, 0) });
    let lines = [tickets(0, 2, 3_000)];
    check(&tariff, &lines, None, 6_000, &[(Service, Some(0), 0, 400)]);
    let parts = split(Some(&bill(&tariff, &lines, None)), &lines);
    assert_eq!((parts.total_minor, parts.fees_minor, parts.organizer_minor), (6_000, 400, 5_600));
}

#[test]
fn taxes_are_inside_of_a_price_or_added_to_it() {
    // Tickets at 7 %, parking at 19 %: 98.00 × 7 / 107 = 6.41, 10.00 × 19 / 119 = 1.60.
    let german = taxed(vec![tax(70_000, true), tax(190_000, true)], vec![1, 2]);
    let lines = [tickets(0, 2, 4_900), tickets(1, 1, 1_000)];
    check(&german, &lines, None, 10_800, &[(TaxIncluded, Some(0), 0, 641), (TaxIncluded, Some(1), 1, 160)]);
    assert_eq!(split(Some(&bill(&german, &lines, None)), &lines).organizer_minor, 9_999);
    // Both on one line: 126.00 are 100.00 and 26 %.
    let both = taxed(vec![tax(70_000, true), tax(190_000, true)], vec![3]);
    let expect = [(TaxIncluded, Some(0), 0, 700), (TaxIncluded, Some(0), 1, 1_900)];
    check(&both, &[tickets(0, 1, 12_600)], None, 12_600, &expect);
    // An added one beside an included one: of the net price, 100.00.
    let mixed = taxed(vec![tax(70_000, true), tax(100_000, false)], vec![3]);
    let expect = [(TaxIncluded, Some(0), 0, 700), (TaxAdded, Some(0), 1, 1_000)];
    check(&mixed, &[tickets(0, 1, 10_700)], None, 11_700, &expect);
    // Once for all of a class: 10 % of 2 × 0.05 is 0.01, although 10 % of each 0.05 would be 0.01.
    let added = taxed(vec![tax(100_000, false)], vec![1, 1]);
    check(&added, &[tickets(0, 1, 5), tickets(1, 1, 5)], None, 11, &[(TaxAdded, Some(0), 0, 1)]);
}

#[test]
fn currencies_without_and_with_three_decimals() {
    // JPY: 10 % inside of 3 × ¥1,000 and of a fee of 5.5 %, at least ¥110: 3,330 × 10 / 110 = 303, of it 30 of the fee.
    let service = Fee { min_minor: 110, max_minor: Some(330), taxes: 1, ..fee(Basis::PerTicket, 0, 55_000) };
    let yen = Tariff { fees: vec![service], ..taxed(vec![tax(100_000, true)], vec![1]) };
    let expect = [(Service, Some(0), 0, 330), (TaxIncluded, Some(0), 0, 273), (TaxIncluded, Some(0), 0, 30)];
    check(&yen, &[tickets(0, 3, 1_000)], None, 3_330, &expect);
    // KWD: 0.250 and 1.5 % of 2 × 12.500.
    let dinar = with_fee(fee(Basis::PerOrder, 250, 15_000));
    check(&dinar, &[tickets(0, 2, 12_500)], None, 25_625, &[(Service, None, 0, 625)]);
}

#[test]
fn the_commission_is_the_organizers_and_never_more_than_the_price() {
    let commission = Commission { ppm: 30_000, fixed_minor: 50, returned: false };
    let tariff = Tariff { commission, ..Tariff::default() };
    check(&tariff, &[tickets(0, 2, 2_000)], None, 4_000, &[(Part, None, 0, 220)]);
    check(&tariff, &[tickets(0, 2, 30)], None, 60, &[(Part, None, 0, 60)]);
    let free = [tickets(0, 2, 0)];
    assert_eq!(quote(&tariff, 1, &Basket { lines: &free, promotion: None }), None);
    // Of the discounted price.
    let promoted = Tariff { commission, ..promoted(Effect::PercentPpm(500_000)) };
    let expect = [(Code, Some(0), 0, -2_000), (Part, None, 0, 160)];
    check(&promoted, &[tickets(0, 2, 2_000)], Some(None), 2_000, &expect);
}

#[test]
fn a_total_in_cash_is_rounded_to_the_coin() {
    let francs = Tariff { rounding_unit_minor: 5, ..Tariff::default() };
    for (price, total) in [(1_232, 1_230), (1_233, 1_235), (1_237, 1_235), (1_238, 1_240)] {
        check(&francs, &[tickets(0, 1, price)], None, total, &[(Rounding, None, 0, total - price)]);
    }
    let even = [tickets(0, 1, 1_235)];
    assert_eq!(quote(&francs, 1, &Basket { lines: &even, promotion: None }), None);
    // Half of the unit goes up.
    let tens = Tariff { rounding_unit_minor: 10, ..Tariff::default() };
    check(&tens, &[tickets(0, 1, 1_235)], None, 1_240, &[(Rounding, None, 0, 5)]);
}

#[test]
fn a_refund_leaves_the_fee_and_the_tax_on_it() {
    // 2 × 50.00, a fee of 2.00 each, and 19 % on all: 100.00 + 4.00 + 19.76.
    let taxed_fee = Fee { taxes: 1, ..fee(Basis::PerTicket, 200, 0) };
    let tariff = Tariff { fees: vec![taxed_fee], ..taxed(vec![tax(190_000, false)], vec![1]) };
    let lines = [tickets(0, 2, 5_000)];
    let bill = bill(&tariff, &lines, None);
    assert_eq!(bill.total_minor, 12_376);
    let all = share(Some(&bill), &lines, 0);
    assert_eq!((all.total_minor, all.organizer_minor, all.fees_minor), (6_188, 5_000, 200));
    assert_eq!(all.taxes, [(0, 988)]);
    let back = refund(Some(&bill), &lines, 0);
    assert_eq!((back.total_minor, back.organizer_minor, back.fees_minor), (5_950, 5_000, 0));
    assert_eq!(back.taxes, [(0, 950)]);
    assert_eq!(share(Some(&bill), &lines, 2), Split::default(), "there is no third ticket");
}

#[test]
fn remainders_go_to_the_first_tickets() {
    let tariff = promoted(Effect::FixedPerOrder(100));
    let lines = [tickets(0, 3, 1_000)];
    let bill = bill(&tariff, &lines, Some(None));
    let totals: Vec<i64> = (0..3).map(|ticket| share(Some(&bill), &lines, ticket).total_minor).collect();
    assert_eq!(totals, [967, 967, 966]);
}
