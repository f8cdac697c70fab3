//! The waitlist of each event: a projection of the log.
//!
//! An entry has one row, under its number; each subject that it counts against has an index row. That a sale ended, and with it every
//! entry, is one row, as is what is counted by ticket type.

mod row;

use std::sync::Arc;

use tessera_inventory::{
    ClaimNumber, EntryNumber, Event, EventBody, EventId, LeftReason, Phase, Sequence, Subject, WaitlistJoined,
};
use tessera_store::{
    StoreError, Table, Transaction,
    keys::{FollowerCursor, WaitlistBySubjectKey, WaitlistEntryKey},
    transact,
};

use row::OverAll;
pub use row::{Standing, Waited, WaitlistEntry};

use crate::damage::damaged;
use crate::follower_cursors::{Advance, FollowerCursors, advance_in};
use crate::page::after;

/// The name of the follower whose cursor says how far the rows follow the log.
pub const FOLLOWER: &str = "waitlist";

/// The rows of waitlists, over a table.
#[derive(Clone)]
pub struct Waitlists {
    table: Arc<dyn Table>,
}

/// Entries by number, each with about how many wait before it, by choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitlistPage {
    /// The entries.
    pub entries: Vec<Placed>,
    /// Where the next page begins, if there may be more: give it as `after_entry`.
    pub next: Option<EntryNumber>,
    /// How far the rows follow the log.
    pub sequence: Sequence,
}

/// An entry and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The entry.
    pub entry: WaitlistEntry,
    /// About how many wait before it, by choice; empty where it does not wait.
    pub before: Vec<u64>,
}

impl Waitlists {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> Waitlists {
        Waitlists { table }
    }

    /// One entry.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for rows that cannot be read.
    pub async fn get(&self, event: EventId, number: EntryNumber) -> Result<Option<Placed>, StoreError> {
        let mut transaction = self.table.begin().await?;
        let over_all = OverAll::read(transaction.as_mut(), event).await?.unwrap_or_default();
        read(transaction.as_mut(), event, number, &over_all).await
    }

    /// Up to `limit` entries of an event, those after `after_entry`; of `subject`, where one is named.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for rows that cannot be read.
    pub async fn list(
        &self,
        event: EventId,
        subject: Option<Subject>,
        after_entry: Option<EntryNumber>,
        limit: usize,
    ) -> Result<WaitlistPage, StoreError> {
        let sequence = self.sequence(event).await?;
        let mut transaction = self.table.begin().await?;
        let transaction = transaction.as_mut();
        let over_all = OverAll::read(transaction, event).await?.unwrap_or_default();
        let numbers = match subject {
            Some(subject) => of_subject(transaction, event, subject, after_entry, limit).await?,
            None => of_event(transaction, event, after_entry, limit).await?,
        };
        let mut entries = Vec::with_capacity(numbers.len());
        for &number in &numbers {
            let found = read(transaction, event, number, &over_all).await?;
            entries
                .push(found.ok_or_else(|| damaged(format!("entry {} of {event:?} has no row", number.0)))?);
        }
        let next = numbers.last().copied().filter(|_| numbers.len() == limit);
        Ok(WaitlistPage { entries, next, sequence })
    }

    /// How far the rows follow the log of `event`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn sequence(&self, event: EventId) -> Result<Sequence, StoreError> {
        Ok(FollowerCursors::new(Arc::clone(&self.table)).read(event, FOLLOWER).await?.sequence)
    }

    /// Whether anybody ever waited, as far as the rows follow.
    ///
    /// # Errors
    /// As the table says.
    pub async fn is_used(&self, event: EventId) -> Result<bool, StoreError> {
        Ok(OverAll::read(self.table.begin().await?.as_mut(), event).await?.is_some())
    }

    /// Write what a stretch of the log does to the rows, and move the cursor from `expected` to `through`, both or neither.
    ///
    /// # Errors
    /// As the table says; [`StoreError::Damaged`] where the log names an entry that has no row.
    pub async fn follow(
        &self,
        event: EventId,
        expected: FollowerCursor,
        through: Sequence,
        events: &[(Sequence, Event)],
    ) -> Result<Advance, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let moved = advance_in(transaction.as_mut(), (event, FOLLOWER), expected, through).await?;
            if moved.is_none() {
                fold(transaction.as_mut(), event, events).await?;
            }
            let next = FollowerCursor { sequence: through, ..expected };
            Ok((transaction, moved.unwrap_or(Advance::Advanced(next))))
        })
        .await
    }
}

/// Whether an event concerns the rows.
#[must_use]
pub fn concerns(body: &EventBody) -> bool {
    match body {
        EventBody::WaitlistJoined(_) | EventBody::WaitlistLeft { .. } => true,
        EventBody::HoldPlaced(placed) => placed.entry.is_some(),
        EventBody::PhaseChanged { to } => matches!(to, Phase::Closed | Phase::Cancelled),
        _ => false,
    }
}

