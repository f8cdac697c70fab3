//! Records on their way from a file into the log of a new installation.

use tessera_embedded::EmbeddedStore;
use tessera_embedded::salvage::LogCopy;
use tessera_inventory::EventId;
use tessera_store::{Batch, StoreError};
use tessera_writer::Head;

use crate::store::Store;

/// Appends in the order of the file.
pub(super) enum Copy<'a> {
    /// The embedded store keeps the order in which appends are submitted, and merges them.
    Merged(LogCopy<'a, EmbeddedStore>),
    /// Elsewhere each waits for the one before.
    #[cfg(feature = "foundationdb")]
    InOrder(&'a Store),
}

impl Copy<'_> {
    pub(super) fn new(store: &Store) -> Copy<'_> {
        match store {
            Store::Embedded(store) => Copy::Merged(LogCopy::new(store)),
            #[cfg(feature = "foundationdb")]
            Store::Foundation(_) => Copy::InOrder(store),
        }
    }

    /// Appends one record after `expected`, or only moves the head.
    pub(super) async fn append(
        &mut self,
        event: EventId,
        expected: Head,
        batch: Batch,
    ) -> Result<(), StoreError> {
        match self {
            Copy::Merged(copy) => copy.append(event, expected, batch).await,
            #[cfg(feature = "foundationdb")]
            Copy::InOrder(store) => in_order::append(*store, event, expected, batch).await,
        }
    }

    /// Everything is there.
    pub(super) async fn finish(self) -> Result<(), StoreError> {
        match self {
            Copy::Merged(copy) => copy.finish().await,
            #[cfg(feature = "foundationdb")]
            Copy::InOrder(_) => Ok(()),
        }
    }
}

#[cfg(feature = "foundationdb")]
mod in_order {
    use tessera_inventory::EventId;
    use tessera_store::{AppendOutcome, Batch, Log, StoreError};
    use tessera_writer::Head;

    /// How often an append of unknown outcome is submitted again.
    const RESUBMISSIONS_MAX: u32 = 100;
    /// Pause before it is: a store that is away for some seconds is waited for.
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

    pub(super) async fn append(
        log: &dyn Log,
        event: EventId,
        expected: Head,
        batch: Batch,
    ) -> Result<(), StoreError> {
        let mut last = String::new();
        for _ in 0..RESUBMISSIONS_MAX {
            match log.append(event, expected, batch.clone()).await {
                AppendOutcome::Committed => return Ok(()),
                AppendOutcome::Unknown { reason } => {
                    last = reason;
                    tokio::time::sleep(PAUSE).await;
                }
                AppendOutcome::Fatal { reason } => return Err(StoreError::Fatal { reason }),
                AppendOutcome::Damaged { reason } => return Err(StoreError::Damaged { reason }),
                AppendOutcome::Fenced { found } => {
                    let reason = format!("somebody else writes to {event:?}, which is at {}", found.sequence);
                    return Err(StoreError::Damaged { reason });
                }
            }
        }
        Err(StoreError::Unavailable { reason: last })
    }
}
