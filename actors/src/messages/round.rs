//! One round of a lane: what is due is sent, and what became of it is kept.

use std::sync::Arc;

use futures::future::join_all;
use tessera_correspondence::{Class, Ended, Messages, Outcome, Verdict, Want};
use tessera_inventory::Timestamp;
use tessera_store::StoreError;

use super::decide::{self, is_overtaken, shared_out};
use super::letter::{Desk, Looked};
use super::{Channel, LANE_IN_FLIGHT_MAX, Sent};
use crate::blocking::caught;
use crate::shared::Shared;

/// The classes besides emergencies.
const OTHERS: [Class; 3] = [Class::Urgent, Class::Usual, Class::Bulk];

/// What a lane does after a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// There may be more that is due.
    AtOnce,
    /// The next is due then, or the pause of its account is over.
    At(Timestamp),
    /// Nothing waits.
    Nothing,
}

/// What a round leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) next: Next,
    /// Messages that were sent, or tried.
    pub(crate) sent: usize,
    /// Since when the oldest waits.
    pub(crate) oldest: Option<Timestamp>,
    /// Whether the account is left alone.
    pub(crate) is_paused: bool,
}

/// Sends up to `allowed` messages of what is due through a channel.
pub(super) async fn run(
    shared: &Arc<Shared>,
    channel: &Arc<dyn Channel>,
    allowed: usize,
) -> Result<(Rest, Vec<Outcome>), StoreError> {
    let (lane, messages) = (channel.lane(), Messages::new(Arc::clone(&shared.table)));
    let now = shared.environment.clock.wall();
    let account = messages.account(&lane).await?;
    if let Some(until) = account.paused_until.filter(|until| *until > now) {
        let oldest = messages.due(&lane, &[], now, 0).await?.oldest;
        let next = if oldest.is_some() { Next::At(until) } else { Next::Nothing };
        return Ok((Rest { next, sent: 0, oldest, is_paused: oldest.is_some() }, Vec::new()));
    }
    let room = if account.failures > 0 { 1 } else { allowed.min(LANE_IN_FLIGHT_MAX) };
    let emergencies = messages.due(&lane, &[Class::Emergency], now, room).await?;
    let others = messages.due(&lane, &OTHERS, now, room).await?;
    let oldest = others.oldest;
    let wants = shared_out(emergencies.wants, others.wants, room);
    if wants.is_empty() {
        let next_at = [emergencies.next_at, others.next_at].into_iter().flatten().min();
        let next = next_at.map_or(Next::Nothing, Next::At);
        return Ok((Rest { next, sent: 0, oldest, is_paused: false }, Vec::new()));
    }
    let desk = Desk::new(shared);
    let tried = join_all(wants.into_iter().map(|want| alone(shared, &desk, &**channel, want))).await;
    let tried: Vec<_> = tried.into_iter().collect::<Result<_, _>>()?;
    let now = shared.environment.clock.wall();
    let sents: Vec<Sent> = tried.iter().filter_map(|(_, sent)| sent.clone()).collect();
    let outcomes: Vec<Outcome> = tried.into_iter().map(|(outcome, _)| outcome).collect();
    let standing = decide::standing(account.failures, &sents, now, &*shared.environment.random);
    messages.record(&lane, &outcomes, standing, now).await?;
    let is_paused = standing.1.is_some();
    Ok((Rest { next: Next::AtOnce, sent: sents.len(), oldest, is_paused }, outcomes))
}

/// One attempt that stands for itself: where it breaks, its message has failed, and what became of the others is kept.
///
/// # Errors
/// That of a store that nothing can be kept in any more either.
async fn alone(
    shared: &Shared,
    desk: &Desk,
    channel: &dyn Channel,
    want: Want,
) -> Result<(Outcome, Option<Sent>), StoreError> {
    let reason = match Box::pin(caught(attempt(shared, desk, channel, want.clone()))).await {
        Ok(Err(error @ (StoreError::Fatal { .. } | StoreError::Locked { .. }))) => return Err(error),
        Ok(Ok(tried)) => return Ok(tried),
        Ok(Err(error)) => format!("what it says could not be read: {error}"),
        Err(panicked) => format!("the attempt panicked: {}", panicked.reason),
    };
    let (medium, now) = (channel.medium().name(), shared.environment.clock.wall());
    tracing::error!(channel = medium, reason, "an attempt to send a message broke");
    let sent = Sent::Failed { reason, is_account: false, not_before: None };
    // It says nothing of the account.
    Ok((decide::outcome(want, &sent, now, &*shared.environment.random), None))
}

/// Sends one message, if it is still to be sent: what follows for it, and what came of the attempt, if there was one.
async fn attempt(
    shared: &Shared,
    desk: &Desk,
    channel: &dyn Channel,
    want: Want,
) -> Result<(Outcome, Option<Sent>), StoreError> {
    let now = shared.environment.clock.wall();
    let ended = |want, ended| (Outcome { want, verdict: Verdict::Ended(ended), error: None }, None);
    if is_overtaken(&want, now) {
        return Ok(ended(want, Ended::Overtaken));
    }
    let random = &*shared.environment.random;
    let letter = match desk.look(channel, want.clone()).await? {
        Looked::Letter(letter) => *letter,
        Looked::NoAddress => return Ok(ended(want, Ended::NoAddress)),
        Looked::Pointless => return Ok(ended(want, Ended::Overtaken)),
        Looked::NotNow(reason) => {
            let sent = Sent::Failed { reason, is_account: false, not_before: None };
            // It says nothing of the account.
            return Ok((decide::outcome(want, &sent, now, random), None));
        }
    };
    let address = letter.address.clone();
    let sent = channel.send(letter).await;
    let now = shared.environment.clock.wall();
    // It has been sent: what is not remembered of its address is found again with the next.
    if let Sent::Refused { reason, is_address_dead: true } = &sent
        && let Err(error) = desk.suppress(channel, &address, reason, now).await
    {
        tracing::warn!(channel = channel.medium().name(), %error, "a dead address could not be remembered");
    }
    Ok((decide::outcome(want, &sent, now, random), Some(sent)))
}
