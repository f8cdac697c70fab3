//! The transcript of an event: every decision without persons, with the signed checkpoints, so that an outsider can check that receipts,
//! log and tree agree. `docs/receipts.md` describes the file.

use serde::{Deserialize, Serialize};
use tessera_inventory::{EventId, Sequence};
use tessera_projections::receipts::{Page, Receipts};
use tessera_proof::{Checkpoint, Frontier, Hash, Leaf, Note, Origin, Outcome, PublicKey, from_hex, to_hex};
use tessera_server::ids;
use tessera_server::receipt::DecisionDocument;
use tessera_store::LogRecord;

use crate::failure::Failure;
use crate::output::line;
use crate::store::Store;

/// The format of a transcript. Another one gets another name.
const FORMAT: &str = "tessera-transcript/1";

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

/// Prints the transcript of an event. A page whose checkpoint names another chain than the log has ends it.
pub(crate) async fn print(store: &Store, event: EventId) -> Result<(), Failure> {
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
        let records = page.records(store, event).await?;
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

/// Whether a text is a transcript, genuine or not.
pub(crate) fn is_one(text: &str) -> bool {
    text.lines().next().is_some_and(|first| serde_json::from_str::<Header>(first).is_ok())
}

/// What a transcript was found to hold.
pub(crate) struct Transcript {
    pub(crate) origin: Origin,
    first: u64,
    leaves: Vec<Hash>,
    sequences: (u64, u64),
    refusals: u64,
    checkpoints: u64,
}

/// What a transcript says of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// It has the same decision in the same place.
    Same,
    /// It begins after the decision: older pages had left.
    Older,
    /// It ends before the decision, which came later.
    Newer,
    /// It has another decision in its place.
    Other,
}

impl Transcript {
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

    /// Whether this is the decision that stands in its place.
    pub(crate) fn agrees(&self, index: u64, leaf: &Hash) -> Agreement {
        let Some(place) = index.checked_sub(self.first) else { return Agreement::Older };
        let found = usize::try_from(place).ok().and_then(|place| self.leaves.get(place));
        match found {
            None => Agreement::Newer,
            Some(found) if found == leaf => Agreement::Same,
            Some(_) => Agreement::Other,
        }
    }
}

/// Verifies a transcript: every checkpoint signed, each tree grown from the one before by exactly these decisions, and every event of the log
/// once, in order.
pub(crate) fn verify(text: &str, keys: &[PublicKey]) -> Result<Transcript, String> {
    let mut lines = text.lines();
    let header: Header =
        serde_json::from_str(lines.next().unwrap_or_default()).map_err(|error| error.to_string())?;
    let event = ids::parse_event(&header.event).filter(|_| header.format == FORMAT);
    let event = event.ok_or("it is not a transcript of this format")?;
    let nodes: Option<Vec<Hash>> = header.nodes.iter().map(|node| from_hex(node)).collect();
    let mut tree =
        nodes.and_then(|nodes| Frontier::of(header.size, nodes)).ok_or("its edge cannot be read")?;
    let mut transcript = Transcript {
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
        verify_page(&page, event, &mut tree, &mut transcript, keys)
            .map_err(|why| format!("page {number}: {why}"))?;
    }
    if transcript.checkpoints == 0 { Err("it has no checkpoint".to_owned()) } else { Ok(transcript) }
}

fn verify_page(
    page: &PageLine,
    event: EventId,
    tree: &mut Frontier,
    transcript: &mut Transcript,
    keys: &[PublicKey],
) -> Result<(), String> {
    let (checkpoint, _) =
        Checkpoint::verify(&page.checkpoint, keys).map_err(|forgery| forgery.to_string())?;
    let same =
        transcript.checkpoints == 0 || transcript.origin.installation == checkpoint.origin.installation;
    if checkpoint.origin.event != event.0 || !same {
        return Err("its checkpoint is of another event".to_owned());
    }
    for decision in &page.decisions {
        let (leaf, _) = decision.leaf(event).map_err(|member| format!("its {member} cannot be read"))?;
        follow(&leaf, transcript)?;
        tree.push(leaf.hash());
        transcript.leaves.push(leaf.hash());
    }
    if (checkpoint.size, checkpoint.root) != (tree.size(), tree.root()) {
        return Err("its decisions are not those that were signed".to_owned());
    }
    if checkpoint.sequence != transcript.sequences.1 {
        return Err("it does not go as far along the log as was signed".to_owned());
    }
    transcript.origin = checkpoint.origin;
    transcript.checkpoints += 1;
    Ok(())
}

fn follow(leaf: &Leaf, transcript: &mut Transcript) -> Result<(), String> {
    match leaf.outcome {
        Outcome::Accepted if leaf.sequence == transcript.sequences.1 + 1 => transcript.sequences.1 += 1,
        Outcome::Accepted => return Err(format!("the event of sequence {} is not the next", leaf.sequence)),
        Outcome::Refused { .. } => transcript.refusals += 1,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_a_transcript_is_not_against_it() {
        let transcript = Transcript {
            origin: Origin { installation: 7, event: 5 },
            first: 10,
            leaves: vec![[1; 32], [2; 32]],
            sequences: (8, 10),
            refusals: 0,
            checkpoints: 1,
        };
        for (index, leaf, agreement) in [
            (9, 1, Agreement::Older),
            (10, 1, Agreement::Same),
            (10, 2, Agreement::Other),
            (11, 2, Agreement::Same),
            (12, 2, Agreement::Newer),
            (u64::MAX, 2, Agreement::Newer),
        ] {
            assert_eq!(transcript.agrees(index, &[leaf; 32]), agreement, "{index}");
        }
    }
}
