//! Pages in the making.

use tessera_inventory::{EventId, Sequence, Timestamp};
use tessera_proof::{Checkpoint, Origin};
use tessera_store::{LogRecord, StoreError};
use tessera_writer::Refused;

use super::page::{Page, each_accepted};
use super::{Signer, Tree, words};
use crate::damage::damaged;
use crate::mutant::Mutant;

/// Log bytes of one page, or one record if that is larger: whoever asks for a receipt makes the leaves of a page again.
pub const PAGE_LOG_BYTES: usize = 100_000;
/// Most refusals of one page.
pub const PAGE_REFUSALS_MAX: usize = 1_024;
/// Log bytes read for one draft. Its pages share a transaction, and a sync.
pub const DRAFT_LOG_BYTES: usize = 8 * PAGE_LOG_BYTES;
/// Most refusals of one draft: they are what makes its transaction large.
pub const DRAFT_REFUSALS_MAX: usize = 4 * PAGE_REFUSALS_MAX;
/// Room for the text of a decision, in bytes: most fit.
const DETAIL_BYTES: usize = 256;

/// Signed pages that are not stored yet.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(super) event: EventId,
    pub(super) from: Tree,
    pub(super) next: Tree,
    /// At least one.
    pub(super) pages: Vec<Page>,
}

impl Draft {
    /// What comes after `from`: the events of `records`, and of `refused` those that were decided on nothing later. `None` where nothing
    /// comes. Hashes and signs: some milliseconds of work for [`DRAFT_LOG_BYTES`].
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where the log does not go on from where the tree ends.
    pub fn of(
        event: EventId,
        from: Tree,
        records: &[LogRecord],
        refused: &[Refused],
        signed: (&Signer, Timestamp),
    ) -> Result<Option<Draft>, StoreError> {
        goes_on(event, &from, records)?;
        let mut draft = Draft { event, next: from.clone(), from, pages: Vec::new() };
        let (mut records, mut refused) = (records, refused);
        loop {
            let (now, later) = records.split_at(page_records(records));
            let taken = draft.add(now, refused, signed)?;
            if now.is_empty() && taken == 0 {
                return Ok((!draft.pages.is_empty()).then_some(draft));
            }
            (records, refused) = (later, &refused[taken..]);
        }
    }

    /// One more page, unless nothing would be in it. Returns how many of the refusals it has.
    fn add(
        &mut self,
        records: &[LogRecord],
        refused: &[Refused],
        (signer, now): (&Signer, Timestamp),
    ) -> Result<usize, StoreError> {
        let (event, tree) = (self.event, &self.next);
        let (through, chain) =
            records.last().map_or((tree.sequence, tree.chain), |last| (last.last_sequence, last.chain));
        let ready = refused.iter().take(PAGE_REFUSALS_MAX).take_while(|one| one.sequence <= through);
        let refusals: Vec<_> = ready.map(|one| words::refused(event, one)).collect();
        let taken = refusals.len();
        if records.is_empty() && taken == 0 {
            return Ok(0);
        }
        let mut edge = tree.edge.clone();
        // A page keeps nothing of what was accepted: each text and each leaf is written over the one before.
        let (mut detail, mut bytes) = (String::with_capacity(DETAIL_BYTES), Vec::with_capacity(DETAIL_BYTES));
        each_accepted(event, (tree.sequence, through), records, |sequence, each| {
            edge.push(words::accepted(event, sequence, each, &mut detail).hash_in(&mut bytes));
        })?;
        refusals.iter().for_each(|(leaf, _)| edge.push(leaf.hash_in(&mut bytes)));
        let last = refused[..taken].last().map(|one| (one.place.epoch.0, one.place.number));
        let epochs = records.iter().map(|record| record.epoch.0);
        let epoch = epochs.chain(last.map(|(epoch, _)| epoch)).fold(tree.epoch, u64::max);
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
            before: tree.edge.clone(),
            after: tree.sequence.plus(u64::from(signer.has(Mutant::PageBeginsLate))),
            through,
            refusals,
            checkpoint: signer.sign(checkpoint).render(),
        };
        let pages = tree.pages + 1;
        let kept_bytes = tree.kept_bytes + page.weight_bytes();
        let (refused, oldest) = (last.unwrap_or(tree.refused), tree.oldest);
        self.next = Tree { edge, sequence: through, chain, epoch, refused, pages, oldest, kept_bytes };
        self.pages.push(page);
        Ok(taken)
    }

    /// The log up to here is proven by it.
    #[must_use]
    pub fn through(&self) -> Sequence {
        self.next.sequence
    }

    /// The refusals up to this epoch and number are.
    #[must_use]
    pub fn refused(&self) -> (u64, u64) {
        self.next.refused
    }

    /// How many pages it has.
    #[must_use]
    pub fn pages(&self) -> u64 {
        self.next.pages - self.from.pages
    }

    /// How many decisions it has.
    #[must_use]
    pub fn leaves(&self) -> u64 {
        self.next.edge.size() - self.from.edge.size()
    }
}

/// How many of the records make the next page.
fn page_records(records: &[LogRecord]) -> usize {
    let mut bytes = 0;
    let fits = records.iter().take_while(|record| {
        bytes += record.bytes.len();
        bytes <= PAGE_LOG_BYTES
    });
    fits.count().max(1).min(records.len())
}

/// The records follow where the tree ends. That they follow one another, whole, the log says itself: their chain is not hashed again.
fn goes_on(event: EventId, from: &Tree, records: &[LogRecord]) -> Result<(), StoreError> {
    let mut end = from.sequence;
    for (position, record) in records.iter().enumerate() {
        let is_linked = position > 0 || record.chain == from.chain.extend(&record.bytes);
        if record.first_sequence != end.plus(1) || !is_linked {
            return Err(damaged(format!(
                "the receipts of {event:?} end at {end}, where the record up to {} does not go on",
                record.last_sequence
            )));
        }
        end = record.last_sequence;
    }
    Ok(())
}
