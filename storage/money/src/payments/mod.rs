//! Payments: what the log wants of them, written by whoever follows it, and what their providers said, written by desks. Both merge what
//! they have learnt into the row as it stands, so that either may come first.

mod follow;
mod named;
mod row;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tessera_inventory::{ClaimNumber, EventId, Timestamp};
use tessera_payments::{Abilities, Change, Payment, PaymentId, ProviderId};
use tessera_store::keys::{PaymentDueKey, PaymentInFlightKey, PaymentKey, PaymentReferenceKey};
use tessera_store::{StoreError, Table, transact};

use crate::ledger::{Truth, post_in};
use crate::mutant::Mutation;
use crate::{Lane, provider_events};

pub use follow::{Followed, Step};
pub use named::{Named, NamedToken};

/// How rows of payments are judged when they are written.
#[derive(Clone, Debug)]
pub struct Judge {
    /// What each provider can do; of others nothing is known.
    pub providers: BTreeMap<ProviderId, Abilities>,
}

/// Payments, over a table.
#[derive(Clone)]
pub struct Payments {
    table: Arc<dyn Table>,
    judge: Arc<Judge>,
    pub(crate) mutation: Mutation,
}

/// What is due in a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The payments that are due, the first first.
    pub payments: Vec<Payment>,
    /// When the next is that is not among them.
    pub next_at: Option<Timestamp>,
}

/// What is unsettled in a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Payments about which there is something to do, now or later.
    pub unsettled: usize,
    /// When the first of them is due.
    pub due_at: Option<Timestamp>,
}

impl Judge {
    fn abilities(&self, provider: ProviderId) -> Abilities {
        self.providers.get(&provider).copied().unwrap_or_default()
    }
}

/// How rows are written.
type Rules<'a> = (&'a Judge, Mutation);

