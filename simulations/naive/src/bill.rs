//! What a basket costs, step by step and by counting. It shares nothing with the engine but the tariff and the form of a bill.

use tessera_inventory::{Config, Line, TicketKind};
use tessera_pricing::{Basis, Effect, Fee, LineKind, Payer, Promotion, Quote, QuoteLine, Tariff};

/// Which tax of the tariff, on which line, and whether its fee is kept.
type Taxed = (u16, Option<u16>, bool);

/// Millionths in one.
const MILLION: i128 = 1_000_000;

/// The nearest whole number to a fraction that is not negative; a half goes up.
fn nearest(numerator: i128, denominator: i128) -> i64 {
    let whole = numerator / denominator;
    let rest = numerator - whole * denominator;
    i64::try_from(if 2 * rest >= denominator { whole + 1 } else { whole }).unwrap()
}

/// An amount in proportion to weights: units go one by one to who lacks most of its exact share, the first among equals.
fn shared(amount: i64, weights: &[i64]) -> Vec<i64> {
    let (amount, all) = (i128::from(amount), weights.iter().map(|&weight| i128::from(weight)).sum::<i128>());
    let mut parts: Vec<i128> =
        weights.iter().map(|&weight| amount * i128::from(weight) / all.max(1)).collect();
    while parts.iter().sum::<i128>() < amount {
        let lacks = |at: usize| amount * i128::from(weights[at]) - parts[at] * all;
        let most = (0..weights.len()).rev().max_by_key(|&at| lacks(at)).unwrap();
        parts[most] += 1;
    }
    parts.into_iter().map(|part| i64::try_from(part).unwrap()).collect()
}

/// A bill as it grows: what every line costs by now, and what was written.
struct Bill<'a> {
    config: &'a Config,
    tariff: &'a Tariff,
    lines: &'a [Line],
    costs: Vec<i64>,
    written: Vec<QuoteLine>,
}

/// The bill of a hold, with what is left of its promotion's amount.
pub(crate) fn bill(
    config: &Config,
    version: u32,
    lines: &[Line],
    promotion: Option<(u16, Option<i64>)>,
) -> Option<Quote> {
    let tariff = config.tariff.as_deref()?;
    let costs = lines.iter().map(|line| line.price_minor * i64::from(line.quantity)).collect();
    let mut bill = Bill { config, tariff, lines, costs, written: vec![] };
    bill.bundles();
    if let Some((at, left)) = promotion {
        bill.promotion(at, &tariff.promotions[usize::from(at)], left);
    }
    bill.fees();
    bill.taxes();
    bill.commission();
    let sum = bill.total();
    let unit = i64::from(tariff.rounding_unit_minor.max(1));
    bill.write(LineKind::Rounding, None, 0, nearest(sum.into(), unit.into()) * unit - sum);
    let promotion = promotion.map(|(at, _)| at);
    if bill.written.is_empty() && promotion.is_none() {
        return None;
    }
    Some(Quote { total_minor: bill.total(), version, promotion, serial: None, lines: bill.written })
}

