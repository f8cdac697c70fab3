//! Messages to everybody who has tickets of an event: runs along its orders that go on where they were.

use std::sync::Arc;

use prost::Message;
use tessera_inventory::{ClaimNumber, EventId, Sequence, Timestamp};
use tessera_store::keys::{BroadcastKey, BroadcastSeenKey, MessageLane};
use tessera_store::{Row, StoreError, Table, Transaction, transact};

use crate::kind::Kind;
use crate::messages::{pending_key, post_in, want_in};
use crate::read::{after, unreadable};
use crate::want::Want;
use crate::{BROADCASTS_MAX, MOVES_MAX, inbox};

/// Runs that follow from the log have numbers from here on: this and the sequence.
const OF_THE_LOG: u64 = 1 << 32;

/// How far a broadcast is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BroadcastState {
    /// It goes on.
    Running = 0,
    /// It waits until it is resumed.
    Paused = 1,
    /// Everybody has been written to.
    Done = 2,
}

/// A message to everybody who has tickets of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast {
    /// To whose buyers.
    pub event: EventId,
    /// Its number in the event.
    pub run: u64,
    /// What it is about.
    pub kind: Kind,
    /// What it says, by name.
    pub variables: Vec<(String, String)>,
    /// The request that began it; 0: none did.
    pub request: u128,
    /// When it was begun.
    pub created_at: Timestamp,
    /// It does not begin before.
    pub not_before: Timestamp,
    /// After that nobody needs to hear it.
    pub expires_at: Option<Timestamp>,
    /// How far it is.
    pub state: BroadcastState,
    /// The last order that was looked at.
    pub cursor: Option<ClaimNumber>,
    /// Orders that were looked at.
    pub orders: u64,
    /// People whom it was written to; of another time or place once for each order.
    pub recipients: u64,
}

/// What became of a broadcast to be begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It runs; or it did so before, by the same request.
    Runs(Broadcast),
    /// The event has had as many of its sort as it may: of those that its organizer writes, or of those of another time or place.
    TooMany,
}

/// A step of a run: what the next orders make of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The last order that was looked at; `None`: there were none.
    pub cursor: Option<ClaimNumber>,
    /// How many were.
    pub orders: u64,
    /// Whether there are no more.
    pub is_last: bool,
    /// What it says to each person, some of whom may have been written to before.
    pub wants: Vec<Want>,
    /// What it says for all to see, with its first step.
    pub post: Option<Want>,
}

#[derive(Clone, PartialEq, Message)]
struct BroadcastRow {
    #[prost(uint32, tag = "1")]
    kind: u32,
    #[prost(message, repeated, tag = "2")]
    variables: Vec<VariableRow>,
    #[prost(bytes = "vec", tag = "3")]
    request: Vec<u8>,
    #[prost(uint64, tag = "4")]
    created_at_ms: u64,
    #[prost(uint64, tag = "5")]
    not_before_ms: u64,
    #[prost(uint64, optional, tag = "6")]
    expires_at_ms: Option<u64>,
    #[prost(uint32, tag = "7")]
    state: u32,
    #[prost(uint64, optional, tag = "8")]
    cursor: Option<u64>,
    #[prost(uint64, tag = "9")]
    orders: u64,
    #[prost(uint64, tag = "10")]
    recipients: u64,
}

/// One variable.
#[derive(Clone, PartialEq, Message)]
struct VariableRow {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

fn variable_rows(variables: &[(String, String)]) -> Vec<VariableRow> {
    let row = |(name, value): &(String, String)| VariableRow { name: name.clone(), value: value.clone() };
    variables.iter().map(row).collect()
}

fn variables(rows: Vec<VariableRow>) -> Vec<(String, String)> {
    rows.into_iter().map(|VariableRow { name, value }| (name, value)).collect()
}

impl Broadcast {
    /// The number of the run that follows from an event of the log.
    #[must_use]
    pub const fn run_of(sequence: Sequence) -> u64 {
        OF_THE_LOG + sequence.0
    }

    /// The event of the log that it follows from; `None`: it follows from a request.
    #[must_use]
    pub fn follows_from(&self) -> Option<Sequence> {
        self.run.checked_sub(OF_THE_LOG).map(Sequence)
    }

