//! What passed the gates: a projection of the log.
//!
//! Every passage has a row, whoever told of it. What contradicts is judged anew over all passages of a ticket whenever one turns up, so that
//! the end is the same whatever was told first. What devices are told is one row a ticket, which moves to the sequence of its last change.

mod fold;
mod follow;
mod row;

use std::collections::BTreeMap;
use std::sync::Arc;

use tessera_inventory::{EventId, Sequence, TicketRef};
use tessera_store::keys::{EntryChangeKey, EntryConflictKey, EntryStatisticsKey, ProjectionCursor};
use tessera_store::{Log, StoreError, Table};
use tessera_tickets::entry::Exception;

pub use follow::Step;
pub use row::{Conflict, ConflictSide, Counts, Standing};

use crate::page::after;

/// Rows read in one transaction for a snapshot.
const SNAPSHOT_PAGE_ROWS: usize = 2_000;

/// What passed the gates, over a table.
#[derive(Clone)]
pub struct EntryRows {
    table: Arc<dyn Table>,
}

/// Tickets that changed, as they are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Ascending by ticket.
    pub exceptions: Vec<Exception>,
    /// The sequence that they lead to.
    pub sequence: Sequence,
    /// Whether more have changed.
    pub more: bool,
}

/// A page of conflicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictsPage {
    /// By ticket.
    pub conflicts: Vec<Conflict>,
    /// Where the next page begins, if there may be more.
    pub next: Option<EntryConflictKey>,
    /// How far the log was followed.
    pub sequence: Sequence,
}

/// Counts of a minute at a gate, by list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinuteCounts {
    /// Of which list, gate and minute.
    pub of: EntryStatisticsKey,
    /// How many.
    pub counts: Counts,
}

/// A page of counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatisticsPage {
    /// By list, gate and minute.
    pub minutes: Vec<MinuteCounts>,
    /// Where the next page begins, if there may be more.
    pub next: Option<EntryStatisticsKey>,
    /// How far the log was followed.
    pub sequence: Sequence,
}

impl EntryRows {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> EntryRows {
        EntryRows { table }
    }

    /// Where the rows of `event` stand.
    ///
    /// # Errors
    /// As the table says.
    pub async fn cursor(&self, event: EventId) -> Result<ProjectionCursor, StoreError> {
        follow::cursor(self.table.begin().await?.as_mut(), event).await
    }

    /// Follows the log from `seen` on, behind which nothing concerned gates since the stored cursor: rows and cursor move in one
    /// transaction. Where nothing in it does, nothing is written unless `is_kept`.
    ///
    /// # Errors
    /// As the log and the table say; [`StoreError::Damaged`] where the log does not go on from where it was seen.
    pub async fn project(
        &self,
        log: &dyn Log,
        event: EventId,
        (stored, seen): (ProjectionCursor, ProjectionCursor),
        is_kept: impl Fn(Sequence) -> bool + Send,
    ) -> Result<Step, StoreError> {
        follow::step(self.table.as_ref(), log, event, (stored, seen), is_kept).await
    }

    /// Every ticket that is not as printed, ascending, and the sequence that this is true at. What changes while it is read is told by
    /// the changes after that sequence.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for rows that cannot be read.
    pub async fn exceptions(&self, event: EventId) -> Result<(Vec<Exception>, Sequence), StoreError> {
        let mut all: BTreeMap<(u64, u8), Exception> = BTreeMap::new();
        let sequence = self.cursor(event).await?.sequence;
        let (mut begin, end) = EntryChangeKey::range_from(event, Sequence::ZERO);
        loop {
            let mut transaction = self.table.begin().await?;
            let rows = transaction.range(&begin, &end, SNAPSHOT_PAGE_ROWS, false).await?;
            for (key, value) in &rows {
                // A row that moved meanwhile is met again, as it is then.
                if let Some(one) = row::exception(EntryChangeKey::unpack(key)?.ticket, value)? {
                    all.insert(one.ticket(), one);
                }
            }
            match rows.last() {
                Some((key, _)) if rows.len() == SNAPSHOT_PAGE_ROWS => begin = after(key.clone()),
                _ => break,
            }
        }
        Ok((all.into_values().filter(|one| !one.is_as_printed()).collect(), sequence))
    }

