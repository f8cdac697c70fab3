//! A page in the making.

use tessera_inventory::{EventId, Sequence, Timestamp};
use tessera_proof::{Checkpoint, Origin};
use tessera_store::{LogRecord, StoreError};
use tessera_writer::{Chain, Refused};

use super::page::{Page, each_accepted};
use super::{Signer, Tree, words};
use crate::damage::damaged;
use crate::mutant::Mutant;

/// Log bytes read for one page, or one record if that is larger: whoever asks for a receipt makes the leaves of a page again.
pub const PAGE_LOG_BYTES: usize = 100_000;
/// Most refusals of one page.
pub const PAGE_REFUSALS_MAX: usize = 1_024;
/// Room for the text of a decision, in bytes: most fit.
const DETAIL_BYTES: usize = 256;

/// A signed page that is not stored yet.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(super) event: EventId,
    pub(super) from: Tree,
    pub(super) next: Tree,
    pub(super) page: Page,
}

impl Draft {
    /// What comes after `from`: the events of `records`, and the first of `refused`, those that were decided on nothing later. `None`
    /// where nothing comes. Hashes and signs: some milliseconds of work for a large page.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where the log does not go on from where the tree ends.
    pub fn of(
        event: EventId,
        from: Tree,
        records: &[LogRecord],
        refused: &[Refused],
        (signer, now): (&Signer, Timestamp),
    ) -> Result<Option<Draft>, StoreError> {
        let (through, chain) = end_of(event, &from, records)?;
        let ready = refused.iter().take(PAGE_REFUSALS_MAX).take_while(|one| one.sequence <= through);
        let refusals: Vec<_> = ready.clone().map(|one| words::refused(event, one)).collect();
        let last = ready.last().map(|one| (one.place.epoch.0, one.place.number));
        if through == from.sequence && refusals.is_empty() {
            return Ok(None);
        }
        let mut edge = from.edge.clone();
        // A page keeps nothing of what was accepted: each text is written over the one before.
        let mut detail = String::with_capacity(DETAIL_BYTES);
        each_accepted(event, (from.sequence, through), records, |sequence, each| {
            edge.push(words::accepted(event, sequence, each, &mut detail).hash());
        })?;
        refusals.iter().for_each(|(leaf, _)| edge.push(leaf.hash()));
        let epochs = records.iter().map(|record| record.epoch.0);
        let epoch = epochs.chain(last.map(|(epoch, _)| epoch)).fold(from.epoch, u64::max);
        let checkpoint = Checkpoint {
            origin: Origin { installation: signer.installation(), event: event.0 },
            size: edge.size(),
            root: edge.root(),
            sequence: through.0,
            chain: chain.0,
            epoch,
            at_ms: now.0,
        };
        let page = Page {
            before: from.edge.clone(),
            after: from.sequence.plus(u64::from(signer.has(Mutant::PageBeginsLate))),
            through,
            refusals,
            checkpoint: signer.sign(checkpoint).render(),
        };
        let pages = from.pages + 1;
        let kept_bytes = from.kept_bytes + page.weight_bytes();
        let (refused, oldest) = (last.unwrap_or(from.refused), from.oldest);
        let next = Tree { edge, sequence: through, chain, epoch, refused, pages, oldest, kept_bytes };
        Ok(Some(Draft { event, from, next, page }))
    }

    /// The log up to here is proven by it.
    #[must_use]
    pub fn through(&self) -> Sequence {
        self.page.through
    }

    /// The refusals up to this epoch and number are.
    #[must_use]
    pub fn refused(&self) -> (u64, u64) {
        self.next.refused
    }

    /// How many decisions it has.
    #[must_use]
    pub fn leaves(&self) -> u64 {
        self.next.edge.size() - self.from.edge.size()
    }
}

/// Where the log stands after these records. Each must go on where the one before ended.
fn end_of(event: EventId, from: &Tree, records: &[LogRecord]) -> Result<(Sequence, Chain), StoreError> {
    let mut end = (from.sequence, from.chain);
    for record in records {
        let chain = end.1.extend(&record.bytes);
        if record.first_sequence != end.0.plus(1) || chain != record.chain {
            let (ends, last) = (end.0, record.last_sequence);
            return Err(damaged(format!(
                "the receipts of {event:?} end at {ends}, where the record up to {last} does not go on"
            )));
        }
        end = (record.last_sequence, chain);
    }
    Ok(end)
}
