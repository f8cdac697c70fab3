//! The notary: a follower that turns what was decided into signed pages of receipts.
//!
//! What was accepted it reads from the log, so a crash costs no acceptance its receipt. Refusals stand nowhere else: it takes them from the
//! slot, whose queue is bounded. It signs at most once a turn: turns that wait together share a page and a signature, and pages a transaction.

use std::sync::Arc;

use tessera_projections::receipts::{DRAFT_LOG_BYTES, DRAFT_REFUSALS_MAX, Draft, Receipts, Signer, Stored};
use tessera_store::{Log, StoreError, Table};

use super::work::Step;
use crate::blocking::{Panicked, blocking};
use crate::shared::Shared;
use crate::slot::Slot;

/// What the notary works with.
#[derive(Clone)]
pub(crate) struct Notary {
    receipts: Receipts,
    /// `None`: nothing is proven in this process.
    signer: Option<Arc<Signer>>,
}

impl Notary {
    pub(crate) fn new(table: &Arc<dyn Table>, signer: Option<Arc<Signer>>) -> Notary {
        Notary { receipts: Receipts::new(Arc::clone(table)), signer }
    }

    /// Sign and store the next pages of an event.
    pub(crate) async fn step(&self, shared: &Shared, log: &dyn Log, slot: &Slot) -> Result<Step, StoreError> {
        let event = slot.event;
        let Some(signer) = self.signer.clone() else { return Ok(Step::UpToDate(slot.durable())) };
        let tree = self.receipts.tree(event).await?;
        let (proven, through) = (tree.refused, tree.sequence);
        // A page of unknown outcome may have landed, and after it one of another writer's refusals.
        slot.refused.forget_through(proven);
        if let Some(epoch) = slot.refused.epoch().filter(|epoch| *epoch != proven.0) {
            slot.refused.forget_through((epoch, self.receipts.refused_in(event, epoch).await?));
        }
        // Taken before the log is read: nothing that they were decided on is missing there.
        let refused = slot.refused.oldest(DRAFT_REFUSALS_MAX);
        let records = log.read(event, through, DRAFT_LOG_BYTES).await?;
        if records.is_empty() && refused.is_empty() {
            return Ok(Step::UpToDate(through));
        }
        let now = shared.environment.clock.wall();
        signer.promise(now).await?;
        let work = move || Draft::of(event, tree, &records, &refused, (&signer, now));
        let panicked =
            |Panicked { reason }| StoreError::Damaged { reason: format!("the notary panicked: {reason}") };
        let draft = blocking(&*shared.environment.spawn, work).await.map_err(panicked)??;
        let Some(draft) = draft else { return Ok(Step::UpToDate(through)) };
        match self.receipts.store(&draft).await? {
            Stored::Durable => {
                slot.refused.forget_through(draft.refused());
                shared.meters.receipt_pages.increment(draft.pages());
                shared.meters.receipts.increment(draft.leaves());
                Ok(Step::Advanced(draft.through()))
            }
            Stored::Overtaken => Ok(Step::Fenced),
        }
    }
}
