//! The digest's share of a tariff.

use tessera_pricing::{Bundle, Commission, Effect, Fee, Promotion, Tariff, Tax, TypeSet};

use super::list;
use crate::digest::Mix;

/// Mixes everything of a tariff in.
pub(super) fn mix(mix: Mix, tariff: &Tariff) -> Mix {
    let Tariff {
        taxes,
        fees,
        platform_fees,
        bundles,
        promotions,
        commission,
        rounding_unit_minor,
        type_taxes,
    } = tariff;
    let mix = list(mix.word(1), taxes, tax);
    let mix = list(mix, fees, fee);
    let mix = list(mix, platform_fees, fee);
    let mix = list(mix, bundles, bundle);
    let mix = list(mix, promotions, promotion);
    let Commission { ppm, fixed_minor, returned } = commission;
    mix.pair(*ppm, u32::from(*returned))
        .word(fixed_minor.cast_unsigned())
        .word(u64::from(*rounding_unit_minor))
        .text(type_taxes)
}

fn tax(mix: Mix, tax: &Tax) -> Mix {
    let Tax { name, rate_ppm, included } = tax;
    mix.text(name.as_bytes()).pair(*rate_ppm, u32::from(*included))
}

fn fee(mix: Mix, fee: &Fee) -> Mix {
    let Fee {
        name,
        basis,
        fixed_minor,
        rate_ppm,
        min_minor,
        max_minor,
        payer,
        taxes,
        types: of_types,
        refundable,
    } = fee;
    let flags = *basis as u32 | (*payer as u32) << 8 | u32::from(*taxes) << 16 | u32::from(*refundable) << 24;
    let mix = mix
        .text(name.as_bytes())
        .pair(flags, *rate_ppm)
        .word(fixed_minor.cast_unsigned())
        .word(min_minor.cast_unsigned());
    types(option(mix, max_minor.map(i64::cast_unsigned)), of_types)
}

fn bundle(mix: Mix, bundle: &Bundle) -> Mix {
    let Bundle { name, parts, price_minor } = bundle;
    let mix = mix.text(name.as_bytes()).word(price_minor.cast_unsigned());
    list(mix, parts, |mix, &(ticket_type, units)| mix.pair(u32::from(ticket_type), u32::from(units)))
}

fn promotion(mix: Mix, promotion: &Promotion) -> Mix {
    let Promotion {
        code,
        effect,
        types: of_types,
        opens_at,
        closes_at,
        uses_max,
        amount_max_minor,
        per_subject_max,
        serials,
        returns_on_refund,
    } = promotion;
    let mix = match effect {
        Effect::PercentPpm(rate) => mix.word(0).word(u64::from(*rate)),
        Effect::FixedPerTicket(amount) => mix.word(1).word(amount.cast_unsigned()),
        Effect::FixedPerOrder(amount) => mix.word(2).word(amount.cast_unsigned()),
    };
    let mix = option(option(mix.wide(*code), *opens_at), *closes_at);
    let mix = option(mix, uses_max.map(u64::from));
    let mix = option(mix, amount_max_minor.map(i64::cast_unsigned));
    let mix = option(mix, per_subject_max.map(u64::from));
    types(mix.pair(*serials, u32::from(*returns_on_refund)), of_types)
}

fn types(mix: Mix, types: &TypeSet) -> Mix {
    list(mix, &types.0, |mix, &ticket_type| mix.word(u64::from(ticket_type)))
}

fn option(mix: Mix, word: Option<u64>) -> Mix {
    match word {
        Some(word) => mix.word(1).word(word),
        None => mix.word(0),
    }
}
