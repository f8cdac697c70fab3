//! Refunds of many orders of an event: how far each run has come. What it gives back stands in the log; here is where it goes on.

use std::sync::Arc;

use prost::Message;
use tessera_inventory::{ClaimNumber, EventId, RefundReason, RefundedUnits, Sequence, Timestamp};
use tessera_store::keys::{RefundRunKey, RefundRunOpenKey};
use tessera_store::{Row, StoreError, Table, Transaction, transact};

use crate::Lane;
use crate::read::{identity, narrow, unreadable};

const WHAT: &str = "refund runs";
/// Orders a second of a run that nobody gave another rate: fifty thousand take about a quarter of an hour.
pub const PER_SECOND: u32 = 50;
/// Most orders a second of a run.
pub const PER_SECOND_MAX: u32 = 500;
/// Runs of one event that are kept: no other is begun then.
pub const RUNS_OF_EVENT_MAX: usize = 1_000;

/// How a run stands. The number is stored: it is never changed and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// It goes on.
    Runs = 0,
    /// Until somebody resumes it.
    Paused = 1,
    /// Every order was asked for.
    Done = 2,
}

const STATES: [State; 3] = [State::Runs, State::Paused, State::Done];

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The last order that was asked for.
    pub cursor: Option<ClaimNumber>,
    /// Orders that were gone through.
    pub asked: u64,
    /// Orders of which something is given back by it.
    pub refunded: u64,
    /// Orders that could not be refunded.
    pub failed: u64,
    /// What is given back, in minor units.
    pub amount_minor: i64,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRun {
    /// Which.
    pub key: RefundRunKey,
    /// Whose the event is.
    pub organizer: u128,
    /// The positions of the ticket types that are refunded; none: all.
    pub ticket_types: Vec<u16>,
    /// What becomes of the units.
    pub units: RefundedUnits,
    /// Why.
    pub reason: RefundReason,
    /// Orders a second, 1 to [`PER_SECOND_MAX`].
    pub per_second: u32,
    /// Orders up to this place in the log are refunded.
    pub through: Sequence,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// What it was asked with; another request under the same key is told so.
    pub fingerprint: u64,
    /// How it stands.
    pub state: State,
    /// How far it has come.
    pub progress: Progress,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// What became of a run that was to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Began {
    /// It goes on.
    Now,
    /// One of this id is there: so it stands.
    Before(Box<RefundRun>),
    /// The event has [`RUNS_OF_EVENT_MAX`] already.
    TooMany,
}

#[derive(Clone, PartialEq, Message)]
struct RunRow {
    #[prost(bytes = "vec", tag = "1")]
    organizer: Vec<u8>,
    #[prost(uint32, repeated, packed = "true", tag = "2")]
    ticket_types: Vec<u32>,
    /// The units are withdrawn.
    #[prost(bool, tag = "3")]
    kills: bool,
    #[prost(uint32, tag = "4")]
    reason: u32,
    #[prost(uint32, tag = "5")]
    per_second: u32,
    #[prost(uint64, tag = "6")]
    through: u64,
    #[prost(uint64, tag = "7")]
    begun_at_ms: u64,
    #[prost(fixed64, tag = "8")]
    fingerprint: u64,
    #[prost(uint32, tag = "9")]
    state: u32,
    #[prost(uint64, optional, tag = "10")]
    cursor: Option<u64>,
    #[prost(uint64, tag = "11")]
    asked: u64,
    #[prost(uint64, tag = "12")]
    refunded: u64,
    #[prost(uint64, tag = "13")]
    failed: u64,
    #[prost(sint64, tag = "14")]
    amount_minor: i64,
    #[prost(uint64, optional, tag = "15")]
    ended_at_ms: Option<u64>,
}

/// Refund runs, over a table.
#[derive(Clone)]
pub struct RefundRuns {
    table: Arc<dyn Table>,
}

impl RefundRuns {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> RefundRuns {
        RefundRuns { table }
    }

