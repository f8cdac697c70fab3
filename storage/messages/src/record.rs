//! What became of messages that were tried.

use tessera_inventory::Timestamp;
use tessera_store::keys::{MessageDueKey, MessageFinishedKey, MessageLane, MessagePlace};
use tessera_store::{StoreError, Transaction};

use crate::account::{self, Account};
use crate::messages::pending_key;
use crate::read::shortened;
use crate::want::{Ended, Finished, Want};
use crate::{DEAD_KEPT, FINISHED_KEPT, REASON_BYTES_MAX};

/// Rows of ended messages that one transaction removes at most, of each sort: more than it writes.
const TRIMMED_AT_ONCE: usize = 64;

/// What follows from an attempt, or from a look at a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has ended.
    Ended(Ended),
    /// It is tried again then; this attempt counts.
    Again(Timestamp),
    /// It is tried then; it was not its turn, and nothing counts.
    Later(Timestamp),
}

/// A message, and what follows for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which message, as it was before.
    pub want: Want,
    /// What follows.
    pub verdict: Verdict,
    /// What went wrong, for the organizer.
    pub error: Option<String>,
}

/// Keeps what became of messages of a lane, and how its account stands. What is not as it was is passed over.
pub(crate) async fn record(
    transaction: &mut dyn Transaction,
    lane: &MessageLane,
    outcomes: &[Outcome],
    (failures, paused_until): (u32, Option<Timestamp>),
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut account = account::read(transaction, lane).await?.unwrap_or_default();
    let pending = outcomes.iter().map(|outcome| pending_key(lane, outcome.want.place));
    transaction.read_ahead(pending.collect()).await?;
    for outcome in outcomes {
        settle(transaction, lane, outcome, &mut account, now).await?;
    }
    (account.failures, account.paused_until) = (failures, paused_until);
    account.finished = trim(transaction, lane, false, (account.finished, FINISHED_KEPT)).await?;
    account.dead = trim(transaction, lane, true, (account.dead, DEAD_KEPT)).await?;
    account::write(transaction, lane, account);
    Ok(())
}

pub(crate) fn wait(transaction: &mut dyn Transaction, lane: &MessageLane, want: &Want) {
    let (due_at, place, class) = (want.due_at, want.place, want.kind.class().number());
    transaction.set(&pending_key(lane, place), &want.encode());
    transaction.set(&MessageDueKey { lane: lane.clone(), class, due_at, place }.pack(), &[]);
}

/// Nothing waits there any more.
fn leave(transaction: &mut dyn Transaction, lane: &MessageLane, want: &Want) {
    let (due_at, place, class) = (want.due_at, want.place, want.kind.class().number());
    transaction.clear(&pending_key(lane, place));
    transaction.clear(&MessageDueKey { lane: lane.clone(), class, due_at, place }.pack());
}

async fn settle(
    transaction: &mut dyn Transaction,
    lane: &MessageLane,
    outcome: &Outcome,
    account: &mut Account,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Outcome { want, verdict, error } = outcome;
    // Recorded already, by an attempt of unknown outcome of this transaction.
    if transaction.get(&pending_key(lane, want.place)).await? != Some(want.encode()) {
        return Ok(());
    }
    let last_error = error.as_deref().map(|error| shortened(error, REASON_BYTES_MAX));
    match *verdict {
        Verdict::Again(due_at) => {
            leave(transaction, lane, want);
            let attempts = want.attempts.saturating_add(1);
            wait(transaction, lane, &Want { due_at, attempts, last_error, ..want.clone() });
        }
        Verdict::Later(due_at) => {
            leave(transaction, lane, want);
            wait(transaction, lane, &Want { due_at, last_error, ..want.clone() });
        }
        Verdict::Ended(ended) => {
            leave(transaction, lane, want);
            let (is_dead, place) = (ended == Ended::Dead, MessagePlace { at: now, ..want.place });
            let tried = u32::from(matches!(ended, Ended::Delivered | Ended::Dead));
            let attempts = want.attempts.saturating_add(tried);
            let ended_as = Want { place, attempts, last_error, ..want.clone() };
            let finished = Finished { want: ended_as, since: want.place.at, ended };
            transaction
                .set(&MessageFinishedKey { lane: lane.clone(), is_dead, place }.pack(), &finished.encode());
            if is_dead { account.dead += 1 } else { account.finished += 1 }
        }
    }
    Ok(())
}

/// The oldest leave. How many are left.
async fn trim(
    transaction: &mut dyn Transaction,
    lane: &MessageLane,
    is_dead: bool,
    (count, kept): (u64, u64),
) -> Result<u64, StoreError> {
    let beyond = usize::try_from(count.saturating_sub(kept)).unwrap_or(usize::MAX).min(TRIMMED_AT_ONCE);
    if beyond == 0 {
        return Ok(count);
    }
    let (begin, end) = MessageFinishedKey::range(lane, is_dead);
    let rows = transaction.range(&begin, &end, beyond, false).await?;
    for (key, _) in &rows {
        transaction.clear(key);
    }
    Ok(count.saturating_sub(rows.len() as u64))
}