    /// Tickets that changed after a sequence, about `limit` of them: as many as the events of whole sequences make.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for rows that cannot be read.
    pub async fn changes(
        &self,
        event: EventId,
        after: Sequence,
        limit: usize,
    ) -> Result<Changed, StoreError> {
        let mut transaction = self.table.begin().await?;
        let sequence = follow::cursor(transaction.as_mut(), event).await?.sequence;
        let (begin, end) = EntryChangeKey::range_from(event, after.plus(1));
        // One event changes at most so many: a whole one is always among them.
        let most = limit.max(follow::EVENT_TICKETS_MAX);
        let rows = transaction.range(&begin, &end, most + 1, false).await?;
        let mut keyed = Vec::with_capacity(rows.len());
        for (key, value) in &rows {
            keyed.push((EntryChangeKey::unpack(key)?, value));
        }
        let cut = keyed.get(most).map(|(key, _)| key.sequence);
        let through = |(key, _): &&(EntryChangeKey, &Vec<u8>)| cut.is_none_or(|cut| key.sequence < cut);
        let mut exceptions = Vec::with_capacity(keyed.len());
        for (key, value) in keyed.iter().filter(through) {
            exceptions.extend(row::exception(key.ticket, value)?);
        }
        exceptions.sort_unstable_by_key(Exception::ticket);
        let reached = cut.map_or(sequence, |cut| Sequence(cut.0 - 1));
        Ok(Changed { exceptions, sequence: reached.max(after), more: cut.is_some() })
    }

    /// Conflicts of an event, after one of them.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for rows that cannot be read.
    pub async fn conflicts(
        &self,
        event: EventId,
        after_key: Option<EntryConflictKey>,
        limit: usize,
    ) -> Result<ConflictsPage, StoreError> {
        let mut transaction = self.table.begin().await?;
        let sequence = follow::cursor(transaction.as_mut(), event).await?.sequence;
        let (mut begin, end) = EntryConflictKey::range(event);
        if let Some(key) = after_key {
            begin = after(key.pack());
        }
        let rows = transaction.range(&begin, &end, limit, false).await?;
        let mut conflicts = Vec::with_capacity(rows.len());
        for (key, value) in &rows {
            conflicts.push(Conflict::read(EntryConflictKey::unpack(key)?, value)?);
        }
        let next = conflicts.last().filter(|_| rows.len() == limit).map(|conflict| conflict.key);
        Ok(ConflictsPage { conflicts, next, sequence })
    }

    /// Conflicts of a ticket that stand, whatever their kind.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for rows that cannot be read.
    pub async fn conflicts_of(&self, event: EventId, ticket: TicketRef) -> Result<Vec<Conflict>, StoreError> {
        let mut transaction = self.table.begin().await?;
        let mut all = Vec::new();
        for conflict in row::KINDS {
            let (begin, end) = EntryConflictKey::range_of_kind(event, ticket, conflict);
            for (key, value) in transaction.range(&begin, &end, fold::PASSAGES_JUDGED_MAX, false).await? {
                all.push(Conflict::read(EntryConflictKey::unpack(&key)?, &value)?);
            }
        }
        all.retain(|conflict| conflict.standing == Standing::Open);
        Ok(all)
    }

    /// Counts of an event, after those of a minute.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for rows that cannot be read.
    pub async fn statistics(
        &self,
        event: EventId,
        after_key: Option<EntryStatisticsKey>,
        limit: usize,
    ) -> Result<StatisticsPage, StoreError> {
        let mut transaction = self.table.begin().await?;
        let sequence = follow::cursor(transaction.as_mut(), event).await?.sequence;
        let (mut begin, end) = EntryStatisticsKey::range(event);
        if let Some(key) = after_key {
            begin = after(key.pack());
        }
        let rows = transaction.range(&begin, &end, limit, false).await?;
        let mut minutes = Vec::with_capacity(rows.len());
        for (key, value) in &rows {
            minutes.push(MinuteCounts { of: EntryStatisticsKey::unpack(key)?, counts: Counts::read(value)? });
        }
        let next = minutes.last().filter(|_| rows.len() == limit).map(|minute| minute.of);
        Ok(StatisticsPage { minutes, next, sequence })
    }
}
