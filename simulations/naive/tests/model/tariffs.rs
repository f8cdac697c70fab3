//! Random tariffs over three ticket types: few small taxes, fees, bundles and promotions.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use tessera_pricing::{Basis, Bundle, Commission, Effect, Fee, Payer, Promotion, Tariff, Tax, TypeSet};

use crate::world;

/// The code of a promotion.
pub(crate) fn promotion_code(number: usize) -> u128 {
    0x700 + number as u128
}

fn types() -> impl Strategy<Value = TypeSet> {
    btree_set(0_u16..3, 0..3).prop_map(|types| TypeSet(types.into_iter().collect()))
}

fn rate() -> impl Strategy<Value = u32> {
    0_u32..400_000
}

fn fee(taxes: u8) -> impl Strategy<Value = Fee> {
    let basis =
        prop_oneof![2 => Just(Basis::PerTicket), 1 => Just(Basis::PerAddOn), 1 => Just(Basis::PerOrder)];
    let amounts = (0_i64..9, rate(), 0_i64..4, prop::option::weighted(0.3, 4_i64..12));
    let flags = (any::<bool>(), prop::bool::weighted(0.3));
    (basis, amounts, 0..=taxes, types(), flags).prop_map(|(basis, amounts, taxes, types, flags)| Fee {
        name: "fee".into(),
        basis,
        fixed_minor: amounts.0,
        rate_ppm: amounts.1,
        min_minor: amounts.2,
        max_minor: amounts.3,
        payer: if flags.1 { Payer::Organizer } else { Payer::Buyer },
        taxes: if flags.1 { 0 } else { taxes },
        types,
        refundable: flags.0,
    })
}

fn bundle() -> impl Strategy<Value = Bundle> {
    (btree_map(0_u16..3, 1_u16..3, 1..3), 0_i64..90).prop_map(|(parts, price_minor)| {
        let mut parts: Vec<(u16, u16)> = parts.into_iter().collect();
        // One unit is no bundle.
        parts[0].1 += 1;
        Bundle { name: "bundle".into(), parts, price_minor }
    })
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        (0_u32..=1_000_000).prop_map(Effect::PercentPpm),
        (0_i64..40).prop_map(Effect::FixedPerTicket),
        (0_i64..90).prop_map(Effect::FixedPerOrder),
    ]
}

/// A promotion, whose code is put in where it stands.
pub(crate) fn promotion() -> impl Strategy<Value = Promotion> {
    let instant = || prop::option::weighted(0.2, world::instant());
    let limits = (
        prop::option::of(0_u32..5),
        prop::option::weighted(0.4, 0_i64..120),
        prop::option::weighted(0.4, 1_u32..3),
    );
    let rest = (prop_oneof![2 => Just(0_u32), 1 => 1_u32..5], any::<bool>());
    (effect(), types(), instant(), instant(), limits, rest).prop_map(
        |(effect, types, opens, closes, limits, rest)| {
            let closes = closes.filter(|&closes| opens.is_none_or(|opens| opens < closes));
            Promotion {
                code: 0,
                effect,
                types,
                opens_at: opens.map(|at| at.0),
                closes_at: closes.map(|at| at.0),
                uses_max: limits.0,
                amount_max_minor: limits.1,
                per_subject_max: limits.2,
                serials: rest.0,
                returns_on_refund: rest.1,
            }
        },
    )
}

pub(crate) fn tariff() -> impl Strategy<Value = Tariff> {
    (0_usize..3).prop_flat_map(|taxes| {
        let bits = [0, 1, 3][taxes];
        let tax = (rate(), any::<bool>()).prop_map(|(rate_ppm, included)| Tax {
            name: "tax".into(),
            rate_ppm,
            included,
        });
        let lists = (
            vec(tax, taxes),
            vec(fee(bits), 0..3),
            vec(fee(bits), 0..2),
            vec(bundle(), 0..2),
            vec(promotion(), 0..4),
        );
        let commission = (rate(), 0_i64..4, any::<bool>())
            .prop_map(|(ppm, fixed_minor, returned)| Commission { ppm, fixed_minor, returned });
        let unit = prop_oneof![2 => Just(0_u32), 1 => Just(5)];
        (lists, commission, unit, vec(0..=bits, 0..4)).prop_map(|(lists, commission, unit, type_taxes)| {
            let (taxes, fees, platform_fees, bundles, mut promotions) = lists;
            for (at, promotion) in promotions.iter_mut().enumerate() {
                promotion.code = promotion_code(at);
            }
            Tariff {
                taxes,
                fees,
                platform_fees,
                bundles,
                promotions,
                commission,
                rounding_unit_minor: unit,
                type_taxes,
            }
        })
    })
}