impl Payments {
    fn rules(&self) -> Rules<'_> {
        (&self.judge, self.mutation)
    }

    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>, judge: Judge) -> Payments {
        Payments { table, judge: Arc::new(judge), mutation: Mutation::default() }
    }

    /// Over `table`, with a deliberate defect of theirs or of their follower.
    #[cfg(feature = "mutants")]
    #[doc(hidden)]
    #[must_use]
    pub fn mutated(table: Arc<dyn Table>, judge: Judge, mutant: crate::Mutant) -> Payments {
        Payments { mutation: Mutation::of(mutant), ..Payments::new(table, judge) }
    }

    /// Merge what was learnt into the rows, book what follows from it, and mark the providers' events handled: all or nothing. The rows as they
    /// stand then. Each change is of another payment; what has no row is passed over.
    ///
    /// # Errors
    /// As the table says.
    pub async fn record(&self, changes: &[Change]) -> Result<Vec<Payment>, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            transaction.read_ahead(changes.iter().flat_map(keys).collect()).await?;
            let (mut rows, mut entries) = (Vec::with_capacity(changes.len()), Vec::new());
            for change in changes {
                let written = write::change(transaction.as_mut(), change, self.rules()).await?;
                if let Some((row, booked)) = written {
                    rows.push(row);
                    entries.extend(booked);
                }
                for event in &change.handled {
                    provider_events::handled(transaction.as_mut(), event).await?;
                }
            }
            post_in(transaction.as_mut(), Truth::Provider, &entries).await?;
            Ok((transaction, rows))
        })
        .await
    }

    /// Up to `most` payments of a lane that are due.
    ///
    /// # Errors
    /// As the table says.
    pub async fn due(&self, lane: Lane, now: Timestamp, most: usize) -> Result<Due, StoreError> {
        let mut transaction = self.table.begin().await?;
        let (begin, end) = PaymentDueKey::range(lane.number());
        let rows = transaction.range(&begin, &end, most.saturating_add(1), false).await?;
        let mut due = Due { payments: Vec::new(), next_at: None };
        let mut ids = Vec::new();
        for (key, _) in rows {
            let PaymentDueKey { due_at, payment, .. } = PaymentDueKey::unpack(&key)?;
            if due_at > now || ids.len() == most {
                due.next_at = Some(due_at);
                break;
            }
            ids.push(of_key(payment));
        }
        transaction.read_ahead(ids.iter().map(|id| key_of(*id).pack()).collect()).await?;
        for id in ids {
            let loaded = write::load(transaction.as_mut(), id).await?;
            let loaded = loaded.ok_or_else(|| crate::read::unreadable("payments that are due"))?;
            due.payments.push(loaded.payment);
        }
        Ok(due)
    }

    /// Up to `most` payments of a lane about which there is something to do, with when that is due, the first first.
    ///
    /// # Errors
    /// As the table says.
    pub async fn unsettled(&self, lane: Lane, most: usize) -> Result<Vec<(Payment, Timestamp)>, StoreError> {
        let mut transaction = self.table.begin().await?;
        let (begin, end) = PaymentDueKey::range(lane.number());
        let mut unsettled = Vec::new();
        for (key, _) in transaction.range(&begin, &end, most, false).await? {
            let PaymentDueKey { due_at, payment, .. } = PaymentDueKey::unpack(&key)?;
            let loaded = write::load(transaction.as_mut(), of_key(payment)).await?;
            unsettled.extend(loaded.map(|stored| (stored.payment, due_at)));
        }
        Ok(unsettled)
    }

    /// How much of a lane is unsettled, counted up to `most`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn backlog(&self, lane: Lane, most: usize) -> Result<Backlog, StoreError> {
        let (begin, end) = PaymentDueKey::range(lane.number());
        let rows = self.table.begin().await?.range(&begin, &end, most, false).await?;
        let first = rows.first().map(|(key, _)| PaymentDueKey::unpack(key)).transpose()?;
        Ok(Backlog { unsettled: rows.len(), due_at: first.map(|first| first.due_at) })
    }

    /// A payment.
    ///
    /// # Errors
    /// As the table says.
    pub async fn load(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        let mut transaction = self.table.begin().await?;
        Ok(write::load(transaction.as_mut(), id).await?.map(|stored| stored.payment))
    }

    /// Those of these payments that have a row, in the order of their names.
    ///
    /// # Errors
    /// As the table says.
    pub async fn load_all(&self, ids: &BTreeSet<PaymentId>) -> Result<Vec<Payment>, StoreError> {
        let mut transaction = self.table.begin().await?;
        transaction.read_ahead(ids.iter().map(|id| key_of(*id).pack()).collect()).await?;
        let mut payments = Vec::with_capacity(ids.len());
        for &id in ids {
            payments.extend(write::load(transaction.as_mut(), id).await?.map(|stored| stored.payment));
        }
        Ok(payments)
    }

    /// The attempts to pay an order, the first first.
    ///
    /// # Errors
    /// As the table says.
    pub async fn attempts(&self, event: EventId, order: ClaimNumber) -> Result<Vec<Payment>, StoreError> {
        let mut transaction = self.table.begin().await?;
        let (begin, end) = PaymentKey::range_of_order(event, order);
        let mut attempts = Vec::new();
        // As many as an attempt has numbers.
        for (key, row) in transaction.range(&begin, &end, usize::from(u8::MAX), false).await? {
            let id = of_key(PaymentKey::unpack(&key)?);
            attempts.push(write::loaded(transaction.as_mut(), id, &row).await?.payment);
        }
        Ok(attempts)
    }

    /// The payment that a provider calls so.
    ///
    /// # Errors
    /// As the table says.
    pub async fn referred(
        &self,
        provider: ProviderId,
        reference: &str,
    ) -> Result<Option<PaymentId>, StoreError> {
        let key = PaymentReferenceKey { provider: provider.0.get(), reference: reference.to_owned() };
        let row = self.table.begin().await?.get(&key.pack()).await?;
        row.map(|row| PaymentReferenceKey::decode(&row).map(of_key)).transpose()
    }

    /// Up to `most` payments of an event that its log waits for until `through` or less; `None`: all it waits for.
    ///
    /// # Errors
    /// As the table says.
    pub async fn in_flight(
        &self,
        event: EventId,
        through: Option<Timestamp>,
        most: usize,
    ) -> Result<Vec<(PaymentInFlightKey, PaymentId)>, StoreError> {
        let range = through.map(|through| PaymentInFlightKey::range_through(event, through));
        let (begin, end) = range.unwrap_or_else(|| PaymentInFlightKey::range(event));
        let rows = self.table.begin().await?.range(&begin, &end, most, false).await?;
        let in_flight = rows.into_iter().map(|(key, value)| {
            let key = PaymentInFlightKey::unpack(&key)?;
            let attempt = PaymentInFlightKey::decode(&value)?;
            Ok((key, PaymentId { event, order: key.order, attempt }))
        });
        in_flight.collect()
    }
}

/// The rows that a change is merged into.
fn keys(change: &Change) -> impl Iterator<Item = Vec<u8>> {
    let handled = change.handled.iter().map(provider_events::first_key);
    handled.chain(std::iter::once(key_of(change.payment).pack()))
}

fn key_of(id: PaymentId) -> PaymentKey {
    PaymentKey { event: id.event, order: id.order, attempt: id.attempt }
}

fn of_key(key: PaymentKey) -> PaymentId {
    PaymentId { event: key.event, order: key.order, attempt: key.attempt }
}
