//! Receipts: the decisions of an event as a growing Merkle tree whose root is signed page by page.
//!
//! A page is what was decided since the page before: the events of the log, in their order, then refusals. Nothing is stored twice: of
//! what was accepted a page holds nothing, the leaves are made from the log again when somebody asks. A page stores the signed checkpoint,
//! the right edge of the tree before it, and its refusals, which stand nowhere else.

mod draft;
mod page;
mod signer;
mod tree;
mod words;

use std::sync::Arc;

use tessera_inventory::EventId;
use tessera_proof::Place;
use tessera_store::keys::{ReceiptIndexKey, ReceiptPageKey, ReceiptTreeKey};
use tessera_store::{CHUNK_BYTES, Row, StoreError, Table, Transaction, transact};

pub use draft::{DRAFT_LOG_BYTES, DRAFT_REFUSALS_MAX, Draft, PAGE_LOG_BYTES, PAGE_REFUSALS_MAX};
pub use page::Page;
pub use signer::{Rotation, Signer};
pub use tree::Tree;
pub use words::refusal_code;

use crate::damage::damaged;
use crate::mutant::{Mutant, Mutation};

/// Most bytes of pages kept of one event; the oldest leave. A refusal takes about 200, a page about 1,200 besides.
pub const RECEIPT_BYTES_KEPT_MAX: u64 = 512_000_000;
/// Oldest pages removed for each new page, at most: twice as many as come.
const TRIMMED_PER_PAGE_MAX: usize = 2;
/// Chunks of the largest page, at most: refusals of [`PAGE_REFUSALS_MAX`] with their details.
const PAGE_CHUNKS_MAX: usize = 16;

/// The receipts of every event, over a table.
#[derive(Clone)]
pub struct Receipts {
    table: Arc<dyn Table>,
    bytes_kept_max: u64,
    mutation: Mutation,
}

/// What became of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is durable: its receipts can be given.
    Durable,
    /// Somebody else has gone on with the tree: nothing was written.
    Overtaken,
}

impl Receipts {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> Receipts {
        Receipts { table, bytes_kept_max: RECEIPT_BYTES_KEPT_MAX, mutation: Mutation::default() }
    }

    /// Over `table`, with a deliberate defect.
    #[cfg(feature = "mutants")]
    #[doc(hidden)]
    #[must_use]
    pub fn mutated(table: Arc<dyn Table>, mutant: Mutant) -> Receipts {
        Receipts { mutation: Mutation::of(mutant), ..Receipts::new(table) }
    }

    /// Keep so many bytes of an event instead of [`RECEIPT_BYTES_KEPT_MAX`].
    #[must_use]
    pub fn keeping(self, bytes_kept_max: u64) -> Receipts {
        Receipts { bytes_kept_max, ..self }
    }

    /// How far the tree of `event` goes.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for a row that cannot be read.
    pub async fn tree(&self, event: EventId) -> Result<Tree, StoreError> {
        stored_tree(self.table.begin().await?.as_mut(), event).await
    }

    /// Go on with the tree: the pages, their index and the new edge in one transaction.
    ///
    /// # Errors
    /// As the table says.
    pub async fn store(&self, draft: &Draft) -> Result<Stored, StoreError> {
        let event = draft.event;
        transact(self.table.as_ref(), |mut transaction| async move {
            let found = stored_tree(transaction.as_mut(), event).await?;
            if (found.pages, &found.edge) == (draft.next.pages, &draft.next.edge) {
                // An earlier attempt of unknown outcome had landed.
                return Ok((transaction, Stored::Durable));
            }
            if found != draft.from && !self.mutation.is(Mutant::TreeForked) {
                return Ok((transaction, Stored::Overtaken));
            }
            for (number, page) in (draft.from.pages + 1..).zip(&draft.pages) {
                rows_of(event, number, page).iter().for_each(|(key, value)| transaction.set(key, value));
            }
            let kept = self.trim(transaction.as_mut(), draft).await?;
            transaction.set(&ReceiptTreeKey { event }.pack(), &kept.encode());
            Ok((transaction, Stored::Durable))
        })
        .await
    }

    /// The tree after the draft, without the oldest pages while too much is kept. Neither the newest is removed nor one that is written by
    /// this transaction.
    async fn trim(&self, transaction: &mut dyn Transaction, draft: &Draft) -> Result<Tree, StoreError> {
        let (event, mut tree) = (draft.event, draft.next.clone());
        for _ in 0..draft.pages.len() * TRIMMED_PER_PAGE_MAX {
            if tree.kept_bytes <= self.bytes_kept_max || tree.oldest > draft.from.pages {
                break;
            }
            if let Some(page) = read_page(transaction, event, tree.oldest).await? {
                tree.kept_bytes = tree.kept_bytes.saturating_sub(page.weight_bytes());
                forget_page(transaction, event, &page).await?;
            }
            let (begin, end) = ReceiptPageKey::range(event, tree.oldest);
            transaction.clear_range(&begin, &end);
            tree.oldest += 1;
        }
        Ok(tree)
    }

    /// The number of the newest refusal of this epoch that is in a page; 0 where none is. The tree knows it of the epoch of its newest
    /// refusal only, and two ownerships may have theirs proven in turns.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for a row that cannot be read.
    pub async fn refused_in(&self, event: EventId, epoch: u64) -> Result<u64, StoreError> {
        if self.mutation.is(Mutant::ProvenForgotten) {
            return Ok(0);
        }
        last_refused(self.table.begin().await?.as_mut(), event, epoch).await
    }