    /// Begin a run, unless one of its id is there.
    ///
    /// # Errors
    /// As the table says.
    pub async fn begin(&self, run: &RefundRun) -> Result<Began, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let began = begin_in(transaction.as_mut(), run).await?;
            Ok((transaction, began))
        })
        .await
    }

    /// A run.
    ///
    /// # Errors
    /// As the table says.
    pub async fn load(&self, key: RefundRunKey) -> Result<Option<RefundRun>, StoreError> {
        let row = self.table.begin().await?.get(&key.pack()).await?;
        row.map(|row| RefundRun::decode(key, &row)).transpose()
    }

    /// The runs of an event, in the order of their ids.
    ///
    /// # Errors
    /// As the table says.
    pub async fn list(&self, event: EventId) -> Result<Vec<RefundRun>, StoreError> {
        let (begin, end) = RefundRunKey::range(event);
        let rows = self.table.begin().await?.range(&begin, &end, RUNS_OF_EVENT_MAX, false).await?;
        let run = |(key, row): &Row| RefundRun::decode(RefundRunKey::unpack(key)?, row);
        rows.iter().map(run).collect()
    }

    /// Up to `most` runs of a lane that go on.
    ///
    /// # Errors
    /// As the table says.
    pub async fn open(&self, lane: Lane, most: usize) -> Result<Vec<RefundRunKey>, StoreError> {
        let (begin, end) = RefundRunOpenKey::range(lane.number());
        let rows = self.table.begin().await?.range(&begin, &end, most, false).await?;
        rows.iter().map(|(key, _)| Ok(RefundRunOpenKey::unpack(key)?.run)).collect()
    }

    /// Pause a run that goes on, or let one go on that is paused; as it stands then. `None`: there is none.
    ///
    /// # Errors
    /// As the table says.
    pub async fn set_paused(
        &self,
        key: RefundRunKey,
        is_paused: bool,
    ) -> Result<Option<RefundRun>, StoreError> {
        self.change(key, |run| {
            if run.state != State::Done {
                run.state = if is_paused { State::Paused } else { State::Runs };
            }
        })
        .await
    }

    /// A run has come so far, if it stood at `expected` before: whoever finds it elsewhere goes on from there. As it stands then.
    ///
    /// # Errors
    /// As the table says.
    pub async fn advance(
        &self,
        key: RefundRunKey,
        (expected, progress): (Option<ClaimNumber>, Progress),
        ended_at: Option<Timestamp>,
    ) -> Result<Option<RefundRun>, StoreError> {
        self.change(key, |run| {
            if run.progress.cursor == expected && run.state != State::Done {
                run.progress = progress;
                if ended_at.is_some() {
                    (run.state, run.ended_at) = (State::Done, ended_at);
                }
            }
        })
        .await
    }

    async fn change(
        &self,
        key: RefundRunKey,
        change: impl Fn(&mut RefundRun) + Sync,
    ) -> Result<Option<RefundRun>, StoreError> {
        let change = &change;
        transact(self.table.as_ref(), |mut transaction| async move {
            let Some(row) = transaction.get(&key.pack()).await? else { return Ok((transaction, None)) };
            let mut run = RefundRun::decode(key, &row)?;
            change(&mut run);
            run.write(transaction.as_mut());
            Ok((transaction, Some(run)))
        })
        .await
    }
}

/// Begin a run in a transaction, unless one of its id is there.
pub(crate) async fn begin_in(
    transaction: &mut dyn Transaction,
    run: &RefundRun,
) -> Result<Began, StoreError> {
    if let Some(row) = transaction.get(&run.key.pack()).await? {
        let known = RefundRun::decode(run.key, &row)?;
        // By an attempt of unknown outcome of this transaction, or as somebody asked before.
        return Ok(if known == *run { Began::Now } else { Began::Before(Box::new(known)) });
    }
    let (begin, end) = RefundRunKey::range(run.key.event);
    if transaction.range(&begin, &end, RUNS_OF_EVENT_MAX, false).await?.len() == RUNS_OF_EVENT_MAX {
        return Ok(Began::TooMany);
    }
    run.write(transaction);
    Ok(Began::Now)
}

