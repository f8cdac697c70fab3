//! The follower of payments is `tessera_money::following`'s: here it is told what is published, and what it writes is told to desks and clerk.

use std::sync::Arc;

use tessera_money::following::{self, Place, Stepped, Told, View};
use tessera_projections::catalogue::Catalogue;
use tessera_projections::follower_cursors::FollowerCursors;
use tessera_store::StoreError;

use super::clerk::ClerkMessage;
use crate::followers::Step;
use crate::shared::Shared;
use crate::slot::Slot;

/// What the follower works with.
#[derive(Clone)]
pub(crate) struct PaymentFollower(following::PaymentFollower);

impl PaymentFollower {
    pub(crate) fn new(shared: &Shared) -> PaymentFollower {
        PaymentFollower(following::PaymentFollower::new(
            FollowerCursors::new(Arc::clone(&shared.table)),
            Catalogue::new(Arc::clone(&shared.table)),
            shared.money.payments.clone(),
        ))
    }

    /// One step along the log of the slot's event, which has ended if `is_last`. `place` is what the step before left.
    pub(crate) async fn step(
        &self,
        shared: &Shared,
        slot: &Slot,
        is_last: bool,
        place: &mut Option<Place>,
    ) -> Result<Step, StoreError> {
        let published = slot.published();
        let view = View {
            through: published.availability.sequence,
            // Of all of the log: it never changes.
            currency: published.config.as_ref().map(|(_, config)| config.currency),
            now: shared.environment.clock.wall(),
            is_last,
        };
        let tell = |told| match told {
            Told::Written(rows) => shared.money.written(rows),
            Told::RunsBegun => {
                // Where no clerk listens it finds the run later.
                shared.money.clerk.cast(ClerkMessage::Look);
            }
        };
        let stepped = self.0.step(&*shared.log, (slot.event, view), place, &tell).await?;
        Ok(match stepped {
            Stepped::UpToDate(through) => Step::UpToDate(through),
            Stepped::Seen { through, stored } => Step::Seen { through, stored },
            Stepped::Advanced(through) => Step::Advanced(through),
            Stepped::Fenced => Step::Fenced,
        })
    }
}
