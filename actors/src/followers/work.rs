//! What a follower does with the log of an event, and how far it is.

use std::sync::Arc;

use tessera_inventory::Sequence;
use tessera_money::following;
use tessera_projections::follower_cursors::{Advance, FollowerCursors, STORE_EVERY_EVENTS};
use tessera_projections::orders::{self, OrdersBySubject};
use tessera_store::StoreError;
use tessera_store::keys::FollowerCursor;

use super::FollowerKind;
use super::entry::{self, EntryFollower};
use super::notary::Notary;
use crate::messages::{NotificationFollower, NotificationPlace};
use crate::payments::PaymentFollower;
use crate::shared::Shared;
use crate::slot::Slot;
use crate::waitlist::{self, WaitlistFollower};
use crate::webhooks::Outbox;

/// What one step along the log did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Everything up to here is worked off, and there may be more.
    Advanced(Sequence),
    /// Everything there is is worked off, up to here.
    UpToDate(Sequence),
    /// There is nothing to work off up to `through`; the place that is stored is further back.
    Seen {
        /// The end of the log.
        through: Sequence,
        /// The place.
        stored: Sequence,
    },
    /// Another follower works this log off: nothing was done.
    Fenced,
}

/// The stored place of a follower, as far as it is known.
#[derive(Debug)]
pub(crate) enum Place {
    /// Of a follower that moves a cursor.
    Cursor {
        /// Where it stands.
        cursor: FollowerCursor,
        /// Whether it was taken over: nobody else moves it since.
        is_ours: bool,
    },
    /// Of the follower of payments.
    Payments(following::Place),
    /// Of the follower of entry.
    Entry(entry::Place),
    /// Of the follower of the waitlist.
    Waitlist(waitlist::Place),
    /// Of the follower of notifications, where people are told anything.
    Notifications(NotificationPlace),
}

/// Works off logs.
#[derive(Clone)]
pub(crate) enum Worker {
    /// Writes the rows of orders; rows and cursor move in one transaction.
    Orders(OrdersBySubject),
    /// Moves a cursor.
    Cursor {
        /// All cursors.
        cursors: FollowerCursors,
        /// Whose.
        follower: &'static str,
        /// Keeps webhooks, under the same fence.
        outbox: Option<Outbox>,
    },
    /// Writes what is wanted of payments; rows and cursor move in one transaction.
    Payments(PaymentFollower),
    /// Writes who waits; rows and cursor move in one transaction.
    Waitlist(WaitlistFollower),
    /// Writes what is to be said to people, and webhooks; rows and cursor move in one transaction.
    Notifications(NotificationFollower),
    /// Signs receipts; page and tree move in one transaction.
    Notary(Notary),
    /// Writes what passed the gates; rows and cursor move in one transaction.
    Entry(EntryFollower),
}

impl Worker {
    pub(crate) fn new(kind: FollowerKind, shared: &Shared) -> Worker {
        let table = &shared.table;
        match kind {
            FollowerKind::OrdersBySubject => Worker::Orders(OrdersBySubject::new(Arc::clone(table))),
            // Where no provider is configured, too: orders that are paid by hand are booked, and what is wanted of a provider waits for it.
            FollowerKind::Payment => Worker::Payments(PaymentFollower::new(shared)),
            FollowerKind::Waitlist => Worker::Waitlist(WaitlistFollower::new(shared)),
            FollowerKind::Notification => {
                if let Some(told) = shared.told.clone() {
                    return Worker::Notifications(NotificationFollower::new(shared, told));
                }
                let outbox = shared.postman.clone().map(|postman| Outbox::new(table, postman));
                let cursors = FollowerCursors::new(Arc::clone(table));
                Worker::Cursor { cursors, follower: kind.name(), outbox }
            }
            FollowerKind::Notary => Worker::Notary(Notary::new(table, shared.signer.clone())),
            FollowerKind::Entry => Worker::Entry(EntryFollower::new(table)),
        }
    }

