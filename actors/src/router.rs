//! The way from a request to the writer of its event.

use std::sync::Arc;
use std::time::Duration;

use tessera_inventory::{Event, EventId, Sequence};
use tessera_store::StoreError;
use tessera_writer::Ask;
use tokio::sync::watch;

use crate::{ActivateError, Answer, Published};

/// The way from a request to the writer of its event. Cheap to clone; usable from any thread and runtime.
#[derive(Clone, Debug)]
pub struct InventoryRouter {}

#[allow(clippy::unimplemented, unused_variables, clippy::unused_async)]
impl InventoryRouter {
    /// Ask the writer of an event; activates the event on first use. Answers within `give_up`.
    ///
    /// A full queue, a shutdown, a quarantined event or a store that is away answer [`Answer::NotExecuted`] at once.
    pub async fn ask(&self, event: EventId, ask: Ask, give_up: Duration) -> Answer {
        unimplemented!()
    }

    /// The newest published view, without locks and without waiting; `None` when the event is not active.
    #[must_use]
    pub fn published(&self, event: EventId) -> Option<Arc<Published>> {
        unimplemented!()
    }

    /// The published view, activating the event if it is idle.
    ///
    /// # Errors
    /// [`ActivateError`]; `NotFound` where nothing was ever written.
    pub async fn activate(&self, event: EventId, give_up: Duration) -> Result<Arc<Published>, ActivateError> {
        unimplemented!()
    }

    /// Up to `limit` (at most [`crate::CHANGES_MAX`]) events after `after`, from the durable log, in order.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn changes(
        &self,
        event: EventId,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<(Sequence, Arc<Event>)>, StoreError> {
        unimplemented!()
    }

    /// The durable sequence as it moves, for long polls and streams; `None` when the event is not active.
    /// An event with subscribers is not passivated. A closed channel means that the writer ended: activate and subscribe again.
    #[must_use]
    pub fn subscribe(&self, event: EventId) -> Option<watch::Receiver<Sequence>> {
        unimplemented!()
    }
}
