//! The six steps of a quote, in their order: each adds lines, none changes an earlier one.

use crate::{Basket, LineKind, PPM, Payer, Quote, QuoteLine, Tariff, round_ratio};

/// A bill as it is written.
pub(crate) struct Bill<'a> {
    pub(crate) tariff: &'a Tariff,
    pub(crate) basket: &'a Basket<'a>,
    /// What each line of the basket costs by now: bundles and the promotion lower it.
    pub(crate) prices: Vec<i64>,
    pub(crate) lines: Vec<QuoteLine>,
}

/// What a basket comes to under the tariff of a version of the configuration; `None` where that is quantities times prices and nothing
/// else is to be said.
#[must_use]
pub fn quote(tariff: &Tariff, version: u32, basket: &Basket<'_>) -> Option<Quote> {
    let prices = basket.lines.iter().map(|line| line.gross_minor()).collect();
    let mut bill = Bill { tariff, basket, prices, lines: Vec::new() };
    bill.take_bundles();
    bill.take_promotion();
    bill.add_fees();
    bill.add_taxes();
    bill.add_commission();
    bill.round_total();
    let promotion = basket.promotion.map(|applied| applied.promotion);
    if bill.lines.is_empty() && promotion.is_none() {
        return None;
    }
    Some(Quote { total_minor: bill.total_minor(), version, promotion, serial: None, lines: bill.lines })
}

impl Bill<'_> {
    /// Writes a line; nothing is not worth one.
    pub(crate) fn add(&mut self, line: QuoteLine) {
        if line.amount_minor != 0 {
            self.lines.push(line);
        }
    }

    /// Takes these amounts off the lines of the basket.
    pub(crate) fn take(&mut self, kind: LineKind, item: u16, amounts: &[i64]) {
        for (at, &amount) in (0_u16..).zip(amounts) {
            self.prices[usize::from(at)] -= amount;
            let payer = Payer::Buyer;
            self.add(QuoteLine { kind, line: Some(at), item, amount_minor: -amount, payer, kept: false });
        }
    }

    /// What all lines of the basket cost by now.
    fn price_minor(&self) -> i64 {
        self.prices.iter().sum()
    }

    fn total_minor(&self) -> i64 {
        let gross: i64 = self.basket.lines.iter().map(|line| line.gross_minor()).sum();
        let lines = self.lines.iter().filter(|line| line.is_in_total());
        gross + lines.map(|line| line.amount_minor).sum::<i64>()
    }

    fn add_commission(&mut self) {
        let commission = self.tariff.commission;
        let price = self.price_minor();
        let admissions = self.basket.lines.iter().filter(|line| !line.add_on);
        let units: i64 = admissions.map(|line| i64::from(line.quantity)).sum();
        let of_price = round_ratio(i128::from(price) * i128::from(commission.ppm), PPM);
        self.add(QuoteLine {
            kind: LineKind::Commission,
            line: None,
            item: 0,
            amount_minor: (of_price + commission.fixed_minor * units).min(price),
            payer: Payer::Organizer,
            kept: !commission.returned,
        });
    }

    fn round_total(&mut self) {
        let unit = i64::from(self.tariff.rounding_unit_minor.max(1));
        let total = self.total_minor();
        self.add(QuoteLine {
            kind: LineKind::Rounding,
            line: None,
            item: 0,
            amount_minor: round_ratio(total.into(), unit.into()) * unit - total,
            payer: Payer::Buyer,
            kept: false,
        });
    }
}
