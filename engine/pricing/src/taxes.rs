//! Step 4: taxes, on what lines and fees come to.

use std::collections::BTreeMap;

use crate::bill::Bill;
use crate::{LineKind, PPM, Payer, QuoteLine, round_ratio, spread};

/// Something that is taxed: where it stands, whether a refund leaves it, and how much it is.
struct Taxed {
    line: Option<u16>,
    kept: bool,
    amount_minor: i64,
}

impl Bill<'_> {
    /// Every tax of every class (set of taxes), rounded once for all of the class, and spread over what is in it: so that each line, and
    /// each fee that stays, knows its own.
    pub(crate) fn add_taxes(&mut self) {
        let tariff = self.tariff;
        let mut amounts: BTreeMap<(u16, Option<u16>, bool), i64> = BTreeMap::new();
        for (class, parts) in self.classes() {
            let weights: Vec<i64> = parts.iter().map(|part| part.amount_minor).collect();
            let sum: i128 = weights.iter().map(|&weight| i128::from(weight)).sum();
            let included = tariff.taxes_in(class).filter(|(_, tax)| tax.included);
            let gross = PPM + included.map(|(_, tax)| i128::from(tax.rate_ppm)).sum::<i128>();
            for (item, tax) in tariff.taxes_in(class) {
                // All rates of a class are of the same net amount.
                let amount = round_ratio(sum * i128::from(tax.rate_ppm), gross);
                for (part, amount) in parts.iter().zip(spread(amount, &weights)) {
                    *amounts.entry((item, part.line, part.kept)).or_default() += amount;
                }
            }
        }
        for ((item, line, kept), amount_minor) in amounts {
            let included = tariff.taxes[usize::from(item)].included;
            let kind = if included { LineKind::TaxIncluded } else { LineKind::TaxAdded };
            self.add(QuoteLine { kind, line, item, amount_minor, payer: Payer::Buyer, kept });
        }
    }

    /// What is taxed, by class: lines of the basket, and the fees that buyers pay.
    fn classes(&self) -> BTreeMap<u8, Vec<Taxed>> {
        let mut classes: BTreeMap<u8, Vec<Taxed>> = BTreeMap::new();
        for ((at, line), &amount_minor) in (0_u16..).zip(self.basket.lines).zip(&self.prices) {
            let part = Taxed { line: Some(at), kept: false, amount_minor };
            classes.entry(self.tariff.taxes_of(line.ticket_type)).or_default().push(part);
        }
        let fees: BTreeMap<u16, u8> = self.tariff.all_fees().map(|(item, fee)| (item, fee.taxes)).collect();
        for line in self.lines.iter().filter(|line| line.kind == LineKind::Fee && line.is_in_total()) {
            let part = Taxed { line: line.line, kept: line.kept, amount_minor: line.amount_minor };
            classes.entry(fees.get(&line.item).copied().unwrap_or(0)).or_default().push(part);
        }
        classes
    }
}
