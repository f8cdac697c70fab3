//! The follower of payments: what the log of an event wants of them is written in the transaction that moves its cursor, before anybody calls
//! a provider. Whoever drives it says what is published of the event, and tells desks and clerk what was written.

mod in_flight;
mod known;
pub(crate) mod sale;
mod stretch;
mod wants;

use tessera_inventory::{EventId, Sequence, Timestamp};
use tessera_ledger::Currency;
use tessera_payments::Payment;
use tessera_projections::catalogue::Catalogue;
use tessera_projections::follower_cursors::{Advance, FollowerCursors, STORE_EVERY_EVENTS};
use tessera_store::keys::FollowerCursor;
use tessera_store::{Log, StoreError};

use crate::payments::{Followed, Payments, Step};
use in_flight::InFlight;
pub use stretch::{Logged, holds};

/// The name of its cursor; stored, never used for another purpose.
pub const FOLLOWER: &str = "payment";
/// Payments, or entries of the ledger, that are written in one transaction: each reads and writes some kilobytes.
const PART_MAX: usize = 500;
/// Payments in flight of one event that are read when it is taken over: more than it has claims.
const IN_FLIGHT_READ_MAX: usize = 1_000_000;

/// What the follower works with.
#[derive(Clone)]
pub struct PaymentFollower {
    cursors: FollowerCursors,
    catalogue: Catalogue,
    payments: Payments,
}

/// How far it is with an event.
#[derive(Debug)]
pub struct Place {
    cursor: FollowerCursor,
    /// It was taken over: nobody else moves the cursor since.
    is_ours: bool,
    /// Up to here nothing follows from the log but what is written.
    seen: Sequence,
    in_flight: InFlight,
}

/// What is known of an event beside its log, at one moment.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Up to where its log is followed: what is durable.
    pub through: Sequence,
    /// What it is sold in; `None`: nothing is sold yet.
    pub currency: Option<Currency>,
    /// Wall time.
    pub now: Timestamp,
    /// Nobody follows it any more after that, as far as it is known: its place is kept.
    pub is_last: bool,
}

/// What whoever drives the follower hears while a step is made.
#[derive(Clone, Debug)]
pub enum Told {
    /// These rows were written, all of one event: its desk wants to know.
    Written(Vec<Payment>),
    /// Refunds of many orders may have begun.
    RunsBegun,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// It stands at the end of what is there.
    UpToDate(Sequence),
    /// Nothing followed from what is beyond the stored place.
    Seen {
        /// So far it has read.
        through: Sequence,
        /// Here the cursor stands.
        stored: Sequence,
    },
    /// The cursor stands here now; there may be more.
    Advanced(Sequence),
    /// Somebody else follows this event.
    Fenced,
}

impl PaymentFollower {
    /// Over these.
    #[must_use]
    pub fn new(cursors: FollowerCursors, catalogue: Catalogue, payments: Payments) -> PaymentFollower {
        PaymentFollower { cursors, catalogue, payments }
    }

    /// One step along the log of an event. `place` is what the step before left; `tell` hears what was written as soon as it is.
    ///
    /// # Errors
    /// As log and table say. What was written is written again by the next step, without harm.
    pub async fn step(
        &self,
        log: &dyn Log,
        (event, view): (EventId, View),
        place: &mut Option<Place>,
        tell: &(dyn Fn(Told) + Send + Sync),
    ) -> Result<Stepped, StoreError> {
        let mut at = match place.take() {
            Some(at) => at,
            None => Place::at(self.cursors.read(event, FOLLOWER).await?),
        };
        if at.seen >= view.through && (at.cursor.sequence >= at.seen || !view.is_last) {
            return Ok(stay(at, place));
        }
        if !at.is_ours {
            at = self.take_over(event).await?;
        }
        let (reached, events) = stretch::read(log, event, (at.seen, view.through)).await?;
        let step = self.wanted(log, (event, view), &events, &mut at.in_flight).await?;
        let Some(step) = step else {
            at.seen = reached;
            let is_kept = view.is_last || at.seen.0 - at.cursor.sequence.0 >= STORE_EVERY_EVENTS;
            if !is_kept {
                return Ok(stay(at, place));
            }
            let advance = self.cursors.advance(event, FOLLOWER, at.cursor, reached).await?;
            return Ok(moved(at, advance, place));
        };
        let advance = self.write((event, view.now), (at.cursor, reached), step, tell).await?;
        Ok(moved(at, advance, place))
    }

