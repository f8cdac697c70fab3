//! The redacted export: every decision of an event without persons, with the signed checkpoints, so that an outsider can check that
//! receipts, log and tree agree. `docs/receipts.md` describes the file.

use serde::{Deserialize, Serialize};
use tessera_embedded::EmbeddedStore;
use tessera_inventory::{EventId, Sequence};
use tessera_projections::receipts::{Page, Receipts};
use tessera_proof::{
    Checkpoint, Frontier, Hash, Leaf, Note, Origin, Outcome, PublicKey, Receipt, from_hex, to_hex,
};
use tessera_server::ids;
use tessera_server::receipt::DecisionDocument;
use tessera_store::{Log, LogRecord, StoreError};

use crate::failure::Failure;
use crate::output::line;

/// The format of an export. Another one gets another name.
const FORMAT: &str = "tessera-export/1";
/// Bytes of log read at once.
const READ_BYTES: usize = 1_000_000;

/// The first line: whose tree, and its right edge before the first page.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    event: String,
    size: u64,
    nodes: Vec<String>,
    sequence: u64,
}

/// Every other line: a page.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageLine {
    page: u64,
    checkpoint: String,
    decisions: Vec<DecisionDocument>,
}

/// Prints the export of an event. A page whose checkpoint names another chain than the log has ends it.
pub(crate) async fn print(store: &EmbeddedStore, event: EventId) -> Result<(), Failure> {
    let receipts = Receipts::new(std::sync::Arc::new(store.clone()));
    let mut after = 0;
    loop {
        let (pages, newest) = receipts.pages(event, after, 1).await?;
        let Some((number, page)) = pages.into_iter().next() else {
            return if newest == 0 {
                Err(Failure::NoReceipts(ids::event(event).to_string()))
            } else {
                Ok(())
            };
        };
        if after == 0 {
            line(json(&header(event, &page))?);
        }
        let records = records(store, event, &page).await?;
        check_chain(&page, &records)?;
        let leaves = page.leaves(event, &records)?;
        let decisions = leaves.iter().map(|(leaf, detail)| DecisionDocument::of(leaf, detail)).collect();
        line(json(&PageLine { page: number, checkpoint: page.checkpoint, decisions })?);
        after = number;
    }
}

fn header(event: EventId, page: &Page) -> Header {
    Header {
        format: FORMAT.to_owned(),
        event: ids::event(event).to_string(),
        size: page.before.size(),
        nodes: page.before.nodes().iter().map(|node| to_hex(node)).collect(),
        sequence: page.after.0,
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::NotSound(error.to_string()))
}

async fn records(store: &EmbeddedStore, event: EventId, page: &Page) -> Result<Vec<LogRecord>, StoreError> {
    let (mut records, mut read_to) = (Vec::new(), page.after);
    while read_to < page.through {
        let more = store.read(event, read_to, READ_BYTES).await?;
        let Some(last) = more.last() else { break };
        read_to = last.last_sequence;
        records.extend(more);
    }
    Ok(records)
}

/// The chain that was signed must be the one that the log has there.
fn check_chain(page: &Page, records: &[LogRecord]) -> Result<(), Failure> {
    let signed = Note::parse(&page.checkpoint).and_then(|note| Checkpoint::parse(&note.text));
    let signed = signed.ok_or_else(|| Failure::NotSound("a stored checkpoint cannot be read".to_owned()))?;
    let end = records.iter().find(|record| record.last_sequence == page.through);
    if page.through > page.after && end.is_none_or(|record| record.chain.0 != signed.chain) {
        let Sequence(through) = page.through;
        return Err(Failure::NotSound(format!(
            "the log has another chain at sequence {through} than was signed there"
        )));
    }
    Ok(())
}

/// Whether a text is an export, genuine or not.
pub(crate) fn is_one(text: &str) -> bool {
    text.lines().next().is_some_and(|first| serde_json::from_str::<Header>(first).is_ok())
}

