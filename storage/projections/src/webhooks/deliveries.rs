//! What is to be delivered to endpoints, and what became of it.

use std::sync::Arc;

use tessera_inventory::{EventId, Sequence, Timestamp};
use tessera_store::{
    Row, StoreError, Table, Transaction,
    keys::{
        FollowerCursor, WebhookDueKey, WebhookFinishedKey, WebhookPendingKey, WebhookPlace,
        WebhookStandingKey,
    },
    transact,
};

use super::{
    Delivery, Disabled, ERROR_BYTES_MAX, Endpoint, EndpointId, FAILING_MS_MAX, FINISHED_KEPT, Finished,
    PENDING_LOW, PENDING_MAX, Standing, Why, endpoints,
};
use crate::damage::damaged;
use crate::follower_cursors::{Advance, advance_in};
use crate::page::after;

/// Finished rows that one transaction removes at most: more than it writes.
const TRIMMED_AT_ONCE: usize = 64;

/// One attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it was made.
    pub at: Timestamp,
    /// The HTTP status that was answered, if one was.
    pub status: Option<u16>,
    /// What went wrong where none was, for the organizer.
    pub error: Option<String>,
}

/// What follows from an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken.
    Delivered,
    /// It is tried again then.
    Again(Timestamp),
    /// It is tried again then, if the endpoint, which said that it is gone, is enabled again.
    Gone(Timestamp),
    /// It is not tried any more.
    GivenUp,
}

/// A delivery, its attempt, and what follows.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Which delivery, as it was before the attempt.
    pub delivery: Delivery,
    /// The attempt.
    pub attempt: Attempt,
    /// What follows.
    pub verdict: Verdict,
}

/// Messages for one endpoint.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Which.
    pub endpoint: EndpointId,
    /// The messages, in order.
    pub deliveries: Vec<Delivery>,
}

/// What became of a step along a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// What became of the cursor.
    pub advance: Advance,
    /// Endpoints that this step disabled, since too much would wait for them.
    pub disabled: Vec<EndpointId>,
}

/// What became of messages that somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// They wait.
    Waits,
    /// More than [`PENDING_LOW`] would wait: none of them does.
    NoRoom {
        /// What waits.
        pending: u64,
    },
    /// There is no such endpoint, or nothing is sent to it.
    Disabled,
}

/// What an endpoint has to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What is due, in order.
    pub deliveries: Vec<Delivery>,
    /// When the next is, where nothing is due.
    pub next_at: Option<Timestamp>,
    /// Since when the oldest waits.
    pub oldest: Option<Timestamp>,
    /// How it stands.
    pub standing: Standing,
}

/// Deliveries of webhooks, over a table.
#[derive(Clone)]
pub struct Deliveries {
    table: Arc<dyn Table>,
}

impl Deliveries {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> Deliveries {
        Deliveries { table }
    }

