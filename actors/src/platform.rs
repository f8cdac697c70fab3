//! The running supervision tree.

use std::sync::Arc;
use std::time::Duration;

use tessera_store::{Log, Table};

use crate::{Environment, InventoryRouter, Limits, PlatformStatus, StartError};

/// The running supervision tree: root → gateway, inventory, payment, waitlist and notification supervisors.
#[derive(Debug)]
pub struct Platform {}

#[allow(clippy::unimplemented, unused_variables, clippy::unused_async)]
impl Platform {
    /// Start the tree. Must be called within a tokio runtime, which it runs on.
    ///
    /// # Errors
    /// [`StartError`] when the store cannot be read or a supervisor does not start.
    pub async fn start(
        environment: Environment,
        log: Arc<dyn Log>,
        table: Arc<dyn Table>,
        limits: Limits,
    ) -> Result<Platform, StartError> {
        unimplemented!()
    }

    /// The way to the writers.
    #[must_use]
    pub fn inventory(&self) -> InventoryRouter {
        unimplemented!()
    }

    /// How the tree is.
    #[must_use]
    pub fn status(&self) -> PlatformStatus {
        unimplemented!()
    }

    /// Resolves with the reason when the process must end with a failure: the store failed for good, or a supervisor could not be kept up.
    pub async fn fatal(&self) -> String {
        unimplemented!()
    }

    /// Shut down: new asks are not executed, every writer hands over, followers reach the head or `deadline` passes.
    pub async fn drain(&self, deadline: Duration) {
        unimplemented!()
    }
}