    async fn take_over(&self, event: EventId) -> Result<Place, StoreError> {
        let cursor = self.cursors.take_over(event, FOLLOWER).await?;
        let mut at = Place { is_ours: true, ..Place::at(cursor) };
        // Read behind the fence: nobody else writes them any more.
        for (key, id) in self.payments.in_flight(event, None, IN_FLIGHT_READ_MAX).await? {
            at.in_flight.begin(id.order, id.attempt, key.grace_until);
        }
        Ok(at)
    }

    /// Write a step, in as many transactions as it takes. Only the last moves the cursor: what a crash leaves is written again.
    async fn write(
        &self,
        (event, now): (EventId, Timestamp),
        (cursor, reached): (FollowerCursor, Sequence),
        step: Step,
        tell: &(dyn Fn(Told) + Send + Sync),
    ) -> Result<Advance, StoreError> {
        let begins_runs = !step.runs.is_empty();
        let mut parts = parts(step);
        let last = parts.pop().unwrap_or_default();
        for part in &parts {
            let followed = self.payments.follow_part((event, FOLLOWER), cursor, (part, now)).await?;
            if let Advance::Fenced { .. } = followed.advance {
                return Ok(followed.advance);
            }
            tell(Told::Written(followed.payments));
        }
        let Followed { advance, payments } =
            self.payments.follow((event, FOLLOWER), cursor, reached, (&last, now)).await?;
        tell(Told::Written(payments));
        if begins_runs {
            tell(Told::RunsBegun);
        }
        Ok(advance)
    }
}

impl Place {
    fn at(cursor: FollowerCursor) -> Place {
        Place { cursor, is_ours: false, seen: cursor.sequence, in_flight: InFlight::default() }
    }
}

fn stay(at: Place, place: &mut Option<Place>) -> Stepped {
    let (through, stored) = (at.seen, at.cursor.sequence);
    *place = Some(at);
    if through == stored { Stepped::UpToDate(stored) } else { Stepped::Seen { through, stored } }
}

fn moved(at: Place, advance: Advance, place: &mut Option<Place>) -> Stepped {
    match advance {
        Advance::Advanced(cursor) => {
            *place = Some(Place { cursor, seen: cursor.sequence, ..at });
            Stepped::Advanced(cursor.sequence)
        }
        Advance::Fenced { .. } => Stepped::Fenced,
    }
}

/// The transactions of a step, in order. Rows come before what is wanted of them, and what is waited for is forgotten after that.
fn parts(step: Step) -> Vec<Step> {
    let Step { begun, changes, ended, entries, runs } = &step;
    if begun.len() + changes.len() + entries.len() <= PART_MAX && ended.len() <= PART_MAX {
        return vec![step];
    }
    let begun = begun.chunks(PART_MAX).map(|begun| Step { begun: begun.to_vec(), ..Step::default() });
    let changes =
        changes.chunks(PART_MAX).map(|changes| Step { changes: changes.to_vec(), ..Step::default() });
    let ended = ended.chunks(PART_MAX).map(|ended| Step { ended: ended.to_vec(), ..Step::default() });
    let entries =
        entries.chunks(PART_MAX).map(|entries| Step { entries: entries.to_vec(), ..Step::default() });
    let runs = runs.chunks(PART_MAX).map(|runs| Step { runs: runs.to_vec(), ..Step::default() });
    begun.chain(changes).chain(ended).chain(entries).chain(runs).collect()
}