    /// Keep messages about the log of `event` and move the cursor of `follower` to `through`, both or neither. An endpoint for which more
    /// than [`PENDING_MAX`] would wait is disabled instead.
    ///
    /// # Errors
    /// As the table says.
    pub async fn follow(
        &self,
        (event, follower): (EventId, &str),
        expected: FollowerCursor,
        through: Sequence,
        (batches, now): (&[Batch], Timestamp),
    ) -> Result<Followed, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let moved = advance_in(transaction.as_mut(), (event, follower), expected, through).await?;
            if moved.is_none() {
                tell_in(transaction.as_mut(), batches, now).await?;
            }
            let next = FollowerCursor { sequence: through, ..expected };
            let advance = moved.unwrap_or(Advance::Advanced(next));
            let disabled = match advance {
                Advance::Advanced(_) => disabled_in(transaction.as_mut(), batches, now).await?,
                Advance::Fenced { .. } => Vec::new(),
            };
            Ok((transaction, Followed { advance, disabled }))
        })
        .await
    }

    /// Keep messages that somebody asks for, all or none.
    ///
    /// # Errors
    /// As the table says.
    pub async fn enqueue(&self, batch: &Batch) -> Result<Asked, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let asked = enqueue(transaction.as_mut(), batch).await?;
            Ok((transaction, asked))
        })
        .await
    }

    /// Up to `limit` deliveries of an endpoint that are due; fewer, one, while it fails, and none in its pauses.
    ///
    /// # Errors
    /// As the table says.
    pub async fn due(&self, endpoint: u128, now: Timestamp, limit: usize) -> Result<Due, StoreError> {
        let mut transaction = self.table.begin().await?;
        let standing = standing(transaction.as_mut(), endpoint).await?;
        let limit = if standing.failing_since.is_some() { 1 } else { limit };
        let (begin, end) = WebhookDueKey::range(endpoint);
        let rows = transaction.range(&begin, &end, limit, false).await?;
        let mut due = Due { deliveries: Vec::new(), next_at: None, oldest: None, standing };
        for (key, _) in rows {
            let WebhookDueKey { due_at, place, .. } = WebhookDueKey::unpack(&key)?;
            let at = standing.paused_until.map_or(due_at, |until| until.max(due_at));
            if at > now {
                due.next_at = Some(at);
                break;
            }
            let row = transaction.get(&WebhookPendingKey { endpoint, place }.pack()).await?;
            let row = row.ok_or_else(|| damaged("a webhook is due that does not wait".to_owned()))?;
            due.deliveries.push(Delivery::decode(place, &row)?);
        }
        let (begin, end) = WebhookPendingKey::range(endpoint);
        let oldest = transaction.range(&begin, &end, 1, false).await?;
        if let Some((key, _)) = oldest.first() {
            due.oldest = Some(WebhookPendingKey::unpack(key)?.place.at);
        }
        Ok(due)
    }

    /// Keep what became of deliveries of one endpoint that were tried together, and until when nothing is sent to it then. What is not
    /// there any more is passed over. Why the endpoint is disabled now, if that follows.
    ///
    /// # Errors
    /// As the table says.
    pub async fn record(
        &self,
        id: EndpointId,
        outcomes: &[Outcome],
        paused_until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<Why>, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let disabled = record(transaction.as_mut(), id, (outcomes, paused_until), now).await?;
            Ok((transaction, disabled))
        })
        .await
    }

    /// How an endpoint stands.
    ///
    /// # Errors
    /// As the table says.
    pub async fn standing(&self, endpoint: u128) -> Result<Standing, StoreError> {
        standing(self.table.begin().await?.as_mut(), endpoint).await
    }

    /// Up to `limit` deliveries that wait, the oldest first, after `after_place`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn pending(
        &self,
        endpoint: u128,
        after_place: Option<WebhookPlace>,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let (first, end) = WebhookPendingKey::range(endpoint);
        let begin = after_place.map_or(first, |place| after(WebhookPendingKey { endpoint, place }.pack()));
        let rows = self.table.begin().await?.range(&begin, &end, limit, false).await?;
        let delivery = |(key, row): &Row| Delivery::decode(WebhookPendingKey::unpack(key)?.place, row);
        rows.iter().map(delivery).collect()
    }

    /// Up to `limit` deliveries that have ended, the youngest first, before `before_place`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn finished(
        &self,
        endpoint: u128,
        before_place: Option<WebhookPlace>,
        limit: usize,
    ) -> Result<Vec<Finished>, StoreError> {
        let (begin, last) = WebhookFinishedKey::range(endpoint);
        let end = before_place.map_or(last, |place| WebhookFinishedKey { endpoint, place }.pack());
        let rows = self.table.begin().await?.range(&begin, &end, limit, true).await?;
        let finished = |(key, row): &Row| Finished::decode(WebhookFinishedKey::unpack(key)?.place, row);
        rows.iter().map(finished).collect()
    }
}

pub(super) async fn standing(
    transaction: &mut dyn Transaction,
    endpoint: u128,
) -> Result<Standing, StoreError> {
    let row = transaction.get(&WebhookStandingKey { endpoint }.pack()).await?;
    row.map_or(Ok(Standing::default()), |row| Standing::decode(&row))
}

pub(super) fn write_standing(transaction: &mut dyn Transaction, endpoint: u128, standing: Standing) {
    transaction.set(&WebhookStandingKey { endpoint }.pack(), &standing.encode());
}

/// Keeps messages about a log in a transaction that moves a follower's cursor.
///
/// # Errors
/// As the transaction says.
pub async fn tell_in(
    transaction: &mut dyn Transaction,
    batches: &[Batch],
    now: Timestamp,
) -> Result<(), StoreError> {
    for batch in batches {
        tell(transaction, batch, now).await?;
    }
    Ok(())
}