/// What an export was found to hold.
pub(crate) struct Exported {
    pub(crate) origin: Origin,
    first: u64,
    leaves: Vec<Hash>,
    sequences: (u64, u64),
    refusals: u64,
    checkpoints: u64,
}

impl Exported {
    pub(crate) fn summary(&self) -> String {
        let (from, to) = self.sequences;
        format!(
            "{} decisions ({} refused) in {} signed checkpoints; the log from sequence {} to {to}, each event once.",
            self.leaves.len(),
            self.refusals,
            self.checkpoints,
            from + 1
        )
    }

    /// Whether a receipt names the decision that the export has in its place.
    pub(crate) fn agrees(&self, receipt: &Receipt) -> Result<(), &'static str> {
        let place = receipt.index.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        match place.and_then(|place| self.leaves.get(place)) {
            None => Err("the export does not reach so far"),
            Some(leaf) if *leaf == receipt.leaf.hash() => Ok(()),
            Some(_) => Err("the export has another decision in its place: one of them was not signed alone"),
        }
    }
}

/// Verifies an export: every checkpoint signed, each tree grown from the one before by exactly these decisions, and every event of the log
/// once, in order.
pub(crate) fn verify(text: &str, keys: &[PublicKey]) -> Result<Exported, String> {
    let mut lines = text.lines();
    let header: Header =
        serde_json::from_str(lines.next().unwrap_or_default()).map_err(|error| error.to_string())?;
    let event = ids::parse_event(&header.event).filter(|_| header.format == FORMAT);
    let event = event.ok_or("it is not an export of this format")?;
    let nodes: Option<Vec<Hash>> = header.nodes.iter().map(|node| from_hex(node)).collect();
    let mut tree =
        nodes.and_then(|nodes| Frontier::of(header.size, nodes)).ok_or("its edge cannot be read")?;
    let mut exported = Exported {
        origin: Origin { installation: 0, event: event.0 },
        first: header.size,
        leaves: Vec::new(),
        sequences: (header.sequence, header.sequence),
        refusals: 0,
        checkpoints: 0,
    };
    for text in lines {
        let page: PageLine = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let number = page.page;
        verify_page(&page, event, &mut tree, &mut exported, keys)
            .map_err(|why| format!("page {number}: {why}"))?;
    }
    if exported.checkpoints == 0 { Err("it has no checkpoint".to_owned()) } else { Ok(exported) }
}

fn verify_page(
    page: &PageLine,
    event: EventId,
    tree: &mut Frontier,
    exported: &mut Exported,
    keys: &[PublicKey],
) -> Result<(), String> {
    let (checkpoint, _) =
        Checkpoint::verify(&page.checkpoint, keys).map_err(|forgery| forgery.to_string())?;
    let same = exported.checkpoints == 0 || exported.origin.installation == checkpoint.origin.installation;
    if checkpoint.origin.event != event.0 || !same {
        return Err("its checkpoint is of another event".to_owned());
    }
    for decision in &page.decisions {
        let (leaf, _) = decision.leaf(event).map_err(|member| format!("its {member} cannot be read"))?;
        follow(&leaf, exported)?;
        tree.push(leaf.hash());
        exported.leaves.push(leaf.hash());
    }
    if (checkpoint.size, checkpoint.root) != (tree.size(), tree.root()) {
        return Err("its decisions are not those that were signed".to_owned());
    }
    if checkpoint.sequence != exported.sequences.1 {
        return Err("it does not go as far along the log as was signed".to_owned());
    }
    exported.origin = checkpoint.origin;
    exported.checkpoints += 1;
    Ok(())
}

fn follow(leaf: &Leaf, exported: &mut Exported) -> Result<(), String> {
    match leaf.outcome {
        Outcome::Accepted if leaf.sequence == exported.sequences.1 + 1 => exported.sequences.1 += 1,
        Outcome::Accepted => return Err(format!("the event of sequence {} is not the next", leaf.sequence)),
        Outcome::Refused { .. } => exported.refusals += 1,
    }
    Ok(())
}
