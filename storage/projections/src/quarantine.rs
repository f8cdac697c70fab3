//! Events that are set aside, so that a quarantine outlives the process: until an operator lifts it, nobody sells from an
//! event that failed again and again, or that a repair has cut.

use std::sync::Arc;

use prost::Message;
use tessera_inventory::{EventId, Timestamp};
use tessera_store::{Row, StoreError, Table, Transaction, keys::QuarantineKey, transact};

use crate::{damage::damaged, page::after};

/// Longest reason that is kept, in bytes; the rest is cut off.
pub const QUARANTINE_REASON_BYTES_MAX: usize = 2_000;

/// A quarantined event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Which event.
    pub event: EventId,
    /// Why, for the operator.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Failures of its writer that led here; 0 where something else did.
    pub failures: u32,
}

/// Quarantined events in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinePage {
    /// The events.
    pub events: Vec<Quarantined>,
    /// Where the next page begins, if there may be more: give it as `after_event`.
    pub next: Option<EventId>,
}

/// The quarantined events, over a table.
#[derive(Clone)]
pub struct QuarantinedEvents {
    table: Arc<dyn Table>,
}

impl QuarantinedEvents {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> QuarantinedEvents {
        QuarantinedEvents { table }
    }

    /// Set an event aside, or say anew why it is.
    ///
    /// # Errors
    /// As the table says.
    pub async fn set(&self, quarantined: &Quarantined) -> Result<(), StoreError> {
        let key = &QuarantineKey { event: quarantined.event }.pack();
        let row = &encode(quarantined);
        transact(self.table.as_ref(), |mut transaction| async move {
            read_first(transaction.as_mut(), key).await?;
            transaction.set(key, row);
            Ok((transaction, ()))
        })
        .await
    }

    /// Lift the quarantine of `event`, if there is one.
    ///
    /// # Errors
    /// As the table says.
    pub async fn remove(&self, event: EventId) -> Result<(), StoreError> {
        let key = &QuarantineKey { event }.pack();
        transact(self.table.as_ref(), |mut transaction| async move {
            read_first(transaction.as_mut(), key).await?;
            transaction.clear(key);
            Ok((transaction, ()))
        })
        .await
    }

    /// Why `event` is set aside; `None` where it is not.
    ///
    /// # Errors
    /// As the table says.
    pub async fn get(&self, event: EventId) -> Result<Option<Quarantined>, StoreError> {
        let mut transaction = self.table.begin().await?;
        let row = transaction.get(&QuarantineKey { event }.pack()).await?;
        row.map(|row| decode(event, &row)).transpose()
    }

    /// Up to `limit` quarantined events, those after `after_event`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn list(
        &self,
        after_event: Option<EventId>,
        limit: usize,
    ) -> Result<QuarantinePage, StoreError> {
        let (first, end) = QuarantineKey::range();
        let begin = after_event.map_or(first, |event| after(QuarantineKey { event }.pack()));
        let mut transaction = self.table.begin().await?;
        let rows = transaction.range(&begin, &end, limit, false).await?;
        let event = |(key, row): &Row| decode(QuarantineKey::unpack(key)?.event, row);
        let events = rows.iter().map(event).collect::<Result<Vec<_>, _>>()?;
        let next = events.last().filter(|_| events.len() == limit).map(|last| last.event);
        Ok(QuarantinePage { events, next })
    }
}

/// A write that read nothing never conflicts: an attempt of unknown outcome could land late and undo what came after it.
async fn read_first(transaction: &mut dyn Transaction, key: &[u8]) -> Result<(), StoreError> {
    transaction.get(key).await.map(drop)
}

#[derive(Clone, PartialEq, Message)]
struct QuarantineRow {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(uint64, tag = "2")]
    since_ms: u64,
    #[prost(uint32, tag = "3")]
    failures: u32,
}

fn encode(quarantined: &Quarantined) -> Vec<u8> {
    let Quarantined { event: _, reason, since, failures } = quarantined;
    let kept = reason.floor_char_boundary(QUARANTINE_REASON_BYTES_MAX);
    QuarantineRow { reason: reason[..kept].to_owned(), since_ms: since.0, failures: *failures }
        .encode_to_vec()
}

fn decode(event: EventId, row: &[u8]) -> Result<Quarantined, StoreError> {
    let unreadable = |_| damaged(format!("the quarantine row of {event:?} cannot be read"));
    let QuarantineRow { reason, since_ms, failures } = QuarantineRow::decode(row).map_err(unreadable)?;
    Ok(Quarantined { event, reason, since: Timestamp(since_ms), failures })
}
