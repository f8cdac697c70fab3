//! Whether a tariff is sound in itself.

use std::collections::BTreeSet;

use crate::{
    AMOUNT_MINOR_MAX, BASKET_LINES_MAX, BASKET_UNITS_MAX, BUNDLE_PARTS_MAX, BUNDLES_MAX, Basis, Bundle,
    Effect, FEES_MAX, Fee, PLATFORM_FEES_MAX, PPM, PROMOTIONS_MAX, Payer, Promotion, QUOTE_LINES_MAX,
    RATE_PPM_MAX, ROUNDING_UNIT_MAX, SERIALS_MAX, TARIFF_NAME_BYTES_MAX, TAXES_MAX, Tariff, TypeSet,
};

/// What is wrong with a tariff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, such as `fees[2].rate_ppm`.
    pub path: String,
    /// What, and what to do.
    pub problem: String,
}

/// The answer of a check.
pub(crate) type Checked = Result<(), Problem>;

/// A problem at a path.
pub(crate) fn problem(path: impl Into<String>, problem: impl Into<String>) -> Problem {
    Problem { path: path.into(), problem: problem.into() }
}

impl Tariff {
    /// Whether the tariff is sound, beside so many ticket types.
    ///
    /// # Errors
    /// The first [`Problem`].
    pub fn check(&self, ticket_types: usize) -> Result<(), Problem> {
        check_length("taxes", self.taxes.len(), TAXES_MAX)?;
        check_length("fees", self.fees.len(), FEES_MAX)?;
        check_length("platform_fees", self.platform_fees.len(), PLATFORM_FEES_MAX)?;
        check_length("bundles", self.bundles.len(), BUNDLES_MAX)?;
        check_length("promotions", self.promotions.len(), PROMOTIONS_MAX)?;
        for (at, tax) in self.taxes.iter().enumerate() {
            check_name(&format!("taxes[{at}].name"), &tax.name)?;
            check_rate(&format!("taxes[{at}].rate_ppm"), tax.rate_ppm)?;
        }
        for (at, fee) in self.fees.iter().enumerate() {
            self.check_fee(&format!("fees[{at}]"), fee, ticket_types)?;
        }
        for (at, fee) in self.platform_fees.iter().enumerate() {
            self.check_fee(&format!("platform_fees[{at}]"), fee, ticket_types)?;
        }
        for (at, bundle) in self.bundles.iter().enumerate() {
            check_bundle(&format!("bundles[{at}]"), bundle, ticket_types)?;
        }
        self.check_promotions(ticket_types)?;
        check_rate("commission.ppm", self.commission.ppm)?;
        check_amount("commission.fixed_minor", self.commission.fixed_minor)?;
        if self.rounding_unit_minor > ROUNDING_UNIT_MAX {
            let text = format!("is {}; use 0 to {ROUNDING_UNIT_MAX}", self.rounding_unit_minor);
            return Err(problem("rounding_unit_minor", text));
        }
        self.check_type_taxes(ticket_types)?;
        self.check_lines()
    }

    fn check_type_taxes(&self, ticket_types: usize) -> Checked {
        check_length("type_taxes", self.type_taxes.len(), ticket_types)?;
        for (at, &bits) in self.type_taxes.iter().enumerate() {
            self.check_taxes(&format!("type_taxes[{at}]"), bits)?;
        }
        Ok(())
    }

    fn check_taxes(&self, path: &str, bits: u8) -> Checked {
        if u32::from(bits) >> self.taxes.len() != 0 {
            return Err(problem(path, "names a tax that does not exist"));
        }
        Ok(())
    }

