//! Events that are set aside, so that a quarantine outlives the process: until an operator lifts it, nobody sells from an
//! event that failed again and again, that a repair has cut, or of which the store lacks what a node has seen acknowledged.

use std::sync::Arc;

use prost::Message;
use tessera_inventory::{Epoch, EventId, Sequence, Timestamp};
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
    /// Where the store went back in time: what it lacks.
    pub went_back: Option<WentBack>,
}

/// The store went back in time: it lacks what a node has seen acknowledged of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WentBack {
    /// How far the store had the event when that was noticed.
    pub found: Place,
    /// How far it was seen by whoever saw most of it.
    pub witnessed: Place,
}

/// A place in the life of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Of the owner.
    pub epoch: Epoch,
    /// The last durable sequence.
    pub sequence: Sequence,
}

impl WentBack {
    /// With what another node has seen.
    fn with(self, other: WentBack) -> WentBack {
        let (a, b) = (self.witnessed, other.witnessed);
        let witnessed = Place { epoch: a.epoch.max(b.epoch), sequence: a.sequence.max(b.sequence) };
        WentBack { witnessed, ..self }
    }
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

    /// Set an event aside, or say anew why it is. That the store went back stays until it is reconciled; what another node has seen of
    /// the event is kept.
    ///
    /// # Errors
    /// As the table says.
    pub async fn set(&self, quarantined: &Quarantined) -> Result<(), StoreError> {
        let key = &QuarantineKey { event: quarantined.event }.pack();
        transact(self.table.as_ref(), |mut transaction| async move {
            let event = quarantined.event;
            let before = transaction.get(key).await?.map(|row| decode(event, &row)).transpose()?;
            let row = match before.and_then(|before| Some((before.went_back?, before))) {
                Some((seen, before)) => {
                    let went_back = quarantined.went_back.map_or(seen, |more| more.with(seen));
                    encode(&Quarantined { went_back: Some(went_back), ..before })
                }
                None => encode(quarantined),
            };
            transaction.set(key, &row);
            Ok((transaction, ()))
        })
        .await
    }

    /// Lift the quarantine of `event`, if there is one; `false` where the store went back, which must be reconciled instead.
    ///
    /// # Errors
    /// As the table says.
    pub async fn lift(&self, event: EventId) -> Result<bool, StoreError> {
        let key = &QuarantineKey { event }.pack();
        transact(self.table.as_ref(), |mut transaction| async move {
            let row = transaction.get(key).await?.map(|row| decode(event, &row)).transpose()?;
            let may_go = row.is_none_or(|row| row.went_back.is_none());
            if may_go {
                transaction.clear(key);
            }
            Ok((transaction, may_go))
        })
        .await
    }

    /// Remove the row of `event`, if there is one, whatever it says.
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
        QuarantinedEvents::get_in(transaction.as_mut(), event).await
    }

    /// The same in a transaction of the caller's.
    ///
    /// # Errors
    /// As the table says.
    pub async fn get_in(
        transaction: &mut dyn Transaction,
        event: EventId,
    ) -> Result<Option<Quarantined>, StoreError> {
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
    #[prost(message, optional, tag = "4")]
    went_back: Option<WentBackRow>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct WentBackRow {
    #[prost(uint64, tag = "1")]
    found_epoch: u64,
    #[prost(uint64, tag = "2")]
    found_sequence: u64,
    #[prost(uint64, tag = "3")]
    witnessed_epoch: u64,
    #[prost(uint64, tag = "4")]
    witnessed_sequence: u64,
}

impl From<WentBack> for WentBackRow {
    fn from(WentBack { found, witnessed }: WentBack) -> WentBackRow {
        WentBackRow {
            found_epoch: found.epoch.0,
            found_sequence: found.sequence.0,
            witnessed_epoch: witnessed.epoch.0,
            witnessed_sequence: witnessed.sequence.0,
        }
    }
}

impl From<WentBackRow> for WentBack {
    fn from(row: WentBackRow) -> WentBack {
        let place = |epoch, sequence| Place { epoch: Epoch(epoch), sequence: Sequence(sequence) };
        WentBack {
            found: place(row.found_epoch, row.found_sequence),
            witnessed: place(row.witnessed_epoch, row.witnessed_sequence),
        }
    }
}

fn encode(quarantined: &Quarantined) -> Vec<u8> {
    let Quarantined { event: _, reason, since, failures, went_back } = quarantined;
    let kept = reason.floor_char_boundary(QUARANTINE_REASON_BYTES_MAX);
    QuarantineRow {
        reason: reason[..kept].to_owned(),
        since_ms: since.0,
        failures: *failures,
        went_back: went_back.map(Into::into),
    }
    .encode_to_vec()
}

fn decode(event: EventId, row: &[u8]) -> Result<Quarantined, StoreError> {
    let unreadable = |_| damaged(format!("the quarantine row of {event:?} cannot be read"));
    let QuarantineRow { reason, since_ms, failures, went_back } =
        QuarantineRow::decode(row).map_err(unreadable)?;
    Ok(Quarantined {
        event,
        reason,
        since: Timestamp(since_ms),
        failures,
        went_back: went_back.map(Into::into),
    })
}
