//! What the log wants, written in the transaction that moves the cursor of whoever follows it.

use std::collections::BTreeSet;

use tessera_inventory::{EventId, Sequence, Timestamp};
use tessera_ledger::Entry;
use tessera_payments::{Begun, Change, Payment, PaymentId};
use tessera_projections::follower_cursors::{Advance, advance_in};
use tessera_store::keys::{FollowerCursor, FollowerCursorKey, PaymentInFlightKey};
use tessera_store::{StoreError, Transaction, transact};

use super::{Payments, key_of, write};
use crate::ledger::{Truth, post_in, post_with};
use crate::mutant::Mutant;
use crate::refund_runs::RefundRun;
use crate::{refund_runs, terms};

/// What follows from a stretch of the log.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// Payments that were begun.
    pub begun: Vec<(PaymentId, Begun)>,
    /// What is wanted of others. Where one is among the begun, it counts after that; several of one payment count in their order. An attempt
    /// that has no row, as one that is paid by hand, is passed over.
    pub changes: Vec<Change>,
    /// Payments that the log does not wait for any more.
    pub ended: Vec<PaymentInFlightKey>,
    /// What the log says of orders, as the ledger has it.
    pub entries: Vec<Entry>,
    /// Refunds of all orders that begin by themselves, unless the organizer's terms say otherwise.
    pub runs: Vec<RefundRun>,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Where the cursor stands; where it is fenced, nothing was written.
    pub advance: Advance,
    /// The payments of the step, each once, as they stand now.
    pub payments: Vec<Payment>,
}

impl Payments {
    /// Write a step and move the cursor of `follower` in the log of `event` to `through`, both or neither.
    ///
    /// # Errors
    /// As the table says.
    pub async fn follow(
        &self,
        (event, follower): (EventId, &str),
        expected: FollowerCursor,
        through: Sequence,
        (step, now): (&Step, Timestamp),
    ) -> Result<Followed, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let moved = advance_in(transaction.as_mut(), (event, follower), expected, through).await?;
            if moved.is_none() || self.mutation.is(Mutant::BookedAgain) {
                self.write_step(transaction.as_mut(), step, now).await?;
            }
            let next = FollowerCursor { sequence: through, ..expected };
            let advance = moved.unwrap_or(Advance::Advanced(next));
            let payments = match advance {
                Advance::Advanced(_) => payments(transaction.as_mut(), step).await?,
                Advance::Fenced { .. } => Vec::new(),
            };
            Ok((transaction, Followed { advance, payments }))
        })
        .await
    }

    /// Write a part of a step that is too long for one transaction, while the cursor stays at `expected`. It may be written again.
    ///
    /// # Errors
    /// As the table says.
    pub async fn follow_part(
        &self,
        (event, follower): (EventId, &str),
        expected: FollowerCursor,
        (part, now): (&Step, Timestamp),
    ) -> Result<Followed, StoreError> {
        let key = FollowerCursorKey { event, follower: follower.to_owned() }.pack();
        transact(self.table.as_ref(), |mut transaction| {
            let key = key.clone();
            async move {
                let found = match transaction.get(&key).await? {
                    Some(value) => FollowerCursor::decode(&value)?,
                    None => FollowerCursor { fence: 0, sequence: Sequence::ZERO },
                };
                if found != expected {
                    let advance = Advance::Fenced { found };
                    return Ok((transaction, Followed { advance, payments: Vec::new() }));
                }
                self.write_step(transaction.as_mut(), part, now).await?;
                let payments = payments(transaction.as_mut(), part).await?;
                Ok((transaction, Followed { advance: Advance::Advanced(expected), payments }))
            }
        })
        .await
    }

    async fn write_step(
        &self,
        transaction: &mut dyn Transaction,
        step: &Step,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        transaction.read_ahead(ids(step).map(|id| key_of(id).pack()).collect()).await?;
        let mut entries = Vec::new();
        for (id, begun) in &step.begun {
            if write::load(transaction, *id).await?.is_none() {
                let payment = Payment::begin(*id, begun, now);
                entries.extend(write::write(transaction, None, &payment, now, self.rules()).await?);
            }
            let in_flight =
                PaymentInFlightKey { event: id.event, grace_until: begun.grace_until, order: id.order };
            transaction.set(&in_flight.pack(), &[id.attempt]);
        }
        for change in &step.changes {
            let written = write::change(transaction, change, self.rules()).await?;
            entries.extend(written.into_iter().flat_map(|(_, booked)| booked));
        }
        post_in(transaction, Truth::Provider, &entries).await?;
        for ended in &step.ended {
            transaction.clear(&ended.pack());
        }
        for run in &step.runs {
            let (_, terms) = terms::read(transaction, run.organizer, run.begun_at).await?;
            if !terms.refunds_by_hand {
                refund_runs::begin_in(transaction, run).await?;
            }
        }
        post_with(transaction, Truth::Log, &step.entries, self.mutation).await
    }
}

/// The payments that a step is about.
fn ids(step: &Step) -> impl Iterator<Item = PaymentId> {
    let begun = step.begun.iter().map(|(id, _)| *id);
    begun.chain(step.changes.iter().map(|change| change.payment))
}

/// The payments of a step as they stand.
async fn payments(transaction: &mut dyn Transaction, step: &Step) -> Result<Vec<Payment>, StoreError> {
    let mut payments = Vec::new();
    for id in ids(step).collect::<BTreeSet<_>>() {
        payments.extend(write::load(transaction, id).await?.map(|stored| stored.payment));
    }
    Ok(payments)
}