    fn check_fee(&self, path: &str, fee: &Fee, ticket_types: usize) -> Checked {
        check_name(&format!("{path}.name"), &fee.name)?;
        check_rate(&format!("{path}.rate_ppm"), fee.rate_ppm)?;
        check_amount(&format!("{path}.fixed_minor"), fee.fixed_minor)?;
        check_amount(&format!("{path}.min_minor"), fee.min_minor)?;
        if let Some(max_minor) = fee.max_minor {
            check_amount(&format!("{path}.max_minor"), max_minor)?;
            if max_minor < fee.min_minor {
                let text = format!("is {max_minor}, less than the least, {}", fee.min_minor);
                return Err(problem(format!("{path}.max_minor"), text));
            }
        }
        self.check_taxes(&format!("{path}.taxes"), fee.taxes)?;
        if fee.payer == Payer::Organizer && fee.taxes != 0 {
            let text = "taxes what the organizer pays; only what buyers pay is taxed in a sale";
            return Err(problem(format!("{path}.taxes"), text));
        }
        check_types(&format!("{path}.types"), &fee.types, ticket_types)
    }

    fn check_promotions(&self, ticket_types: usize) -> Checked {
        let mut codes = BTreeSet::new();
        let mut serials = 0;
        for (at, promotion) in self.promotions.iter().enumerate() {
            let path = format!("promotions[{at}]");
            if !codes.insert(promotion.code) {
                return Err(problem(format!("{path}.code"), "belongs to another promotion; choose another"));
            }
            serials += u64::from(promotion.serials);
            if serials > u64::from(SERIALS_MAX) {
                let text = format!("exceeds the {SERIALS_MAX} single-use codes of one event");
                return Err(problem(format!("{path}.serials"), text));
            }
            check_promotion(&path, promotion, ticket_types)?;
        }
        Ok(())
    }

    /// Whether no basket gives more lines than a quote may have.
    fn check_lines(&self) -> Checked {
        // A bundle has a line for each line that it takes units of.
        let bundles = (self.bundles.len() * BASKET_LINES_MAX).min(BASKET_UNITS_MAX.into());
        // A fee without amounts, as those that have ended are, has no line.
        let takes = |fee: &&Fee| (fee.fixed_minor, fee.rate_ppm, fee.min_minor) != (0, 0, 0);
        let fees = || self.platform_fees.iter().chain(&self.fees).filter(takes);
        let taxes_of = |per_order: bool, refundable: bool| {
            let same =
                |fee: &&Fee| (fee.basis == Basis::PerOrder) == per_order && fee.refundable == refundable;
            fees().filter(same).fold(0, |bits, fee| bits | fee.taxes)
        };
        let per_order = fees().filter(|fee| fee.basis == Basis::PerOrder).count();
        let types = self.type_taxes.iter().map(|bits| bits | taxes_of(false, true));
        let taxes = types.max_by_key(|bits| bits.count_ones()).unwrap_or(taxes_of(false, true));
        let of_line = usize::from(!self.promotions.is_empty())
            + (fees().count() - per_order)
            + ones(taxes)
            + ones(taxes_of(false, false));
        let of_order = per_order + ones(taxes_of(true, true)) + ones(taxes_of(true, false));
        // The commission and the rounding are a line each.
        let lines = bundles + BASKET_LINES_MAX * of_line + of_order + 2;
        if lines > QUOTE_LINES_MAX {
            let text = format!(
                "could make {lines} lines of one quote, more than {QUOTE_LINES_MAX}; use fewer fees per ticket, taxes or bundles"
            );
            return Err(problem("", text));
        }
        Ok(())
    }
}

fn ones(bits: u8) -> usize {
    bits.count_ones() as usize
}