/// The endpoints that [`tell_in`] disabled, since too much would wait for them; read again, since an attempt of unknown outcome may have
/// done it.
///
/// # Errors
/// As the transaction says.
pub async fn disabled_in(
    transaction: &mut dyn Transaction,
    batches: &[Batch],
    now: Timestamp,
) -> Result<Vec<EndpointId>, StoreError> {
    let mut disabled = Vec::new();
    for Batch { endpoint, .. } in batches {
        let found = endpoints::read(transaction, *endpoint).await?;
        let backlog = Disabled { at: now, why: Why::Backlog };
        if found.and_then(|found| found.disabled) == Some(backlog) {
            disabled.push(*endpoint);
        }
    }
    Ok(disabled)
}

/// What has happened waits, all of it, or its endpoint is disabled. One that is gone or does not listen any more is told nothing.
async fn tell(transaction: &mut dyn Transaction, batch: &Batch, now: Timestamp) -> Result<(), StoreError> {
    let found = endpoints::read(transaction, batch.endpoint).await?;
    let Some(mut found) = found.filter(Endpoint::listens) else { return Ok(()) };
    let stands = standing(transaction, batch.endpoint.endpoint).await?;
    if stands.pending + batch.deliveries.len() as u64 > PENDING_MAX {
        disable(transaction, &mut found, Why::Backlog, now);
        return Ok(());
    }
    keep(transaction, batch, stands);
    Ok(())
}

/// What somebody asks for waits, all of it, or nothing.
async fn enqueue(transaction: &mut dyn Transaction, batch: &Batch) -> Result<Asked, StoreError> {
    let EndpointId { endpoint, .. } = batch.endpoint;
    let found = endpoints::read(transaction, batch.endpoint).await?;
    if found.is_none_or(|found| found.disabled.is_some()) {
        return Ok(Asked::Disabled);
    }
    for Delivery { place, .. } in &batch.deliveries {
        // They wait already, by an attempt of unknown outcome of this transaction.
        if transaction.get(&WebhookPendingKey { endpoint, place: *place }.pack()).await?.is_some() {
            return Ok(Asked::Waits);
        }
    }
    let stands = standing(transaction, endpoint).await?;
    if stands.pending + batch.deliveries.len() as u64 > PENDING_LOW {
        return Ok(Asked::NoRoom { pending: stands.pending });
    }
    keep(transaction, batch, stands);
    Ok(Asked::Waits)
}

fn keep(transaction: &mut dyn Transaction, batch: &Batch, mut stands: Standing) {
    let EndpointId { endpoint, .. } = batch.endpoint;
    for delivery in &batch.deliveries {
        wait(transaction, endpoint, delivery);
    }
    stands.pending += batch.deliveries.len() as u64;
    write_standing(transaction, endpoint, stands);
}

fn wait(transaction: &mut dyn Transaction, endpoint: u128, delivery: &Delivery) {
    let Delivery { place, due_at, .. } = *delivery;
    transaction.set(&WebhookPendingKey { endpoint, place }.pack(), &delivery.encode());
    transaction.set(&WebhookDueKey { endpoint, due_at, place }.pack(), &[]);
}

fn disable(transaction: &mut dyn Transaction, endpoint: &mut Endpoint, why: Why, now: Timestamp) {
    endpoint.disabled = Some(Disabled { at: now, why });
    endpoints::write(transaction, endpoint);
}

async fn record(
    transaction: &mut dyn Transaction,
    id: EndpointId,
    (outcomes, paused_until): (&[Outcome], Option<Timestamp>),
    now: Timestamp,
) -> Result<Option<Why>, StoreError> {
    let EndpointId { endpoint, .. } = id;
    let Some(mut found) = endpoints::read(transaction, id).await? else { return Ok(None) };
    let mut stands = standing(transaction, endpoint).await?;
    let mut tried = Vec::new();
    for outcome in outcomes {
        if settle(transaction, endpoint, outcome, &mut stands).await? {
            tried.push(outcome);
        }
    }
    if !tried.is_empty() {
        judge(&mut stands, &tried);
        stands.paused_until = paused_until;
    }
    let failing_since = stands.failing_since;
    if stands.pending == 0 {
        // What failed is given up, and nothing is known of what comes next.
        (stands.failing_since, stands.failures) = (None, 0);
    }
    trim(transaction, endpoint, &mut stands).await?;
    write_standing(transaction, endpoint, stands);
    if found.catches_up && stands.pending <= PENDING_LOW {
        (found.catches_up, found.told_from) = (false, now);
        endpoints::write(transaction, &found);
    }
    let gone = tried.iter().any(|outcome| matches!(outcome.verdict, Verdict::Gone(_)));
    let failing = |since: Timestamp| now.0.saturating_sub(since.0) >= FAILING_MS_MAX;
    let why = match (gone, failing_since) {
        (true, _) => Some(Why::Gone),
        (false, Some(since)) if failing(since) => Some(Why::Failing),
        (false, _) => None,
    };
    let why = why.filter(|_| found.disabled.is_none());
    if let Some(why) = why {
        disable(transaction, &mut found, why, now);
    }
    Ok(why)
}

