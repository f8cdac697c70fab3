//! Arbitrary tariffs and quotes: also those that no engine would accept.

use proptest::{collection::vec, prelude::*};
use tessera_pricing::*;
use tessera_records::{decode_config, encode_config};

use crate::examples;

fn types() -> impl Strategy<Value = TypeSet> {
    vec(any::<u16>(), 0..3).prop_map(TypeSet)
}

fn payer() -> impl Strategy<Value = Payer> {
    prop_oneof![Just(Payer::Buyer), Just(Payer::Organizer)]
}

fn fee() -> impl Strategy<Value = Fee> {
    let basis = prop_oneof![Just(Basis::PerTicket), Just(Basis::PerAddOn), Just(Basis::PerOrder)];
    let amounts = any::<(i64, u32, i64, Option<i64>)>();
    (".{0,9}", basis, amounts, payer(), any::<(u8, bool)>(), types()).prop_map(
        |(name, basis, (fixed_minor, rate_ppm, min_minor, max_minor), payer, (taxes, refundable), types)| {
            Fee {
                name: name.into(),
                basis,
                fixed_minor,
                rate_ppm,
                min_minor,
                max_minor,
                payer,
                taxes,
                types,
                refundable,
            }
        },
    )
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        any::<u32>().prop_map(Effect::PercentPpm),
        any::<i64>().prop_map(Effect::FixedPerTicket),
        any::<i64>().prop_map(Effect::FixedPerOrder),
    ]
}

fn promotion() -> impl Strategy<Value = Promotion> {
    let times = any::<(Option<u64>, Option<u64>)>();
    let limits = any::<(Option<u32>, Option<i64>, Option<u32>)>();
    (any::<u128>(), effect(), types(), times, limits, any::<(u32, bool)>()).prop_map(
        |(code, effect, types, (opens_at, closes_at), limits, (serials, returns_on_refund))| Promotion {
            code,
            effect,
            types,
            opens_at,
            closes_at,
            uses_max: limits.0,
            amount_max_minor: limits.1,
            per_subject_max: limits.2,
            serials,
            returns_on_refund,
        },
    )
}

pub(crate) fn tariff() -> impl Strategy<Value = Tariff> {
    let tax = (".{0,9}", any::<(u32, bool)>()).prop_map(|(name, (rate_ppm, included))| Tax {
        name: name.into(),
        rate_ppm,
        included,
    });
    let bundle = (".{0,9}", vec(any::<(u16, u16)>(), 0..3), any::<i64>())
        .prop_map(|(name, parts, price_minor)| Bundle { name: name.into(), parts, price_minor });
    let commission = any::<(u32, i64, bool)>().prop_map(|(ppm, fixed_minor, returned)| Commission {
        ppm,
        fixed_minor,
        returned,
    });
    let lists = (vec(tax, 0..3), vec(fee(), 0..3), vec(fee(), 0..2), vec(bundle, 0..3));
    (lists, vec(promotion(), 0..3), commission, any::<u32>(), vec(any::<u8>(), 0..4)).prop_map(
        |((taxes, fees, platform_fees, bundles), promotions, commission, rounding_unit_minor, type_taxes)| {
            Tariff {
                taxes,
                fees,
                platform_fees,
                bundles,
                promotions,
                commission,
                rounding_unit_minor,
                type_taxes,
            }
        },
    )
}

pub(crate) fn quote() -> impl Strategy<Value = Quote> {
    let kinds = [
        LineKind::Bundle,
        LineKind::Promotion,
        LineKind::Fee,
        LineKind::TaxIncluded,
        LineKind::TaxAdded,
        LineKind::Commission,
        LineKind::Rounding,
    ];
    let kind = proptest::sample::select(kinds.to_vec());
    let line = (kind, any::<(Option<u16>, u16, i64)>(), payer(), any::<bool>()).prop_map(
        |(kind, (line, item, amount_minor), payer, kept)| QuoteLine {
            kind,
            line,
            item,
            amount_minor,
            payer,
            kept,
        },
    );
    (any::<(i64, u32, Option<u16>, Option<u32>)>(), vec(line, 0..5)).prop_map(
        |((total_minor, version, promotion, serial), lines)| Quote {
            total_minor,
            version,
            promotion,
            serial,
            lines,
        },
    )
}

/// One of each thing in a tariff.
pub(crate) fn example() -> Tariff {
    let fee = Fee {
        name: "Service".into(),
        basis: Basis::PerOrder,
        fixed_minor: 150,
        rate_ppm: 25_000,
        min_minor: 100,
        max_minor: Some(900),
        payer: Payer::Buyer,
        taxes: 2,
        types: TypeSet(vec![0, 1]),
        refundable: true,
    };
    Tariff {
        taxes: vec![Tax { name: "MwSt. 7 %".into(), rate_ppm: 70_000, included: true }],
        platform_fees: vec![Fee { basis: Basis::PerTicket, payer: Payer::Organizer, ..fee.clone() }],
        fees: vec![fee],
        bundles: vec![Bundle { name: "Familie".into(), parts: vec![(0, 2), (1, 2)], price_minor: 7_000 }],
        promotions: vec![Promotion {
            code: 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff,
            effect: Effect::PercentPpm(100_000),
            types: TypeSet(vec![1]),
            opens_at: Some(1_790_000_000_000),
            closes_at: Some(1_790_000_000_009),
            uses_max: Some(100),
            amount_max_minor: Some(50_000),
            per_subject_max: Some(1),
            serials: 1_000,
            returns_on_refund: true,
        }],
        commission: Commission { ppm: 30_000, fixed_minor: 50, returned: true },
        rounding_unit_minor: 5,
        type_taxes: vec![1, 2],
    }
}

/// A quote with a line of the order and one of a line.
pub(crate) fn quoted() -> Quote {
    let line = QuoteLine {
        kind: LineKind::Promotion,
        line: Some(0),
        item: 3,
        amount_minor: -495,
        payer: Payer::Buyer,
        kept: false,
    };
    let commission = QuoteLine {
        kind: LineKind::Commission,
        line: None,
        item: 0,
        amount_minor: 149,
        payer: Payer::Organizer,
        kept: true,
    };
    Quote {
        total_minor: 4_455,
        version: 2,
        promotion: Some(3),
        serial: Some(17),
        lines: vec![line, commission],
    }
}

#[test]
fn a_configuration_with_a_tariff_comes_back() {
    let config = examples::priced();
    assert_eq!(decode_config(&encode_config(&config)), Ok(config));
}
