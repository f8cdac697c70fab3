//! The follower of entry: what passed the gates becomes rows, in the transaction that moves its cursor.

use std::sync::Arc;

use tessera_projections::entry::{self, EntryRows};
use tessera_projections::follower_cursors::STORE_EVERY_EVENTS;
use tessera_store::keys::ProjectionCursor;
use tessera_store::{Log, StoreError, Table};

use super::work::Step;
use crate::slot::Slot;

/// What the follower works with.
#[derive(Clone)]
pub(crate) struct EntryFollower {
    rows: EntryRows,
}

/// How far it is with an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    stored: ProjectionCursor,
    /// Up to here nothing concerns gates but what is written.
    seen: ProjectionCursor,
}

impl EntryFollower {
    pub(crate) fn new(table: &Arc<dyn Table>) -> EntryFollower {
        EntryFollower { rows: EntryRows::new(Arc::clone(table)) }
    }

    /// One step along the log of the slot's event, which has ended if `is_last`.
    pub(crate) async fn step(
        &self,
        log: &dyn Log,
        slot: &Slot,
        is_last: bool,
        place: &mut Option<Place>,
    ) -> Result<Step, StoreError> {
        let event = slot.event;
        let at = match place.take() {
            Some(at) => at,
            None => {
                let stored = self.rows.cursor(event).await?;
                Place { stored, seen: stored }
            }
        };
        let stored = at.stored.sequence;
        let is_kept = |reached: tessera_inventory::Sequence| {
            is_last || reached.0.saturating_sub(stored.0) >= STORE_EVERY_EVENTS
        };
        // What was seen and is to be stored in the end is read once more.
        let from = if is_last { at.stored } else { at.seen };
        let step = self.rows.project(log, event, (at.stored, from), is_kept).await?;
        Ok(match step {
            entry::Step::Advanced(cursor) => {
                *place = Some(Place { stored: cursor, seen: cursor });
                Step::Advanced(cursor.sequence)
            }
            entry::Step::Seen(seen) => {
                *place = Some(Place { seen, ..at });
                Step::Seen { through: seen.sequence, stored }
            }
            entry::Step::UpToDate => {
                *place = Some(Place { seen: from, ..at });
                if from.sequence == stored {
                    Step::UpToDate(stored)
                } else {
                    Step::Seen { through: from.sequence, stored }
                }
            }
            entry::Step::Overtaken => Step::Fenced,
        })
    }
}
