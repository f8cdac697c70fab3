//! What holds for every tariff and every basket.

use proptest::collection::vec;
use proptest::prelude::*;
use tessera_pricing::{
    AMOUNT_MINOR_MAX, Applied, Basis, Basket, BasketLine, Bundle, Commission, Effect, Fee, LineKind, Payer,
    Promotion, QUOTE_LINES_MAX, Quote, RATE_PPM_MAX, Split, Tariff, Tax, TypeSet, quote, refund, share,
    split,
};

/// Ticket types of the tariffs; the last one is an add-on.
const TYPES: u16 = 4;

fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![3 => 0_i64..20_000, 1 => Just(0), 1 => Just(AMOUNT_MINOR_MAX)]
}

fn types() -> impl Strategy<Value = TypeSet> {
    proptest::collection::btree_set(0..TYPES, 0..3).prop_map(|set| TypeSet(set.into_iter().collect()))
}

fn rate() -> impl Strategy<Value = u32> {
    prop_oneof![3 => 0_u32..300_000, 1 => Just(RATE_PPM_MAX)]
}

fn fee(taxes: u8) -> impl Strategy<Value = Fee> {
    let basis = prop_oneof![Just(Basis::PerTicket), Just(Basis::PerAddOn), Just(Basis::PerOrder)];
    let bounds = (0_i64..300, proptest::option::of(300_i64..900));
    let rest = (0..=taxes, types(), any::<bool>(), any::<bool>());
    (basis, amount(), rate(), bounds, rest).prop_map(move |(basis, fixed_minor, rate_ppm, bounds, rest)| {
        let (bits, types, by_organizer, refundable) = rest;
        Fee {
            name: "fee".into(),
            basis,
            fixed_minor,
            rate_ppm,
            min_minor: bounds.0,
            max_minor: bounds.1,
            payer: if by_organizer { Payer::Organizer } else { Payer::Buyer },
            taxes: if by_organizer { 0 } else { bits },
            types,
            refundable,
        }
    })
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        (0_u32..=1_000_000).prop_map(Effect::PercentPpm),
        amount().prop_map(Effect::FixedPerTicket),
        amount().prop_map(Effect::FixedPerOrder),
    ]
}

fn promotion() -> impl Strategy<Value = Promotion> {
    (effect(), types()).prop_map(|(effect, types)| Promotion {
        code: 1,
        effect,
        types,
        opens_at: None,
        closes_at: None,
        uses_max: None,
        amount_max_minor: None,
        per_subject_max: None,
        serials: 0,
        returns_on_refund: false,
    })
}

fn bundle() -> impl Strategy<Value = Bundle> {
    (proptest::collection::btree_map(0..TYPES, 1_u16..4, 2..4), amount()).prop_map(|(parts, price_minor)| {
        Bundle { name: "bundle".into(), parts: parts.into_iter().collect(), price_minor }
    })
}

/// A sound tariff with at most three taxes, three fees and two bundles, and one promotion.
fn tariff() -> impl Strategy<Value = Tariff> {
    (0_usize..4).prop_flat_map(|taxes| {
        let bits = [0, 1, 3, 7][taxes];
        let tax = (rate(), any::<bool>()).prop_map(|(rate_ppm, included)| Tax {
            name: "tax".into(),
            rate_ppm,
            included,
        });
        let lists = (vec(tax, taxes), vec(fee(bits), 0..3), vec(fee(bits), 0..2), vec(bundle(), 0..3));
        let commission = (rate(), amount(), any::<bool>())
            .prop_map(|(ppm, fixed_minor, returned)| Commission { ppm, fixed_minor, returned });
        let rounding = prop_oneof![Just(0_u32), Just(5), Just(100)];
        let by_type = vec(0..=bits, 0..=usize::from(TYPES));
        (lists, vec(promotion(), 1), commission, rounding, by_type).prop_map(
            |((taxes, fees, platform_fees, bundles), promotions, commission, unit, type_taxes)| Tariff {
                taxes,
                fees,
                platform_fees,
                bundles,
                promotions,
                commission,
                rounding_unit_minor: unit,
                type_taxes,
            },
        )
    })
}

/// Lines of types with a price each, as they are in one hold.
fn lines() -> impl Strategy<Value = Vec<BasketLine>> {
    let line = (0..TYPES, 1_u16..=6);
    (vec(amount(), usize::from(TYPES)), vec(line, 1..=8)).prop_map(|(prices, lines)| {
        let line = |(ticket_type, quantity): (u16, u16)| BasketLine {
            ticket_type,
            add_on: ticket_type + 1 == TYPES,
            quantity,
            price_minor: prices[usize::from(ticket_type)],
        };
        lines.into_iter().map(line).collect()
    })
}

fn applied() -> impl Strategy<Value = Option<Applied>> {
    let left = proptest::option::of(amount());
    proptest::option::of(left.prop_map(|amount_left_minor| Applied { promotion: 0, amount_left_minor }))
}

fn bill(tariff: &Tariff, lines: &[BasketLine], promotion: Option<Applied>) -> Option<Quote> {
    quote(tariff, 1, &Basket { lines, promotion })
}

fn gross(lines: &[BasketLine]) -> i64 {
    lines.iter().map(|line| line.price_minor * i64::from(line.quantity)).sum()
}

