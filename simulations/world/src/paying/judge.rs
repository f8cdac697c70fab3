//! What must be true of money: by the log, by the books of the providers, by the rows, and by the ledger.
//!
//! I6: captured money is a ticket or exactly one refund, never both. G4: the ledger sums to zero, and says of each order what its providers say.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::executor::block_on;
use tessera_inventory::{
    ClaimNumber, Dispute, Event, EventBody, HoldPlaced, Payment as PaidBy, RefundReason, Timestamp,
};
use tessera_ledger::{AccountKind, Balances, Entry};
use tessera_payments::{
    DisputeStanding, Next, Payment, PaymentId, RefundStanding, Replied, Standing, Status, next,
};

use super::provider::{DISPUTE_FEE_MINOR, FEE_MINOR};
use super::{Money, ORGANIZER, Paid, till_of, unread};
use crate::catalogue::EVENT;
use crate::oracle::{Violation, broken};

const CURRENCY: [u8; 3] = *b"EUR";
/// Entries of one page.
const ENTRIES_AT_ONCE: usize = 500;

/// What the log says of the money of an order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sale {
    /// The attempt at a provider that it was sold for.
    pub(crate) attempt: Option<u8>,
    /// It was taken back, since its money never came.
    pub(crate) is_unpaid: bool,
    /// What is given back, by its place.
    refunds: BTreeMap<u64, i64>,
    /// How its disputes stand.
    dispute: Option<Dispute>,
}

/// What the log says of the money of every order that was sold.
pub(crate) fn sales(events: &[Arc<Event>]) -> BTreeMap<ClaimNumber, Sale> {
    let mut sales: BTreeMap<ClaimNumber, Sale> = BTreeMap::new();
    for (sequence, event) in (1_u64..).zip(events) {
        match &event.body {
            EventBody::Confirmed { order, payment, attempt } => {
                let attempt = attempt.filter(|_| matches!(payment, PaidBy::Captured { .. }));
                sales.insert(*order, Sale { attempt, ..Sale::default() });
            }
            EventBody::SoldLate(sold) => {
                sales.insert(sold.order, Sale { attempt: Some(sold.attempt), ..Sale::default() });
            }
            EventBody::TicketsRefunded { order, reason: RefundReason::Unpaid, .. } => {
                sales.entry(*order).or_default().is_unpaid = true;
            }
            EventBody::TicketsRefunded { order, tickets, amount_minor, .. } => {
                let price = |ticket: &u16| hold(events, *order).map_or(0, |hold| price_of(hold, *ticket));
                let amount_minor = amount_minor.unwrap_or_else(|| tickets.iter().map(price).sum());
                sales.entry(*order).or_default().refunds.insert(sequence, amount_minor);
            }
            EventBody::OrderDisputed { order, dispute, .. } => {
                sales.entry(*order).or_default().dispute = Some(*dispute);
            }
            _ => {}
        }
    }
    sales
}

fn hold(events: &[Arc<Event>], order: ClaimNumber) -> Option<&HoldPlaced> {
    let place = usize::try_from(order.0.checked_sub(1)?).ok()?;
    match &events.get(place)?.body {
        EventBody::HoldPlaced(hold) => Some(hold),
        _ => None,
    }
}

fn price_of(hold: &HoldPlaced, ticket: u16) -> i64 {
    let each =
        |line: &tessera_inventory::Line| (0..line.quantity).map(|_| line.price_minor).collect::<Vec<_>>();
    hold.lines.iter().flat_map(each).nth(usize::from(ticket)).unwrap_or(0)
}

/// Every payment at a provider that the log has begun.
fn begun(events: &[Arc<Event>]) -> Vec<PaymentId> {
    let begun = |event: &Arc<Event>| match event.body {
        EventBody::PaymentBegun { order, attempt, charge: Some(charge), .. } => {
            till_of(charge.provider).map(|_| PaymentId { event: EVENT, order, attempt })
        }
        _ => None,
    };
    events.iter().filter_map(begun).collect()
}

/// What stays with the provider for want of a hand: refunds that it does not make.
fn stuck_minor(row: &Payment) -> i64 {
    let is_stuck = |number: u64, replied: Replied| match row.facts.refund(number) {
        Some(RefundStanding::Failed) => true,
        None => replied == Replied::Declined,
        Some(RefundStanding::Pending | RefundStanding::Done) => false,
    };
    let due = row.refunds.iter().filter(|(_, refund)| refund.standing == Standing::Due);
    let stuck = due.filter(|(number, refund)| is_stuck(**number, refund.calls.replied));
    stuck.map(|(_, refund)| refund.amount_minor).sum()
}

