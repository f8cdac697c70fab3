//! The follower of the waitlist: who waits, who was offered what and who left, as rows, in the transaction that moves its cursor. Where nobody
//! ever waited, and nobody may since it looked last, it reads nothing and only keeps its place.

use std::sync::Arc;

use tessera_inventory::{Event, EventId, Sequence};
use tessera_projections::follower_cursors::{Advance, FollowerCursors, STORE_EVERY_EVENTS};
use tessera_projections::waitlist::{FOLLOWER, Waitlists, concerns};
use tessera_store::StoreError;
use tessera_store::keys::FollowerCursor;

use crate::followers::Step;
use crate::inventory::decode;
use crate::shared::Shared;
use crate::slot::Slot;

/// Bytes of log that one step reads. An event that concerns the rows takes at least some dozens of them, and writes some hundreds.
const STEP_LOG_BYTES: usize = 64_000;

/// The version of an event's first configuration.
const FIRST_VERSION: u32 = 1;

/// What the follower works with.
#[derive(Clone)]
pub(crate) struct WaitlistFollower {
    cursors: FollowerCursors,
    waitlists: Waitlists,
}

/// How far it is with an event.
#[derive(Debug)]
pub(crate) struct Place {
    cursor: FollowerCursor,
    /// It was taken over: nobody else moves the cursor since.
    is_ours: bool,
    /// Up to here nothing follows from the log but what is written.
    seen: Sequence,
    /// Somebody waited once: the log is read also where nobody may wait any more.
    is_used: bool,
    /// The version of the configuration at `seen`; `None`: not known. While it is the same, what it says of waiting has been true all the time.
    version: Option<u32>,
}

impl WaitlistFollower {
    pub(crate) fn new(shared: &Shared) -> WaitlistFollower {
        WaitlistFollower {
            cursors: FollowerCursors::new(Arc::clone(&shared.table)),
            waitlists: Waitlists::new(Arc::clone(&shared.table)),
        }
    }

    /// One step along the log of the slot's event, which has ended if `is_last`. `place` is what the step before left.
    pub(crate) async fn step(
        &self,
        shared: &Shared,
        slot: &Slot,
        is_last: bool,
        place: &mut Option<Place>,
    ) -> Result<Step, StoreError> {
        let (event, durable) = (slot.event, slot.durable());
        let mut at = match place.take() {
            Some(at) => at,
            None => self.place(event, self.cursors.read(event, FOLLOWER).await?, false).await?,
        };
        if at.seen >= durable && (at.cursor.sequence >= at.seen || !is_last) {
            return Ok(stay(at, place));
        }
        let published = slot.published();
        let (end, stored) = (published.availability.sequence, at.cursor.sequence);
        // Where somebody may wait, readers wait for the place, so that it is kept at once.
        let may_wait = published.config.as_ref().is_some_and(|(_, config)| config.waitlist.is_some());
        // One may have waited under a version between that at `seen` and the present one. There is none before the first.
        let version = published.availability.config_version;
        let may_have_waited = version > FIRST_VERSION && at.version != Some(version);
        let reads = may_wait || may_have_waited || at.is_used;
        let is_far = end.0.saturating_sub(stored.0) >= STORE_EVERY_EVENTS;
        if !(reads || is_last || is_far) {
            (at.seen, at.version) = (at.seen.max(end), Some(version));
            return Ok(stay(at, place));
        }
        if !at.is_ours {
            at = self.place(event, self.cursors.take_over(event, FOLLOWER).await?, true).await?;
        }
        let (reached, events) = if reads {
            stretch(shared, event, (at.seen, end)).await?
        } else {
            (end.max(at.seen), Vec::new())
        };
        at.version = (reached == end).then_some(version);
        if reached == at.cursor.sequence {
            return Ok(stay(at, place));
        }
        let advance = self.waitlists.follow(event, at.cursor, reached, &events).await?;
        Ok(moved(&at, !events.is_empty(), advance, place))
    }

    async fn place(
        &self,
        event: EventId,
        cursor: FollowerCursor,
        is_ours: bool,
    ) -> Result<Place, StoreError> {
        let is_used = self.waitlists.is_used(event).await?;
        Ok(Place { cursor, is_ours, seen: cursor.sequence, is_used, version: None })
    }
}

fn stay(at: Place, place: &mut Option<Place>) -> Step {
    let (through, stored) = (at.seen, at.cursor.sequence);
    *place = Some(at);
    if through == stored { Step::UpToDate(stored) } else { Step::Seen { through, stored } }
}

fn moved(at: &Place, had_events: bool, advance: Advance, place: &mut Option<Place>) -> Step {
    match advance {
        Advance::Advanced(cursor) => {
            let is_used = at.is_used || had_events;
            *place = Some(Place { cursor, seen: cursor.sequence, is_used, ..*at });
            Step::Advanced(cursor.sequence)
        }
        Advance::Fenced { .. } => Step::Fenced,
    }
}

/// What concerns the rows in the next part of the log, up to what was published, and how far that goes.
async fn stretch(
    shared: &Shared,
    event: EventId,
    (after, through): (Sequence, Sequence),
) -> Result<(Sequence, Vec<(Sequence, Event)>), StoreError> {
    let records = shared.log.read(event, after, STEP_LOG_BYTES).await?;
    let (mut reached, mut events) = (after, Vec::new());
    for record in &records {
        for (number, logged) in (record.first_sequence.0..).map(Sequence).zip(decode(record)?) {
            if number > after && number <= through {
                reached = number;
                if concerns(&logged.body) {
                    events.push((number, logged));
                }
            }
        }
    }
    Ok((reached, events))
}
