//! Step 3: fees.

use crate::bill::Bill;
use crate::{Basis, Fee, LineKind, PPM, QuoteLine, round_ratio};

impl Bill<'_> {
    /// Every fee: of each line that it is taken of, or once of the order.
    pub(crate) fn add_fees(&mut self) {
        let tariff = self.tariff;
        for (item, fee) in tariff.all_fees() {
            let mut order = (0, 0);
            for (at, line) in (0_u16..).zip(self.basket.lines) {
                let price = self.prices[usize::from(at)];
                if !fee.types.contains(line.ticket_type) {
                    continue;
                }
                match fee.basis {
                    Basis::PerOrder => order = (1, order.1 + price),
                    basis if (basis == Basis::PerAddOn) == line.add_on => {
                        self.add_fee(item, fee, Some(at), (line.quantity, price));
                    }
                    _ => {}
                }
            }
            self.add_fee(item, fee, None, order);
        }
    }

    /// A fee of so many things that cost so much together: rounded once, not for each of them.
    fn add_fee(&mut self, item: u16, fee: &Fee, line: Option<u16>, (things, price): (u16, i64)) {
        let things = i128::from(things);
        let exact = things * i128::from(fee.fixed_minor) * PPM + i128::from(price) * i128::from(fee.rate_ppm);
        let least = things * i128::from(fee.min_minor) * PPM;
        let most = fee.max_minor.map_or(i128::MAX, |max| things * i128::from(max) * PPM);
        self.add(QuoteLine {
            kind: LineKind::Fee,
            line,
            item,
            amount_minor: round_ratio(exact.max(least).min(most), PPM),
            payer: fee.payer,
            kept: !fee.refundable,
        });
    }
}
