//! What a stretch of the log is judged by: read before anything is written.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use tessera_inventory::{ClaimNumber, EventId, Sequence};
use tessera_payments::{Payment, PaymentId};
use tessera_store::{Log, StoreError};

use super::in_flight::InFlight;
use super::stretch::{self, holds};
use super::wants::{Attempt, Attempts, Known, Needed, Refunds, Wants};
use super::{Logged, PaymentFollower, View};
use crate::payments::Step;

/// Whose an event is that stands in no catalogue; the books say so rather than stand still. Numbers of organizers are drawn, so nobody has this one; 0 is
/// the administrator's own.
pub(super) const NOBODY: u128 = u128::MAX;

impl PaymentFollower {
    /// What a stretch of the log wants; `None`: nothing.
    pub(super) async fn wanted(
        &self,
        log: &dyn Log,
        (event, view): (EventId, View),
        events: &[Logged],
        in_flight: &mut InFlight,
    ) -> Result<Option<Step>, StoreError> {
        let mut needed = Needed::default();
        for (_, logged) in events {
            needed.add(&logged.body);
        }
        let (true, Some(currency)) = (needed.any, view.currency) else { return Ok(None) };
        let card = self.catalogue.get(event).await?;
        let attempts = self.attempts(event, needed.attempts, in_flight).await?;
        let first = events.first().map_or(Sequence::ZERO, |(first, _)| *first);
        let known = Known {
            refunds: self.refunds((event, log), &needed.refunds, first).await?,
            event,
            organizer: card.map_or(NOBODY, |card| card.organizer),
            currency,
            now: view.now,
            holds: holds(log, event, events, needed.holds).await?,
            attempts,
        };
        let mut wants = Wants::new(known, in_flight, self.payments.mutation);
        for (sequence, logged) in events {
            wants.follow(*sequence, logged)?;
        }
        Ok(Some(wants.finish()).filter(|step| !is_empty(step)))
    }

    /// What was given back of these orders before this place of the log, as far as it was wanted of a provider.
    async fn refunds(
        &self,
        (event, log): (EventId, &dyn Log),
        orders: &[ClaimNumber],
        before: Sequence,
    ) -> Result<Refunds, StoreError> {
        let mut refunds = Refunds::new();
        for &order in orders {
            let rows = self.payments.attempts(event, order).await?;
            let numbers = rows.iter().flat_map(|row| row.refunds.keys().copied());
            for number in numbers.filter(|number| *number > Payment::EXCESS && *number < before.0) {
                let place = Sequence(number);
                if let Some(refunded) = stretch::refund_at(log, event, order, place).await? {
                    refunds.entry(order).or_default().insert(place, refunded);
                }
            }
        }
        Ok(refunds)
    }

    async fn attempts(
        &self,
        event: EventId,
        orders: BTreeSet<ClaimNumber>,
        in_flight: &InFlight,
    ) -> Result<BTreeMap<ClaimNumber, Attempts>, StoreError> {
        let (mut ids, mut others) = (BTreeSet::new(), Vec::new());
        for &order in &orders {
            match in_flight.newest(order) {
                // They are counted from 1.
                Some(newest) => ids.extend((1..=newest).map(|attempt| PaymentId { event, order, attempt })),
                None => others.push(self.payments.attempts(event, order)),
            }
        }
        let rows = self.payments.load_all(&ids).await?;
        let others = try_join_all(others).await?;
        // An order that nobody tried to pay by a provider is known to have no attempts.
        let mut attempts: BTreeMap<_, _> = orders.iter().map(|order| (*order, Attempts::new())).collect();
        for row in rows.iter().chain(others.iter().flatten()) {
            attempts.entry(row.id.order).or_default().insert(row.id.attempt, Attempt::of(row));
        }
        Ok(attempts)
    }
}

fn is_empty(step: &Step) -> bool {
    let Step { begun, changes, ended, entries, runs } = step;
    begun.is_empty() && changes.is_empty() && ended.is_empty() && entries.is_empty() && runs.is_empty()
}