async fn fold(
    transaction: &mut dyn Transaction,
    event: EventId,
    events: &[(Sequence, Event)],
) -> Result<(), StoreError> {
    let stored = OverAll::read(transaction, event).await?;
    let mut over_all = stored.clone().unwrap_or_default();
    for (sequence, each) in events {
        match &each.body {
            EventBody::WaitlistJoined(joined) => {
                join(transaction, event, (*sequence, each), joined, &mut over_all);
            }
            EventBody::WaitlistLeft { entry, reason } => {
                let standing = Standing::Left(*reason);
                change(transaction, (event, *entry), each, standing, &mut over_all).await?;
            }
            EventBody::HoldPlaced(placed) => {
                let Some(entry) = placed.entry else { continue };
                let standing =
                    Standing::Offered { hold: ClaimNumber(sequence.0), deadline_at: placed.deadline_at };
                change(transaction, (event, entry), each, standing, &mut over_all).await?;
            }
            // Of a sale that nobody waited for there is nothing to keep.
            EventBody::PhaseChanged { to: Phase::Closed | Phase::Cancelled }
                if !over_all.lines.is_empty() =>
            {
                over_all.lines.iter_mut().for_each(|line| line.gone = line.joined);
                over_all.ended = Some((EntryNumber(sequence.0), each.at));
            }
            _ => {}
        }
    }
    if stored.unwrap_or_default() != over_all {
        over_all.write(transaction, event);
    }
    Ok(())
}

fn join(
    transaction: &mut dyn Transaction,
    event: EventId,
    (sequence, logged): (Sequence, &Event),
    joined: &WaitlistJoined,
    over_all: &mut OverAll,
) {
    let number = EntryNumber(sequence.0);
    let waited = joined.choices.iter().map(|&choice| {
        let line = over_all.line(choice.ticket_type);
        line.joined += 1;
        Waited { choice, ordinal: line.joined }
    });
    let entry = WaitlistEntry {
        number,
        subject: joined.subjects.primary,
        extra: joined.subjects.extra.clone(),
        waited: waited.collect(),
        price_max_minor: joined.price_max_minor,
        priority: joined.priority,
        since: logged.at,
        standing: Standing::Waiting,
        changed_at: logged.at,
    };
    transaction.set(&WaitlistEntryKey { event, entry: number }.pack(), &entry.encode());
    for &subject in std::iter::once(&entry.subject).chain(&entry.extra) {
        transaction.set(&WaitlistBySubjectKey { event, subject, entry: number }.pack(), &[]);
    }
}

/// Another standing of an entry that waited until now.
async fn change(
    transaction: &mut dyn Transaction,
    (event, number): (EventId, EntryNumber),
    logged: &Event,
    standing: Standing,
    over_all: &mut OverAll,
) -> Result<(), StoreError> {
    let key = WaitlistEntryKey { event, entry: number }.pack();
    let row = transaction.get(&key).await?;
    let row = row.ok_or_else(|| damaged(format!("entry {} of {event:?} has no row", number.0)))?;
    let entry = WaitlistEntry { standing, changed_at: logged.at, ..WaitlistEntry::decode(number, &row)? };
    for waited in &entry.waited {
        over_all.line(waited.choice.ticket_type).gone += 1;
    }
    transaction.set(&key, &entry.encode());
    Ok(())
}

async fn read(
    transaction: &mut dyn Transaction,
    event: EventId,
    number: EntryNumber,
    over_all: &OverAll,
) -> Result<Option<Placed>, StoreError> {
    let Some(row) = transaction.get(&WaitlistEntryKey { event, entry: number }.pack()).await? else {
        return Ok(None);
    };
    let mut entry = WaitlistEntry::decode(number, &row)?;
    entry.derive_standing(over_all);
    let waits = entry.standing == Standing::Waiting;
    let before = entry.waited.iter().filter(|_| waits).map(|waited| over_all.before(waited)).collect();
    Ok(Some(Placed { entry, before }))
}

async fn of_subject(
    transaction: &mut dyn Transaction,
    event: EventId,
    subject: Subject,
    after_entry: Option<EntryNumber>,
    limit: usize,
) -> Result<Vec<EntryNumber>, StoreError> {
    let (mut begin, end) = WaitlistBySubjectKey::range(event, subject);
    if let Some(entry) = after_entry {
        begin = after(WaitlistBySubjectKey { event, subject, entry }.pack());
    }
    let rows = transaction.range(&begin, &end, limit, false).await?;
    rows.iter().map(|(key, _)| Ok(WaitlistBySubjectKey::unpack(key)?.entry)).collect()
}

async fn of_event(
    transaction: &mut dyn Transaction,
    event: EventId,
    after_entry: Option<EntryNumber>,
    limit: usize,
) -> Result<Vec<EntryNumber>, StoreError> {
    let (_, end) = WaitlistEntryKey::range(event);
    // The row over all stands before the first entry.
    let entry = after_entry.unwrap_or(EntryNumber(0));
    let begin = after(WaitlistEntryKey { event, entry }.pack());
    let rows = transaction.range(&begin, &end, limit, false).await?;
    rows.iter().map(|(key, _)| Ok(WaitlistEntryKey::unpack(key)?.entry)).collect()
}

/// Why an entry waits no more, in a word of the API.
#[must_use]
pub const fn reason_name(reason: LeftReason) -> &'static str {
    match reason {
        LeftReason::Left => "left",
        LeftReason::Limit => "limit",
        LeftReason::Price => "price",
        LeftReason::Closed => "closed",
        LeftReason::TypeGone => "type_gone",
    }
}
