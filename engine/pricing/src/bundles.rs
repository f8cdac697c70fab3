//! Step 1: types that cost less together.

use crate::bill::Bill;
use crate::{Bundle, LineKind, spread};

impl Bill<'_> {
    /// Bundles in the order of the tariff, each as often as what is left of the basket has all its parts.
    pub(crate) fn take_bundles(&mut self) {
        let mut left: Vec<u16> = self.basket.lines.iter().map(|line| line.quantity).collect();
        for (item, bundle) in (0_u16..).zip(&self.tariff.bundles) {
            let times = self.times(bundle, &left);
            let taken = self.units_of(bundle, times, &left);
            let costs: Vec<i64> = self
                .basket
                .lines
                .iter()
                .zip(&taken)
                .map(|(line, &units)| line.price_minor * i64::from(units))
                .collect();
            let saved = costs.iter().sum::<i64>() - bundle.price_minor * i64::from(times);
            // What would cost more together is sold one by one.
            if saved > 0 {
                left.iter_mut().zip(&taken).for_each(|(left, units)| *left -= units);
                self.take(LineKind::Bundle, item, &spread(saved, &costs));
            }
        }
    }

    /// How often the units that are left make up the bundle.
    fn times(&self, bundle: &Bundle, left: &[u16]) -> u16 {
        let units_of = |ticket_type: u16| -> u16 {
            let lines = self.basket.lines.iter().zip(left);
            lines.filter(|(line, _)| line.ticket_type == ticket_type).map(|(_, &units)| units).sum()
        };
        let times = bundle.parts.iter().map(|&(ticket_type, units)| units_of(ticket_type) / units.max(1));
        times.min().unwrap_or(0)
    }

    /// Units of each line that go into so many of a bundle: of the first lines of a type first.
    fn units_of(&self, bundle: &Bundle, times: u16, left: &[u16]) -> Vec<u16> {
        let mut taken = vec![0; left.len()];
        for &(ticket_type, units) in &bundle.parts {
            let mut needed = units * times;
            for (at, line) in self.basket.lines.iter().enumerate() {
                if line.ticket_type == ticket_type {
                    taken[at] = needed.min(left[at]);
                    needed -= taken[at];
                }
            }
        }
        taken
    }
}