    /// One step along the log of the slot's event, which has ended if `is_last`. `place` is what the
    /// step before left, `None` at first and after another follower came: then the event is taken over, unless the other has worked it off.
    pub(crate) async fn step(
        &self,
        shared: &Shared,
        slot: &Slot,
        is_last: bool,
        place: &mut Option<Place>,
    ) -> Result<Step, StoreError> {
        let (log, event) = (&*shared.log, slot.event);
        match self {
            Worker::Orders(orders) => match orders.project(log, event).await? {
                orders::Step::Advanced { through } => Ok(Step::Advanced(through)),
                orders::Step::UpToDate { through } => Ok(Step::UpToDate(through)),
                orders::Step::Overtaken => Ok(Step::Fenced),
            },
            Worker::Notary(notary) => notary.step(shared, log, slot).await,
            Worker::Payments(payments) => {
                let mut at = match place.take() {
                    Some(Place::Payments(at)) => Some(at),
                    _ => None,
                };
                let stepped = payments.step(shared, slot, is_last, &mut at).await;
                *place = at.map(Place::Payments);
                stepped
            }
            Worker::Entry(entry) => {
                let mut at = match *place {
                    Some(Place::Entry(at)) => Some(at),
                    _ => None,
                };
                let stepped = entry.step(log, slot, is_last, &mut at).await;
                *place = at.map(Place::Entry);
                stepped
            }
            Worker::Waitlist(waitlist) => {
                let mut at = match place.take() {
                    Some(Place::Waitlist(at)) => Some(at),
                    _ => None,
                };
                let stepped = waitlist.step(shared, slot, is_last, &mut at).await;
                *place = at.map(Place::Waitlist);
                stepped
            }
            Worker::Notifications(notifications) => {
                let mut at = match place.take() {
                    Some(Place::Notifications(at)) => Some(at),
                    _ => None,
                };
                let stepped = notifications.step(shared, slot, is_last, &mut at).await;
                *place = at.map(Place::Notifications);
                stepped
            }
            Worker::Cursor { .. } => self.keep_place(shared, slot, is_last, place).await,
        }
    }

    /// One step of a follower that keeps its place, and tells of what it passes where there is an outbox.
    async fn keep_place(
        &self,
        shared: &Shared,
        slot: &Slot,
        is_last: bool,
        place: &mut Option<Place>,
    ) -> Result<Step, StoreError> {
        let Worker::Cursor { cursors, follower, outbox } = self else {
            return Ok(Step::UpToDate(slot.durable()));
        };
        let (log, event, durable) = (&*shared.log, slot.event, slot.durable());
        let (cursor, is_ours) = match *place {
            Some(Place::Cursor { cursor, is_ours }) => (cursor, is_ours),
            _ => (cursors.read(event, follower).await?, false),
        };
        *place = Some(Place::Cursor { cursor, is_ours });
        let stored = cursor.sequence;
        if stored >= durable {
            return Ok(Step::UpToDate(stored));
        }
        // Looked at before the endpoints: one that listens from now on is told of what follows.
        let end = log.head(event).await?.sequence;
        let listeners = match outbox {
            Some(outbox) => outbox.listeners(event).await?,
            None => None,
        };
        // One that is disabled must not hear of this when it is enabled again, so the place is kept at once.
        let is_kept = is_last || listeners.is_some();
        let mine = async || if is_ours { Ok(cursor) } else { cursors.take_over(event, follower).await };
        if let (Some(outbox), Some(listeners)) = (outbox, listeners.filter(|all| !all.is_empty())) {
            let kept = outbox.step(shared, slot, mine().await?, follower, (listeners, end)).await?;
            return Ok(moved(kept, place, Step::Advanced));
        }
        // Without effects there is nothing to read: the place to keep is the end of the log.
        if !is_kept && end.0.saturating_sub(stored.0) < STORE_EVERY_EVENTS {
            return Ok(Step::Seen { through: end, stored });
        }
        let advance = cursors.advance(event, follower, mine().await?, end).await?;
        Ok(moved(advance, place, Step::UpToDate))
    }
}

/// What a move of the cursor leaves.
fn moved(advance: Advance, place: &mut Option<Place>, step: fn(Sequence) -> Step) -> Step {
    match advance {
        Advance::Advanced(cursor) => {
            *place = Some(Place::Cursor { cursor, is_ours: true });
            step(cursor.sequence)
        }
        Advance::Fenced { .. } => {
            *place = None;
            Step::Fenced
        }
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Worker::Orders(_) => "Orders",
            Worker::Payments(_) => "Payments",
            Worker::Waitlist(_) => "Waitlist",
            Worker::Notifications(_) => "Notifications",
            Worker::Notary(_) => "Notary",
            Worker::Entry(_) => "Entry",
            Worker::Cursor { follower, .. } => follower,
        })
    }
}
