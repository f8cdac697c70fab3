//! `tessera verify`: whether receipts and transcripts prove what they say, without a server and without a network.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tessera_proof::{Checkpoint, Origin, Outcome, PublicKey, Receipt};
use tessera_server::instant::Rfc3339;
use tessera_server::receipt::{self, KeysDocument, ReceiptDocument, receipt_id};

use crate::arguments::VerifyArguments;
use crate::failure::Failure;
use crate::output::line;
use crate::transcript::{self, Agreement, Transcript};

/// Verifies every file; the first that proves nothing ends the command.
pub(crate) fn run(arguments: &VerifyArguments) -> Result<(), Failure> {
    let keys = keys(arguments)?;
    let mut receipts = Vec::new();
    let mut transcripts: BTreeMap<Tree, Transcript> = BTreeMap::new();
    for path in &arguments.files {
        let text = read(path)?;
        if transcript::is_one(&text) {
            let transcript = transcript::verify(&text, &keys).map_err(|why| not_proven(path, &why))?;
            line(format_args!("{}: GENUINE transcript", path.display()));
            line(format_args!("  {}", transcript.summary()));
            transcripts.insert(tree(transcript.origin), transcript);
        } else {
            receipts.push((path, parse(path, &text)?));
        }
    }
    for (path, receipt) in &receipts {
        let verified = receipt.verify(&keys).map_err(|forgery| not_proven(path, &forgery.to_string()))?;
        line(format_args!("{}: GENUINE receipt", path.display()));
        explain(receipt, verified);
        if let Some(transcript) = transcripts.get(&tree(verified.0.origin)) {
            line(
                compared(transcript.agrees(receipt.index, &receipt.leaf.hash()))
                    .map_err(|why| not_proven(path, why))?,
            );
        }
    }
    Ok(())
}

/// A transcript that does not have the decision says nothing against its receipt.
const fn compared(agreement: Agreement) -> Result<&'static str, &'static str> {
    match agreement {
        Agreement::Same => Ok("  The transcript has the same decision in the same place."),
        Agreement::Older => Ok("  The transcript begins after this decision and says nothing of it."),
        Agreement::Newer => Ok("  The transcript ends before this decision and says nothing of it."),
        Agreement::Other => {
            Err("the transcript has another decision in its place: one of them was not signed alone")
        }
    }
}

/// Which tree: installation and event.
type Tree = (u128, u128);

const fn tree(origin: Origin) -> Tree {
    (origin.installation, origin.event)
}

fn not_proven(path: &Path, why: &str) -> Failure {
    Failure::NotSound(format!("{} PROVES NOTHING: {why}", path.display()))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::File { path: path.to_owned(), source })
}

fn parse(path: &Path, text: &str) -> Result<Receipt, Failure> {
    let document: ReceiptDocument = serde_json::from_str(text)
        .map_err(|error| not_proven(path, &format!("it is no receipt: {error}")))?;
    document.receipt().map_err(|member| not_proven(path, &format!("its {member} cannot be read")))
}

/// The keys that are trusted: those of the file, and those that were named, which are trusted at any time.
fn keys(arguments: &VerifyArguments) -> Result<Vec<PublicKey>, Failure> {
    let mut keys = Vec::new();
    if let Some(path) = &arguments.keys {
        keys = keys_in(path)?;
    }
    for text in &arguments.key {
        let bytes = receipt::public_key(text).ok_or_else(|| Failure::NotAKey(text.clone()))?;
        keys.push(PublicKey { bytes, valid_from_ms: 0, valid_until_ms: None });
    }
    Ok(keys)
}

fn keys_in(path: &Path) -> Result<Vec<PublicKey>, Failure> {
    let unreadable = |why: String| Failure::NotAKey(format!("{}: {why}", path.display()));
    let document: KeysDocument =
        serde_json::from_str(&read(path)?).map_err(|error| unreadable(error.to_string()))?;
    document.keys().map_err(|member| unreadable(format!("its {member} cannot be read")))
}

/// What a receipt proves, in words.
fn explain(receipt: &Receipt, (checkpoint, key): (Checkpoint, &PublicKey)) {
    let leaf = &receipt.leaf;
    let at = Rfc3339(tessera_inventory::Timestamp(leaf.at_ms));
    let signed_at = Rfc3339(tessera_inventory::Timestamp(checkpoint.at_ms));
    let (kind, sequence) = (leaf.kind.text(), leaf.sequence);
    line(format_args!("  {}", receipt_id(receipt.id)));
    match &leaf.outcome {
        Outcome::Accepted => {
            line(format_args!(
                "  At {at} the request {kind} was accepted, as sequence {sequence} of the log."
            ));
        }
        Outcome::Refused { code, .. } => line(format_args!(
            "  At {at} the request {kind} was refused ({code}), on the log up to sequence {sequence}."
        )),
    }
    if !receipt.detail.is_empty() {
        line(format_args!("  {}", receipt.detail));
    }
    line(format_args!(
        "  It is decision {} of {}, signed at {signed_at} with the key {}.",
        receipt.index + 1,
        checkpoint.size,
        key.id()
    ));
}
