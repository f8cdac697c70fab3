//! Step 2: the promotion whose code was shown.

use crate::bill::Bill;
use crate::{BasketLine, Effect, LineKind, PPM, round_ratio, spread};

impl Bill<'_> {
    /// Takes the promotion off the lines of its types, and not more than is left of its amount.
    pub(crate) fn take_promotion(&mut self) {
        let Some(applied) = self.basket.promotion else { return };
        let Some(promotion) = self.tariff.promotions.get(usize::from(applied.promotion)) else { return };
        let lines = self.basket.lines.iter().zip(&self.prices);
        let of_types: Vec<(&BasketLine, i64)> = lines
            .map(|(line, &price)| (line, if promotion.types.contains(line.ticket_type) { price } else { 0 }))
            .collect();
        let prices: Vec<i64> = of_types.iter().map(|&(_, price)| price).collect();
        let mut amounts = match promotion.effect {
            Effect::PercentPpm(rate) => {
                let part = |&price: &i64| round_ratio(i128::from(price) * i128::from(rate), PPM);
                prices.iter().map(part).collect()
            }
            Effect::FixedPerTicket(fixed) => {
                of_types.iter().map(|(line, price)| (fixed * i64::from(line.quantity)).min(*price)).collect()
            }
            Effect::FixedPerOrder(fixed) => spread(fixed.min(prices.iter().sum()), &prices),
        };
        if let Some(left) = applied.amount_left_minor
            && left < amounts.iter().sum()
        {
            amounts = spread(left, &amounts);
        }
        self.take(LineKind::Promotion, applied.promotion, &amounts);
    }
}
