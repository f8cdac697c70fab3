//! Reading and writing one payment in a transaction, with all that stands beside its row.

use tessera_inventory::Timestamp;
use tessera_ledger::{Bearer, Entry, Heading, entry};
use tessera_payments::{Change, DisputeFact, DisputeStanding, Payment, PaymentId, bookings, due_at};
use tessera_store::keys::{PaymentDueKey, PaymentKey, PaymentReferenceKey, RefundKey};
use tessera_store::{StoreError, Transaction};

use super::row::{Stored, decode_refund, encode_refund};
use super::{Judge, Rules, key_of};
use crate::Lane;
use crate::mutant::Mutant;
use crate::terms;

/// Refunds of one payment that are read: each ticket of an order at most once, amounts, and the two that no command asked for.
const REFUNDS_READ_MAX: usize = 1_000;

pub(super) async fn load(
    transaction: &mut dyn Transaction,
    id: PaymentId,
) -> Result<Option<Stored>, StoreError> {
    match transaction.get(&key_of(id).pack()).await? {
        Some(row) => Ok(Some(loaded(transaction, id, &row).await?)),
        None => Ok(None),
    }
}

/// A payment whose row was read, with its refunds.
pub(super) async fn loaded(
    transaction: &mut dyn Transaction,
    id: PaymentId,
    row: &[u8],
) -> Result<Stored, StoreError> {
    let mut stored = Stored::decode(id, row)?;
    if stored.has_refunds {
        let (begin, end) = RefundKey::range(key_of(id));
        for (key, row) in transaction.range(&begin, &end, REFUNDS_READ_MAX, false).await? {
            stored.payment.refunds.insert(RefundKey::unpack(&key)?.number, decode_refund(&row)?);
        }
    }
    Ok(stored)
}

/// What a payment was written as, and what that books.
pub(super) type Written = (Payment, Vec<Entry>);

/// Merge a change into its row; `None`: there is none, as of an attempt that is paid by hand.
pub(super) async fn change(
    transaction: &mut dyn Transaction,
    change: &Change,
    rules: Rules<'_>,
) -> Result<Option<Written>, StoreError> {
    let Some(before) = load(transaction, change.payment).await? else { return Ok(None) };
    let mut after = before.payment.clone();
    after.apply(change, &rules.0.abilities(after.provider));
    let entries = write(transaction, Some(&before), &after, change.at, rules).await?;
    Ok(Some((after, entries)))
}

/// Write a payment, and what finds it: when it is due, and by its reference. What it books is left to whoever calls: the entries of a transaction
/// are posted together.
pub(super) async fn write(
    transaction: &mut dyn Transaction,
    before: Option<&Stored>,
    after: &Payment,
    at: Timestamp,
    (judge, mutation): Rules<'_>,
) -> Result<Vec<Entry>, StoreError> {
    let (key, abilities) = (key_of(after.id), judge.abilities(after.provider));
    let stored = Stored {
        payment: after.clone(),
        due_at: due_at(after, &abilities, at),
        has_refunds: !after.refunds.is_empty(),
    };
    if before != Some(&stored) {
        transaction.set(&key.pack(), &stored.encode());
    }
    let due_before = before.and_then(|before| before.due_at);
    let is_forgotten = due_before.is_some() && mutation.is(Mutant::DueForgotten);
    move_due(transaction, key, due_before, stored.due_at.filter(|_| !is_forgotten));
    let known = before.map(|before| &before.payment);
    for (&number, refund) in &after.refunds {
        if known.and_then(|known| known.refunds.get(&number)) != Some(refund) {
            transaction.set(&RefundKey { payment: key, number }.pack(), &encode_refund(refund));
        }
    }
    if let Some(reference) = &after.facts.reference
        && known.is_none_or(|known| known.facts.reference.as_ref() != Some(reference))
    {
        let reference =
            PaymentReferenceKey { provider: after.provider.0.get(), reference: reference.to_string() };
        transaction.set(&reference.pack(), &PaymentReferenceKey::encode(key));
    }
    let bears = bears(transaction, after, at).await?;
    entries(known, after, (at, bears), judge)
}

fn move_due(
    transaction: &mut dyn Transaction,
    payment: PaymentKey,
    before: Option<Timestamp>,
    after: Option<Timestamp>,
) {
    if before == after {
        return;
    }
    let due = |due_at| PaymentDueKey { lane: Lane::of(payment.event).number(), due_at, payment }.pack();
    if let Some(before) = before {
        transaction.clear(&due(before));
    }
    if let Some(after) = after {
        transaction.set(&due(after), &[]);
    }
}

/// Who bears disputes that are lost, by the organizer's terms; they are read where there is one.
async fn bears(
    transaction: &mut dyn Transaction,
    payment: &Payment,
    at: Timestamp,
) -> Result<Bearer, StoreError> {
    let is_lost = |dispute: &DisputeFact| dispute.standing == DisputeStanding::Lost;
    if payment.facts.disputes.values().any(is_lost) {
        Ok(terms::read(transaction, payment.organizer, at).await?.1.bears)
    } else {
        Ok(Bearer::Platform)
    }
}

/// What a row books when it changes so.
fn entries(
    before: Option<&Payment>,
    after: &Payment,
    (at, bears): (Timestamp, Bearer),
    judge: &Judge,
) -> Result<Vec<Entry>, StoreError> {
    let (organizer, currency) = (after.organizer, after.currency);
    let order = Some((after.id.event, after.id.order));
    let mut entries = Vec::new();
    for booked in bookings(before, after, bears, &judge.abilities(after.provider)) {
        let heading = Heading { id: booked.id, at, organizer, currency, order };
        let entry = entry(heading, &booked.movement);
        let beyond = |error: tessera_ledger::TooLarge| StoreError::Damaged { reason: error.to_string() };
        entries.extend(entry.map_err(beyond)?);
    }
    Ok(entries)
}