    fn encode(&self) -> Vec<u8> {
        BroadcastRow {
            kind: self.kind.number().into(),
            variables: variable_rows(&self.variables),
            request: self.request.to_be_bytes().to_vec(),
            created_at_ms: self.created_at.0,
            not_before_ms: self.not_before.0,
            expires_at_ms: self.expires_at.map(|at| at.0),
            state: self.state as u32,
            cursor: self.cursor.map(|order| order.0),
            orders: self.orders,
            recipients: self.recipients,
        }
        .encode_to_vec()
    }

    fn decode((key, row): &Row) -> Result<Broadcast, StoreError> {
        let wrong = || unreadable("broadcasts");
        let BroadcastKey { event, run } = BroadcastKey::unpack(key)?;
        let row = BroadcastRow::decode(row.as_slice()).map_err(|_| wrong())?;
        let kind = u8::try_from(row.kind).ok().and_then(Kind::numbered).ok_or_else(wrong)?;
        let state = match row.state {
            0 => BroadcastState::Running,
            1 => BroadcastState::Paused,
            2 => BroadcastState::Done,
            _ => return Err(wrong()),
        };
        Ok(Broadcast {
            event,
            run,
            kind,
            variables: variables(row.variables),
            request: crate::read::identity(&row.request, "broadcasts")?,
            created_at: Timestamp(row.created_at_ms),
            not_before: Timestamp(row.not_before_ms),
            expires_at: row.expires_at_ms.map(Timestamp),
            state,
            cursor: row.cursor.map(ClaimNumber),
            orders: row.orders,
            recipients: row.recipients,
        })
    }

    fn key(&self) -> Vec<u8> {
        BroadcastKey { event: self.event, run: self.run }.pack()
    }
}

/// Broadcasts, over a table.
#[derive(Clone)]
pub struct Broadcasts {
    table: Arc<dyn Table>,
}

/// Begins a broadcast that follows from the log, unless it was begun before.
///
/// # Errors
/// As the transaction says.
pub(crate) async fn begin_in(
    transaction: &mut dyn Transaction,
    broadcast: &Broadcast,
) -> Result<(), StoreError> {
    if transaction.get(&broadcast.key()).await?.is_none() {
        transaction.set(&broadcast.key(), &broadcast.encode());
    }
    Ok(())
}

/// Begins a broadcast under the next number of its event, in a transaction; the same request begins it once.
///
/// # Errors
/// As the transaction says.
pub async fn begin_next_in(
    transaction: &mut dyn Transaction,
    broadcast: &Broadcast,
) -> Result<Begun, StoreError> {
    let event = broadcast.event;
    let (begin, _) = BroadcastKey::range_of(event);
    let end = BroadcastKey { event, run: OF_THE_LOG }.pack();
    let rows = transaction.range(&begin, &end, BROADCASTS_MAX + MOVES_MAX, false).await?;
    let runs = rows.iter().map(Broadcast::decode).collect::<Result<Vec<_>, _>>()?;
    if let Some(same) = runs.iter().find(|run| run.request == broadcast.request) {
        return Ok(Begun::Runs(same.clone()));
    }
    let is_move = |run: &Broadcast| run.kind == Kind::Change;
    let most = if is_move(broadcast) { MOVES_MAX } else { BROADCASTS_MAX };
    if runs.iter().filter(|run| is_move(run) == is_move(broadcast)).count() >= most {
        return Ok(Begun::TooMany);
    }
    let run = runs.last().map_or(1, |last| last.run + 1);
    let begun = Broadcast { run, ..broadcast.clone() };
    transaction.set(&begun.key(), &begun.encode());
    Ok(Begun::Runs(begun))
}

/// Moves the reminder of an event along with its start, in a transaction, unless it has begun: it comes as long before as it would have.
///
/// # Errors
/// As the transaction says.
pub async fn move_reminder_in(
    transaction: &mut dyn Transaction,
    event: EventId,
    from: Timestamp,
    to: Timestamp,
) -> Result<(), StoreError> {
    let Some(found) = read(transaction, event, Broadcast::run_of(Sequence::ZERO)).await? else {
        return Ok(());
    };
    if from == to || found.state == BroadcastState::Done || found.cursor.is_some() {
        return Ok(());
    }
    let before_ms = from.0.saturating_sub(found.not_before.0);
    let not_before = Timestamp(to.0.saturating_sub(before_ms));
    let moved = Broadcast { not_before, expires_at: Some(to), ..found };
    transaction.set(&moved.key(), &moved.encode());
    Ok(())
}

impl Broadcasts {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> Broadcasts {
        Broadcasts { table }
    }

