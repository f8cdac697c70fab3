//! What the log wants of payments: one event after the other, a [`Step`] for the rows. The table is in `docs/adr/0016-payments.md`, *Wants*.

use std::collections::{BTreeMap, BTreeSet};

use tessera_inventory::{
    Charge, ClaimNumber, Event, EventBody, EventId, HoldPlaced, Payment as PaidBy, Phase, ProviderId,
    RefundReason, Sequence, Timestamp,
};
use tessera_ledger::{Currency, Entry, EntryId, Heading, Movement, Paid, Sale, TooLarge, entry};
use tessera_payments::{Begun, Change, News, Payment, PaymentId, Want, Why};
use tessera_store::StoreError;

use super::in_flight::{Ended, InFlight};
use super::known::NOBODY;
use super::sale::{self, Refunded};
use crate::mutant::{Mutant, Mutation};
use crate::payments::Step;
use crate::refunding;

/// What a stretch of a log is judged by.
pub(super) struct Known {
    pub(super) event: EventId,
    /// Whose it is.
    pub(super) organizer: u128,
    pub(super) currency: Currency,
    pub(super) now: Timestamp,
    /// The holds of the orders that are sold or refunded in it.
    pub(super) holds: BTreeMap<ClaimNumber, HoldPlaced>,
    /// The attempts at providers of the orders that it is about, those before it included.
    pub(super) attempts: BTreeMap<ClaimNumber, Attempts>,
    /// What was given back before, by its place in the log, of the orders that are never paid.
    pub(super) refunds: Refunds,
}

/// What was given back of orders, by its place in the log.
pub(super) type Refunds = BTreeMap<ClaimNumber, BTreeMap<Sequence, Refunded>>;

/// The attempts of an order that have rows, by number.
pub(super) type Attempts = BTreeMap<u8, Attempt>;

/// An attempt at a provider.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    provider: ProviderId,
    /// It is what the order was sold for.
    is_sold: bool,
}

/// Turns events into a step.
pub(super) struct Wants<'a> {
    known: Known,
    in_flight: &'a mut InFlight,
    step: Step,
    mutation: Mutation,
}

/// Orders that must be looked up before an event is turned into wants.
#[derive(Debug, Default)]
pub(super) struct Needed {
    /// Their holds.
    pub(super) holds: Vec<ClaimNumber>,
    /// Their attempts.
    pub(super) attempts: BTreeSet<ClaimNumber>,
    /// What was given back of them before.
    pub(super) refunds: Vec<ClaimNumber>,
    /// Whether anything follows at all.
    pub(super) any: bool,
}

impl Attempt {
    pub(super) fn of(row: &Payment) -> Attempt {
        let is_sold = matches!(row.want, Want::Capture | Want::Release { why: Why::Unpaid });
        Attempt { provider: row.provider, is_sold }
    }
}

impl Needed {
    pub(super) fn add(&mut self, body: &EventBody) {
        match body {
            EventBody::PaymentBegun { order, attempt, charge: Some(_), .. } => {
                self.any = true;
                if *attempt > 1 {
                    self.attempts.insert(*order);
                }
            }
            EventBody::Confirmed { order, .. } => self.sale(*order),
            EventBody::SoldLate(sold) => self.sale(sold.order),
            EventBody::TicketsRefunded { order, reason, .. } => {
                self.sale(*order);
                if *reason == RefundReason::Unpaid {
                    self.refunds.push(*order);
                }
            }
            EventBody::PaymentFailed { .. }
            | EventBody::Expired { .. }
            | EventBody::PhaseChanged { to: Phase::Cancelled } => self.any = true,
            _ => {}
        }
    }
}

impl Needed {
    fn sale(&mut self, order: ClaimNumber) {
        self.any = true;
        self.holds.push(order);
        self.attempts.insert(order);
    }
}

