//! Rows in transactions, and the follower of the log that writes what it wants.

use std::collections::{BTreeMap, BTreeSet};

use tessera_inventory::Timestamp;
use tessera_ledger::{Balances, Bearer, Entry, EntryId, Heading, Movement, Paid, Sale};
use tessera_payments::{
    Abilities, Begun, Change, News, Payment, PaymentId, ProviderEventId, Want, Why, bookings, due_at,
};

use crate::log::{Log, Logged, sequence};
use crate::{EUR, ORGANIZER, PRICE, PROVIDER, payment_id};

#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    pub(crate) payments: BTreeMap<PaymentId, (Payment, Option<Timestamp>)>,
    pub(crate) handled: BTreeSet<ProviderEventId>,
    pub(crate) entries: BTreeMap<EntryId, Entry>,
    /// The position in the log that is followed.
    pub(crate) cursor: usize,
}

impl Rows {
    /// One transaction of a desk.
    pub(crate) fn record(
        &mut self,
        now: Timestamp,
        changes: &[Change],
        abilities: &Abilities,
    ) -> Vec<Payment> {
        let rows = changes.iter().map(|change| {
            self.handled.extend(change.handled.iter().cloned());
            self.change(now, change, abilities)
        });
        rows.collect()
    }

    fn change(&mut self, now: Timestamp, change: &Change, abilities: &Abilities) -> Payment {
        let before = self.payments.get(&change.payment).expect("a row is there before news").0.clone();
        let mut after = before.clone();
        after.apply(change, abilities);
        for booked in bookings(Some(&before), &after, Bearer::Organizer, abilities) {
            self.post(now, booked.id, &booked.movement);
        }
        self.payments.insert(change.payment, (after.clone(), due_at(&after, abilities, now)));
        after
    }

    /// An entry is written once, whatever is repeated.
    fn post(&mut self, at: Timestamp, id: EntryId, movement: &Movement) {
        let order = Some((payment_id(1).event, payment_id(1).order));
        let heading = Heading { id, at, organizer: ORGANIZER, currency: EUR, order };
        if let Some(entry) = tessera_ledger::entry(heading, movement).expect("small amounts") {
            self.entries.entry(id).or_insert(entry);
        }
    }

    pub(crate) fn balances(&self) -> Balances {
        let mut balances = Balances::default();
        for entry in self.entries.values() {
            balances.post(entry);
        }
        balances
    }

    /// One step of the follower: the next event of the log, in a transaction with the cursor. The rows that were written.
    pub(crate) fn follow(&mut self, now: Timestamp, log: &Log, abilities: &Abilities) -> Vec<Payment> {
        let Some(&(_, event)) = log.events.get(self.cursor) else { return Vec::new() };
        let by = sequence(self.cursor);
        self.cursor += 1;
        let mut changes = Vec::new();
        let mut news =
            |id, news| changes.push(Change { payment: id, at: now, news: vec![news], handled: vec![] });
        let release = |why| News::Wanted { want: Want::Release { why }, by };
        let rows = self.payments.clone();
        let provider = PROVIDER.0.get();
        match event {
            Logged::Begun { attempt, grace_until } => {
                for (id, (row, _)) in &rows {
                    if matches!(row.want, Want::Authorise { .. }) {
                        news(*id, release(Why::OtherAttempt));
                    }
                }
                let (provider, amount_minor, currency) = (PROVIDER, PRICE, EUR);
                let begun = Begun {
                    organizer: ORGANIZER,
                    provider,
                    amount_minor,
                    currency,
                    grace_until,
                    sequence: by,
                };
                let id = payment_id(attempt);
                let row = Payment::begin(id, &begun, now);
                self.payments.insert(id, (row, Some(now)));
                // To be told of with the others.
                changes.push(Change { payment: id, at: now, news: vec![], handled: vec![] });
            }
            Logged::Failed { attempt } => news(payment_id(attempt), release(Why::Failed)),
            Logged::Ended { cancelled } => {
                let why = if cancelled { Why::Cancelled } else { Why::Expired };
                for (id, (row, _)) in &rows {
                    if cancelled || matches!(row.want, Want::Authorise { .. }) {
                        news(*id, release(why));
                    }
                }
            }
            Logged::Sold { attempt } => {
                for id in rows.keys().filter(|id| id.attempt != attempt) {
                    news(*id, release(Why::SoldByOther));
                }
                news(payment_id(attempt), News::Wanted { want: Want::Capture, by });
                let sale = Movement::Sold { by: Paid::Provider(provider), sale: Sale::plain(PRICE) };
                self.post(now, EntryId::of_log(payment_id(1).event, by), &sale);
            }
            Logged::Refunded { attempt, amount } => {
                news(
                    payment_id(attempt),
                    News::RefundWanted { number: by.0, amount_minor: amount, reason: 0 },
                );
                let wanted = Movement::RefundWanted { provider, sale: Sale::plain(amount) };
                self.post(now, EntryId::of_log(payment_id(1).event, by), &wanted);
            }
            Logged::Unpaid { attempt, rest } => {
                news(payment_id(attempt), release(Why::Unpaid));
                let unpaid = Movement::Unpaid { provider, sale: Sale::plain(rest) };
                self.post(now, EntryId::of_log(payment_id(1).event, by), &unpaid);
            }
            Logged::Disputed { .. } => {}
        }
        changes.iter().map(|change| self.change(now, change, abilities)).collect()
    }
}
