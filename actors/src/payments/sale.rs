//! What an order comes to, split into those to whom it belongs.

use tessera_inventory::{HoldPlaced, Line};
use tessera_ledger::{Sale, Tax};
use tessera_pricing::{BasketLine, Split};

/// What a whole order comes to.
pub(super) fn sale(hold: &HoldPlaced) -> Sale {
    of_split(&tessera_pricing::split(hold.quote.as_deref(), &basket(hold)))
}

/// What a refund of these tickets of an order gives back, and out of whose part. Tickets are numbered along its lines.
pub(super) fn share(hold: &HoldPlaced, tickets: &[u16]) -> Sale {
    let (basket, quote) = (basket(hold), hold.quote.as_deref());
    let mut share = Sale::default();
    for &ticket in tickets {
        add(&mut share, &of_split(&tessera_pricing::refund(quote, &basket, ticket)));
    }
    share
}

fn basket(hold: &HoldPlaced) -> Vec<BasketLine> {
    let line = |line: &Line| BasketLine {
        ticket_type: line.ticket_type.0,
        // A quote that was made is split by its own lines.
        add_on: false,
        quantity: line.quantity,
        price_minor: line.price_minor,
    };
    hold.lines.iter().map(line).collect()
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
    use tessera_pricing::{Basket, Tariff};

    use super::*;

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
        }
    }

    #[test]
    fn tickets_come_to_what_their_lines_cost() {
        let hold = hold();
        assert_eq!(sale(&hold), Sale::plain(2_250));
        assert_eq!(share(&hold, &[1, 2]), Sale::plain(1_250));
        assert_eq!(share(&hold, &[0, 1, 2]), sale(&hold));
        assert_eq!(share(&hold, &[3]), Sale::plain(0), "there is no such ticket");
    }

    #[test]
    fn taxes_are_the_states_and_all_of_a_refundable_order_goes_back() {
        let mut hold = hold();
        let tax = tessera_pricing::Tax { name: "VAT".into(), rate_ppm: 190_000, included: false };
        let tariff = Tariff { taxes: vec![tax], type_taxes: vec![1], ..Tariff::default() };
        let lines = basket(&hold);
        let quote = tessera_pricing::quote(&tariff, 1, &Basket { lines: &lines, promotion: None });
        hold.quote = quote.map(Box::new);
        let whole = sale(&hold);
        assert_eq!((whole.total_minor, whole.taxes[0].amount_minor), (2_678, 428), "2250 and 19 % of it");
        assert_eq!(whole.organizer_minor(), Ok(2_250));
        assert_eq!(share(&hold, &[0, 1, 2]), whole);
    }
}
