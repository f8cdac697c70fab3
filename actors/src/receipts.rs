//! Receipts, fetched by whoever wants one.

use std::sync::Arc;

use tessera_inventory::EventId;
use tessera_projections::receipts::Page;
use tessera_proof::{Place, Receipt};
use tessera_store::StoreError;

use crate::InventoryRouter;
use crate::blocking::blocking;

/// What is known of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptAnswer {
    /// Here it is.
    Proven(Box<Receipt>),
    /// The decision was made; its checkpoint is signed in a moment.
    NotYet,
    /// No such decision was made; or nothing proves it any more: a refusal that was lost with the process that made it, or what is older
    /// than what is kept.
    Unknown,
}

impl InventoryRouter {
    /// The receipt of a decision.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn receipt(&self, event: EventId, place: Place) -> Result<ReceiptAnswer, StoreError> {
        if let Some(page) = self.shared.receipts.page_with(event, place).await? {
            return self.prove(event, place, page).await;
        }
        if self.waits(event, place).await? {
            return Ok(ReceiptAnswer::NotYet);
        }
        // It may have been signed in between.
        match self.shared.receipts.page_with(event, place).await? {
            Some(page) => self.prove(event, place, page).await,
            None => Ok(ReceiptAnswer::Unknown),
        }
    }

    /// Up to `limit` signed checkpoints, those of the pages after `after`, each with the number of its page; and the number of the newest.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn checkpoints(
        &self,
        event: EventId,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<(u64, String)>, u64), StoreError> {
        // The semaphore is never closed: without a turn nobody goes on all the same.
        let _turn = self.shared.checkpoint_lists.acquire().await;
        self.shared.receipts.checkpoints(event, after, limit).await
    }

    /// Whether the notary is going to prove it.
    async fn waits(&self, event: EventId, place: Place) -> Result<bool, StoreError> {
        match place {
            Place::Refused { epoch, .. } => match self.shared.directory.find(event) {
                Some(slot) => Ok(slot.refused.has(place)),
                // What waits at another node is not seen from here: what its writer has refused may wait there.
                None if self.shared.cluster.is_some() => {
                    Ok(self.shared.log.head(event).await?.epoch.0 == epoch)
                }
                None => Ok(false),
            },
            Place::Accepted { sequence } => {
                let head = self.shared.log.head(event).await?.sequence;
                let proven = self.shared.receipts.tree(event).await?.sequence;
                Ok(self.shared.signer.is_some() && proven.0 < sequence && sequence <= head.0)
            }
        }
    }

    /// The leaves of a page are made from the log again, off the threads that serve and few at once.
    async fn prove(&self, event: EventId, place: Place, page: Page) -> Result<ReceiptAnswer, StoreError> {
        let turn = Arc::clone(&self.shared.receipt_proofs).acquire_owned().await;
        let records = page.records(&*self.shared.log, event).await?;
        let work = move || {
            let _turn = turn;
            page.prove(event, place, &records)
        };
        let proven = blocking(&*self.shared.environment.spawn, work).await;
        let proven = proven.map_err(|panicked| StoreError::Unavailable { reason: panicked.reason })??;
        Ok(proven.map_or(ReceiptAnswer::Unknown, |receipt| ReceiptAnswer::Proven(Box::new(receipt))))
    }
}
