//! What an order comes to, split into those to whom it belongs.

use tessera_inventory::{HoldPlaced, Line};
use tessera_ledger::{Sale, Tax};
use tessera_pricing::{BasketLine, Quote, Split};
use tessera_projections::orders::Order;

/// A refund as the log has it.
#[derive(Clone, Debug)]
pub(crate) struct Refunded {
    /// The positions of its tickets.
    pub(crate) tickets: Vec<u16>,
    /// How much, in minor units; `None`: what its tickets come to.
    pub(crate) amount_minor: Option<i64>,
}

/// What was bought: the lines of an order, and what they cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bought<'a> {
    lines: &'a [Line],
    quote: Option<&'a Quote>,
}

impl<'a> Bought<'a> {
    pub(crate) fn of(order: &'a Order) -> Bought<'a> {
        Bought { lines: &order.lines, quote: order.quote.as_deref() }
    }
}

impl<'a> From<&'a HoldPlaced> for Bought<'a> {
    fn from(hold: &'a HoldPlaced) -> Bought<'a> {
        Bought { lines: &hold.lines, quote: hold.quote.as_deref() }
    }
}

/// What a whole order comes to.
pub(super) fn sale(hold: &HoldPlaced) -> Sale {
    let bought = Bought::from(hold);
    of_split(&tessera_pricing::split(bought.quote, &basket(bought)))
}

/// What a refund of these tickets of an order gives back, and out of whose part. Tickets are numbered along its lines.
fn share(bought: Bought<'_>, tickets: &[u16]) -> Sale {
    let basket = basket(bought);
    let mut share = Sale::default();
    for &ticket in tickets {
        add(&mut share, &of_split(&tessera_pricing::refund(bought.quote, &basket, ticket)));
    }
    share
}

/// What a refund gives back, and out of whose part: what its tickets come to, or, of an amount, in proportion to that. An amount without tickets is
/// in proportion to all of them; what goes beyond what they come to is the organizer's.
pub(crate) fn given_back<'a>(bought: impl Into<Bought<'a>>, refunded: &Refunded) -> Sale {
    let bought = bought.into();
    let Some(amount_minor) = refunded.amount_minor else { return share(bought, &refunded.tickets) };
    let all: Vec<u16>;
    let tickets = if refunded.tickets.is_empty() {
        all = (0..bought.lines.iter().map(|line| line.quantity).sum()).collect();
        &all
    } else {
        &refunded.tickets
    };
    let whole = share(bought, tickets);
    let (of, part) = (whole.total_minor, amount_minor.min(whole.total_minor));
    let scaled = |minor: i64| match i128::from(minor) * i128::from(part) {
        _ if of == 0 => 0,
        // A part of an amount fits where the amount does.
        product => i64::try_from(product / i128::from(of)).unwrap_or(minor),
    };
    let tax = |tax: &Tax| Tax { position: tax.position, amount_minor: scaled(tax.amount_minor) };
    Sale {
        total_minor: amount_minor,
        fees_minor: scaled(whole.fees_minor),
        commission_minor: scaled(whole.commission_minor),
        taxes: whole.taxes.iter().map(tax).collect(),
        rounding_minor: scaled(whole.rounding_minor),
    }
}

/// What is left of a sale after these were given back.
pub(super) fn less(sale: Sale, given: impl Iterator<Item = Sale>) -> Sale {
    let mut left = sale;
    for part in given {
        let negative = |tax: &Tax| Tax { position: tax.position, amount_minor: -tax.amount_minor };
        let taken = Sale {
            total_minor: -part.total_minor,
            fees_minor: -part.fees_minor,
            commission_minor: -part.commission_minor,
            taxes: part.taxes.iter().map(negative).collect(),
            rounding_minor: -part.rounding_minor,
        };
        add(&mut left, &taken);
    }
    left
}

fn basket(bought: Bought<'_>) -> Vec<BasketLine> {
    let line = |line: &Line| BasketLine {
        ticket_type: line.ticket_type.0,
        // A quote that was made is split by its own lines.
        add_on: false,
        quantity: line.quantity,
        price_minor: line.price_minor,
    };
    bought.lines.iter().map(line).collect()
}

/// An organizer's own fees are the organizer's, like its prices.
fn of_split(split: &Split) -> Sale {
    let tax = |&(position, amount_minor): &(u8, i64)| Tax { position, amount_minor };
    Sale {
        total_minor: split.total_minor,
        fees_minor: split.platform_fees_minor,
        commission_minor: split.commission_minor,
        taxes: split.taxes.iter().map(tax).collect(),
        rounding_minor: split.rounding_minor,
    }
}

fn add(sum: &mut Sale, part: &Sale) {
    sum.total_minor += part.total_minor;
    sum.fees_minor += part.fees_minor;
    sum.commission_minor += part.commission_minor;
    sum.rounding_minor += part.rounding_minor;
    for tax in &part.taxes {
        match sum.taxes.iter_mut().find(|known| known.position == tax.position) {
            Some(known) => known.amount_minor += tax.amount_minor,
            None => sum.taxes.push(*tax),
        }
    }
}

#[cfg(test)]
mod tests {
    use tessera_inventory::{Origin, Subject, Subjects, TermsId, TicketTypeId, Timestamp};
    use tessera_ledger::{Account, AccountKind, Balances, EntryId, Heading, Movement, Paid};
    use tessera_pricing::{Basis, Basket, Tariff, TypeSet};

    use super::*;
    use crate::terms::PlatformFee;

