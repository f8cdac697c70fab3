//! Messages that wait, and those that have ended.

use std::sync::Arc;

use tessera_inventory::Timestamp;
use tessera_store::keys::{MessageDueKey, MessageFinishedKey, MessageLane, MessagePendingKey, MessagePlace};
use tessera_store::{Row, StoreError, Table, Transaction, transact};

use crate::account::{self, Account};
use crate::kind::{Class, Medium};
use crate::read::after;
use crate::record::{self, Outcome};
use crate::want::{Finished, Want};
use crate::{BULK_WAITING_MAX, REPLAYED_AT_ONCE_MAX};

/// What a lane has to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// What is due: emergencies, then the others, the most urgent first.
    pub wants: Vec<Want>,
    /// When the next is, where fewer are due than were asked for.
    pub next_at: Option<Timestamp>,
}

/// What became of dead letters that are to be sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// How many wait again.
    pub messages: usize,
    /// Whether there may be more.
    pub is_more: bool,
}

/// Messages, over a table.
#[derive(Clone)]
pub struct Messages {
    table: Arc<dyn Table>,
}

/// Writes a message to a person into a transaction, unless it waits already, or does not go through that lane.
///
/// # Errors
/// As the transaction says.
pub(crate) async fn want_in(
    transaction: &mut dyn Transaction,
    lane: &MessageLane,
    want: &Want,
) -> Result<(), StoreError> {
    if Medium::numbered(lane.channel).is_some_and(|medium| medium.carries(want.kind)) {
        wait_in(transaction, lane, want).await?;
    }
    Ok(())
}

/// Writes a message that is for all to see into a transaction, unless it waits already, or does not go through that lane.
///
/// # Errors
/// As the transaction says.
pub(crate) async fn post_in(
    transaction: &mut dyn Transaction,
    lane: &MessageLane,
    want: &Want,
) -> Result<(), StoreError> {
    if Medium::numbered(lane.channel).is_some_and(Medium::is_public) {
        wait_in(transaction, lane, want).await?;
    }
    Ok(())
}

/// The row of a message that waits.
pub(crate) fn pending_key(lane: &MessageLane, place: MessagePlace) -> Vec<u8> {
    MessagePendingKey { lane: lane.clone(), place }.pack()
}

async fn wait_in(
    transaction: &mut dyn Transaction,
    lane: &MessageLane,
    want: &Want,
) -> Result<(), StoreError> {
    if transaction.get(&pending_key(lane, want.place)).await?.is_none() {
        record::wait(transaction, lane, want);
    }
    Ok(())
}

impl Messages {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> Messages {
        Messages { table }
    }

