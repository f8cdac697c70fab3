//! Money that went back, and disputes about it.

use crate::orders::Order;
use crate::returned::{Returned, Source};
use crate::{ClaimNumber, Dispute, Inventory, RefundReason, RefundedUnits, TicketRef};

/// What became of the money of an order, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrderMoney {
    /// What it cost.
    pub(crate) total_minor: i64,
    /// What its tickets come to, refunded ones too: the total without what a refund leaves.
    pub(crate) back_minor: i64,
    /// What was given back.
    pub(crate) refunded_minor: i64,
}

impl OrderMoney {
    /// What may still be given back.
    pub(crate) fn left_minor(&self) -> i64 {
        self.total_minor - self.refunded_minor
    }
}

impl Inventory {
    /// What became of the money of the order at this position.
    pub(crate) fn money_of(&self, at: u32) -> OrderMoney {
        let order = self.orders.get(at);
        let number = order.number();
        let (mut plain_minor, mut back_minor, mut refunded_minor) = (0, 0, self.orders.beyond(at));
        for (index, slot) in (0_u16..).zip(order.ticket_slots()) {
            let (ticket, share_minor) = (self.orders.ticket(slot), self.back_minor(order, index));
            plain_minor += self.terms.get(ticket.terms).price_minor;
            back_minor += share_minor;
            refunded_minor += if ticket.is_refunded() { share_minor } else { 0 };
        }
        let total_minor = self.quoted.get(number).map_or(plain_minor, |money| money.total_minor);
        OrderMoney { total_minor, back_minor, refunded_minor }
    }

    /// What the refund of a ticket of an order gives back: as it was quoted, or else its frozen price.
    pub(crate) fn back_minor(&self, order: &Order, index: u16) -> i64 {
        if let Some(shares) = self.quoted.shares(order.number()) {
            return shares.get(usize::from(index)).copied().unwrap_or(0);
        }
        let ticket = order.ticket(index).map(|slot| self.orders.ticket(slot));
        ticket.map_or(0, |ticket| self.terms.get(ticket.terms).price_minor)
    }

    pub(super) fn apply_refunded(
        &mut self,
        number: ClaimNumber,
        tickets: &[u16],
        units: RefundedUnits,
        (amount_minor, reason): (Option<i64>, RefundReason),
    ) {
        if reason == RefundReason::Unpaid {
            self.forgo(number);
        }
        for &index in tickets {
            self.take_back(TicketRef { order: number, index }, units);
            // What is given back is not what the ticket comes to, but the amount.
            if amount_minor.is_some() {
                self.give_beyond(number, |order, inventory| -inventory.back_minor(order, index));
            }
        }
        if let Some(amount_minor) = amount_minor {
            self.give_beyond(number, |_, _| amount_minor);
        }
        self.return_promotion(number, reason == RefundReason::Unpaid);
    }

    pub(super) fn apply_dispute(&mut self, number: ClaimNumber, dispute: Dispute, revoked: &[u16]) {
        let Some(at) = self.orders.find(number) else { panic!("{} is no order", number.0) };
        self.orders.set_disputed(at, dispute == Dispute::Open, &self.subjects);
        if dispute != Dispute::Lost {
            return;
        }
        // The buyer has all of the money.
        self.forgo(number);
        for &index in revoked {
            self.take_back(TicketRef { order: number, index }, RefundedUnits::Restock);
            self.give_beyond(number, |order, inventory| -inventory.back_minor(order, index));
        }
        self.return_promotion(number, false);
    }

    /// Nothing of an order's money is left to be given back.
    fn forgo(&mut self, number: ClaimNumber) {
        let Some(at) = self.orders.find(number) else { return };
        let left_minor = self.money_of(at).left_minor();
        self.give_beyond(number, |_, _| left_minor);
    }

    /// Counts so much as given back, beside what refunded tickets come to.
    fn give_beyond(&mut self, number: ClaimNumber, amount: impl FnOnce(&Order, &Inventory) -> i64) {
        let Some(at) = self.orders.find(number) else { return };
        let amount_minor = amount(self.orders.get(at), self);
        self.orders.add_beyond(at, amount_minor, &self.subjects);
    }

    /// A ticket is void, and its unit returns.
    fn take_back(&mut self, ticket: TicketRef, units: RefundedUnits) {
        let (at, slot) = self.ticket_at(ticket);
        let order = *self.orders.get(at);
        let ticket = *self.orders.ticket(slot);
        self.orders.refund(at, slot, &self.subjects);
        self.return_units(Returned {
            terms: ticket.terms,
            quantity: 1,
            seats: ticket.seat().as_slice(),
            channel: order.channel(),
            source: Source::Sold,
            fate: units,
        });
        let ticket_type = self.terms.get(ticket.terms).ticket_type;
        for &subject in std::iter::once(&order.subject).chain(self.orders.extra(at)) {
            self.subjects.discharge(subject, ticket_type, 1);
        }
    }

    /// Gives the use of a promotion back whose order has no ticket any more, if the tariff says so, or nobody ever paid for it.
    fn return_promotion(&mut self, number: ClaimNumber, is_unpaid: bool) {
        let Some(used) = self.quoted.get(number).and_then(|money| money.used) else { return };
        let mut promotions = self.config.tariff.iter().flat_map(|tariff| &tariff.promotions);
        let returns = promotions.nth(used.promotion.into()).is_some_and(|one| one.returns_on_refund);
        let Some(at) = self.orders.find(number).filter(|_| returns || is_unpaid) else { return };
        let order = *self.orders.get(at);
        if order.refunded == order.tickets {
            let subjects = std::iter::once(order.subject).chain(self.orders.extra(at).iter().copied());
            self.quoted.give_back(number, subjects);
        }
    }
}
