//! A tariff as a message, and back.

use tessera_inventory::AccessCode;
use tessera_pricing::{Basis, Bundle, Commission, Effect, Fee, Promotion, Tariff, Tax, TypeSet};

use super::{code, code_message};
use crate::{
    RecordError,
    error::malformed,
    quote::{payer, payer_message},
    wide::narrow,
    wire,
};

/// The message that says `tariff`.
pub(super) fn to_wire(tariff: &Tariff) -> wire::Tariff {
    let tax =
        |tax: &Tax| wire::Tax { name: tax.name.to_string(), rate_ppm: tax.rate_ppm, included: tax.included };
    let bundle = |bundle: &Bundle| wire::Bundle {
        name: bundle.name.to_string(),
        parts: bundle.parts.iter().flat_map(|&(of, units)| [of.into(), units.into()]).collect(),
        price_minor: bundle.price_minor,
    };
    wire::Tariff {
        taxes: tariff.taxes.iter().map(tax).collect(),
        fees: tariff.fees.iter().map(fee_message).collect(),
        bundles: tariff.bundles.iter().map(bundle).collect(),
        promotions: tariff.promotions.iter().map(promotion_message).collect(),
        commission_ppm: tariff.commission.ppm,
        commission_fixed_minor: tariff.commission.fixed_minor,
        commission_returned: tariff.commission.returned,
        rounding_unit_minor: tariff.rounding_unit_minor,
        platform_fees: tariff.platform_fees.iter().map(fee_message).collect(),
        type_taxes: tariff.type_taxes.iter().map(|&bits| bits.into()).collect(),
    }
}

/// The tariff that `message` says.
pub(super) fn from_wire(message: wire::Tariff) -> Result<Tariff, RecordError> {
    let tax = |tax: wire::Tax| Tax { name: tax.name.into(), rate_ppm: tax.rate_ppm, included: tax.included };
    let bits = |&bits: &u32| narrow(bits, "there are at most 8 taxes");
    Ok(Tariff {
        taxes: message.taxes.into_iter().map(tax).collect(),
        fees: message.fees.into_iter().map(fee).collect::<Result<_, _>>()?,
        platform_fees: message.platform_fees.into_iter().map(fee).collect::<Result<_, _>>()?,
        bundles: message.bundles.into_iter().map(bundle).collect::<Result<_, _>>()?,
        promotions: message.promotions.iter().map(promotion).collect::<Result<_, _>>()?,
        commission: Commission {
            ppm: message.commission_ppm,
            fixed_minor: message.commission_fixed_minor,
            returned: message.commission_returned,
        },
        rounding_unit_minor: message.rounding_unit_minor,
        type_taxes: message.type_taxes.iter().map(bits).collect::<Result<_, _>>()?,
    })
}

fn types_message(types: &TypeSet) -> Vec<u32> {
    types.0.iter().map(|&of| of.into()).collect()
}

fn types(message: &[u32]) -> Result<TypeSet, RecordError> {
    let types = message.iter().map(|&of| narrow(of, "a ticket type is at most 65535"));
    types.collect::<Result<_, _>>().map(TypeSet)
}

fn fee_message(fee: &Fee) -> wire::Fee {
    let basis = match fee.basis {
        Basis::PerTicket => wire::Basis::PerTicket,
        Basis::PerAddOn => wire::Basis::PerAddOn,
        Basis::PerOrder => wire::Basis::PerOrder,
    };
    wire::Fee {
        name: fee.name.to_string(),
        basis: basis.into(),
        fixed_minor: fee.fixed_minor,
        rate_ppm: fee.rate_ppm,
        min_minor: fee.min_minor,
        max_minor: fee.max_minor,
        payer: payer_message(fee.payer).into(),
        taxes: fee.taxes.into(),
        types: types_message(&fee.types),
        refundable: fee.refundable,
    }
}

fn fee(message: wire::Fee) -> Result<Fee, RecordError> {
    let basis = match wire::Basis::try_from(message.basis) {
        Ok(wire::Basis::PerTicket) => Basis::PerTicket,
        Ok(wire::Basis::PerAddOn) => Basis::PerAddOn,
        Ok(wire::Basis::PerOrder) => Basis::PerOrder,
        Err(_) => return Err(malformed("a fee is of tickets, add-ons or orders")),
    };
    Ok(Fee {
        name: message.name.into(),
        basis,
        fixed_minor: message.fixed_minor,
        rate_ppm: message.rate_ppm,
        min_minor: message.min_minor,
        max_minor: message.max_minor,
        payer: payer(message.payer)?,
        taxes: narrow(message.taxes, "there are at most 8 taxes")?,
        types: types(&message.types)?,
        refundable: message.refundable,
    })
}

fn bundle(message: wire::Bundle) -> Result<Bundle, RecordError> {
    let (pairs, rest) = message.parts.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(malformed("parts are pairs of ticket type and units"));
    }
    let part = |&[of, units]: &[u32; 2]| -> Result<(u16, u16), RecordError> {
        Ok((narrow(of, "a ticket type is at most 65535")?, narrow(units, "a quantity is at most 65535")?))
    };
    Ok(Bundle {
        parts: pairs.iter().map(part).collect::<Result<_, _>>()?,
        name: message.name.into(),
        price_minor: message.price_minor,
    })
}

fn promotion_message(promotion: &Promotion) -> wire::Promotion {
    let (effect, amount) = match promotion.effect {
        Effect::PercentPpm(rate) => (wire::Effect::Percent, rate.into()),
        Effect::FixedPerTicket(amount) => (wire::Effect::FixedPerTicket, amount),
        Effect::FixedPerOrder(amount) => (wire::Effect::FixedPerOrder, amount),
    };
    wire::Promotion {
        code: Some(code_message(AccessCode(promotion.code))),
        effect: effect.into(),
        amount,
        types: types_message(&promotion.types),
        opens_at_ms: promotion.opens_at,
        closes_at_ms: promotion.closes_at,
        uses_max: promotion.uses_max,
        amount_max_minor: promotion.amount_max_minor,
        per_subject_max: promotion.per_subject_max,
        serials: promotion.serials,
        returns_on_refund: promotion.returns_on_refund,
    }
}

fn promotion(message: &wire::Promotion) -> Result<Promotion, RecordError> {
    let effect = match wire::Effect::try_from(message.effect) {
        Ok(wire::Effect::Percent) => {
            let rate = u32::try_from(message.amount);
            Effect::PercentPpm(rate.map_err(|_| malformed("a rate is a positive 32-bit number"))?)
        }
        Ok(wire::Effect::FixedPerTicket) => Effect::FixedPerTicket(message.amount),
        Ok(wire::Effect::FixedPerOrder) => Effect::FixedPerOrder(message.amount),
        Ok(wire::Effect::Unspecified) | Err(_) => {
            return Err(malformed("a promotion has a known effect"));
        }
    };
    Ok(Promotion {
        code: code(message.code.ok_or(malformed("a promotion has a code"))?).0,
        effect,
        types: types(&message.types)?,
        opens_at: message.opens_at_ms,
        closes_at: message.closes_at_ms,
        uses_max: message.uses_max,
        amount_max_minor: message.amount_max_minor,
        per_subject_max: message.per_subject_max,
        serials: message.serials,
        returns_on_refund: message.returns_on_refund,
    })
}
