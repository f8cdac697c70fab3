//! One round of a lane: what became of what has ended is kept, and what is due is begun. And one attempt.

use std::sync::Arc;

use tessera_correspondence::{Class, Ended, Messages, Outcome, Verdict, Want};
use tessera_inventory::Timestamp;
use tessera_store::StoreError;

use super::decide::{self, Heard, is_overtaken, shared_out};
use super::lane::{Brought, Tried};
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
    /// As much is under way as may be.
    Full,
    /// The next is due then, or the pause of its account is over.
    At(Timestamp),
    /// Nothing waits.
    Nothing,
}

/// What a round leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) next: Next,
    /// Messages that are to be tried now.
    pub(crate) begun: Vec<Want>,
    /// How often the account has failed.
    pub(crate) failures: u32,
    /// How much of what had ended is kept.
    pub(crate) recorded: usize,
    /// Since when the oldest waits.
    pub(crate) oldest: Option<Timestamp>,
    /// Whether the account is left alone.
    pub(crate) is_paused: bool,
}

/// Keeps what became of what has ended, and finds what is to be begun.
pub(super) async fn run(
    shared: &Shared,
    channel: &dyn Channel,
    brought: Brought,
) -> Result<Rest, StoreError> {
    let Brought { ended, under_way, held, allowed } = brought;
    let (lane, messages) = (channel.lane(), Messages::new(Arc::clone(&shared.table)));
    let mut account = messages.account(&lane).await?;
    let (now, recorded) = (shared.environment.clock.wall(), ended.len());
    if recorded > 0 {
        let (outcomes, heard): (Vec<Outcome>, Vec<Heard>) = ended.into_iter().unzip();
        let standing = decide::standing(account, &heard, now, &*shared.environment.random);
        messages.record(&lane, &outcomes, standing, now).await?;
        (account.failures, account.paused_until) = standing;
    }
    let failures = account.failures;
    let rest = |next, begun, oldest, is_paused| Rest { next, begun, failures, recorded, oldest, is_paused };
    if let Some(until) = account.paused_until.filter(|until| *until > now) {
        let oldest = messages.oldest(&lane).await?;
        let next = if oldest.is_some() { Next::At(until) } else { Next::Nothing };
        return Ok(rest(next, Vec::new(), oldest, oldest.is_some()));
    }
    let places = if failures > 0 { 1 } else { LANE_IN_FLIGHT_MAX };
    let room = places.saturating_sub(held.all()).min(allowed);
    if room == 0 {
        let oldest = messages.oldest(&lane).await?;
        return Ok(rest(Next::Full, Vec::new(), oldest, false));
    }
    // What is under way is due, too.
    let most = room + under_way.len();
    let fresh = |wants: Vec<Want>| {
        wants.into_iter().filter(|want| !under_way.contains(&want.place)).collect::<Vec<_>>()
    };
    let emergencies = messages.due(&lane, &[Class::Emergency], now, most).await?;
    let others = messages.due(&lane, &OTHERS, now, most).await?;
    let oldest = messages.oldest(&lane).await?;
    let wants = shared_out(fresh(emergencies.wants), fresh(others.wants), room, held);
    if wants.is_empty() {
        let next_at = [emergencies.next_at, others.next_at].into_iter().flatten().min();
        let next = next_at.map_or(Next::Nothing, Next::At);
        return Ok(rest(next, Vec::new(), oldest, false));
    }
    Ok(rest(Next::AtOnce, wants, oldest, false))
}

/// One attempt that stands for itself: where it breaks, its message has failed, and what became of the others is kept.
///
/// # Errors
/// That of a store that nothing can be kept in any more either.
pub(super) async fn alone(
    shared: &Shared,
    desk: &Desk,
    channel: &dyn Channel,
    want: Want,
) -> Result<Tried, StoreError> {
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
) -> Result<Tried, StoreError> {
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
    if let Sent::Refused { reason, is_address_dead: true } | Sent::Untried { reason, is_address_dead: true } =
        &sent
        && let Err(error) = desk.suppress(channel, &address, reason, now).await
    {
        tracing::warn!(channel = channel.medium().name(), %error, "a dead address could not be remembered");
    }
    Ok((decide::outcome(want, &sent, now, random), Some(sent)))
}