    /// Begins a broadcast under the next number of its event; the same request begins it once.
    ///
    /// # Errors
    /// As the table says.
    pub async fn begin(&self, broadcast: &Broadcast) -> Result<Begun, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let begun = begin_next_in(transaction.as_mut(), broadcast).await?;
            Ok((transaction, begun))
        })
        .await
    }

    /// One broadcast.
    ///
    /// # Errors
    /// As the table says.
    pub async fn get(&self, event: EventId, run: u64) -> Result<Option<Broadcast>, StoreError> {
        read(self.table.begin().await?.as_mut(), event, run).await
    }

    /// Up to `limit` broadcasts of an event, or of every event, after `after_run`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn list(
        &self,
        event: Option<EventId>,
        after_run: Option<(EventId, u64)>,
        limit: usize,
    ) -> Result<Vec<Broadcast>, StoreError> {
        let (first, end) = event.map_or_else(BroadcastKey::range, BroadcastKey::range_of);
        let key = |(event, run)| after(BroadcastKey { event, run }.pack());
        let begin = after_run.map_or(first.clone(), |run| key(run).clamp(first, end.clone()));
        let rows = self.table.begin().await?.range(&begin, &end, limit, false).await?;
        rows.iter().map(Broadcast::decode).collect()
    }

    /// Pauses a broadcast, or lets it go on. `None` where there is none; one that is done stays so.
    ///
    /// # Errors
    /// As the table says.
    pub async fn pause(
        &self,
        event: EventId,
        run: u64,
        is_paused: bool,
    ) -> Result<Option<Broadcast>, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let Some(mut found) = read(transaction.as_mut(), event, run).await? else {
                return Ok((transaction, None));
            };
            if found.state != BroadcastState::Done {
                found.state = if is_paused { BroadcastState::Paused } else { BroadcastState::Running };
                transaction.set(&found.key(), &found.encode());
            }
            Ok((transaction, Some(found)))
        })
        .await
    }

    /// Takes a step: writes to those whom the run has not reached yet, into their inboxes and through `lanes`, and moves its cursor. The
    /// broadcast as it stands then; nothing is done where it does not stand as `before` did.
    ///
    /// # Errors
    /// As the table says.
    pub async fn step(
        &self,
        before: &Broadcast,
        step: &Step,
        lanes: &[MessageLane],
    ) -> Result<Option<Broadcast>, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let found = read(transaction.as_mut(), before.event, before.run).await?;
            let unchanged = found
                .as_ref()
                .filter(|found| found.state == BroadcastState::Running && found.cursor == before.cursor);
            let Some(mut next) = unchanged.cloned() else { return Ok((transaction, found)) };
            let seen_key = |want: &Want| {
                let (event, run, recipient) = (before.event, before.run, want.place.recipient);
                BroadcastSeenKey { event, run, recipient }.pack()
            };
            let keys = |want: &Want| {
                let waiting = lanes.iter().map(|lane| pending_key(lane, want.place));
                waiting.chain([seen_key(want)]).collect::<Vec<_>>()
            };
            transaction.read_ahead(step.wants.iter().flat_map(keys).collect()).await?;
            for want in &step.wants {
                let seen = seen_key(want);
                if transaction.get(&seen).await?.is_some() {
                    continue;
                }
                transaction.set(&seen, &[]);
                inbox::keep_in(transaction.as_mut(), want).await?;
                for lane in lanes {
                    want_in(transaction.as_mut(), lane, want).await?;
                }
                next.recipients += 1;
            }
            if let Some(post) = &step.post {
                for lane in lanes {
                    post_in(transaction.as_mut(), lane, post).await?;
                }
            }
            next.cursor = step.cursor.or(next.cursor);
            next.orders += step.orders;
            if step.is_last {
                next.state = BroadcastState::Done;
            }
            transaction.set(&next.key(), &next.encode());
            Ok((transaction, Some(next)))
        })
        .await
    }
}

async fn read(
    transaction: &mut dyn Transaction,
    event: EventId,
    run: u64,
) -> Result<Option<Broadcast>, StoreError> {
    let key = BroadcastKey { event, run }.pack();
    let row = transaction.get(&key).await?;
    row.map(|row| Broadcast::decode(&(key, row))).transpose()
}
