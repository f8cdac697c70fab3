//! One page: a signed checkpoint, and what came since the one before.

use prost::Message;
use tessera_inventory::{Event, EventId, Sequence};
use tessera_proof::{Frontier, Hash, Leaf, Outcome, Place, Receipt, ReceiptId};
use tessera_records::for_each;
use tessera_store::{Log, LogRecord, StoreError};

use super::draft::PAGE_LOG_BYTES;
use super::tree::edge_of;
use super::words;
use crate::damage::{damaged, unreadable_record};

/// What a page takes besides its bytes: keys, index, and what a store adds.
const PAGE_OVERHEAD_BYTES: u64 = 400;

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The right edge of the tree before this page.
    pub before: Frontier,
    /// The page begins after this event of the log,
    pub after: Sequence,
    /// and goes up to this one; the same where it has refusals only.
    pub through: Sequence,
    /// Refusals and their details, which come after the events.
    pub refusals: Vec<(Leaf, String)>,
    /// The signed checkpoint at the end of the page.
    pub checkpoint: String,
}

#[derive(Clone, PartialEq, Message)]
struct PageRow {
    #[prost(uint64, tag = "1")]
    size_before: u64,
    #[prost(bytes = "vec", tag = "2")]
    nodes_before: Vec<u8>,
    #[prost(uint64, tag = "3")]
    after: u64,
    #[prost(uint64, tag = "4")]
    through: u64,
    #[prost(message, repeated, tag = "5")]
    refusals: Vec<RefusalRow>,
    #[prost(string, tag = "6")]
    checkpoint: String,
}

/// A [`PageRow`] of which nothing but the checkpoint is read.
#[derive(Clone, PartialEq, Message)]
struct CheckpointRow {
    #[prost(string, tag = "6")]
    checkpoint: String,
}

#[derive(Clone, PartialEq, Message)]
struct RefusalRow {
    #[prost(bytes = "vec", tag = "1")]
    leaf: Vec<u8>,
    #[prost(string, tag = "2")]
    detail: String,
}

impl Page {
    /// The records of the log that the page is about.
    ///
    /// # Errors
    /// What the log answers.
    pub async fn records(&self, log: &dyn Log, event: EventId) -> Result<Vec<LogRecord>, StoreError> {
        let (mut records, mut read_to) = (Vec::new(), self.after);
        while read_to < self.through {
            let more = log.read(event, read_to, PAGE_LOG_BYTES).await?;
            let Some(last) = more.last() else { break };
            read_to = last.last_sequence;
            records.extend(more);
        }
        Ok(records)
    }

    /// Every decision of the page with its detail, in the order of the tree. `records` are those of the log after [`Self::after`], at
    /// least up to [`Self::through`].
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where they cannot be read, or do not go so far.
    pub fn leaves(&self, event: EventId, records: &[LogRecord]) -> Result<Vec<(Leaf, String)>, StoreError> {
        let mut leaves = Vec::new();
        each_accepted(event, (self.after, self.through), records, |sequence, each| {
            let mut detail = String::new();
            let leaf = words::accepted(event, sequence, each, &mut detail);
            leaves.push((leaf, detail));
        })?;
        leaves.extend(self.refusals.iter().cloned());
        Ok(leaves)
    }

    /// The receipt of a decision of this page; `None` where it is not in it.
    ///
    /// # Errors
    /// As [`Self::leaves`].
    pub fn prove(
        &self,
        event: EventId,
        place: Place,
        records: &[LogRecord],
    ) -> Result<Option<Receipt>, StoreError> {
        let mut leaves = self.leaves(event, records)?;
        let hashes: Vec<Hash> = leaves.iter().map(|(leaf, _)| leaf.hash()).collect();
        let id = ReceiptId { event: event.0, place };
        let Some(position) = leaves.iter().position(|(leaf, _)| leaf.id() == id) else { return Ok(None) };
        let Some(path) = self.before.path(&hashes, position) else { return Ok(None) };
        let (leaf, detail) = leaves.swap_remove(position);
        let index = self.before.size() + position as u64;
        Ok(Some(Receipt { id, leaf, detail, index, path, checkpoint: self.checkpoint.clone() }))
    }

    pub(super) fn has(&self, place: Place) -> bool {
        match place {
            Place::Accepted { sequence } => self.after.0 < sequence && sequence <= self.through.0,
            Place::Refused { .. } => self.refusals.iter().any(|(leaf, _)| leaf.id().place == place),
        }
    }

    /// Epoch and number of the last refusal. A page has those of one epoch only.
    pub(super) fn last_refusal(&self) -> Option<(u64, u64)> {
        match self.refusals.last()?.0.outcome {
            Outcome::Refused { epoch, number, .. } => Some((epoch, number)),
            Outcome::Accepted => None,
        }
    }

    pub(super) fn weight_bytes(&self) -> u64 {
        self.encode().len() as u64 + PAGE_OVERHEAD_BYTES
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let row =
            |(leaf, detail): &(Leaf, String)| RefusalRow { leaf: leaf.encode(), detail: detail.clone() };
        PageRow {
            size_before: self.before.size(),
            nodes_before: self.before.nodes().concat(),
            after: self.after.0,
            through: self.through.0,
            refusals: self.refusals.iter().map(row).collect(),
            checkpoint: self.checkpoint.clone(),
        }
        .encode_to_vec()
    }

    /// The checkpoint of a page, and nothing else of it.
    pub(super) fn checkpoint_of(event: EventId, number: u64, row: &[u8]) -> Result<String, StoreError> {
        let row = CheckpointRow::decode(row).map_err(|_| unreadable(event, number))?;
        Ok(row.checkpoint)
    }

    pub(super) fn decode(event: EventId, number: u64, row: &[u8]) -> Result<Page, StoreError> {
        let unreadable = || unreadable(event, number);
        let row = PageRow::decode(row).map_err(|_| unreadable())?;
        let refusal = |row: RefusalRow| Some((Leaf::decode(&row.leaf)?, row.detail));
        Ok(Page {
            before: edge_of(row.size_before, &row.nodes_before).ok_or_else(unreadable)?,
            after: Sequence(row.after),
            through: Sequence(row.through),
            refusals: row.refusals.into_iter().map(refusal).collect::<Option<_>>().ok_or_else(unreadable)?,
            checkpoint: row.checkpoint,
        })
    }
}

fn unreadable(event: EventId, number: u64) -> StoreError {
    damaged(format!("page {number} of the receipts of {event:?} cannot be read"))
}

/// Give the events of the log after the one sequence up to the other to `take`, one by one.
pub(super) fn each_accepted(
    event: EventId,
    (after, through): (Sequence, Sequence),
    records: &[LogRecord],
    mut take: impl FnMut(Sequence, &Event),
) -> Result<(), StoreError> {
    let mut last = after;
    for record in records {
        for_each(&record.bytes, |sequence, each| {
            if sequence == last.plus(1) && sequence <= through {
                take(sequence, &each);
                last = sequence;
            }
        })
        .map_err(|error| unreadable_record(event, record.last_sequence, &error))?;
    }
    if last < through {
        return Err(damaged(format!("the log of {event:?} ends at {last}, but receipts go to {through}")));
    }
    Ok(())
}