    /// The account of a lane, which is used from now on if it was not before.
    ///
    /// # Errors
    /// As the table says.
    pub async fn open(&self, lane: &MessageLane, now: Timestamp) -> Result<Account, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            if let Some(account) = account::read(transaction.as_mut(), lane).await? {
                return Ok((transaction, account));
            }
            let account = Account { since: now, ..Account::default() };
            account::write(transaction.as_mut(), lane, account);
            Ok((transaction, account))
        })
        .await
    }

    /// How the account of a lane stands.
    ///
    /// # Errors
    /// As the table says.
    pub async fn account(&self, lane: &MessageLane) -> Result<Account, StoreError> {
        Ok(account::read(self.table.begin().await?.as_mut(), lane).await?.unwrap_or_default())
    }

    /// Up to `limit` messages of a lane that are due in one of these classes, the most urgent class first.
    ///
    /// # Errors
    /// As the table says.
    pub async fn due(
        &self,
        lane: &MessageLane,
        classes: &[Class],
        now: Timestamp,
        limit: usize,
    ) -> Result<Due, StoreError> {
        let mut transaction = self.table.begin().await?;
        let mut due = Due::default();
        let mut places = Vec::new();
        for class in classes {
            let (begin, end) = MessageDueKey::range(lane, class.number());
            let room = limit.saturating_sub(places.len());
            // One more than is taken: it says when the next is due.
            for (key, _) in transaction.range(&begin, &end, room + 1, false).await? {
                let MessageDueKey { due_at, place, .. } = MessageDueKey::unpack(&key)?;
                if due_at > now || places.len() >= limit {
                    due.next_at = Some(due.next_at.map_or(due_at, |at| at.min(due_at)));
                    break;
                }
                places.push(place);
            }
        }
        transaction.read_ahead(places.iter().map(|place| pending_key(lane, *place)).collect()).await?;
        for place in places {
            due.wants.push(waiting(transaction.as_mut(), lane, place).await?);
        }
        Ok(due)
    }

    /// Since when the oldest message of a lane waits; `None`: none does.
    ///
    /// # Errors
    /// As the table says.
    pub async fn oldest(&self, lane: &MessageLane) -> Result<Option<Timestamp>, StoreError> {
        let (begin, end) = MessagePendingKey::range(lane);
        let rows = self.table.begin().await?.range(&begin, &end, 1, false).await?;
        rows.first().map(|(key, _)| Ok(MessagePendingKey::unpack(key)?.place.at)).transpose()
    }

    /// Whether so many messages of class bulk wait in a lane that a broadcast should not page on.
    ///
    /// # Errors
    /// As the table says.
    pub async fn is_full_of_bulk(&self, lane: &MessageLane) -> Result<bool, StoreError> {
        let (begin, end) = MessageDueKey::range(lane, Class::Bulk.number());
        let rows = self.table.begin().await?.range(&begin, &end, BULK_WAITING_MAX, false).await?;
        Ok(rows.len() >= BULK_WAITING_MAX)
    }

    /// Keeps what became of messages of one lane that were tried together, how often its account has failed, and until when nothing is sent
    /// through it.
    ///
    /// # Errors
    /// As the table says.
    pub async fn record(
        &self,
        lane: &MessageLane,
        outcomes: &[Outcome],
        standing: (u32, Option<Timestamp>),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            record::record(transaction.as_mut(), lane, outcomes, standing, now).await?;
            Ok((transaction, ()))
        })
        .await
    }

    /// Up to `limit` dead letters of a lane, or messages that ended otherwise, the youngest first, before `before_place`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn finished(
        &self,
        lane: &MessageLane,
        is_dead: bool,
        before_place: Option<MessagePlace>,
        limit: usize,
    ) -> Result<Vec<Finished>, StoreError> {
        let (begin, last) = MessageFinishedKey::range(lane, is_dead);
        let end = before_place
            .map_or(last, |place| MessageFinishedKey { lane: lane.clone(), is_dead, place }.pack());
        let rows = self.table.begin().await?.range(&begin, &end, limit, true).await?;
        let finished = |(key, row): &Row| Finished::decode(MessageFinishedKey::unpack(key)?.place, row);
        rows.iter().map(finished).collect()
    }

    /// Sends these dead letters of a lane again, as if they had never been tried. How many there were.
    ///
    /// # Errors
    /// As the table says.
    pub async fn replay(
        &self,
        lane: &MessageLane,
        places: &[MessagePlace],
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let keys: Vec<_> = places
            .iter()
            .take(REPLAYED_AT_ONCE_MAX)
            .map(|place| MessageFinishedKey { lane: lane.clone(), is_dead: true, place: *place })
            .collect();
        let keys = &keys;
        transact(self.table.as_ref(), |mut transaction| async move {
            let mut found = Vec::new();
            for key in keys {
                if let Some(row) = transaction.get(&key.pack()).await? {
                    found.push((key.pack(), row));
                }
            }
            let count = revive(transaction.as_mut(), lane, &found, now).await?;
            Ok((transaction, count))
        })
        .await
    }

    /// Sends the dead letters of a lane again that ended at `since` or later, up to [`REPLAYED_AT_ONCE_MAX`], the oldest first.
    ///
    /// # Errors
    /// As the table says.
    pub async fn replay_since(
        &self,
        lane: &MessageLane,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Replayed, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let (first, end) = MessageFinishedKey::range(lane, true);
            let place = MessagePlace {
                at: since,
                event: tessera_inventory::EventId(0),
                sequence: tessera_inventory::Sequence::ZERO,
                recipient: 0,
                kind: 0,
            };
            let from = MessageFinishedKey { lane: lane.clone(), is_dead: true, place }.pack();
            let begin = from.clamp(first, end.clone());
            let rows = transaction.range(&begin, &end, REPLAYED_AT_ONCE_MAX, false).await?;
            let messages = revive(transaction.as_mut(), lane, &rows, now).await?;
            Ok((transaction, Replayed { messages, is_more: rows.len() == REPLAYED_AT_ONCE_MAX }))
        })
        .await
    }

    /// Up to `limit` messages of a lane that wait, the oldest first, after `after_place`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn pending(
        &self,
        lane: &MessageLane,
        after_place: Option<MessagePlace>,
        limit: usize,
    ) -> Result<Vec<Want>, StoreError> {
        let (first, end) = MessagePendingKey::range(lane);
        let key = |place| after(MessagePendingKey { lane: lane.clone(), place }.pack());
        let begin = after_place.map_or(first, key);
        let rows = self.table.begin().await?.range(&begin, &end, limit, false).await?;
        rows.iter().map(|(key, row)| Want::decode(MessagePendingKey::unpack(key)?.place, row)).collect()
    }
}

async fn waiting(
    transaction: &mut dyn Transaction,
    lane: &MessageLane,
    place: MessagePlace,
) -> Result<Want, StoreError> {
    let row = transaction.get(&pending_key(lane, place)).await?;
    let lacking = || StoreError::Damaged { reason: "a message is due that does not wait".to_owned() };
    Want::decode(place, &row.ok_or_else(lacking)?)
}

/// Dead letters wait again, under the names that they had.
async fn revive(
    transaction: &mut dyn Transaction,
    lane: &MessageLane,
    rows: &[Row],
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut account = account::read(transaction, lane).await?.unwrap_or_default();
    for (key, row) in rows {
        let Finished { want, since, .. } = Finished::decode(MessageFinishedKey::unpack(key)?.place, row)?;
        transaction.clear(key);
        let place = MessagePlace { at: since, ..want.place };
        let again = Want { place, due_at: now, attempts: 0, ..want };
        record::wait(transaction, lane, &again);
    }
    account.dead = account.dead.saturating_sub(rows.len() as u64);
    account::write(transaction, lane, account);
    Ok(rows.len())
}