impl RefundRun {
    fn write(&self, transaction: &mut dyn Transaction) {
        transaction.set(&self.key.pack(), &self.encode());
        let open = RefundRunOpenKey { lane: Lane::of(self.key.event).number(), run: self.key }.pack();
        if self.state == State::Runs {
            transaction.set(&open, &[]);
        } else {
            transaction.clear(&open);
        }
    }

    fn encode(&self) -> Vec<u8> {
        RunRow {
            organizer: self.organizer.to_be_bytes().to_vec(),
            ticket_types: self.ticket_types.iter().map(|&id| id.into()).collect(),
            kills: self.units == RefundedUnits::Kill,
            reason: u32::from(self.reason as u8),
            per_second: self.per_second,
            through: self.through.0,
            begun_at_ms: self.begun_at.0,
            fingerprint: self.fingerprint,
            state: self.state as u32,
            cursor: self.progress.cursor.map(|order| order.0),
            asked: self.progress.asked,
            refunded: self.progress.refunded,
            failed: self.progress.failed,
            amount_minor: self.progress.amount_minor,
            ended_at_ms: self.ended_at.map(|at| at.0),
        }
        .encode_to_vec()
    }

    fn decode(key: RefundRunKey, row: &[u8]) -> Result<RefundRun, StoreError> {
        let row = RunRow::decode(row).map_err(|_| unreadable(WHAT))?;
        let state = STATES.into_iter().find(|state| *state as u32 == row.state);
        let reason = u8::try_from(row.reason).ok().and_then(RefundReason::of);
        Ok(RefundRun {
            key,
            organizer: identity(&row.organizer, WHAT)?,
            ticket_types: row
                .ticket_types
                .into_iter()
                .map(|id| narrow(id, WHAT))
                .collect::<Result<_, StoreError>>()?,
            units: if row.kills { RefundedUnits::Kill } else { RefundedUnits::Restock },
            reason: reason.ok_or_else(|| unreadable(WHAT))?,
            per_second: row.per_second,
            through: Sequence(row.through),
            begun_at: Timestamp(row.begun_at_ms),
            fingerprint: row.fingerprint,
            state: state.ok_or_else(|| unreadable(WHAT))?,
            progress: Progress {
                cursor: row.cursor.map(ClaimNumber),
                asked: row.asked,
                refunded: row.refunded,
                failed: row.failed,
                amount_minor: row.amount_minor,
            },
            ended_at: row.ended_at_ms.map(Timestamp),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_the_bytes_that_it_always_had() {
        let run = RefundRun {
            key: RefundRunKey { event: EventId(1), run: 2 },
            organizer: 7,
            ticket_types: vec![1, 3],
            units: RefundedUnits::Kill,
            reason: RefundReason::Cancelled,
            per_second: 5,
            through: Sequence(6),
            begun_at: Timestamp(7),
            fingerprint: 8,
            state: State::Done,
            progress: Progress {
                cursor: Some(ClaimNumber(9)),
                asked: 10,
                refunded: 11,
                failed: 12,
                amount_minor: -13,
            },
            ended_at: Some(Timestamp(14)),
        };
        let head = [&[10, 16][..], &7_u128.to_be_bytes(), &[18, 2, 1, 3, 24, 1, 32, 1, 40, 5, 48, 6, 56, 7]];
        let tail = [65, 8, 0, 0, 0, 0, 0, 0, 0, 72, 2, 80, 9, 88, 10, 96, 11, 104, 12, 112, 25, 120, 14];
        assert_eq!(run.encode(), [&head.concat()[..], &tail].concat());
        assert_eq!(RefundRun::decode(run.key, &run.encode()).unwrap(), run);
        assert!(RefundRun::decode(run.key, &[72, 9]).is_err(), "a state that nobody knows");
    }
}