impl<'a> Wants<'a> {
    pub(super) fn new(known: Known, in_flight: &'a mut InFlight, mutation: Mutation) -> Wants<'a> {
        Wants { known, in_flight, step: Step::default(), mutation }
    }

    /// The next event of the log.
    pub(super) fn follow(&mut self, by: Sequence, logged: &Event) -> Result<(), StoreError> {
        let event = self.known.event;
        match &logged.body {
            EventBody::PaymentBegun { order, grace_until, attempt, charge: Some(charge), .. } => {
                self.begun(by, (*order, *attempt), *grace_until, *charge);
            }
            EventBody::PaymentFailed { order, .. } => {
                let ended = self.in_flight.end(event, *order);
                self.release(by, ended, Why::Failed);
            }
            EventBody::Expired { through, .. } => {
                let ended = self.in_flight.end_through(event, Some(*through));
                if !self.mutation.is(Mutant::ExpiryUnheard) {
                    self.release(by, ended, Why::Expired);
                }
            }
            EventBody::PhaseChanged { to: Phase::Cancelled } => {
                let ended = self.in_flight.end_through(event, None);
                self.release(by, ended, Why::Cancelled);
                let Known { organizer, now, .. } = self.known;
                // Nobody has agreed that what stands in no catalogue is refunded by itself.
                if organizer != NOBODY {
                    self.step.runs.push(refunding::of_cancelled(event, organizer, (by, now)));
                }
            }
            EventBody::Confirmed { order, payment, attempt } => {
                self.sold((by, logged.at), *order, *payment, *attempt)?;
            }
            EventBody::SoldLate(sold) => {
                self.sold((by, logged.at), sold.order, sold.payment, Some(sold.attempt))?;
            }
            EventBody::TicketsRefunded { order, reason: RefundReason::Unpaid, .. } => {
                self.unpaid((by, logged.at), *order)?;
            }
            EventBody::TicketsRefunded { order, tickets, amount_minor, reason, .. } => {
                let refunded = Refunded { tickets: tickets.clone(), amount_minor: *amount_minor };
                self.refunded((by, logged.at), *order, refunded, *reason)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// What follows from all of it. An attempt may be waited for until the very time that was said of one before it, which is over: their rows
    /// are one, and it stays.
    pub(super) fn finish(self) -> Step {
        let Wants { in_flight, mut step, .. } = self;
        step.ended.retain(|key| !in_flight.waits_until(key.order, key.grace_until));
        step
    }

    fn begun(
        &mut self,
        by: Sequence,
        (order, attempt): (ClaimNumber, u8),
        grace_until: Timestamp,
        charge: Charge,
    ) {
        let Known { event, organizer, currency, .. } = self.known;
        let Charge { provider, amount_minor } = charge;
        let begun = Begun { organizer, provider, amount_minor, currency, grace_until, sequence: by };
        self.step.begun.push((PaymentId { event, order, attempt }, begun));
        self.in_flight.begin(order, attempt, grace_until);
        let attempts = self.known.attempts.entry(order).or_default();
        attempts.insert(attempt, Attempt { provider, is_sold: false });
        let before: Vec<_> = attempts.range(..attempt).map(|(before, _)| *before).collect();
        for before in before {
            self.want(by, (order, before), Want::Release { why: Why::OtherAttempt });
        }
    }

    fn release(&mut self, by: Sequence, ended: impl IntoIterator<Item = Ended>, why: Why) {
        for (id, key) in ended {
            self.step.ended.push(key);
            self.want(by, (id.order, id.attempt), Want::Release { why });
        }
    }

    fn sold(
        &mut self,
        (by, at): (Sequence, Timestamp),
        order: ClaimNumber,
        payment: PaidBy,
        attempt: Option<u8>,
    ) -> Result<(), StoreError> {
        self.step.ended.extend(self.in_flight.end(self.known.event, order).map(|(_, key)| key));
        let attempts = self.known.attempts.entry(order).or_default();
        let is_captured = matches!(payment, PaidBy::Captured { .. });
        let bought_by = attempt.filter(|attempt| is_captured && attempts.contains_key(attempt));
        let mut wants = Vec::new();
        let mut by_whom = if payment == PaidBy::Free { Paid::Nothing } else { Paid::Cash };
        for (number, attempt) in attempts {
            attempt.is_sold = bought_by == Some(*number);
            if attempt.is_sold {
                by_whom = Paid::Provider(attempt.provider.0.get());
                wants.push((*number, Want::Capture));
            } else if !self.mutation.is(Mutant::OthersNotReleased) {
                wants.push((*number, Want::Release { why: Why::SoldByOther }));
            }
        }
        for (attempt, want) in wants {
            self.want(by, (order, attempt), want);
        }
        let sale = sale::sale(self.hold(order)?);
        self.book((by, at), order, &Movement::Sold { by: by_whom, sale })
    }

    fn refunded(
        &mut self,
        (by, at): (Sequence, Timestamp),
        order: ClaimNumber,
        refunded: Refunded,
        reason: RefundReason,
    ) -> Result<(), StoreError> {
        let share: Sale = sale::given_back(self.hold(order)?, &refunded);
        let sold = self.sold_by(order);
        if let Some((attempt, _)) = sold
            && share.total_minor > 0
            && !self.mutation.is(Mutant::RefundUnwanted)
        {
            let (amount_minor, reason) = (share.total_minor, reason as u8);
            self.change((order, attempt), News::RefundWanted { number: by.0, amount_minor, reason });
        }
        self.known.refunds.entry(order).or_default().insert(by, refunded);
        // What was paid by hand goes back out of the till into which it was paid.
        let provider = sold.map_or(0, |(_, sold)| sold.provider.0.get());
        self.book((by, at), order, &Movement::RefundWanted { provider, sale: share })
    }

    /// The money of a sale never comes: what is left of it is reversed.
    fn unpaid(&mut self, (by, at): (Sequence, Timestamp), order: ClaimNumber) -> Result<(), StoreError> {
        let hold = self.hold(order)?;
        let before = self.known.refunds.get(&order).into_iter().flatten();
        let before = before.map(|(_, refunded)| sale::given_back(hold, refunded));
        let left = sale::less(sale::sale(hold), before);
        let Some((attempt, sold)) = self.sold_by(order) else { return Ok(()) };
        self.want(by, (order, attempt), Want::Release { why: Why::Unpaid });
        if self.mutation.is(Mutant::UnpaidNotReversed) {
            return Ok(());
        }
        self.book((by, at), order, &Movement::Unpaid { provider: sold.provider.0.get(), sale: left })
    }

    /// The attempt at a provider that the order was sold for.
    fn sold_by(&self, order: ClaimNumber) -> Option<(u8, Attempt)> {
        let mut attempts = self.known.attempts.get(&order).into_iter().flatten();
        attempts.find(|(_, attempt)| attempt.is_sold).map(|(number, sold)| (*number, *sold))
    }

    fn want(&mut self, by: Sequence, attempt: (ClaimNumber, u8), want: Want) {
        self.change(attempt, News::Wanted { want, by });
    }

    fn change(&mut self, (order, attempt): (ClaimNumber, u8), news: News) {
        let payment = PaymentId { event: self.known.event, order, attempt };
        let change = Change { payment, at: self.known.now, news: vec![news], handled: Vec::new() };
        self.step.changes.push(change);
    }

    fn hold(&self, order: ClaimNumber) -> Result<&HoldPlaced, StoreError> {
        self.known.holds.get(&order).ok_or_else(|| StoreError::Damaged {
            reason: format!("order {} of {:?} comes from no hold", order.0, self.known.event),
        })
    }

    fn book(
        &mut self,
        (by, at): (Sequence, Timestamp),
        order: ClaimNumber,
        movement: &Movement,
    ) -> Result<(), StoreError> {
        let Known { event, organizer, currency, .. } = self.known;
        let id = EntryId::of_log(event, by);
        let heading = Heading { id, at, organizer, currency, order: Some((event, order)) };
        let beyond = |error: TooLarge| StoreError::Damaged { reason: error.to_string() };
        let entry: Option<Entry> = entry(heading, movement).map_err(beyond)?;
        self.step.entries.extend(entry);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_cancellation_refunds_what_is_somebodys() {
        let cancelled =
            Event { at: Timestamp(1), key: None, body: EventBody::PhaseChanged { to: Phase::Cancelled } };
        // The administrator's own events are in the catalogue, too.
        for (organizer, runs) in [(7, 1), (0, 1), (NOBODY, 0)] {
            let known = Known {
                event: EventId(5),
                organizer,
                currency: *b"EUR",
                now: Timestamp(1),
                holds: BTreeMap::new(),
                attempts: BTreeMap::new(),
                refunds: Refunds::new(),
            };
            let mut in_flight = InFlight::default();
            let mut wants = Wants::new(known, &mut in_flight, Mutation::default());
            wants.follow(Sequence(9), &cancelled).unwrap();
            assert_eq!(wants.finish().runs.len(), runs, "of {organizer}");
        }
    }
}
