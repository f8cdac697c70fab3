//! Who gets what of a sale, and of one ticket of it.

use std::ops::Range;

use crate::tariff::PLATFORM_FEES_FROM;
use crate::{BasketLine, LineKind, Quote, QuoteLine, spread};

/// Who gets what of an amount that a buyer pays, in minor units. The total is the sum of all others: what remains is the organizer's, who
/// owes it where it is negative.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Split {
    /// What the buyer pays.
    pub total_minor: i64,
    /// What is the organizer's after all the rest.
    pub organizer_minor: i64,
    /// The organizer's fees, whoever pays them.
    pub fees_minor: i64,
    /// The platform's fees, whoever pays them.
    pub platform_fees_minor: i64,
    /// The platform's commission.
    pub commission_minor: i64,
    /// Taxes, included and added, by position in the tariff, ascending; none is zero.
    pub taxes: Vec<(u8, i64)>,
    /// What rounding added to the total.
    pub rounding_minor: i64,
}

/// What one ticket has of a sale.
#[derive(Clone, Debug, Default)]
struct Ticket {
    /// Its discounted price.
    price_minor: i64,
    all: Split,
    /// What a refund gives back.
    back: Split,
}

/// Of the whole order. Without a quote, all of it is the organizer's.
#[must_use]
pub fn split(quote: Option<&Quote>, lines: &[BasketLine]) -> Split {
    let gross: i64 = lines.iter().map(|line| line.gross_minor()).sum();
    let Some(quote) = quote else {
        return Split { total_minor: gross, organizer_minor: gross, ..Split::default() };
    };
    let mut split = Split { total_minor: gross, ..Split::default() };
    quote.lines.iter().for_each(|line| split.add(line, line.amount_minor));
    split.settled()
}

/// Of one ticket, whose position is counted over the units of the lines: the shares of all tickets add up to [`split`]. Nothing of a
/// ticket that is not there.
#[must_use]
pub fn share(quote: Option<&Quote>, lines: &[BasketLine], ticket: u16) -> Split {
    tickets(quote, lines).into_iter().nth(ticket.into()).unwrap_or_default().all
}

/// What a refund of one ticket gives back, and out of whose part: its share without the fees that are not refundable, the taxes on them
/// and a commission that stays. Where something of a ticket stays, its rounding stays with it.
#[must_use]
pub fn refund(quote: Option<&Quote>, lines: &[BasketLine], ticket: u16) -> Split {
    tickets(quote, lines).into_iter().nth(ticket.into()).unwrap_or_default().back
}

/// What a refund of each ticket gives back to the buyer, in minor units: the totals of [`refund`].
#[must_use]
pub fn refunds(quote: Option<&Quote>, lines: &[BasketLine]) -> Vec<i64> {
    tickets(quote, lines).iter().map(|ticket| ticket.back.total_minor).collect()
}

/// Every ticket of a sale.
fn tickets(quote: Option<&Quote>, lines: &[BasketLine]) -> Vec<Ticket> {
    let quoted = quote.map_or(&[][..], |quote| &quote.lines);
    let (mut tickets, places) = priced(quoted, lines);
    for line in quoted.iter().filter(|line| !line.is_discount() && line.kind != LineKind::Rounding) {
        let place = match line.line {
            Some(at) => places.get(usize::from(at)).cloned().unwrap_or(0..0),
            None => 0..tickets.len(),
        };
        let prices = tickets[place.clone()].iter().map(|ticket| ticket.price_minor);
        let weights: Vec<i64> = if line.line.is_some() { vec![1; place.len()] } else { prices.collect() };
        let shares = spread(line.amount_minor, &weights);
        tickets[place].iter_mut().zip(shares).for_each(|(ticket, amount)| ticket.add(line, amount));
    }
    for line in quoted.iter().filter(|line| line.kind == LineKind::Rounding) {
        let totals: Vec<i64> = tickets.iter().map(|ticket| ticket.all.total_minor).collect();
        let shares = spread(line.amount_minor, &totals);
        tickets.iter_mut().zip(shares).for_each(|(ticket, amount)| {
            let kept = ticket.back.total_minor != ticket.all.total_minor;
            ticket.add(&QuoteLine { kept, ..*line }, amount);
        });
    }
    for ticket in &mut tickets {
        ticket.all = std::mem::take(&mut ticket.all).settled();
        ticket.back = std::mem::take(&mut ticket.back).settled();
    }
    tickets
}

/// Every ticket with its discounted price, and where those of each line stand.
fn priced(quoted: &[QuoteLine], lines: &[BasketLine]) -> (Vec<Ticket>, Vec<Range<usize>>) {
    let (mut tickets, mut places) = (Vec::new(), Vec::with_capacity(lines.len()));
    for (at, line) in (0_u16..).zip(lines) {
        let discounts = quoted.iter().filter(|of| of.line == Some(at) && of.is_discount());
        let price = line.gross_minor() + discounts.map(|of| of.amount_minor).sum::<i64>();
        let first = tickets.len();
        // All discounts of a line at once: one by one, the first ticket could be charged the remainder of each.
        for price_minor in spread(price, &vec![1; line.quantity.into()]) {
            let split = Split { total_minor: price_minor, ..Split::default() };
            tickets.push(Ticket { price_minor, all: split.clone(), back: split });
        }
        places.push(first..tickets.len());
    }
    (tickets, places)
}

impl Ticket {
    fn add(&mut self, line: &QuoteLine, amount: i64) {
        self.all.add(line, amount);
        if !line.kept {
            self.back.add(line, amount);
        }
    }
}

impl Split {
    /// Adds so much of a line.
    fn add(&mut self, line: &QuoteLine, amount: i64) {
        if line.is_in_total() {
            self.total_minor += amount;
        }
        match line.kind {
            LineKind::Bundle | LineKind::Promotion => {}
            LineKind::Fee if line.item < PLATFORM_FEES_FROM => self.fees_minor += amount,
            LineKind::Fee => self.platform_fees_minor += amount,
            LineKind::TaxIncluded | LineKind::TaxAdded => self.add_tax(line.item, amount),
            LineKind::Commission => self.commission_minor += amount,
            LineKind::Rounding => self.rounding_minor += amount,
        }
    }

    fn add_tax(&mut self, item: u16, amount: i64) {
        let item = u8::try_from(item).unwrap_or(u8::MAX);
        match self.taxes.binary_search_by_key(&item, |&(of, _)| of) {
            Ok(at) => self.taxes[at].1 += amount,
            Err(at) => self.taxes.insert(at, (item, amount)),
        }
    }

    /// Leaves the rest to the organizer.
    fn settled(mut self) -> Split {
        self.taxes.retain(|&(_, amount)| amount != 0);
        let taxes: i64 = self.taxes.iter().map(|&(_, amount)| amount).sum();
        let others = self.fees_minor + self.platform_fees_minor + self.commission_minor + taxes;
        self.organizer_minor = self.total_minor - others - self.rounding_minor;
        self
    }
}