    /// The page that the decision is in; `None` where it is in none that is kept.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for rows that cannot be read.
    pub async fn page_with(&self, event: EventId, place: Place) -> Result<Option<Page>, StoreError> {
        let (epoch, number) = match place {
            Place::Accepted { sequence } => (0, sequence),
            Place::Refused { epoch, number } => (epoch, number),
        };
        let mut transaction = self.table.begin().await?;
        let (begin, end) = ReceiptIndexKey { event, epoch, number }.from_here();
        let rows = transaction.range(&begin, &end, 1, false).await?;
        let Some((_, value)) = rows.first() else { return Ok(None) };
        let page = read_page(transaction.as_mut(), event, ReceiptIndexKey::decode(value)?).await?;
        Ok(page.filter(|page| page.has(place)))
    }

    /// Up to `limit` pages that are kept, those after page `after`, each with its number; and the number of the newest there is.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for rows that cannot be read.
    pub async fn pages(
        &self,
        event: EventId,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<(u64, Page)>, u64), StoreError> {
        let mut transaction = self.table.begin().await?;
        let tree = stored_tree(transaction.as_mut(), event).await?;
        let mut pages = Vec::new();
        for number in (tree.oldest.max(after.saturating_add(1))..=tree.pages).take(limit) {
            let page = read_page(transaction.as_mut(), event, number).await?;
            let page = page.ok_or_else(|| missing(event, number))?;
            pages.push((number, page));
        }
        Ok((pages, tree.pages))
    }

    /// The signed checkpoints of the same pages, read one page after the other: of none is more kept than its checkpoint.
    ///
    /// # Errors
    /// As [`Self::pages`].
    pub async fn checkpoints(
        &self,
        event: EventId,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<(u64, String)>, u64), StoreError> {
        let mut transaction = self.table.begin().await?;
        let tree = stored_tree(transaction.as_mut(), event).await?;
        let mut checkpoints = Vec::new();
        for number in (tree.oldest.max(after.saturating_add(1))..=tree.pages).take(limit) {
            let bytes = page_bytes(transaction.as_mut(), event, number).await?;
            let bytes = bytes.ok_or_else(|| missing(event, number))?;
            checkpoints.push((number, Page::checkpoint_of(event, number, &bytes)?));
        }
        Ok((checkpoints, tree.pages))
    }
}

async fn stored_tree(transaction: &mut dyn Transaction, event: EventId) -> Result<Tree, StoreError> {
    match transaction.get(&ReceiptTreeKey { event }.pack()).await? {
        Some(row) => Tree::decode(event, &row),
        None => Ok(Tree::default()),
    }
}

/// The rows of a page: its chunks, and where its last decisions are found.
fn rows_of(event: EventId, number: u64, page: &Page) -> Vec<Row> {
    let bytes = page.encode();
    let chunks = (0..)
        .zip(bytes.chunks(CHUNK_BYTES))
        .map(|(chunk, bytes)| (ReceiptPageKey { event, page: number, chunk }.pack(), bytes.to_vec()));
    let index = index_of(event, page).map(|key| (key, ReceiptIndexKey::encode(number).to_vec()));
    chunks.chain(index).collect()
}

fn index_of(event: EventId, page: &Page) -> impl Iterator<Item = Vec<u8>> {
    let accepted = (page.through > page.after).then_some((0, page.through.0));
    let places = accepted.into_iter().chain(page.last_refusal());
    places.map(move |(epoch, number)| ReceiptIndexKey { event, epoch, number }.pack())
}

async fn last_refused(
    transaction: &mut dyn Transaction,
    event: EventId,
    epoch: u64,
) -> Result<u64, StoreError> {
    let (begin, end) = ReceiptIndexKey { event, epoch, number: 0 }.from_here();
    let rows = transaction.range(&begin, &end, 1, true).await?;
    rows.first().map_or(Ok(0), |(key, _)| Ok(ReceiptIndexKey::unpack(key)?.number))
}

/// Take a page that is removed out of the index. The newest refusal of an epoch stays there without its page: whoever still has it waiting
/// finds that it was proven.
async fn forget_page(
    transaction: &mut dyn Transaction,
    event: EventId,
    page: &Page,
) -> Result<(), StoreError> {
    if page.through > page.after {
        transaction.clear(&ReceiptIndexKey { event, epoch: 0, number: page.through.0 }.pack());
    }
    if let Some((epoch, number)) = page.last_refusal() {
        let newest = last_refused(transaction, event, epoch).await?;
        let (begin, _) = ReceiptIndexKey { event, epoch, number: 0 }.from_here();
        let end = ReceiptIndexKey { event, epoch, number: newest.min(number.saturating_add(1)) }.pack();
        transaction.clear_range(&begin, &end);
    }
    Ok(())
}

fn missing(event: EventId, number: u64) -> StoreError {
    damaged(format!("page {number} of {event:?} is missing"))
}

async fn read_page(
    transaction: &mut dyn Transaction,
    event: EventId,
    number: u64,
) -> Result<Option<Page>, StoreError> {
    let bytes = page_bytes(transaction, event, number).await?;
    bytes.map(|bytes| Page::decode(event, number, &bytes)).transpose()
}

async fn page_bytes(
    transaction: &mut dyn Transaction,
    event: EventId,
    number: u64,
) -> Result<Option<Vec<u8>>, StoreError> {
    let (begin, end) = ReceiptPageKey::range(event, number);
    let chunks = transaction.range(&begin, &end, PAGE_CHUNKS_MAX, false).await?;
    let chunks: Vec<_> = chunks.into_iter().map(|(_, chunk)| chunk).collect();
    Ok((!chunks.is_empty()).then(|| chunks.concat()))
}