fn check_bundle(path: &str, bundle: &Bundle, ticket_types: usize) -> Checked {
    check_name(&format!("{path}.name"), &bundle.name)?;
    check_amount(&format!("{path}.price_minor"), bundle.price_minor)?;
    let parts = format!("{path}.parts");
    check_length(&parts, bundle.parts.len(), BUNDLE_PARTS_MAX)?;
    let mut types = BTreeSet::new();
    for (at, &(ticket_type, units)) in bundle.parts.iter().enumerate() {
        check_type(&format!("{parts}[{at}]"), ticket_type, ticket_types)?;
        if !types.insert(ticket_type) {
            return Err(problem(format!("{parts}[{at}]"), "names a type a second time; make it one part"));
        }
        if !(1..=BASKET_UNITS_MAX).contains(&units) {
            return Err(problem(
                format!("{parts}[{at}]"),
                format!("has {units} units; use 1 to {BASKET_UNITS_MAX}"),
            ));
        }
    }
    let units: u16 = bundle.parts.iter().map(|&(_, units)| units).sum();
    if !(2..=BASKET_UNITS_MAX).contains(&units) {
        let text = format!("have {units} units together; use 2 to {BASKET_UNITS_MAX}");
        return Err(problem(parts, text));
    }
    Ok(())
}

fn check_promotion(path: &str, promotion: &Promotion, ticket_types: usize) -> Checked {
    let effect = format!("{path}.effect");
    match promotion.effect {
        Effect::PercentPpm(rate) if i128::from(rate) > PPM => {
            return Err(problem(effect, format!("is {rate} millionths; use at most {PPM}")));
        }
        Effect::PercentPpm(_) => {}
        Effect::FixedPerTicket(amount) | Effect::FixedPerOrder(amount) => check_amount(&effect, amount)?,
    }
    if let (Some(opens_at), Some(closes_at)) = (promotion.opens_at, promotion.closes_at)
        && opens_at >= closes_at
    {
        return Err(problem(path, format!("{opens_at} does not come before {closes_at}; swap or move them")));
    }
    if let Some(amount_max_minor) = promotion.amount_max_minor
        && amount_max_minor < 0
    {
        return Err(problem(format!("{path}.amount_max_minor"), "is negative"));
    }
    if promotion.per_subject_max == Some(0) {
        let text = "allow at least 1, or leave it out for no limit";
        return Err(problem(format!("{path}.per_subject_max"), text));
    }
    check_types(&format!("{path}.types"), &promotion.types, ticket_types)
}

fn check_length(path: &str, length: usize, max: usize) -> Checked {
    if length > max {
        return Err(problem(path, format!("has {length} entries; at most {max} are possible")));
    }
    Ok(())
}

fn check_name(path: &str, name: &str) -> Checked {
    if name.trim().is_empty() {
        return Err(problem(path, "is empty; give it a name"));
    }
    if name.len() > TARIFF_NAME_BYTES_MAX {
        let text = format!("is {} bytes long; at most {TARIFF_NAME_BYTES_MAX} are possible", name.len());
        return Err(problem(path, text));
    }
    Ok(())
}

fn check_rate(path: &str, rate_ppm: u32) -> Checked {
    if rate_ppm > RATE_PPM_MAX {
        return Err(problem(path, format!("is {rate_ppm} millionths; use at most {RATE_PPM_MAX}")));
    }
    Ok(())
}

fn check_amount(path: &str, amount_minor: i64) -> Checked {
    if !(0..=AMOUNT_MINOR_MAX).contains(&amount_minor) {
        return Err(problem(path, format!("is {amount_minor}; use 0 to {AMOUNT_MINOR_MAX}")));
    }
    Ok(())
}

fn check_type(path: &str, ticket_type: u16, ticket_types: usize) -> Checked {
    if usize::from(ticket_type) >= ticket_types {
        return Err(problem(path, "names a ticket type that does not exist"));
    }
    Ok(())
}

fn check_types(path: &str, types: &TypeSet, ticket_types: usize) -> Checked {
    for (at, &ticket_type) in types.0.iter().enumerate() {
        check_type(&format!("{path}[{at}]"), ticket_type, ticket_types)?;
    }
    if !types.0.is_sorted_by(|before, after| before < after) {
        return Err(problem(path, "is not in ascending order, each type once"));
    }
    Ok(())
}