impl Money {
    fn all_paid(&self) -> impl Iterator<Item = (&str, &Paid)> {
        let books = self.providers.iter().flat_map(|provider| &provider.payments);
        books.map(|(reference, paid)| (&**reference, paid))
    }

    /// What is true after every step.
    pub(crate) fn check(&self, events: &[Arc<Event>]) -> Result<(), Violation> {
        let sales = sales(events);
        for (reference, paid) in self.all_paid() {
            if paid.given_back_minor() > paid.captured_minor {
                return Err(broken(
                    "nobody gives back more than was taken",
                    format!("{reference}: {paid:?}"),
                ));
            }
            let mut numbers: Vec<_> = paid.given_back.iter().map(|refund| refund.number).collect();
            numbers.sort_unstable();
            if numbers.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(broken("a refund is made once", format!("{reference}: {paid:?}")));
            }
            let is_sold = is_sold(&sales, paid.id);
            if is_sold && numbers.first() == Some(&Payment::GIVEN_BACK) {
                let detail = format!("{reference} is sold, and given back: {paid:?}");
                return Err(broken("captured money is a ticket or one refund", detail));
            }
        }
        let balances = block_on(self.ledger_balances()).map_err(|error| unread(&error))?;
        if balances.trial().values().any(|sum| *sum != 0) {
            return Err(broken("the ledger sums to zero", format!("{:?}", balances.trial())));
        }
        Ok(())
    }

    async fn ledger_balances(&self) -> Result<Balances, tessera_store::StoreError> {
        self.ledger.all_balances().await
    }

    /// Everything is over: what the log has sold was paid, what was paid was sold or given back, and the ledger says so.
    pub(crate) fn finish(&self, events: &[Arc<Event>], now: Timestamp) -> Result<(), Violation> {
        self.check(events)?;
        let (sales, entries) = (sales(events), self.entries()?);
        let mut rows = BTreeMap::new();
        for id in begun(events) {
            let row = self.load(id)?;
            let row = row.ok_or_else(|| broken("every payment that was begun has a row", id.to_string()))?;
            let what_next = self.next(&row, now);
            if what_next != Next::Settled {
                let detail = format!("{id}: {what_next:?}, {row:?}");
                return Err(broken("every payment is settled in the end", detail));
            }
            rows.insert(id, row);
        }
        for (reference, paid) in self.all_paid() {
            let Some(row) = rows.get(&paid.id) else {
                return Err(broken("behind every payment stands a row", reference));
            };
            let sale = sales.get(&paid.id.order).cloned().unwrap_or_default();
            settled(reference, paid, row, &sale)?;
        }
        self.books(&rows, &entries)
    }

    fn next(&self, row: &Payment, now: Timestamp) -> Next {
        let abilities = self.options.providers.get(&row.provider).copied().unwrap_or_default();
        next(row, &abilities, now)
    }

    fn entries(&self) -> Result<Vec<Entry>, Violation> {
        let (mut entries, mut from) = (Vec::new(), None);
        let mut snapshot = block_on(self.ledger.snapshot()).map_err(|error| unread(&error))?;
        loop {
            let times = (Timestamp(0), Timestamp(u64::MAX));
            let page = block_on(snapshot.entries((ORGANIZER, CURRENCY), times, from, ENTRIES_AT_ONCE));
            let page = page.map_err(|error| unread(&error))?;
            entries.extend(page.entries);
            match page.next {
                Some(next) => from = Some(next),
                None => return Ok(entries),
            }
        }
    }

    /// The ledger says of each order what its providers say, and its balances are those of its entries.
    fn books(&self, rows: &BTreeMap<PaymentId, Payment>, entries: &[Entry]) -> Result<(), Violation> {
        let (mut summed, mut of_orders) = (Balances::default(), BTreeMap::<_, Balances>::new());
        for entry in entries {
            summed.post(entry);
            if let Some((_, order)) = entry.heading.order {
                of_orders.entry(order).or_default().post(entry);
            }
        }
        let stored = block_on(self.ledger_balances()).map_err(|error| unread(&error))?;
        let plain = |balances: &Balances| balances.iter().filter(|(_, _, sum)| *sum != 0).collect::<Vec<_>>();
        if plain(&stored) != plain(&summed) {
            let detail = format!("{stored:?} instead of {summed:?}");
            return Err(broken("an entry is booked once", detail));
        }
        let mut expected = BTreeMap::<ClaimNumber, (i128, i128)>::new();
        for (_, paid) in self.all_paid() {
            let Some(row) = rows.get(&paid.id) else { continue };
            let (held, due) = expected.entry(paid.id.order).or_default();
            *held += i128::from(held_minor(paid, row));
            *due -= i128::from(stuck_minor(row));
        }
        for order in of_orders.keys().chain(expected.keys()) {
            let balances = of_orders.get(order).cloned().unwrap_or_default();
            let (held, due) = expected.get(order).copied().unwrap_or_default();
            let accounts = [
                (AccountKind::Provider, held),
                (AccountKind::RefundsDue, due),
                (AccountKind::InFlight, 0),
                (AccountKind::Disputes, 0),
            ];
            for (kind, expected) in accounts {
                let found = at_providers(&balances, kind);
                if found != expected {
                    let of_order: Vec<_> = entries
                        .iter()
                        .filter(|entry| entry.heading.order.is_some_and(|(_, of)| of == *order))
                        .collect();
                    let detail =
                        format!("order {}: {kind:?} is {found}, not {expected}: {of_order:#?}", order.0);
                    return Err(broken("the ledger says what the providers say", detail));
                }
            }
        }
        Ok(())
    }
}