impl Bill<'_> {
    fn is_add_on(&self, line: &Line) -> bool {
        self.config.ticket_types[line.ticket_type.index()].kind != TicketKind::Admission
    }

    fn push(&mut self, line: QuoteLine) {
        if line.amount_minor != 0 {
            self.written.push(line);
        }
    }

    fn write(&mut self, kind: LineKind, line: Option<u16>, item: u16, amount_minor: i64) {
        self.push(QuoteLine { kind, line, item, amount_minor, payer: Payer::Buyer, kept: false });
    }

    fn take_off(&mut self, kind: LineKind, item: u16, off: &[i64]) {
        for (at, &amount) in (0_u16..).zip(off) {
            self.costs[usize::from(at)] -= amount;
            self.write(kind, Some(at), item, -amount);
        }
    }

    fn total(&self) -> i64 {
        let plain: i64 = self.lines.iter().map(|line| line.price_minor * i64::from(line.quantity)).sum();
        let of_buyer = self.written.iter().filter(|line| line.payer == Payer::Buyer);
        let added = of_buyer.filter(|line| line.kind != LineKind::TaxIncluded);
        plain + added.map(|line| line.amount_minor).sum::<i64>()
    }

    /// Unit by unit: a bundle is put together as long as there are all its parts, and kept if it is cheaper.
    fn bundles(&mut self) {
        let tariff = self.tariff;
        let mut left: Vec<u16> = self.lines.iter().map(|line| line.quantity).collect();
        for (item, bundle) in (0_u16..).zip(&tariff.bundles) {
            let (mut used, mut price) = (vec![0_i64; left.len()], 0);
            let mut tried = left.clone();
            while let Some(taken) = self.one_bundle(&bundle.parts, &mut tried) {
                used.iter_mut().zip(taken).for_each(|(used, taken)| *used += taken);
                price += bundle.price_minor;
            }
            let worth: Vec<i64> =
                used.iter().zip(self.lines).map(|(used, line)| used * line.price_minor).collect();
            let saved = worth.iter().sum::<i64>() - price;
            if saved > 0 {
                left = tried;
                self.take_off(LineKind::Bundle, item, &shared(saved, &worth));
            }
        }
    }

    /// The units of each line that make one bundle, taken from what is left.
    fn one_bundle(&self, parts: &[(u16, u16)], left: &mut Vec<u16>) -> Option<Vec<i64>> {
        let (mut taken, mut after) = (vec![0_i64; left.len()], left.clone());
        for &(ticket_type, units) in parts {
            for _ in 0..units {
                let of_type = |at: &usize| self.lines[*at].ticket_type.0 == ticket_type && after[*at] > 0;
                let at = (0..after.len()).find(of_type)?;
                after[at] -= 1;
                taken[at] += 1;
            }
        }
        *left = after;
        Some(taken)
    }

    fn promotion(&mut self, at: u16, promotion: &Promotion, left: Option<i64>) {
        let types = &promotion.types.0;
        let of_type = |line: &Line| types.is_empty() || types.contains(&line.ticket_type.0);
        let costs = self.lines.iter().zip(&self.costs);
        let base: Vec<i64> = costs.map(|(line, &cost)| if of_type(line) { cost } else { 0 }).collect();
        let mut off: Vec<i64> = match promotion.effect {
            Effect::PercentPpm(rate) => {
                base.iter().map(|&cost| nearest(i128::from(cost) * i128::from(rate), MILLION)).collect()
            }
            Effect::FixedPerTicket(fixed) => {
                let units = self.lines.iter().map(|line| i64::from(line.quantity));
                base.iter().zip(units).map(|(&cost, units)| cost.min(fixed * units)).collect()
            }
            Effect::FixedPerOrder(fixed) => shared(fixed.min(base.iter().sum()), &base),
        };
        let all: i64 = off.iter().sum();
        if let Some(left) = left.filter(|&left| left < all) {
            off = shared(left, &off);
        }
        self.take_off(LineKind::Promotion, at, &off);
    }

    /// The fees of the organizer, then those of the platform, numbered from 16 on.
    fn all_fees(&self) -> Vec<(u16, Fee)> {
        let of_organizer = (0_u16..).zip(self.tariff.fees.clone());
        of_organizer.chain((16_u16..).zip(self.tariff.platform_fees.clone())).collect()
    }

    fn fees(&mut self) {
        for (item, fee) in self.all_fees() {
            let types = &fee.types.0;
            let of_type = |line: &Line| types.is_empty() || types.contains(&line.ticket_type.0);
            let takes = |line: &Line| match fee.basis {
                Basis::PerTicket => !self.is_add_on(line),
                Basis::PerAddOn => self.is_add_on(line),
                Basis::PerOrder => true,
            };
            let taken: Vec<(u16, i64, i64)> = (0_u16..)
                .zip(self.lines)
                .filter(|(_, line)| of_type(line) && takes(line))
                .map(|(at, line)| (at, i64::from(line.quantity), self.costs[usize::from(at)]))
                .collect();
            let amounts: Vec<(Option<u16>, i64)> = if fee.basis != Basis::PerOrder {
                taken.iter().map(|&(at, units, cost)| (Some(at), fee_of(&fee, units, cost))).collect()
            } else if taken.is_empty() {
                vec![]
            } else {
                vec![(None, fee_of(&fee, 1, taken.iter().map(|&(_, _, cost)| cost).sum()))]
            };
            for (line, amount_minor) in amounts {
                let (payer, kept) = (fee.payer, !fee.refundable);
                self.push(QuoteLine { kind: LineKind::Fee, line, item, amount_minor, payer, kept });
            }
        }
    }

    /// What is taxed by exactly these taxes: where it stands, whether a refund leaves it, how much it is.
    fn taxed_by(&self, class: u8) -> Vec<(Option<u16>, bool, i64)> {
        let fees = self.all_fees();
        let of_type =
            |line: &Line| self.tariff.type_taxes.get(line.ticket_type.index()).copied().unwrap_or(0);
        let lines = (0_u16..).zip(self.lines).filter(|(_, line)| of_type(line) == class);
        let lines = lines.map(|(at, _)| (Some(at), false, self.costs[usize::from(at)]));
        let is_taxed = |line: &&QuoteLine| {
            let taxes = fees.iter().find(|(item, _)| *item == line.item).map(|(_, fee)| fee.taxes);
            line.kind == LineKind::Fee && line.payer == Payer::Buyer && taxes == Some(class)
        };
        let fees_taxed = self.written.iter().filter(is_taxed);
        lines.chain(fees_taxed.map(|line| (line.line, line.kept, line.amount_minor))).collect()
    }

    fn taxes(&mut self) {
        let taxes = &self.tariff.taxes;
        let mut amounts: Vec<(Taxed, i64)> = Vec::new();
        for class in 0..1_u8 << taxes.len() {
            let taxed = self.taxed_by(class);
            let of_class = || (0_u16..).zip(taxes).filter(|(at, _)| class & (1 << at) != 0);
            let inside = of_class().filter(|(_, tax)| tax.included);
            let whole = MILLION + inside.map(|(_, tax)| i128::from(tax.rate_ppm)).sum::<i128>();
            let weights: Vec<i64> = taxed.iter().map(|&(_, _, amount)| amount).collect();
            let sum = i128::from(weights.iter().sum::<i64>());
            for (item, tax) in of_class() {
                let amount = nearest(sum * i128::from(tax.rate_ppm), whole);
                for (&(line, kept, _), part) in taxed.iter().zip(shared(amount, &weights)) {
                    amounts.push(((item, line, kept), part));
                }
            }
        }
        let mut places: Vec<_> = amounts.iter().map(|&(place, _)| place).collect();
        places.sort();
        places.dedup();
        for place in places {
            let amount_minor = amounts.iter().filter(|(at, _)| *at == place).map(|&(_, amount)| amount).sum();
            let (item, line, kept) = place;
            let inside = self.tariff.taxes[usize::from(item)].included;
            let kind = if inside { LineKind::TaxIncluded } else { LineKind::TaxAdded };
            self.push(QuoteLine { kind, line, item, amount_minor, payer: Payer::Buyer, kept });
        }
    }

    fn commission(&mut self) {
        let commission = self.tariff.commission;
        let cost: i64 = self.costs.iter().sum();
        let admissions = self.lines.iter().filter(|line| !self.is_add_on(line));
        let units: i64 = admissions.map(|line| i64::from(line.quantity)).sum();
        let rated = nearest(i128::from(cost) * i128::from(commission.ppm), MILLION);
        self.push(QuoteLine {
            kind: LineKind::Commission,
            line: None,
            item: 0,
            amount_minor: cost.min(rated + units * commission.fixed_minor),
            payer: Payer::Organizer,
            kept: !commission.returned,
        });
    }
}

/// A fee of so many things that cost so much together.
fn fee_of(fee: &Fee, units: i64, cost: i64) -> i64 {
    let exact = i128::from(units * fee.fixed_minor) * MILLION + i128::from(cost) * i128::from(fee.rate_ppm);
    let amount = nearest(exact, MILLION).max(units * fee.min_minor);
    fee.max_minor.map_or(amount, |max| amount.min(units * max))
}