    fn hold() -> HoldPlaced {
        let line = |quantity, price_minor| Line {
            ticket_type: TicketTypeId(0),
            terms: TermsId(0),
            quantity,
            price_minor,
            seats: Vec::new(),
        };
        HoldPlaced {
            subjects: Subjects { primary: Subject(1), extra: Vec::new() },
            deadline_at: Timestamp(0),
            life_ends_at: Timestamp(0),
            channel: None,
            origin: Origin::Direct,
            lines: vec![line(2, 1_000), line(1, 250)],
            quote: None,
            entry: None,
        }
    }

    #[test]
    fn tickets_come_to_what_their_lines_cost() {
        let hold = hold();
        assert_eq!(sale(&hold), Sale::plain(2_250));
        assert_eq!(share((&hold).into(), &[1, 2]), Sale::plain(1_250));
        assert_eq!(share((&hold).into(), &[0, 1, 2]), sale(&hold));
        assert_eq!(share((&hold).into(), &[3]), Sale::plain(0), "there is no such ticket");
    }

    /// The accounts after entries of a business of organizer 1, paid by provider 1.
    fn books(movements: &[Movement]) -> Balances {
        let mut balances = Balances::default();
        for (number, movement) in (1..).zip(movements) {
            let id = EntryId(number);
            let heading = Heading { id, at: Timestamp(1), organizer: 1, currency: *b"EUR", order: None };
            let entry = tessera_ledger::entry(heading, movement);
            entry.iter().flatten().for_each(|entry| balances.post(entry));
        }
        balances
    }

    #[test]
    fn fees_of_the_platform_are_the_platforms_and_stay_or_go_back_as_they_say() {
        let fee = |basis, fixed_minor, refundable| {
            let of = PlatformFee {
                name: "P".into(),
                basis,
                fixed_minor,
                rate_ppm: 0,
                min_minor: 0,
                max_minor: None,
                refundable,
            };
            of.of_types(TypeSet::default())
        };
        let fees = vec![fee(Basis::PerTicket, 100, true), fee(Basis::PerOrder, 50, false)];
        let tariff = Tariff { platform_fees: fees, ..Tariff::default() };
        let mut hold = hold();
        let lines = basket((&hold).into());
        let quote = tessera_pricing::quote(&tariff, 1, &Basket { lines: &lines, promotion: None });
        hold.quote = quote.map(Box::new);
        let whole = sale(&hold);
        assert_eq!((whole.total_minor, whole.fees_minor, whole.organizer_minor()), (2_600, 350, Ok(2_250)));
        let given =
            |tickets: &[u16]| given_back(&hold, &Refunded { tickets: tickets.to_vec(), amount_minor: None });
        let (first, rest) = (given(&[0]), given(&[1, 2]));
        assert_eq!((first.total_minor, first.fees_minor, first.organizer_minor()), (1_100, 100, Ok(1_000)));
        let sold = Movement::Sold { by: Paid::Provider(1), sale: whole };
        let wanted = |sale| Movement::RefundWanted { provider: 1, sale };
        let of = |balances: &Balances| {
            let accounts = [
                Account::of_platform(AccountKind::Fees),
                Account::of_organizer(AccountKind::Payable, 1),
                Account::with_provider(AccountKind::RefundsDue, 1),
            ];
            accounts.map(|account| balances.balance(*b"EUR", account))
        };
        assert_eq!(of(&books(std::slice::from_ref(&sold))), [-350, -2_250, 0]);
        let after = books(&[sold, wanted(first), wanted(rest)]);
        assert_eq!(of(&after), [-50, 0, -2_550], "what is of the order stays");
        assert_eq!(after.trial().into_values().collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn taxes_are_the_states_and_all_of_a_refundable_order_goes_back() {
        let mut hold = hold();
        let tax = tessera_pricing::Tax { name: "VAT".into(), rate_ppm: 190_000, included: false };
        let tariff = Tariff { taxes: vec![tax], type_taxes: vec![1], ..Tariff::default() };
        let lines = basket((&hold).into());
        let quote = tessera_pricing::quote(&tariff, 1, &Basket { lines: &lines, promotion: None });
        hold.quote = quote.map(Box::new);
        let whole = sale(&hold);
        assert_eq!((whole.total_minor, whole.taxes[0].amount_minor), (2_678, 428), "2250 and 19 % of it");
        assert_eq!(whole.organizer_minor(), Ok(2_250));
        assert_eq!(share((&hold).into(), &[0, 1, 2]), whole);
        let given = |tickets: &[u16], amount_minor| {
            given_back(&hold, &Refunded { tickets: tickets.to_vec(), amount_minor })
        };
        let part = given(&[], Some(1_339));
        assert_eq!((part.total_minor, part.taxes[0].amount_minor), (1_339, 214), "the state bears its part");
        assert_eq!(given(&[0], Some(0)).organizer_minor(), Ok(0));
        assert_eq!(given(&[0], None), share((&hold).into(), &[0]));
        let all = given(&[0, 1, 2], Some(3_000));
        assert_eq!((all.taxes[0].amount_minor, all.organizer_minor()), (428, Ok(2_572)), "the rest is its");
        let left = less(whole.clone(), [part, given(&[2], None)].into_iter());
        assert_eq!(less(left, [given(&[0, 1], None)].into_iter()).total_minor, -1_339, "all, and goodwill");
        assert_eq!(less(whole.clone(), [whole].into_iter()).organizer_minor(), Ok(0));
    }
}