/// A delivery waits on, or has ended. `false`: it was not there as it was tried.
async fn settle(
    transaction: &mut dyn Transaction,
    endpoint: u128,
    outcome: &Outcome,
    stands: &mut Standing,
) -> Result<bool, StoreError> {
    let place = outcome.delivery.place;
    let pending = WebhookPendingKey { endpoint, place }.pack();
    let stored = transaction.get(&pending).await?;
    // Recorded already, by an attempt of unknown outcome of this transaction.
    if stored != Some(outcome.delivery.encode()) {
        return Ok(false);
    }
    transaction.clear(&WebhookDueKey { endpoint, due_at: outcome.delivery.due_at, place }.pack());
    match outcome.verdict {
        Verdict::Again(due_at) | Verdict::Gone(due_at) => {
            wait(transaction, endpoint, &tried(outcome, due_at));
        }
        Verdict::Delivered | Verdict::GivenUp => {
            transaction.clear(&pending);
            let (place, finished) = finished(outcome);
            transaction.set(&WebhookFinishedKey { endpoint, place }.pack(), &finished);
            stands.pending = stands.pending.saturating_sub(1);
            stands.finished += 1;
        }
    }
    Ok(true)
}

/// How an endpoint stands after attempts: it fails if none of them succeeded. One message that it does not like says nothing of the others.
fn judge(stands: &mut Standing, tried: &[&Outcome]) {
    if tried.iter().any(|outcome| outcome.verdict == Verdict::Delivered) {
        (stands.failing_since, stands.failures) = (None, 0);
    } else {
        let first = tried.iter().map(|outcome| outcome.attempt.at).min();
        stands.failing_since = stands.failing_since.or(first);
        stands.failures = stands.failures.saturating_add(1);
    }
}

/// The delivery after an attempt that is not the last.
fn tried(outcome: &Outcome, due_at: Timestamp) -> Delivery {
    let attempts = outcome.delivery.attempts + 1;
    Delivery { due_at, attempts, last: Some(cut(&outcome.attempt)), ..outcome.delivery.clone() }
}

fn finished(outcome: &Outcome) -> (WebhookPlace, Vec<u8>) {
    let Outcome { delivery, attempt, verdict } = outcome;
    let finished = Finished {
        place: WebhookPlace { at: attempt.at, ..delivery.place },
        kind: delivery.kind.clone(),
        since: delivery.place.at,
        attempts: delivery.attempts + 1,
        delivered: *verdict == Verdict::Delivered,
        last: cut(attempt),
    };
    (finished.place, finished.encode())
}

fn cut(attempt: &Attempt) -> Attempt {
    let error = attempt.error.as_ref().map(|error| {
        let end = error.floor_char_boundary(ERROR_BYTES_MAX);
        error[..end].to_owned()
    });
    Attempt { error, ..attempt.clone() }
}

/// Removes the oldest of those that have ended, beyond what is kept.
async fn trim(
    transaction: &mut dyn Transaction,
    endpoint: u128,
    stands: &mut Standing,
) -> Result<(), StoreError> {
    let excess = stands.finished.saturating_sub(FINISHED_KEPT);
    let excess = usize::try_from(excess).unwrap_or(usize::MAX).min(TRIMMED_AT_ONCE);
    if excess == 0 {
        return Ok(());
    }
    let (begin, end) = WebhookFinishedKey::range(endpoint);
    for (key, _) in transaction.range(&begin, &end, excess, false).await? {
        transaction.clear(&key);
        stands.finished -= 1;
    }
    Ok(())
}