fn total(tariff: &Tariff, lines: &[BasketLine]) -> i64 {
    bill(tariff, lines, None).map_or(gross(lines), |quote| quote.total_minor)
}

/// The sum of the parts is the total.
fn assert_complete(split: &Split) {
    let taxes: i64 = split.taxes.iter().map(|&(_, amount)| amount).sum();
    let parts = split.organizer_minor
        + split.fees_minor
        + split.platform_fees_minor
        + split.commission_minor
        + taxes
        + split.rounding_minor;
    assert_eq!(split.total_minor, parts, "{split:?}");
}

/// The sum of many splits.
fn sum(splits: impl Iterator<Item = Split>) -> Split {
    splits.fold(Split::default(), |mut sum, split| {
        sum.total_minor += split.total_minor;
        sum.organizer_minor += split.organizer_minor;
        sum.fees_minor += split.fees_minor;
        sum.platform_fees_minor += split.platform_fees_minor;
        sum.commission_minor += split.commission_minor;
        sum.rounding_minor += split.rounding_minor;
        for (item, amount) in split.taxes {
            match sum.taxes.iter_mut().find(|(of, _)| *of == item) {
                Some((_, so_far)) => *so_far += amount,
                None => sum.taxes.push((item, amount)),
            }
        }
        sum.taxes.sort_unstable();
        sum.taxes.retain(|&(_, amount)| amount != 0);
        sum
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_bill_adds_up(tariff in tariff(), lines in lines(), promotion in applied()) {
        prop_assert_eq!(tariff.check(TYPES.into()), Ok(()));
        let Some(quote) = bill(&tariff, &lines, promotion) else { return Ok(()) };
        let paid = quote.lines.iter().filter(|line| line.is_in_total());
        prop_assert_eq!(quote.total_minor, gross(&lines) + paid.map(|line| line.amount_minor).sum::<i64>());
        prop_assert!(quote.total_minor >= 0 && quote.lines.len() <= QUOTE_LINES_MAX);
        prop_assert!(quote.lines.iter().all(|line| line.amount_minor != 0));
        let unit = i64::from(tariff.rounding_unit_minor.max(1));
        prop_assert_eq!(quote.total_minor % unit, 0);
        for (at, line) in (0_u16..).zip(&lines) {
            let discounts = quote.lines.iter().filter(|of| {
                of.line == Some(at) && matches!(of.kind, LineKind::Bundle | LineKind::Promotion)
            });
            let off: i64 = discounts.map(|of| of.amount_minor).sum();
            prop_assert!((-line.price_minor * i64::from(line.quantity)..=0).contains(&off));
        }
        if let Some(Applied { amount_left_minor: Some(left), .. }) = promotion {
            prop_assert!(quote.promotion_minor() <= left);
        }
    }

    #[test]
    fn the_shares_of_all_tickets_are_the_split(tariff in tariff(), lines in lines(), promotion in applied()) {
        let quote = bill(&tariff, &lines, promotion);
        let quote = quote.as_ref();
        let whole = split(quote, &lines);
        assert_complete(&whole);
        let tickets: u16 = lines.iter().map(|line| line.quantity).sum();
        prop_assert_eq!(&sum((0..tickets).map(|ticket| share(quote, &lines, ticket))), &whole);
        for ticket in 0..tickets {
            let (all, back) = (share(quote, &lines, ticket), refund(quote, &lines, ticket));
            assert_complete(&all);
            assert_complete(&back);
            prop_assert!(0 <= back.total_minor && back.total_minor <= all.total_minor, "{:?} {:?}", all, back);
        }
    }

    #[test]
    fn an_included_tax_changes_no_total(tariff in tariff(), lines in lines()) {
        let taxes = tariff.taxes.iter().map(|tax| Tax { included: true, ..tax.clone() }).collect();
        let included = Tariff { taxes, ..tariff.clone() };
        let fees = |fees: &[Fee]| fees.iter().map(|fee| Fee { taxes: 0, ..fee.clone() }).collect();
        let untaxed = Tariff {
            taxes: vec![],
            type_taxes: vec![],
            fees: fees(&tariff.fees),
            platform_fees: fees(&tariff.platform_fees),
            ..tariff.clone()
        };
        prop_assert_eq!(total(&included, &lines), total(&untaxed, &lines));
    }

    #[test]
    fn more_tickets_do_not_cost_less(tariff in tariff(), lines in lines(), at in any::<prop::sample::Index>()) {
        let tariff = Tariff { bundles: vec![], ..tariff };
        let mut more = lines.clone();
        more[at.index(lines.len())].quantity += 1;
        prop_assert!(total(&tariff, &lines) <= total(&tariff, &more));
    }

    #[test]
    fn the_order_of_lines_does_not_matter(tariff in tariff(), lines in lines(), shift in 0_usize..8) {
        let tariff = Tariff { bundles: vec![], ..tariff };
        let mut turned = lines.clone();
        turned.rotate_left(shift % lines.len());
        prop_assert_eq!(total(&tariff, &lines), total(&tariff, &turned));
        let (mut one, mut other) = (lines, turned);
        one.sort_by_key(|line| (line.ticket_type, line.quantity));
        other.sort_by_key(|line| (line.ticket_type, line.quantity));
        prop_assert_eq!(bill(&tariff, &one, None), bill(&tariff, &other, None));
    }
}