fn is_sold(sales: &BTreeMap<ClaimNumber, Sale>, id: PaymentId) -> bool {
    sales.get(&id.order).is_some_and(|sale| sale.attempt == Some(id.attempt) && !sale.is_unpaid)
}

/// What an account comes to, over the providers; what is due by hand is of no provider.
fn at_providers(balances: &Balances, kind: AccountKind) -> i128 {
    let of_kind = balances.iter().filter(|(_, account, _)| account.kind == kind && account.detail != 0);
    of_kind.map(|(_, _, sum)| sum).sum()
}

/// What a provider holds of a payment; a fee that became known after the last look is not in the books.
fn held_minor(paid: &Paid, row: &Payment) -> i64 {
    let done = paid.given_back.iter().filter(|refund| refund.standing == RefundStanding::Done);
    let given_back_minor: i64 = done.map(|refund| refund.amount_minor).sum();
    let dispute_fee_minor = if paid.dispute.is_some() { DISPUTE_FEE_MINOR } else { 0 };
    let fee_minor = if row.facts.fee_minor.is_some() { FEE_MINOR } else { 0 };
    paid.captured_minor - given_back_minor - paid.away_minor() - dispute_fee_minor - fee_minor
}

/// One payment, when all is quiet.
fn settled(reference: &str, paid: &Paid, row: &Payment, sale: &Sale) -> Result<(), Violation> {
    let is_sold = sale.attempt == Some(paid.id.attempt) && !sale.is_unpaid;
    let is_set_aside = matches!(paid.status, Status::Processing | Status::Authorised);
    // Of one that was created unheard nobody was shown the page.
    let is_open = paid.status == Status::Open && row.facts.reference.is_some();
    if is_set_aside || is_open {
        let detail = format!("{reference}: {paid:?}, {row:?}");
        return Err(broken("nobody's money stays set aside", detail));
    }
    let refunds_minor: i64 = sale.refunds.values().sum();
    let sold_minor = if is_sold { paid.price_minor - refunds_minor } else { 0 };
    let kept_minor = paid.captured_minor - paid.given_back_minor();
    let stuck_minor = stuck_minor(row);
    if kept_minor != sold_minor + stuck_minor {
        let detail = format!(
            "{reference} keeps {kept_minor}: sold for {sold_minor}, {stuck_minor} left to be given by hand: {paid:?}, {row:?}, {sale:?}"
        );
        return Err(broken("captured money is a ticket or one refund", detail));
    }
    let told = paid.dispute.map(|(_, standing)| match standing {
        DisputeStanding::Open => Dispute::Open,
        DisputeStanding::Won => Dispute::Won,
        DisputeStanding::Lost => Dispute::Lost,
    });
    if is_sold && sold_minor > 0 && told.is_some() && sale.dispute != told {
        let detail = format!("{reference}: {told:?}, the log says {:?}", sale.dispute);
        return Err(broken("the log hears of disputes", detail));
    }
    Ok(())
}
